"""Commands for evidence: bundles for others, and verdicts by another rule pack."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.asking import ask, show, text_of
from hub.cli.options import CONFIG, ConfigOption, JsonOption
from hub.errors import CommandRefused

if TYPE_CHECKING:
    from hub.bundle import Report
    from hub.bundle.manifest import For
    from hub.ledger import PublicKey

evidence_app = typer.Typer(
    no_args_is_help=True, help="Evidence of one job or order, for others: export, verify."
)
HeadOption = Annotated[
    list[Path] | None, typer.Option("--head", help="A checkpoint held outside (file); repeatable.")
]


@evidence_app.command("export")
def export(
    number: Annotated[str, typer.Argument(help="Number of a job, or of an order without one.")],
    out: Annotated[Path | None, typer.Argument(help="File to write; NUMBER.zip.")] = None,
    recipient: Annotated[
        str,
        typer.Option(
            "--for",
            help="authority (of the customer only that there are data), company, court (whole).",
        ),
    ] = "authority",
    with_hazards: Annotated[
        bool, typer.Option(help="The jobs that came out of it as well.")
    ] = True,
    with_files: Annotated[
        bool, typer.Option("--with-files", help="Photos, scans and signatures as well.")
    ] = False,
    head: HeadOption = None,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Write everything about a job or order into one sealed file that proves itself."""
    from hub.bundle import Wanted
    from hub.bundle import export as write
    from hub.config import load_config
    from hub.timekeeping import hub_clock

    path = out or Path(f"{number.replace('/', '_')}.zip")
    heads = [text_of(file) for file in head or []]
    wanted = Wanted(number, _recipient(recipient), with_hazards, with_files, heads)
    ask(config, "ledger.checkpoint")  # only what a signed head covers can be proved
    state_dir = load_config(config).hub.state_dir
    manifest = write(state_dir, path, wanted, hub_clock().now_us())
    told = {
        "file": str(path),
        "bytes": path.stat().st_size,
        manifest.kind: manifest.number,
        "for": manifest.recipient,
        "hazards": [job.number for job in manifest.jobs if job.number != number],
        "withheld": len(manifest.withheld),
        "files_lost": list(manifest.files_lost),
    }
    show(told, as_json)


@evidence_app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The bundle.")],
    key: Annotated[
        str, typer.Option(help="The gateway's verifier key (device.pub): the line, or a file.")
    ] = "",
    head: HeadOption = None,
    plugin: Annotated[
        list[str] | None,
        typer.Option("--plugin", help="Plugin of your own that has read some of it; repeatable."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a bundle, offline and without a hub. Exit 0: it is good. 1: it is not, and why."""
    from hub.bundle import verify as check

    heads = [text_of(path) for path in head or []]
    try:
        report = check(file, _key(key), heads, plugin or [])
    except OSError as fault:
        raise CommandRefused(f"{file}: cannot be read: {fault.strerror}") from fault
    show(_told(report, as_json), as_json)
    if not report.good:
        raise typer.Exit(1)


def rejudge(
    wanted: Annotated[
        str, typer.Argument(help="Attempt id, verdict id or order number; all when absent.")
    ] = "",
    rulepack: Annotated[
        str, typer.Option("--rulepack", help="Id, or path of a folder or .toml file.")
    ] = "",
    record: Annotated[
        bool, typer.Option("--record", help="Set it into the record, beside the first verdict.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="With --record: staff id of whoever does.")] = "",
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Judge recorded attempts by another rule pack, and list what it says otherwise.

    The first verdict stays what it is, and a second one releases nothing.
    """
    from hub.errors import ConfigError
    from hub.rulepack import RulePackError, load_pack

    if not rulepack:
        raise typer.BadParameter("which one? for example --rulepack our-city.toml")
    if record and not (wanted and by):
        raise CommandRefused("--record needs what is judged again (an attempt or order), and --by")
    try:
        pack = load_pack(rulepack)
    except RulePackError as wrong:
        raise ConfigError(str(wrong)) from wrong
    if record:
        text = pack.source_bytes.decode()
        show(ask(config, "verdict.second", wanted=wanted, pack=text, by=by), as_json)
        return
    from hub.config import load_config
    from hub.registry import Registry
    from hub.rejudging import rejudge as judge_again

    settings = load_config(config)
    found = judge_again(settings.hub.state_dir, Registry(settings.hub.plugins), pack, wanted)
    show(found, as_json)


# -- inside


def _told(report: "Report", as_json: bool) -> object:
    """The report; for people without what is empty."""
    told = report.as_dict()
    if as_json:
        return told
    return {name: value for name, value in told.items() if value not in ([], {}, None, "")}


def _recipient(name: str) -> "For":
    for known in ("company", "authority", "court"):
        if name == known:
            return known
    raise typer.BadParameter(f"--for is {name!r}; company, authority or court")


def _key(given: str) -> "PublicKey | None":
    """A verifier key, as a line or in a file. Raises CommandRefused for what is none."""
    from hub.ledger.keys import PublicKey

    if not given:
        return None
    line = text_of(Path(given)) if "+" not in given else given
    try:
        return PublicKey.from_line(line)
    except ValueError as wrong:
        raise CommandRefused(f"--key: {wrong}; give the line of device.pub") from None
