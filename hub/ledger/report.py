"""What `verify` answers."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hub.ledger.checkpoint import Head

MOST_FINDINGS = 100
Progress = Callable[[int, int], None]
"""Told (entries done, entries in all) now and then; the second may grow under a running hub."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong. `index` is the first entry concerned, `until` the last it could be.

    `where` is entry, checkpoint, erasure, tail (the end is missing), outside or file.
    """

    index: int
    until: int
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """The result of `verify` on `file`. `first_bad` is None when everything holds.

    `findings` are the first hundred, in the order they were met; one cause can give many.
    """

    file: str
    origin: str
    head: Head
    first_bad: Finding | None
    findings: tuple[Finding, ...]
    checkpoints: int
    outside: int
    erased: int
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.first_bad is None

    @property
    def provable(self) -> bool:
        """Could a cut tail or a replaced file have been seen? Only against an outside head."""
        return self.outside > 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a screen or a script."""
        return {
            "file": self.file,
            "ok": self.ok,
            "first_bad": None if self.first_bad is None else asdict(self.first_bad),
            "provable": self.provable,
            "entries": self.head.size,
            "root": self.head.root.hex(),
            "checkpoints": self.checkpoints,
            "outside_heads": self.outside,
            "erased": self.erased,
            "findings": [asdict(finding) for finding in self.findings],
            "notes": list(self.notes),
        }


def first_of(findings: Sequence[Finding]) -> Finding | None:
    """The first by index; one that names its entry goes before a range that covers it."""
    if not findings:
        return None
    first = min(findings, key=lambda found: (found.index, found.until))
    exact = [
        found
        for found in findings
        if found.index == found.until and first.index <= found.index <= first.until
    ]
    return min(exact, key=lambda found: found.index) if exact else first
