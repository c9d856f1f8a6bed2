"""The heads of a log, read once from the first to the last: their hashes as a tree, for proofs, and
where the entries stand that a bundle may need.

64 bytes of memory for each entry of the log, and some hundred for each one that may be needed.
"""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

import orjson

from hub.bundle.contents import OF_ATTEMPT, OF_JOB
from hub.ledger import LedgerReader
from hub.ledger.merkle import leaf_hash
from hub.ledger.tree import Tree

OF_NUMBER: Final = frozenset({"order", "second_verdict", *OF_ATTEMPT, *OF_JOB})
"""Kinds that belong to one job or order, by `refs.order`."""
OF_GATEWAY: Final = frozenset({"start", "parts", "staff", "alarm", "notice", "erased"})
_CHUNK: Final = 2000


class Place(NamedTuple):
    at: int
    refs: dict[str, str]


class Heads:
    """Of the first *size* entries. Of the kinds in OF_NUMBER only those of *numbers* are kept."""

    def __init__(self, reader: LedgerReader, size: int, numbers: Collection[str]) -> None:
        self.tree = Tree()
        self._places: dict[str, list[Place]] = {}
        for first in range(0, size, _CHUNK):
            rows = reader.rows(
                "SELECT idx, head FROM entries WHERE idx>=? AND idx<? ORDER BY idx",
                (first, min(first + _CHUNK, size)),
            )
            for index, head in rows:
                self.tree.append(leaf_hash(head))
                facts = orjson.loads(head)
                kind, refs = facts["kind"], facts.get("refs", {})
                if kind in OF_GATEWAY or (kind in OF_NUMBER and refs.get("order") in numbers):
                    self._places.setdefault(kind, []).append(Place(index, refs))

    def of(self, *kinds: str, **refs: str) -> Iterator[Place]:
        """Where entries of these kinds with these references stand, kind by kind, in order."""
        for kind in kinds:
            for place in self._places.get(kind, ()):
                if refs.items() <= place.refs.items():
                    yield place

    def last(self, kind: str, before: int, **refs: str) -> list[int]:
        """The newest of a kind before an index: one, or none."""
        return [place.at for place in self.of(kind, **refs) if place.at < before][-1:]
