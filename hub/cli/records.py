"""`gashub records` and `gashub print`: registers and papers, from the record alone.

Both only read, beside a running hub or on a copy of its state folder (`--file`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hub.cli.options import CONFIG, ConfigOption, JsonOption
from hub.texts import Language

if TYPE_CHECKING:
    from hub.records import Record

RegisterName = Literal["purge", "inspection", "repair", "hazards", "refused"]
PaperName = Literal["work-order", "hold-report", "notice", "letter"]
Recipient = Literal["company", "crm", "authority", "court"]
FileOption = Annotated[
    Path | None, typer.Option("--file", help="A copy: a state folder or ledger file instead.")
]
LangOption = Annotated[
    Language | None, typer.Option("--lang", help="zh or en; else the config's language.")
]
RecipientOption = Annotated[
    Recipient, typer.Option("--for", help="Who reads it: decides what of personal data is shown.")
]


def records(
    register: Annotated[RegisterName, typer.Argument(help="Which register.")],
    first: Annotated[str, typer.Option("--from", help="First day, such as 2026-11-01.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last day; it belongs to the period.")] = "",
    kind: Annotated[str, typer.Option(help="Only rows of this kind; see docs/records.md.")] = "",
    state: Annotated[
        str, typer.Option(help="running, ended, or the word with which a job ended.")
    ] = "",
    with_customer: Annotated[
        bool, typer.Option("--with-customer", help="With the customer's data, for company use.")
    ] = False,
    recipient: RecipientOption = "company",
    out: Annotated[
        Path | None, typer.Option("--out", help="A .xlsx or .csv file; else shown.")
    ] = None,
    lang: LangOption = None,
    file: FileOption = None,
    config: ConfigOption = CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show or export a register: every job, hazard or refusal of a period, one row each."""
    import sys

    from hub.clock import HubClock
    from hub.records import REGISTERS, Table, Words, export, lines, period_of

    with _record(config, file, lang) as (record, spoken):
        reader = recipient if with_customer else None
        words = Words(record, spoken, reader, HubClock().now_us())
        period = period_of(first, last)
        table = Table(REGISTERS[register], words, period, kind, state)
        if out is not None:
            typer.echo(words.say("done", path=out, count=export(table, out)))
        elif as_json or not sys.stdout.isatty():
            sys.stdout.writelines(lines(table))
        else:
            from hub.records.screen import show

            show(table)


def print_(
    paper: Annotated[PaperName, typer.Argument(help="Which paper.")],
    id: Annotated[
        str,
        typer.Argument(
            help="Number of the job or hazard; of a report its attempt, of a letter its filing."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The PDF file.")],
    recipient: RecipientOption = "company",
    lang: LangOption = None,
    file: FileOption = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Print a work order, the report of a hold test, the notice of a hazard, or the cover letter
    of an approved filing, as PDF/A.
    """
    from hub.records import Words
    from hub.records.paper import print_paper

    with _record(config, file, lang) as (record, spoken):
        size = print_paper(Words(record, spoken, recipient), paper, id, out)
        typer.echo(f"{out}: {size} bytes")


@contextmanager
def _record(
    config: Path, file: Path | None, lang: Language | None
) -> Iterator[tuple["Record", Language]]:
    """The record, and the language to speak. With a copy no configuration is needed."""
    from hub.config import load_config
    from hub.records import Record

    if file is not None:
        with Record(file) as record:
            yield record, lang or "zh"
        return
    settings = load_config(config)
    with Record(settings.hub.state_dir) as record:
        yield record, lang or settings.hub.language
