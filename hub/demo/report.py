"""What came of the demo: read from the hub's record and the files, never from what was expected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.demo.scenarios import Scenario
from hub.demo.screen import coloured
from hub.demo.words import Lang, word
from hub.ledger import LedgerReader
from hub.looking import order as look_at
from hub.outbox import listing


@dataclass(frozen=True, slots=True)
class Line:
    """One attempt's verdict, and how far it has got. Empty `receipt`, `batch`: not yet."""

    scenario: Scenario
    verdict_id: str
    verdict: str
    sentence: Mapping[str, str]
    clauses: Sequence[str]
    receipt: str
    batch: str


def gather(scenarios: Sequence[Scenario], state_dir: Path, filing: Path) -> list[Line]:
    """The verdicts of all orders, oldest attempt first, with their receipts and filing batches."""
    with LedgerReader(state_dir) as reader:
        parcels = {
            (row.sink, orjson.loads(listing.show(reader.sql, row.id).body)["id"]): row
            for sink in ("crm", "filing")
            for row in listing.rows(reader.sql, sink=sink, state="taken", at_most=1000)
        }
    filed = _filed(filing)
    lines = []
    for scenario in scenarios:
        for attempt in look_at(state_dir, scenario.number)["attempts"]:
            verdict, ident = attempt["verdict"], attempt["verdict_id"]
            if not verdict:
                continue
            crm, batch = parcels.get(("crm", ident)), parcels.get(("filing", ident))
            lines.append(
                Line(
                    scenario,
                    ident,
                    verdict["verdict"],
                    verdict["sentence"],
                    verdict["clauses"],
                    crm.receipt if crm is not None else "",
                    filed.get(ident, "") if batch is not None else "",
                )
            )
    return lines


def missing(scenarios: Sequence[Scenario], lines: Sequence[Line]) -> list[str]:
    """What is not as it must be, in words; empty when all is well."""
    wrong = []
    for scenario in scenarios:
        mine = [line for line in lines if line.scenario is scenario]
        came = [line.verdict for line in mine]
        if came != list(scenario.expected):
            wrong.append(
                f"{scenario.number}: {', '.join(scenario.expected)} expected, "
                f"{', '.join(came) or 'no verdict'} came"
            )
        for line in mine:
            if not line.receipt:
                wrong.append(f"{scenario.number}: {line.verdict} has no CRM receipt")
            if not line.batch:
                wrong.append(f"{scenario.number}: {line.verdict} is in no filing batch")
    return wrong


def print_table(console: Console, lines: Sequence[Line], lang: Lang) -> None:
    """Order, verdict, sentence, clause, receipt, batch."""
    table = Table(title=word(lang, "table"), title_justify="left", show_lines=True)
    for key in ("order", "verdict"):
        table.add_column(word(lang, key), no_wrap=True)
    table.add_column(word(lang, "sentence"), ratio=1, min_width=24, overflow="fold")
    table.add_column(word(lang, "clause"), max_width=16, overflow="fold")
    table.add_column(word(lang, "receipt"), overflow="fold")
    table.add_column(word(lang, "batch"), max_width=26, overflow="fold")
    for line in lines:
        table.add_row(
            line.scenario.number,
            coloured(line.verdict, lang),
            Text(line.sentence[lang]),
            Text("\n".join(line.clauses)),
            line.receipt or "-",
            line.batch or "-",
        )
    console.print(table)


def print_files(console: Console, folder: Path, lang: Lang) -> None:
    """Every file the demo has made, with its size."""
    console.print(word(lang, "files", folder=folder), markup=False, highlight=False)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        size = path.stat().st_size
        console.print(f"  {path.relative_to(folder)}  {size:,} B", markup=False, highlight=False)


def _filed(folder: Path) -> Mapping[str, str]:
    """Id of each event found in a filing batch's JSON file -> the batch's id."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.json")):
        batch: Any = orjson.loads(path.read_bytes())
        for record in batch["records"]:
            found[record["event"]] = batch["header"]["batch_id"]
    return found
