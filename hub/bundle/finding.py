"""What a verifier says of a bundle: the first thing that is wrong, or what was shown."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class NotGood(Exception):
    """The bundle does not prove what it says. One reason is enough, and the first is told.

    check   seal, container, manifest, checkpoint, entry, head, erasure, chain, file, job, verdict
            or frame
    member  name of the member of the archive, "" for the file as a whole
    entry   index of the entry, None where it is about none
    """

    def __init__(self, check: str, what: str, member: str = "", entry: int | None = None) -> None:
        super().__init__(what)
        self.check = check
        self.what = what
        self.member = member
        self.entry = entry

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a screen or a script."""
        return {
            "check": self.check,
            "member": self.member,
            "entry": self.entry,
            "what": self.what,
        }


@dataclass(slots=True)
class Report:
    """What `verify` found. `bad` is None when everything that could be checked holds.

    key_given  whether the key came from outside; else it is the bundle's own word
    counts     how many of each thing were shown: entries, readings, events, verdicts, frames
    not_shown  why something could not be checked -> how often; never silent, and no failure
    """

    file: str
    about: Mapping[str, Any] = field(default_factory=dict)
    key_id: str = ""
    key_given: bool = False
    outside: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    not_shown: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    bad: NotGood | None = None

    @property
    def good(self) -> bool:
        return self.bad is None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a screen or a script."""
        return {
            "file": self.file,
            "good": self.good,
            "first_bad": None if self.bad is None else self.bad.as_dict(),
            **self.about,
            "key": self.key_id,
            "key_given": self.key_given,
            "outside_heads": self.outside,
            "shown": dict(sorted(self.counts.items())),
            "not_shown": dict(sorted(self.not_shown.items())),
            "notes": list(self.notes),
        }
