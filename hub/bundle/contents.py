"""The entries of a bundle, each proved to be in the signed log, and found by what they are.

What is here has been checked: line form, head, digest, index, inclusion, and that what lacks its
body was erased by an entry that says so, or is listed as withheld.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any

from hub.bundle.container import CHECKPOINT, ENTRIES
from hub.bundle.finding import NotGood
from hub.bundle.manifest import Manifest
from hub.ledger import Checkpoint, Entry, read_checkpoint, signed_by
from hub.ledger.chain import attempt_chain, job_chain
from hub.ledger.export import read_line
from hub.ledger.keys import PublicKey
from hub.ledger.merkle import leaf_hash

OF_JOB = frozenset({"job", "job_event", "job_refused", "personal"})
OF_ATTEMPT = frozenset({"attempt", "event", "verdict"})


class Contents:
    """All entries by index, in rising order. `bare`: those without body, index -> its form."""

    def __init__(self, entries: Mapping[int, Entry], bare: Mapping[int, str]) -> None:
        self.entries = entries
        self.bare = bare
        self._kinds: dict[str, list[Entry]] = {}
        self._chains: dict[str, list[Entry]] = {}
        for entry in entries.values():
            self._kinds.setdefault(entry.kind, []).append(entry)
            if entry.kind in OF_JOB and "order" in entry.refs:
                chain = job_chain(entry.refs["order"])
                self._chains.setdefault(chain, []).append(entry)
            elif entry.kind in OF_ATTEMPT and "attempt" in entry.refs:
                chain = attempt_chain(entry.refs["attempt"])
                self._chains.setdefault(chain, []).append(entry)

    def of(self, *kinds: str) -> Iterator[Entry]:
        """Entries of these kinds, in the order of the log."""
        found = [entry for kind in kinds for entry in self._kinds.get(kind, ())]
        yield from sorted(found, key=lambda entry: entry.index)

    def between(self, first: int, until: int, *kinds: str) -> Iterator[Entry]:
        """Those with first < index < until."""
        return (entry for entry in self.of(*kinds) if first < entry.index < until)

    def newest(self, kind: str, before: int, **refs: str) -> Entry | None:
        """The last entry of a kind before an index, with these references."""
        found = None
        for entry in self._kinds.get(kind, ()):
            if entry.index >= before:
                break
            if refs.items() <= entry.refs.items():
                found = entry
        return found

    def chain(self, name: str) -> list[Entry]:
        """Every entry that is a link of this chain by its head."""
        return self._chains.get(name, [])

    def one(self, index: int, kind: str) -> Entry:
        """The entry that another one names. Raises NotGood when it is not here, or is another."""
        entry = self.entries.get(index)
        if entry is None or entry.kind != kind:
            what = (
                "is named by another, and is not in the bundle"
                if entry is None
                else (f"is a {entry.kind}, and another names it as a {kind}")
            )
            raise NotGood("entry", what, ENTRIES, index)
        return entry

    @cached_property
    def packs(self) -> Mapping[str, Entry]:
        """Rule packs by the SHA-256 of their bytes."""
        found = {}
        for entry in self.of("rule_pack"):
            if entry.body is not None:
                found[sha256(entry.body).hexdigest()] = entry
        return found

    @cached_property
    def verdicts(self) -> Mapping[str, Entry]:
        """Verdicts by their id."""
        return {e.record()["id"]: e for e in self.of("verdict") if e.body is not None}


def body_of(entry: Entry) -> dict[str, Any]:
    """The body of an entry that must have one. Raises NotGood for a body that is no object."""
    try:
        found = entry.record()
    except (LookupError, ValueError) as wrong:
        raise NotGood("entry", str(wrong), ENTRIES, entry.index) from None
    if not isinstance(found, dict):
        raise NotGood("entry", "its body is no JSON object", ENTRIES, entry.index)
    return found


def read_signed_head(data: bytes, key: PublicKey) -> Checkpoint:
    """The one signed head that everything is proved against. Raises NotGood."""
    try:
        signed = read_checkpoint(data.decode())
    except ValueError as wrong:
        raise NotGood("checkpoint", str(wrong), CHECKPOINT) from None
    if not signed_by(signed, key):
        raise NotGood("checkpoint", f"is not signed by the key {key.id.hex()}", CHECKPOINT)
    return signed


def read_contents(data: bytes, signed: Checkpoint, manifest: Manifest) -> Contents:
    """Raises NotGood naming the first entry that does not hold."""
    withheld = {one.entry for one in manifest.withheld}
    entries: dict[int, Entry] = {}
    bare: dict[int, str] = {}
    last = -1
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        try:
            proved = read_line(line)
        except ValueError as wrong:
            raise NotGood("entry", f"line {number}: {wrong}", ENTRIES) from None
        entry = proved.entry
        if entry.index <= last:
            raise NotGood("entry", "stands twice, or out of order", ENTRIES, entry.index)
        last = entry.index
        if fault := proved.fault(signed):
            raise NotGood("entry", fault, ENTRIES, entry.index)
        if (proved.form == "withheld") != (entry.index in withheld):
            raise NotGood(
                "manifest",
                "is withheld, and not listed so, or the other way round",
                ENTRIES,
                entry.index,
            )
        entries[entry.index] = entry
        if entry.body is None:
            bare[entry.index] = proved.form
    if missing := withheld - entries.keys():
        raise NotGood("manifest", "is listed as withheld, and is not there", ENTRIES, min(missing))
    contents = Contents(entries, bare)
    _erasures(contents)
    return contents


def _erasures(contents: Contents) -> None:
    """What was erased is told so by an entry, with the hash of the head that was there."""
    told: dict[int, str] = {}
    for entry in contents.of("erased"):
        try:
            told[int(entry.refs["entry"])] = entry.refs["leaf"]
        except (KeyError, ValueError):
            what = "is an erasure that names no entry"
            raise NotGood("erasure", what, ENTRIES, entry.index) from None
    for index, form in contents.bare.items():
        leaf = leaf_hash(contents.entries[index].head).hex()
        if form == "erased" and told.get(index) != leaf:
            raise NotGood("erasure", "has no body, and no entry says it was erased", ENTRIES, index)
    for index in told.keys() & contents.entries.keys() - contents.bare.keys():
        raise NotGood("erasure", "has its body, and an entry says it was erased", ENTRIES, index)
