"""Reading the ledger while the hub writes it: followers, replay, the CLI, verify.

One reader belongs to one thread at a time. No read stays open between calls, so that a slow
reader never keeps the WAL from being emptied.
"""

import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hub.errors import StoreUnavailable
from hub.ledger.block import Block
from hub.ledger.checkpoint import Checkpoint, read_checkpoint
from hub.ledger.entry import Entry, open_head, unpack
from hub.ledger.keys import PublicKey
from hub.ledger.migrate import refuse_newer
from hub.ledger.start import genesis_key
from hub.ledger.store import DB_FILE, State, connect_reader, damage, diagnose

CHUNK = 256
_COLUMNS = "SELECT idx, head, salt, body, codec FROM entries"


class LedgerReader:
    """A view of the ledger that cannot write. Also opens a bare ledger file."""

    def __init__(self, state_dir: Path) -> None:
        """Raises StoreUnavailable when there is no file or it cannot be read, StoreDamaged when
        it is no ledger, CommandRefused for a newer schema
        """
        self.db = state_dir / DB_FILE if state_dir.is_dir() else state_dir
        if not self.db.exists():
            raise StoreUnavailable(f"{self.db}: there is no ledger; is this the state folder?")
        try:
            self.sql = connect_reader(self.db)
            (schema,) = self.sql.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as e:
            raise self._fault(e) from e
        refuse_newer(schema, str(self.db))

    def size(self) -> int:
        """Number of entries as of now."""
        (last,) = self.rows("SELECT max(idx) FROM entries")[0]
        return 0 if last is None else int(last) + 1

    def read(self, index: int) -> Entry:
        """Raises LookupError when there is no such entry, StoreDamaged when it is unreadable"""
        found = self.rows(f"{_COLUMNS} WHERE idx=?", (index,))
        if not found:
            raise LookupError(f"{self.db}: there is no entry {index}")
        return self._entry(found[0])

    def entries(
        self, first: int = 0, until: int | None = None, kinds: Collection[str] | None = None
    ) -> Iterator[Entry]:
        """Entries from *first*, up to but not including *until*, of these kinds, in order.

        Ends at the last entry there is when it gets there.
        """
        while True:
            stop = first + CHUNK if until is None else min(first + CHUNK, until)
            found = self.rows(f"{_COLUMNS} WHERE idx>=? AND idx<? ORDER BY idx", (first, stop))
            if not found:
                return
            for row in found:
                if kinds is None or self._head(row).kind in kinds:
                    yield self._entry(row)
            first = stop

    def blocks(self, after: int, limit: int) -> list[tuple[int, Block]]:
        """At most *limit* blocks of readings after entry *after*: (index, block), in order."""
        found: list[tuple[int, Block]] = []
        for entry in self.entries(after + 1, kinds=("readings",)):
            if len(found) == limit:
                break
            found.append((entry.index, entry.block()))
        return found

    def checkpoints(self, first: int = 0, until: int | None = None) -> list[Checkpoint]:
        """Checkpoints with first <= size < until, by size. Their signatures are not checked."""
        found = self.rows(
            "SELECT size, note FROM checkpoints WHERE size>=? AND size<? ORDER BY size",
            (first, 1 << 62 if until is None else until),
        )
        try:
            return [read_checkpoint(note) for _, note in found]
        except ValueError as e:
            raise damage(self.db, f"a checkpoint is unreadable: {e}") from None

    def last_checkpoint(self) -> Checkpoint:
        found = self.rows("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")
        if not found:
            raise damage(self.db, "it has no signed checkpoint")
        return read_checkpoint(found[0][0])

    def covering(self, index: int) -> Checkpoint | None:
        """The first checkpoint that covers an entry; None when none does yet."""
        found = self.rows(
            "SELECT note FROM checkpoints WHERE size>? ORDER BY size LIMIT 1", (index,)
        )
        return read_checkpoint(found[0][0]) if found else None

    def public_key(self) -> PublicKey:
        """The key that entry 0 names. Whoever verifies should bring their own copy."""
        try:
            return genesis_key(self.sql, self.db)
        except sqlite3.Error as e:
            raise self._fault(e) from e

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, with failures told as faults."""
        try:
            return self.sql.execute(query, values).fetchall()
        except sqlite3.Error as e:
            raise self._fault(e) from e

    def close(self) -> None:
        self.sql.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _head(self, row: tuple[Any, ...]) -> Entry:
        try:
            return open_head(row[0], row[1], None, None)
        except (TypeError, ValueError) as e:
            raise damage(self.db, f"entry {row[0]}: {e}") from None

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        try:
            return parse_row(row)
        except (TypeError, ValueError) as e:
            raise damage(self.db, f"entry {row[0]}: {e}") from None

    def _fault(self, error: sqlite3.Error) -> Exception:
        found = diagnose(error, self.db.parent)
        if found is not None and self.db.name == DB_FILE:
            return found[1]
        if found is not None:  # a copy by another name, and its folder is no state folder
            state, _ = found
            detail = f"{error} ({error.sqlite_errorname})"
            if state is State.DAMAGED:
                return damage(self.db, detail)
            return StoreUnavailable(
                f"{self.db}: cannot be read: {detail}; check the disk, and that this user may "
                "read the file and write its folder, or copy it to where that is so"
            )
        if "no such table" in str(error):
            return damage(self.db, f"it is not a ledger: {error}")
        return error


def read_entry(sql: sqlite3.Connection, index: int) -> Entry:
    """One entry over any connection, a transaction's own entries included.

    raises  LookupError when there is no such entry, ValueError and TypeError when it is none
    """
    row = sql.execute(f"{_COLUMNS} WHERE idx=?", (index,)).fetchone()
    if row is None:
        raise LookupError(f"there is no entry {index}")
    return parse_row(row)


def parse_row(row: tuple[Any, ...]) -> Entry:
    """A row (idx, head, salt, body, codec) of the entries table as an entry.

    raises  TypeError and ValueError when it is none; `check` says whether it is a true one
    """
    index, head, salt, stored, codec = row
    if not isinstance(head, bytes) or not isinstance(salt, bytes | None):
        raise TypeError("head or salt is not a blob")
    if not isinstance(stored, bytes | None) or not isinstance(codec, str):
        raise TypeError("body is not a blob or codec no text")
    body = None if stored is None else unpack(stored, codec)
    return open_head(index, head, salt, body)
