"""What can be done inside one transaction on the ledger."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from hub.clock import Clock
from hub.ledger.canonical import canonical
from hub.ledger.chain import ended, linked
from hub.ledger.checkpoint import Head, sign_checkpoint
from hub.ledger.entry import pack, seal
from hub.ledger.erase import erase
from hub.ledger.keys import DeviceKey
from hub.ledger.merkle import Frontier, leaf_hash


class Transaction:
    """One transaction on the ledger. Made by `Ledger.transaction` only."""

    def __init__(
        self,
        sql: sqlite3.Connection,
        frontier: Frontier,
        key: DeviceKey,
        clock: Clock,
        require_room: Callable[[], None],
    ) -> None:
        self.sql = sql
        """The connection, for side tables. Never BEGIN, COMMIT or touch the log's own tables."""
        self.frontier = frontier
        self.signed: tuple[int, str] | None = None
        """Size and text of the last checkpoint made in this transaction."""
        self.erased = False
        self.after: list[Callable[[], None]] = []
        self._key = key
        self._clock = clock
        self._require_room = require_room

    def append(
        self,
        kind: str,
        body: bytes | Mapping[str, object],
        at_us: int,
        refs: Mapping[str, str] | None = None,
        chain: str = "",
    ) -> int:
        """Add one entry and return its index.

        body    bytes as they are to be kept, or a JSON mapping (written as RFC 8785)
        refs    short names that stay readable after an erasure; no personal data
        chain   of which the entry is the next link (`hub.ledger.chain`); its body is a mapping
        raises  StoreUnavailable for `readings` when the disk is down to the reserve
        """
        if kind == "readings":
            self._require_room()
        index = self.frontier.size
        if chain:
            assert not isinstance(body, bytes), "a link is written into a JSON body"
            body = linked(self.sql, chain, index, body)
        plain = body if isinstance(body, bytes) else canonical(body)
        head, salt = seal(index, kind, at_us, plain, refs or {})
        stored, codec = pack(plain)
        self.sql.execute(
            "INSERT INTO entries (idx, head, salt, body, codec) VALUES (?,?,?,?,?)",
            (index, head, salt, stored, codec),
        )
        self.frontier.append(leaf_hash(head))
        return index

    def end_chain(self, chain: str) -> None:
        """No further link of *chain* will come."""
        ended(self.sql, chain)

    def head(self) -> Head:
        """The log as it stands inside this transaction."""
        return Head(self.frontier.size, self.frontier.root())

    def checkpoint(self) -> str:
        """Sign the log as it stands inside this transaction, keep the text and return it."""
        head = self.head()
        if self.signed is None or self.signed[0] != head.size:
            row = self.sql.execute(
                "SELECT note FROM checkpoints WHERE size=?", (head.size,)
            ).fetchone()
            if row is None:
                row = (sign_checkpoint(self._key, head, self._clock.now_us()),)
                self.sql.execute(
                    "INSERT INTO checkpoints (size, note, frontier) VALUES (?,?,?)",
                    (head.size, row[0], self.frontier.to_bytes()),
                )
            self.signed = head.size, row[0]
        return self.signed[1]

    def then(self, act: Callable[[], None]) -> None:
        """Call *act* after the commit, in order; not at all when the transaction fails."""
        self.after.append(act)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo, when the block raises, what was done in it, and that alone."""
        kept = self.frontier.copy(), self.signed, self.erased
        acts = len(self.after)
        self.sql.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:  # the rest of the transaction stays good, whatever this part did
            self.sql.execute("ROLLBACK TO part")
            self.sql.execute("RELEASE part")
            self.frontier, self.signed, self.erased = kept
            del self.after[acts:]
            raise
        self.sql.execute("RELEASE part")

    def erase(self, index: int, reason: str, approved_by: str) -> int:
        """Delete the body of entry *index* and append the `erased` entry that says so.

        raises  CommandRefused when there is nothing to erase, or it must stay
        """
        self.erased = True
        return erase(self, index, reason, approved_by, self._clock.now_us())
