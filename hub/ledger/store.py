"""The SQLite file under the ledger: how it is opened, what must hold, and how it fails.

Five states. `ok`: takes everything. `full`: the disk is full, or fuller than the reserve allows.
`read_only`: the folder or the file cannot be written. `io_error`: a write or a sync failed, and
what is on the disk is unknown until the file has been opened again. `damaged`: the file is not
a whole ledger; only a person can help. The first four are left by `Ledger.try_recover`.
"""

import errno
import os
import sqlite3
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from hub.errors import ConfigError, Fault, StoreDamaged, StoreUnavailable

DB_FILE, NEW_FILE, HEAD_FILE = "ledger.db", "ledger.db.new", "ledger.head"
APPLICATION_ID = 0x67617348  # "gasH", in the SQLite header
PAGE_BYTES = 2048  # measured: fewest bytes written at 1 to 50 readings a commit (docs/ledger.md)
AUTOCHECKPOINT_PAGES = 1000
BUSY_MS = 5000
_FULL_SYNC = 2

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_FORBIDDEN = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_BROKEN = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL}


class State(StrEnum):
    OK = "ok"
    FULL = "full"
    READ_ONLY = "read_only"
    IO_ERROR = "io_error"
    DAMAGED = "damaged"


def connect(db: Path, mode: str) -> sqlite3.Connection:
    """Open with rwc, rw or ro as in SQLite URIs, or immutable: a file that nobody can write."""
    how = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
    return sqlite3.connect(
        f"file:{quote(str(db))}?{how}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,  # one thread at a time; the owner may change before it starts
        timeout=BUSY_MS / 1000,
    )


def connect_reader(db: Path) -> sqlite3.Connection:
    """A connection that cannot write. On a read-only file system too, if the WAL allows it.

    raises  sqlite3.Error; StoreDamaged when the file's table of contents is garbage
    """
    try:
        return _connect_reading(db, "ro")
    except sqlite3.OperationalError:
        # Without a place for its -shm file SQLite needs to be told that nobody else writes.
        wal = db.with_name(db.name + "-wal")
        if os.access(db.parent, os.W_OK) or (wal.exists() and wal.stat().st_size):
            raise
        return _connect_reading(db, "immutable")


def _connect_reading(db: Path, mode: str) -> sqlite3.Connection:
    connection = connect(db, mode)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
    except UnicodeDecodeError as e:  # from Python's sqlite3, which quotes the garbage
        connection.close()
        raise damage(db, f"its schema is not text: {e}") from None
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def connect_writer(db: Path) -> sqlite3.Connection:
    """The one writing connection, with durability asserted and the WAL taken in.

    The WAL is emptied into the file first: after a failed sync the kernel may hold WAL pages it
    calls clean but never wrote, and only writing them again, elsewhere, and syncing that makes
    them durable.

    raises  sqlite3.Error; ConfigError when durability cannot be had here
    """
    connection = connect(db, "rw")
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        assert_durable(connection, db)
        connection.execute(f"PRAGMA wal_autocheckpoint={AUTOCHECKPOINT_PAGES}")
        connection.execute("PRAGMA secure_delete=ON")  # an erased body is overwritten
        connection.execute("PRAGMA trusted_schema=OFF")
        _take_in_wal(connection, db)
        _probe(connection)
    except BaseException:  # whatever it is, the half-open connection must not stay behind
        connection.close()
        raise
    return connection


def _take_in_wal(connection: sqlite3.Connection, db: Path) -> None:
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreUnavailable(f"{db}: a reader holds the file while it is being recovered")


def assert_durable(connection: sqlite3.Connection, db: Path) -> None:
    """Raises ConfigError unless a commit here is on the disk when it returns"""
    (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
    (sync,) = connection.execute("PRAGMA synchronous").fetchone()
    if journal != "wal" or sync != _FULL_SYNC:
        raise ConfigError(
            f"{db}: journal_mode is {journal!r} and synchronous {sync}, expected 'wal' and"
            f" {_FULL_SYNC}: a commit would not be durable; put state_dir on a local file system"
        )


def _probe(connection: sqlite3.Connection) -> None:
    """A real write and sync that changes nothing: only that shows that the store takes writes."""
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA user_version={schema}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def free_bytes(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def diagnose(error: sqlite3.Error | OSError, folder: Path) -> tuple[State, Fault] | None:
    """What a failed call means for the store; None when it is a bug and not the store's fault."""
    if isinstance(error, OSError):
        state = {
            errno.ENOSPC: State.FULL,
            errno.EDQUOT: State.FULL,
            errno.EROFS: State.READ_ONLY,
            errno.EACCES: State.READ_ONLY,
            errno.EPERM: State.READ_ONLY,
        }.get(error.errno or 0, State.IO_ERROR)
        return state, fault_of(state, folder, str(error))
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    primary, name = code & 0xFF, error.sqlite_errorname
    if primary in _BUSY:
        return State.OK, StoreUnavailable(
            f"{folder / DB_FILE}: locked by another program for over {BUSY_MS} ms; nothing but"
            " the hub may write it"
        )
    if primary in _DAMAGED:
        state = State.DAMAGED
    elif primary == sqlite3.SQLITE_FULL:
        state = State.FULL
    elif primary in _FORBIDDEN:
        state = State.READ_ONLY
    elif primary in _BROKEN:
        state = _state_of_disk(folder)
    else:
        return None
    return state, fault_of(state, folder, f"{error} ({name})")


def fault_of(state: State, folder: Path, detail: str) -> Fault:
    """The text for people: what, where, and what to do."""
    db = folder / DB_FILE
    match state:
        case State.FULL:
            return StoreUnavailable(
                f"{folder}: disk full ({detail}); input is refused until there is room again:"
                " delete or move files that are not the ledger's"
            )
        case State.READ_ONLY:
            return StoreUnavailable(
                f"{folder}: cannot be written ({detail}); check the mount (an SD card turns"
                " read-only when it wears out) and that the folder belongs to the hub's user"
            )
        case State.IO_ERROR:
            return StoreUnavailable(
                f"{db}: input/output error ({detail}); what the last commit left is read again"
                " before anything is acknowledged; if it comes back, replace the disk"
            )
        case _:
            return damage(db, detail)


def damage(db: Path, detail: str) -> StoreDamaged:
    """The text for a file that is not a whole ledger, with the way out."""
    return StoreDamaged(
        f"{db}: the ledger is damaged: {detail}. It was left as it is and nothing is written to"
        f" it. Copy {db.parent} to a safe place, run `gashub ledger verify --file COPY --head"
        " COPY/ledger.head` on the copy, and put back a backup; to begin a new ledger instead,"
        " move ledger.*, device.* away first"
    )


def _state_of_disk(folder: Path) -> State:
    """SQLite hides the errno of a failed call; the disk itself tells the likeliest cause."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return State.IO_ERROR
    if disk.f_flag & os.ST_RDONLY or not os.access(folder, os.W_OK):
        return State.READ_ONLY
    if disk.f_bavail * disk.f_frsize < 64 * 1024:
        return State.FULL
    return State.IO_ERROR
