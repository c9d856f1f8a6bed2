"""A register on a terminal: its facts, and its rows as far as they fit."""

from rich.console import Console

from hub.records.cells import cells, plain
from hub.records.table import Table
from hub.tables import pairs, rows


def show(table: Table, console: Console | None = None) -> None:
    """Print it; what is too wide for the line stands under its row."""
    console = console or Console()
    titles = table.titles()
    found = [
        dict(zip(titles, map(plain, cells(table.columns, row.values)), strict=True))
        for row in table.rows()
    ]
    rows(console, found)
    facts = table.facts(len(found))
    pairs(console, {table.words.say(f"fact.{name}"): text for name, text in facts.items()})
