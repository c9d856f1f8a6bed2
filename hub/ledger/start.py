"""Starting: make a new ledger, or make sure that the one that is there is whole.

A start reads the last signed checkpoint and recomputes what came after it, so its time does not
grow with the ledger. `gashub ledger verify` reads everything. The raw file is opened here, so
`look` must run before this process has any SQLite connection to it: POSIX drops a process's
locks on a file when any descriptor of it is closed.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import orjson

from hub.clock import Clock
from hub.errors import ConfigError, StoreDamaged
from hub.ledger.canonical import canonical
from hub.ledger.checkpoint import Checkpoint, Head, read_checkpoint, sign_checkpoint, signed_by
from hub.ledger.entry import check, open_head, pack, seal, unpack
from hub.ledger.keys import KEY_FILE, DeviceKey, PublicKey, sync_folder, write_durably
from hub.ledger.merkle import Frontier, leaf_hash
from hub.ledger.migrate import migrate, newest, refuse_newer
from hub.ledger.store import (
    APPLICATION_ID,
    DB_FILE,
    HEAD_FILE,
    NEW_FILE,
    PAGE_BYTES,
    connect,
    connect_reader,
    damage,
    diagnose,
)

_MAGIC = b"SQLite format 3\0"


def begin(folder: Path, gateway: str, clock: Clock) -> None:
    """Make sure there is a ledger: find it, finish an interrupted first start, or make one.

    Order of a first start: whole ledger under another name, then the key, then the rename. So a
    key without a ledger means that a ledger was here.

    raises  StoreDamaged when a ledger was here and is gone
    """
    db, new, key = folder / DB_FILE, folder / NEW_FILE, folder / KEY_FILE
    if db.exists():
        return
    if (folder / HEAD_FILE).exists() or (key.exists() and not new.exists()):
        witness = HEAD_FILE if (folder / HEAD_FILE).exists() else KEY_FILE
        raise damage(db, f"it is missing, but {folder / witness} shows that it existed")
    if not key.exists():
        new.unlink(missing_ok=True)
        _make(new, folder, gateway, clock)
    new.replace(db)
    sync_folder(folder)


def _make(new: Path, folder: Path, gateway: str, clock: Clock) -> None:
    device_key = DeviceKey.make(gateway)
    public = device_key.public
    at_us = clock.now_us()
    body = canonical(
        {
            "gateway": gateway,
            "origin": public.origin,
            "public_key": public.line(),
            "schema": newest(),
        }
    )
    head, salt = seal(0, "genesis", at_us, body, {})
    frontier = Frontier()
    frontier.append(leaf_hash(head))
    note = sign_checkpoint(device_key, Head(1, frontier.root()), at_us)
    connection = connect(new, "rwc")
    try:
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("PRAGMA synchronous=EXTRA")
        migrate(connection)
        connection.execute("BEGIN IMMEDIATE")
        stored, codec = pack(body)
        connection.execute("INSERT INTO entries VALUES (0,?,?,?,?)", (head, salt, stored, codec))
        connection.execute("INSERT INTO checkpoints VALUES (1,?,?)", (note, frontier.to_bytes()))
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
    device_key.save(folder)


def look(folder: Path) -> None:
    """Look at the raw file before SQLite does, which would take an empty one for a new one.

    raises  StoreDamaged for a file that is empty, not SQLite's, or shorter than it says
    """
    db = folder / DB_FILE
    with db.open("rb") as file:
        header = file.read(100)
        length = os.fstat(file.fileno()).st_size
    if not header:
        raise damage(db, "the file is empty")
    if not header.strip(b"\0"):
        raise damage(db, "the file begins with NUL bytes")
    if not header.startswith(_MAGIC) or len(header) < 100:
        raise damage(db, "the file does not begin as an SQLite file does")
    page = int.from_bytes(header[16:18])
    pages = int.from_bytes(header[28:32])
    wal = db.with_name(db.name + "-wal")
    # While a WAL holds commits, the file may rightly be behind its own header.
    if length < page * pages and not (wal.exists() and wal.stat().st_size):
        raise damage(db, f"the file has {length} bytes of {page * pages}: its end is missing")


class Whole:
    """What a start knows once the ledger was found whole."""

    def __init__(self, key: DeviceKey, frontier: Frontier, last: Checkpoint) -> None:
        self.key = key
        self.frontier = frontier
        self.last = last


def survey(folder: Path, connect: Callable[[Path], sqlite3.Connection] = connect_reader) -> Whole:
    """Check the ledger as far as a start must, through a connection that cannot write.

    raises  StoreDamaged naming what is wrong; CommandRefused for a newer schema; sqlite3.Error
    """
    db = folder / DB_FILE
    # A hub may write meanwhile: read before the file's one state that is looked at, the head
    # kept beside it cannot be ahead of that.
    kept = _kept_head(folder)
    connection = connect(db)
    try:
        connection.execute("BEGIN")
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION_ID:
            raise damage(db, "it is an SQLite file, but not a ledger's")
        refuse_newer(connection.execute("PRAGMA user_version").fetchone()[0], str(db))
        public = genesis_key(connection, db)
        try:
            key = DeviceKey.load(folder, public.origin)
        except ConfigError as e:
            raise damage(db, f"it cannot be signed for: {e}") from None
        if key.public.raw != public.raw:
            raise damage(db, f"{folder / KEY_FILE} is not the key of this ledger")
        last = _last_checkpoint(connection, db, public)
        frontier = _tail(connection, db, last)
        _compare_head(connection, folder, kept, frontier.size)
        return Whole(key, frontier, last)
    except sqlite3.Error as e:
        if diagnose(e, folder) is not None:
            raise
        # The queries are ours and right, so it is the tables that are not.
        raise damage(db, str(e)) from None
    finally:
        connection.close()


def genesis_key(connection: sqlite3.Connection, db: Path) -> PublicKey:
    """The public key that entry 0 names.

    raises  StoreDamaged when there is none, sqlite3.Error when it cannot be read
    """
    row = connection.execute("SELECT head, salt, body, codec FROM entries WHERE idx=0").fetchone()
    if row is None:
        raise damage(db, "entry 0 (genesis) is missing")
    try:
        return _genesis_key(*row)
    except (KeyError, TypeError, ValueError) as e:
        raise damage(db, f"entry 0 (genesis): {e}") from None


def _genesis_key(head: bytes, salt: bytes, stored: bytes, codec: str) -> PublicKey:
    entry = open_head(0, head, salt, unpack(stored, codec))
    if wrong := check(entry):
        raise ValueError(wrong)
    return PublicKey.from_line(orjson.loads(entry.body or b"")["public_key"])


def _last_checkpoint(connection: sqlite3.Connection, db: Path, public: PublicKey) -> Checkpoint:
    row = connection.execute(
        "SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1"
    ).fetchone()
    if row is None:
        raise damage(db, "it has no signed checkpoint")
    size, note = row
    try:
        last = read_checkpoint(note)
    except (TypeError, ValueError) as e:
        raise damage(db, f"checkpoint of size {size}: {e}") from None
    if last.size != size or not signed_by(last, public):
        raise damage(db, f"checkpoint of size {size}: its signature does not hold")
    return last


def _tail(connection: sqlite3.Connection, db: Path, last: Checkpoint) -> Frontier:
    """Recompute everything after the last checkpoint."""
    (stored,) = connection.execute(
        "SELECT frontier FROM checkpoints WHERE size=?", (last.size,)
    ).fetchone()
    try:
        frontier = Frontier.from_bytes(last.size, stored)
    except (TypeError, ValueError) as e:
        raise damage(db, f"checkpoint of size {last.size}: {e}") from None
    if frontier.root() != last.root:
        raise damage(db, f"checkpoint of size {last.size}: frontier does not give the signed root")
    rows = connection.execute(
        "SELECT idx, head, salt, body, codec FROM entries WHERE idx>=? ORDER BY idx",
        (last.size - 1,),
    )
    expected = last.size - 1
    for index, head, salt, stored, codec in rows:
        if index != expected:
            break
        if index >= last.size:
            try:
                body = None if stored is None else unpack(stored, codec)
                entry = open_head(index, head, salt, body)
                wrong = check(entry)
                if not wrong and entry.claims != index:
                    wrong = f"its head says it is entry {entry.claims}"
            except (TypeError, ValueError) as e:
                wrong = str(e)
            if wrong:
                raise damage(db, f"entry {index}: {wrong}")
            frontier.append(leaf_hash(head))
        expected += 1
    (newest_index,) = connection.execute("SELECT max(idx) FROM entries").fetchone()
    if newest_index is None or newest_index != expected - 1 or expected < last.size:
        raise damage(db, f"entry {expected} is missing")
    return frontier


def _kept_head(folder: Path) -> str | None:
    """The text beside the file; None after a kill in the first start, before it was written."""
    try:
        return (folder / HEAD_FILE).read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def _compare_head(
    connection: sqlite3.Connection, folder: Path, note: str | None, size: int
) -> None:
    """The head kept outside the file shows a file that was put back from an older copy."""
    if note is None:
        return
    db, path = folder / DB_FILE, folder / HEAD_FILE
    try:
        kept = read_checkpoint(note)
    except ValueError as e:
        raise StoreDamaged(
            f"{path}: not a checkpoint: {e}; run `gashub ledger verify`, and when that is clean,"
            " delete this file"
        ) from None
    row = connection.execute("SELECT note FROM checkpoints WHERE size=?", (kept.size,)).fetchone()
    if row is None or row[0] != note:
        raise damage(
            db,
            f"{path} was written at {kept.size} entries, the ledger has {size} and no such"
            " checkpoint: it is an older copy or another ledger",
        )


def keep_head(folder: Path, note: str) -> None:
    """Keep a checkpoint beside the file, for `survey` to compare with. raises OSError."""
    write_durably(folder / HEAD_FILE, note.encode())
