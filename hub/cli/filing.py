"""`gashub filing`: what an authority is owed, and every filing from its draft to its receipt."""

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from hub.cli.asking import ask, show
from hub.cli.options import CONFIG, ConfigOption, JsonOption
from hub.errors import CommandRefused

if TYPE_CHECKING:
    from hub.filing.drafting import Draft, Finding
    from hub.filing.period import Span
    from hub.filing.profile import Profile

filing_app = typer.Typer(no_args_is_help=True, help="Filings with an authority, to the receipt.")
PIECE = 600_000
AuthorityArgument = Annotated[str, typer.Argument(help="Name of the sink that carries filings.")]
FilingArgument = Annotated[str, typer.Argument(help="Id of the filing.")]
PeriodOption = Annotated[
    str, typer.Option("--period", help="Such as 2026-11, 2026-Q4; else the last that is over.")
]
ByOption = Annotated[str, typer.Option("--by", help="Staff id of whoever answers for it.")]
CorrectsOption = Annotated[
    str, typer.Option("--corrects", help="A filing whose records are filed again.")
]


@filing_app.command("due")
def filing_due(
    authority: AuthorityArgument,
    period: PeriodOption = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List what is due up to the end of a period, and what is wrong with it. Changes nothing."""
    from hub.filing.deadlines import until

    draft, profile, span = _draft(config, authority, period, "")
    told = {
        "period": span.name,
        "file_until": until(profile.schedule, span).isoformat(),
        **_standing(config, authority, profile, span),
        "due": draft.members,
        "findings": [_said(config, one) for one in draft.findings],
    }
    show(told, as_json)


@filing_app.command("draft")
def filing_draft(
    authority: AuthorityArgument,
    by: ByOption,
    period: PeriodOption = "",
    corrects: CorrectsOption = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Draft a filing of everything that is due. From then on its records are in it."""
    from hub.records.filing.drafting import handed_in

    draft, profile, span = _draft(config, authority, period, corrects)
    told = handed_in(draft, profile, authority, span, corrects)
    digest = _hand_in(config, json.dumps(told, ensure_ascii=False).encode())
    answer = ask(config, "filing.draft", sha256=digest, by=by)
    answer["findings"] = [_said(config, one) for one in draft.findings]
    show(answer, as_json)


@filing_app.command("list")
def filing_list(
    authority: Annotated[str, typer.Option(help="Only this authority's.")] = "",
    state: Annotated[str, typer.Option(help="Only in this state, such as rejected.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """List the filings, newest first, with state and receipt."""
    from hub.config import load_config
    from hub.filing.listing import filings

    show(filings(load_config(config).hub.state_dir, authority, state), as_json)


@filing_app.command("show")
def filing_show(
    filing: FilingArgument,
    document: Annotated[
        bool, typer.Option("--document", help="With what is sent, word for word.")
    ] = False,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show a filing: its digest, what is wrong with it, every step with its ledger entry."""
    from hub.config import load_config
    from hub.filing.listing import filing as look_at

    show(look_at(load_config(config).hub.state_dir, filing, with_document=document), as_json)


@filing_app.command("approve")
def filing_approve(
    filing: FilingArgument,
    by: ByOption,
    digest: Annotated[
        str, typer.Option(help="The first digits (8 at least) of the digest that was looked at.")
    ],
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """A supervisor approves a filing that has no fault."""
    show(ask(config, "filing.approve", filing=filing, by=by, digest=digest), as_json)


@filing_app.command("submit")
def filing_submit(
    filing: FilingArgument,
    by: ByOption,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Send an approved filing, and ask for its result until there is one."""
    show(ask(config, "filing.submit", filing=filing, by=by), as_json)


@filing_app.command("discard")
def filing_discard(
    filing: FilingArgument,
    by: ByOption,
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Give a filing up that was not sent, or was rejected; its records are due again."""
    show(ask(config, "filing.discard", filing=filing, by=by, reason=reason), as_json)


@filing_app.command("answer")
def filing_answer(
    filing: FilingArgument,
    step: Annotated[
        Literal["accepted", "rejected", "duplicate"], typer.Argument(help="What they answered.")
    ],
    by: ByOption,
    receipt: Annotated[str, typer.Option(help="Number of the receipt.")] = "",
    reason: Annotated[str, typer.Option(help="Why it was rejected; no names.")] = "",
    of: Annotated[str, typer.Option(help="The filing that it is a duplicate of.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Type in what the authority answered, for a filing that was uploaded by hand."""
    answer = ask(
        config, "filing.answer", filing=filing, step=step, by=by, receipt=receipt, reason=reason,
        of=of,
    )  # fmt: skip
    show(answer, as_json)


# -- inside


def _draft(
    config: Path, authority: str, period: str, corrects: str
) -> tuple["Draft", "Profile", "Span"]:
    """The draft of what is due now, from the record alone."""
    from hub.config import check_settings, load_config
    from hub.filing.period import last_over, span
    from hub.filing.profile import load_profile
    from hub.filing.settings import FilingSinkSettings
    from hub.jobs.timing import day_of
    from hub.records import Record
    from hub.records.filing import draft
    from hub.registry import Registry
    from hub.timekeeping import hub_clock

    settings = load_config(config)
    registry = Registry(settings.hub.plugins)
    known = {one.name: one for one in settings.sink}
    kind = registry.sinks.get(known[authority].kind) if authority in known else None
    if kind is None or not issubclass(kind.settings, FilingSinkSettings):
        raise CommandRefused(
            f"{config}: no sink {authority!r} that carries filings; sinks: "
            f"{', '.join(sorted(known)) or 'none'}"
        )
    given = known[authority].settings
    who = check_settings(kind.settings, given, config, f'sink "{authority}"')
    assert isinstance(who, FilingSinkSettings), "its model is one"
    profile = load_profile(who.profile)
    now_us = hub_clock().now_us()
    every = profile.schedule.every
    asked = span(every, period) if period else last_over(every, day_of(now_us))
    with Record(settings.hub.state_dir) as record:
        return draft(record, profile, who, authority, asked, now_us, corrects), profile, asked


def _standing(config: Path, authority: str, profile: "Profile", span: "Span") -> dict[str, Any]:
    """How the asked period stands, and every other that is owed."""
    from hub.clock import local_day
    from hub.config import load_config
    from hub.filing.deadlines import period_now, read_owed
    from hub.ledger import LedgerReader
    from hub.timekeeping import hub_clock

    settings = load_config(config)
    today = local_day(hub_clock().now_us())
    with LedgerReader(settings.hub.state_dir) as reader:
        now = period_now(reader.sql, authority, profile.schedule, span)
        others = read_owed(reader.sql, authority, profile.schedule, today)
    lang = settings.hub.language
    return {
        "state": now.filing.state if now.filing else "",
        "days_left": now.days_left(today),
        "says": now.sentence(lang, today),
        "owed": [one.as_row(lang, today) for one in others],
    }


def _hand_in(config: Path, content: bytes) -> str:
    """Hand a draft over in pieces; its SHA-256."""
    digest = sha256(content).hexdigest()
    for offset in range(0, len(content), PIECE):
        ask(
            config,
            "filing.put",
            sha256=digest,
            size=str(len(content)),
            offset=str(offset),
            base64=b64encode(content[offset : offset + PIECE]).decode(),
        )
    return digest


def _said(config: Path, finding: "Finding") -> dict[str, Any]:
    from hub.config import load_config
    from hub.texts.records import RECORDS

    texts = RECORDS[load_config(config).hub.language]
    told = texts[f"records.filing.finding.{finding.word}"]
    return {"level": finding.level, "where": finding.where, "what": told, "detail": finding.detail}
