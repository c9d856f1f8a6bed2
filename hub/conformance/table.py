"""The results of `gashub conformance`, for people and for programs."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.conformance.examining import Result, described
from hub.pages import LEVELS

_WIDEST = 100


def show(results: Sequence[Result]) -> None:
    """Print one line for each kind; in the last column the first check that it does not meet.

    Below the table: what was counted by request, and what could not be asked, and of whom.
    """
    table = _table("plugin", "kind", *LEVELS[1:], "claims", "lacks")
    beside: dict[str, list[str]] = {}
    for result in results:
        lacks = Text(result.missing)  # which may hold brackets, and they are no markup
        table.add_row(result.plugin, result.kind, *_cells(result), result.claimed, lacks)
        for reason in result.beside:
            beside.setdefault(reason, []).append(result.kind)
    console = _console()
    console.print(table)
    for result in results:
        for told in result.counted:
            console.print(f"{result.kind} {told}", highlight=False, markup=False)
    for reason, kinds in beside.items():
        console.print(
            f"not applicable to {', '.join(kinds)}: {reason}", highlight=False, markup=False
        )


def show_checks() -> None:
    """Print what is asked of each sort of plugin for each level."""
    table = _table("sort", "level", "check", "what it asks for")
    for row in described():
        table.add_row(*row)
    _console().print(table)


def _table(*columns: str) -> Table:
    """Only the last column is broken into lines."""
    table = Table(box=None, pad_edge=False)
    *words, last = columns
    for name in words:
        table.add_column(name, no_wrap=True)
    table.add_column(last)
    return table


def _console() -> Console:
    """As wide as can be read, also where the output is no terminal."""
    console = Console()
    return Console(width=min(console.width, _WIDEST) if console.is_terminal else _WIDEST)


def _cells(result: Result) -> Iterable[str]:
    reached = LEVELS.index(result.level)
    for at in range(1, len(LEVELS)):
        if at <= reached:
            yield "yes"
        elif at == reached + 1 and result.missing:
            yield "no"
        else:
            yield "-"


def as_rows(results: Iterable[Result]) -> list[dict[str, Any]]:
    """For JSON."""
    return [result._asdict() for result in results]
