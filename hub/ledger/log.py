"""The ledger: an append-only, signed record, written by one thread, one transaction at a time.

    with ledger.transaction() as tx:
        index = tx.append("verdict", body, clock.now_us())
        tx.sql.execute("INSERT INTO parcels …")
        note = tx.checkpoint()

The block commits when it ends and is rolled back, whole, when it raises. Side tables live in
the same file, so that one transaction covers them too.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.clock import Clock
from hub.errors import Fault, StoreDamaged, StoreUnavailable
from hub.ledger.checkpoint import Head
from hub.ledger.keys import DeviceKey, PublicKey
from hub.ledger.lock import Lock
from hub.ledger.merkle import Frontier
from hub.ledger.migrate import migrate
from hub.ledger.start import begin, keep_head, look, survey
from hub.ledger.store import (
    DB_FILE,
    HEAD_FILE,
    State,
    connect_writer,
    diagnose,
    fault_of,
    free_bytes,
)
from hub.ledger.transaction import Transaction

CHECKPOINT_EVERY = 1000
RESERVE_MIB = 5


class Ledger:
    """The writer. One per state folder, one thread at a time; `head` and `state` from any."""

    def __init__(
        self, folder: Path, clock: Clock, gateway: str, reserve_mib: int, checkpoint_every: int
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._gateway = gateway
        self._reserve_bytes = reserve_mib * 1024 * 1024
        self._checkpoint_every = checkpoint_every
        self._lock: Lock | None = None
        self._connection: sqlite3.Connection | None = None
        self._frontier = Frontier()
        self._head: Head | None = None
        self._key: DeviceKey | None = None
        self._last_signed = 0
        self._head_file_due = ""
        self._unsure: Transaction | None = None
        self._landed = False
        self._state = State.IO_ERROR
        self._fault: Fault | None = None
        self._closed = False

    @classmethod
    def open(
        cls,
        state_dir: Path,
        clock: Clock,
        gateway: str = "gateway",
        reserve_mib: int = RESERVE_MIB,
        checkpoint_every: int = CHECKPOINT_EVERY,
    ) -> "Ledger":
        """Open the ledger of *state_dir*, or make one on the first start there.

        A disk that is full, read-only or failing and a damaged file are states of the ledger
        that is returned: see `state` and `fault`; `transaction` raises the fault.

        raises  CommandRefused when another process has the folder, or a newer gashub wrote the
                file; ConfigError when commits could not be durable there
        """
        ledger = cls(state_dir, clock, gateway, reserve_mib, checkpoint_every)
        try:
            ledger._start(first=True)
        except BaseException:  # the lock must not stay behind, whatever went wrong
            ledger._release()
            raise
        return ledger

    @property
    def state(self) -> State:
        if self._state is State.OK and not self._has_room():
            return State.FULL
        return self._state

    @property
    def fault(self) -> Fault | None:
        """Why the state is not ok, for people; None when it is ok."""
        if self._state is State.OK and not self._has_room():
            return self._no_room()
        return self._fault

    @property
    def public_key(self) -> PublicKey:
        if self._key is None:
            raise self._refusal()
        return self._key.public

    @property
    def origin(self) -> str:
        return self.public_key.origin

    @property
    def landed(self) -> bool:
        """After `try_recover`: is the transaction whose commit failed in the file after all?"""
        return self._landed

    def takes_input(self) -> bool:
        """May readings be appended? Below the reserve only verdicts, notices and the like go."""
        return self.state is State.OK

    def head(self) -> Head:
        """The committed head. raises the fault when the ledger could not be read yet."""
        if self._head is None:
            raise self._refusal()
        return self._head

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Raises StoreUnavailable or StoreDamaged; then nothing of the block was kept.

        One exception: a commit that failed in the middle of an I/O error may yet be found in
        the file by `try_recover`; see there.
        """
        connection, key = self._connection, self._key
        if connection is None or key is None:
            raise self._refusal()
        tx = Transaction(connection, self._frontier.copy(), key, self._clock, self._require_room)
        committing = False
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield tx
            periodic = tx.frontier.size - self._last_signed >= self._checkpoint_every
            if periodic and tx.signed is None:
                tx.checkpoint()
            committing = True
            connection.execute("COMMIT")
        except BaseException as e:  # also a KeyboardInterrupt must not leave a half transaction
            fault = self._fail(e, tx if committing else None)
            if fault is not None:
                raise fault from e
            raise
        self._frontier = tx.frontier
        self._head = tx.head()
        if tx.signed is not None:
            self._last_signed = tx.signed[0]
            if periodic:
                self._head_file_due = tx.signed[1]
        if tx.erased:
            self._scrub()
        self._keep_head()
        for act in tx.after:
            act()

    def try_recover(self) -> bool:
        """Open the file again after trouble; True when the ledger takes writes again.

        Call it now and then while `state` is full, read_only or io_error. Everything in memory
        is read again from the file. When the transaction whose commit failed is in the file
        after all, its `then` calls are made now, and `landed` is True: what it held must be
        acknowledged, not written once more.
        """
        if self._connection is not None:
            return True
        if self._state is not State.DAMAGED and not self._closed:
            self._start(first=False)
        return self._connection is not None

    def close(self) -> None:
        """Sign the last head, let go of file and lock. Safe twice."""
        if self._connection is not None:
            try:
                with self.transaction() as tx:  # signed already or not, the file beside is older
                    self._head_file_due = tx.checkpoint()
                self._keep_head()
            except StoreUnavailable:
                pass  # the entries are durable; only their last signature has to wait
        self._release()
        if self._fault is None:
            self._state = State.READ_ONLY
            self._fault = StoreUnavailable(f"{self.folder}: the ledger is closed")
        self._closed = True

    def _start(self, first: bool) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._lock is None:
                self._lock = Lock(self.folder)
            begin(self.folder, self._gateway, self._clock)
            if first:
                look(self.folder)
            whole = survey(self.folder)
            connection = connect_writer(self.folder / DB_FILE)
            try:
                migrate(connection)
            except BaseException:  # whatever it is, no half-open connection stays behind
                connection.close()
                raise
        except StoreDamaged as e:
            self._state, self._fault = State.DAMAGED, e
            return
        except StoreUnavailable as e:
            self._state, self._fault = State.IO_ERROR, e
            return
        except (sqlite3.Error, OSError) as e:
            found = diagnose(e, self.folder)
            if found is None:
                raise
            self._state, self._fault = found
            if self._state is State.OK:  # only locked, but not open either
                self._state = State.IO_ERROR
            return
        self._connection = connection
        self._key = whole.key
        self._frontier = whole.frontier
        self._head = Head(whole.frontier.size, whole.frontier.root())
        self._last_signed = whole.last.size
        self._state, self._fault = State.OK, None
        if not (self.folder / HEAD_FILE).exists():
            self._head_file_due = whole.last.note
            self._keep_head()
        unsure, self._unsure = self._unsure, None
        self._landed = unsure is not None and unsure.head() == self._head
        if unsure is not None and self._landed:
            for act in unsure.after:
                act()

    def _fail(self, error: BaseException, unsure: Transaction | None) -> Fault | None:
        """Undo the transaction; the fault to raise when it was the store that failed."""
        connection = self._connection
        assert connection is not None
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error as e:
            error = e
        found = diagnose(error, self.folder) if isinstance(error, sqlite3.Error) else None
        if found is None:
            return None
        state, fault = found
        if state is not State.OK:
            # After a failed write or sync nothing in this connection is to be trusted.
            self._state, self._fault, self._unsure = state, fault, unsure
            self._disconnect()
        return fault

    def _refusal(self) -> Fault:
        """The fault, made anew: one that is raised again and again collects tracebacks."""
        if self._fault is None:
            return StoreUnavailable(f"{self.folder}: the ledger is not open")
        return type(self._fault)(*self._fault.args)

    def _keep_head(self) -> None:
        if self._head_file_due:
            try:
                keep_head(self.folder, self._head_file_due)
            except OSError:
                return  # a second witness only; tried again after the next commit
            self._head_file_due = ""

    def _scrub(self) -> None:
        """Empty the WAL, which still holds the erased body, over the pages that held it."""
        assert self._connection is not None
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:
            return  # the erasure is committed; a later WAL checkpoint overwrites the pages

    def _has_room(self) -> bool:
        try:
            return free_bytes(self.folder) >= self._reserve_bytes
        except OSError:
            return False

    def _no_room(self) -> Fault:
        reserve_mib = self._reserve_bytes // (1024 * 1024)
        return fault_of(
            State.FULL, self.folder, f"less than the reserve of {reserve_mib} MiB is free"
        )

    def _require_room(self) -> None:
        if not self._has_room():
            raise self._no_room()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error:
                return  # closing writes the WAL back, which a failing disk may refuse

    def _release(self) -> None:
        self._disconnect()
        if self._lock is not None:
            self._lock.release()
            self._lock = None
