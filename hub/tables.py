"""Answers on a terminal: lists as tables, single things as key and value."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.json import JSON
from rich.table import Table


def show(answer: Any) -> None:
    """Print an answer for a person."""
    console = Console()
    if isinstance(answer, str):
        console.print(answer, markup=False)
    elif isinstance(answer, Mapping):
        _pairs(console, answer)
    elif isinstance(answer, Sequence) and all(isinstance(row, Mapping) for row in answer):
        _rows(console, answer)
    else:
        console.print(JSON.from_data(answer, default=str))


def _rows(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        console.print("none")
        return
    table = Table()
    for key in rows[0]:
        table.add_column(str(key), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(key, "")) for key in rows[0]))
    console.print(table)


def _pairs(console: Console, answer: Mapping[str, Any]) -> None:
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in answer.items():
        table.add_row(str(key), _cell(value))
    console.print(table)


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple) and value:
        return JSON.from_data(value, default=str, ensure_ascii=False)
    return "" if value in ((), [], {}, None) else str(value).replace("[", "\\[")
