"""Recompute the whole ledger and name the first entry that is not as it was written.

What only the file can show: every digest, head, index, block, root, signature and erasure. What
it cannot: that nothing was cut off its end, or that it was not rewritten whole by somebody who
holds the device key. For that, a head that was kept outside is needed; `Report.provable` says
whether one was given.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.errors import CommandRefused, StoreDamaged
from hub.ledger.checkpoint import Checkpoint, Head, read_checkpoint, signed_by
from hub.ledger.entry import Entry, check
from hub.ledger.keys import PublicKey
from hub.ledger.merkle import Frontier, leaf_hash
from hub.ledger.reader import CHUNK, LedgerReader, parse_row
from hub.ledger.report import MOST_FINDINGS, Finding, Progress, Report, first_of


def verify(
    where: Path,
    outside_heads: Sequence[str] = (),
    public_key: PublicKey | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check a state folder, or a bare ledger file. Also while a hub is writing it.

    outside_heads   texts of checkpoints that were kept outside the gateway
    public_key      the gateway's key as kept outside; without one, the ledger's own word is
                    taken, and a note says so
    raises          StoreUnavailable when the file cannot be read, CommandRefused when an outside
                    head is not a checkpoint's text
    """
    heads = [_outside(text) for text in outside_heads]
    try:
        with LedgerReader(where) as reader:
            return _Verifier(reader, heads, public_key, progress).run()
    except StoreDamaged as e:
        found = Finding(0, 0, "file", str(e))
        return Report(str(where), "", Head(0, b""), found, (found,), 0, len(heads), 0)


def _outside(text: str) -> Checkpoint:
    try:
        return read_checkpoint(text if text.endswith("\n") else text + "\n")
    except ValueError as e:
        raise CommandRefused(f"outside head: {e}; give the text exactly as it was sent") from None


@dataclass
class _Verifier:
    """One pass over the entries, in chunks, so that no read of SQLite stays open for long."""

    reader: LedgerReader
    outside: list[Checkpoint]
    key: PublicKey | None
    progress: Progress | None
    frontier: Frontier = field(default_factory=Frontier)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rooted: int = 0  # size of the last root that held
    checkpoints: int = 0
    at_us: int = 0
    steps_back: int = 0
    bare: dict[int, str] = field(default_factory=dict)  # entries without body -> leaf hash
    told: dict[int, str] = field(default_factory=dict)  # erasures told -> leaf hash

    def run(self) -> Report:
        try:
            own = self.reader.public_key()
        except StoreDamaged as e:
            self._found(0, "entry", str(e))
            return self._report()
        if self.key is None:
            self.key = own
            self.notes.append(
                f"the public key is the one in the ledger itself ({own.id.hex()}); compare it"
                " with the copy kept at installation"
            )
        elif self.key.raw != own.raw or self.key.origin != own.origin:
            self._found(
                0, "entry", f"entry 0 names the key {own.line()}, expected {self.key.line()}"
            )
        self._check_outside()
        try:
            self._walk()
            self._check_end()
        except (StoreDamaged, sqlite3.Error) as e:
            self._found(self.frontier.size, "file", f"cannot be read: {e}")
        self._check_erasures()
        self._check_file()
        if self.steps_back:
            self.notes.append(f"hub time goes back {self.steps_back} time(s), as after a new start")
        if not self.outside:
            self.notes.append(
                "no outside head was given: that entries were cut off the end, or that the whole"
                " file was replaced, cannot be ruled out"
            )
        return self._report()

    def _report(self) -> Report:
        return Report(
            file=str(self.reader.db),
            origin=self.key.origin if self.key else "",
            head=Head(self.frontier.size, self.frontier.root()),
            first_bad=first_of(self.findings),
            findings=tuple(self.findings[:MOST_FINDINGS]),
            checkpoints=self.checkpoints,
            outside=len(self.outside),
            erased=len(self.bare),
            notes=tuple(self.notes),
        )

    def _found(self, index: int, where: str, what: str, until: int | None = None) -> None:
        if len(self.findings) < 100 * MOST_FINDINGS:  # a ruined file has one for every entry
            self.findings.append(Finding(index, index if until is None else until, where, what))

    def _check_file(self) -> None:
        """SQLite's own check, which also covers the side tables."""
        try:
            (answer,) = self.reader.sql.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as e:
            answer = str(e)
        if answer != "ok":
            self._found(self.frontier.size, "file", f"SQLite finds the file damaged: {answer}")

    def _walk(self) -> None:
        after = -(1 << 63)
        chunk, whole = CHUNK, True
        while True:
            try:
                rows = self.reader.rows(
                    "SELECT idx, head, salt, body, codec FROM entries WHERE idx>?"
                    " ORDER BY idx LIMIT ?",
                    (after, chunk),
                )
            except (StoreDamaged, sqlite3.Error):
                if chunk == 1:
                    raise
                chunk = 1  # to get as near to the unreadable entry as can be
                continue
            if not rows:
                return
            signed = self._signed(self.frontier.size, self.frontier.size + len(rows))
            for row in rows:
                if whole and row[0] != self.frontier.size:
                    self._gap(row[0])
                    whole = False
                if whole:
                    self._entry(row)
                    self._roots(signed.get(self.frontier.size))
                else:
                    self._stray(row)
            after = rows[-1][0]
            if self.progress is not None:
                self.progress(self.frontier.size, self.reader.size())

    def _gap(self, index: int) -> None:
        expected = self.frontier.size
        if index < expected:
            self._found(index, "entry", f"there is an entry {index}; indexes begin at 0")
        else:
            self._found(expected, "entry", f"entry {expected} is missing; the next is {index}")

    def _entry(self, row: tuple[Any, ...]) -> None:
        index, head = row[0], row[1]
        self.frontier.append(leaf_hash(head if isinstance(head, bytes) else b""))
        try:
            entry = parse_row(row)
        except (TypeError, ValueError) as e:
            self._found(index, "entry", str(e))
            return
        if wrong := check(entry):
            self._found(index, "entry", wrong)
            return
        if entry.claims != index:
            self._displaced(entry)
            return
        self.steps_back += entry.at_us < self.at_us
        self.at_us = entry.at_us
        if entry.body is None:
            self.bare[index] = leaf_hash(head).hex()
        if entry.kind == "readings":
            try:
                entry.block()
            except ValueError as e:
                self._found(index, "entry", str(e))
        if entry.kind == "erased":
            self._erasure(entry)

    def _displaced(self, entry: Entry) -> None:
        """Entries were put in, taken out or moved; which index is the first concerned?"""
        first = entry.index
        if entry.claims < first and entry.body is not None:
            # Two entries claim one index. When they differ, the one that stands there is false.
            rows = self.reader.rows("SELECT head FROM entries WHERE idx=?", (entry.claims,))
            if rows and rows[0][0] != entry.head:
                first = entry.claims
        self._found(
            first,
            "entry",
            f"entry {entry.claims} stands at {entry.index}: entries were put in, taken out or"
            " moved",
        )
        if entry.kind == "erased":
            self._erasure(entry)

    def _stray(self, row: tuple[Any, ...]) -> None:
        """An entry behind a gap: only what it says of erasures still counts."""
        try:
            entry = parse_row(row)
        except (TypeError, ValueError):
            return  # the gap before it is the finding
        if entry.kind == "erased" and not check(entry):
            self._erasure(entry)

    def _erasure(self, entry: Entry) -> None:
        try:
            index, leaf = int(entry.refs["entry"]), entry.refs["leaf"]
        except (KeyError, ValueError) as e:
            self._found(entry.index, "entry", f"an erasure that names no entry: {e}")
            return
        self.told[index] = leaf

    def _signed(self, low: int, high: int) -> dict[int, tuple[Any, ...]]:
        rows = self.reader.rows(
            "SELECT size, note, frontier FROM checkpoints WHERE size>? AND size<=?", (low, high)
        )
        return {row[0]: row for row in rows}

    def _roots(self, row: tuple[Any, ...] | None) -> None:
        """Compare the tree as it now is with every signed head of this size."""
        size = self.frontier.size
        if row is not None:
            self.checkpoints += 1
            self._checkpoint(row)
        for head in self.outside:
            if head.size == size and head.origin == self._key().origin:
                self._root(head, "outside head")

    def _checkpoint(self, row: tuple[Any, ...]) -> None:
        size, note, frontier = row
        try:
            kept = read_checkpoint(note)
        except (AttributeError, TypeError, ValueError) as e:
            self._found(size - 1, "checkpoint", f"checkpoint of size {size}: {e}")
            return
        if kept.size != size or not signed_by(kept, self._key()):
            self._found(
                size - 1, "checkpoint", f"checkpoint of size {size}: its signature does not hold"
            )
            return
        if self._root(kept, "checkpoint") and frontier != self.frontier.to_bytes():
            self._found(size - 1, "checkpoint", f"checkpoint of size {size}: its frontier is wrong")

    def _root(self, head: Checkpoint, name: str) -> bool:
        if head.root == self.frontier.root():
            self.rooted = max(self.rooted, head.size)
            return True
        self._found(
            min(self.rooted, head.size - 1),
            "entry",
            f"entries {self.rooted} to {head.size - 1}: at least one was changed after the signed"
            f" {name} of size {head.size} ({head.time or 'no time given'})",
            until=head.size - 1,
        )
        return False

    def _check_outside(self) -> None:
        key = self._key()
        seen: dict[tuple[str, int], Checkpoint] = {}
        for head in self.outside:
            if head.origin != key.origin:
                self._found(
                    0,
                    "outside",
                    f"the outside head of size {head.size} is of the log {head.origin}, this file"
                    f" is {key.origin}: the file was replaced, or the head is another gateway's",
                )
            elif not signed_by(head, key):
                self._found(
                    0,
                    "outside",
                    f"the outside head of size {head.size} is not signed by the key"
                    f" {key.id.hex()}: the file was replaced, or the head is forged",
                )
            else:
                other = seen.setdefault((head.origin, head.size), head)
                if other.root != head.root:
                    self._found(
                        0,
                        "outside",
                        "split view: the gateway signed two different logs of the same size:\n"
                        f"{other.note}\n{head.note}",
                    )

    def _check_end(self) -> None:
        """Is anything signed that the file no longer has?"""
        size = self.frontier.size
        rows = self.reader.rows(
            "SELECT (SELECT count(*) FROM entries), (SELECT max(size) FROM checkpoints)"
        )
        count, signed = rows[0]
        if signed is not None and signed > max(count, size):
            self._cut(size, signed, "the ledger's own checkpoint")
        for head in self.outside:
            if head.size > size and head.origin == self._key().origin:
                self._cut(size, head.size, f"the outside head ({head.time or 'no time given'})")

    def _cut(self, size: int, signed: int, witness: str) -> None:
        self._found(
            size,
            "tail",
            f"entries {size} to {signed - 1} are missing: {witness} covers {signed} entries; the"
            " end was cut off, or the file is an older copy",
            until=signed - 1,
        )

    def _check_erasures(self) -> None:
        # With entries missing or changed, the one that told of an erasure may be among them.
        whole = not any(found.where in {"entry", "tail", "file"} for found in self.findings)
        for index, leaf in self.bare.items():
            if index not in self.told:
                if whole:
                    self._found(
                        index, "erasure", "body is missing, and no entry says it was erased"
                    )
            elif self.told[index] != leaf:
                self._found(index, "erasure", "head is not the one that was there when erased")
        for index in self.told.keys() - self.bare.keys():
            if index < self.frontier.size and not any(f.index == index for f in self.findings):
                self._found(index, "erasure", "body is there, but an entry says it was erased")

    def _key(self) -> PublicKey:
        assert self.key is not None
        return self.key
