"""Papers: the work order of a job, the report of a hold test, the notice of a hazard."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from hub.records.export import whole
from hub.records.paper.font import Font, find_font
from hub.records.paper.hold_report import hold_report
from hub.records.paper.letter import letter
from hub.records.paper.notice import notice
from hub.records.paper.sheet import Paper
from hub.records.paper.typeset import typeset
from hub.records.paper.work_order import work_order
from hub.records.words import Words

__all__ = ["PAPERS", "find_font", "print_paper", "set_paper"]

PAPERS: Final[Mapping[str, Callable[[Words, str], Paper]]] = {
    "work-order": work_order,
    "hold-report": hold_report,
    "notice": notice,
    "letter": letter,
}
"""Name -> how it is made of the record, for a job's or an attempt's id."""


def set_paper(words: Words, paper: str, id: str, font: Font) -> bytes:
    """A paper as PDF. The same record, font and reader give the same bytes.

    raises  CommandRefused when there is nothing of that id, or nothing to set it with
    """
    made = PAPERS[paper](words, id)
    return typeset(made.template, made.said, made.images, font, made.at_us)


def print_paper(words: Words, paper: str, id: str, out: Path) -> int:
    """Write a paper into a file, whole or not at all; its size in bytes."""
    made = set_paper(words, paper, id, find_font())
    return whole(out, lambda part: part.write_bytes(made))
