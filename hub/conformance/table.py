"""The results of `gashub conformance`, for people and for programs."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from hub.conformance.examining import Result, described
from hub.pages import LEVELS

_WIDE = 150  # where the output is no terminal


def show(results: Sequence[Result]) -> None:
    """Print one line for each kind; under the first level it misses, what is missing.

    Below the table: what could not be asked, and of whom.
    """
    table = _table("plugin", "kind", *LEVELS[1:], "claims")
    beside: dict[str, list[str]] = {}
    for result in results:
        table.add_row(result.plugin, result.kind, *_cells(result), result.claimed)
        for reason in result.beside:
            beside.setdefault(reason, []).append(result.kind)
    console = _console()
    console.print(table)
    for reason, kinds in beside.items():
        console.print(f"not applicable to {', '.join(kinds)}: {reason}", highlight=False)


def show_checks() -> None:
    """Print what is asked of each sort of plugin for each level."""
    table = _table("sort", "level", "check", "what it asks for")
    for row in described():
        table.add_row(*row)
    _console().print(table)


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDE)


def _cells(result: Result) -> Iterable[str]:
    reached = LEVELS.index(result.level)
    for at in range(1, len(LEVELS)):
        if at <= reached:
            yield "yes"
        elif at == reached + 1 and result.missing:
            yield f"no: {result.missing}"
        else:
            yield "-" if result.missing else "not applicable"


def as_rows(results: Iterable[Result]) -> list[dict[str, Any]]:
    """For JSON."""
    return [result._asdict() for result in results]
