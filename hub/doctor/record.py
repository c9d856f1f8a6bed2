"""The record: does it open, is it whole as far as a start looks, does its head fit?

Nothing is left behind. A ledger that nobody has open is read as a file that nobody can write, for
otherwise SQLite would put two files beside it, which would belong to whoever asked.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

from hub.doctor.finding import Finding
from hub.doctor.running import Running
from hub.errors import CommandRefused, StoreDamaged
from hub.ledger.entry import open_head
from hub.ledger.keys import KEY_FILE
from hub.ledger.start import look, survey
from hub.ledger.store import DB_FILE, connect, connect_reader

CHECK_WITHIN_S: Final = 20.0


class Record(NamedTuple):
    """What else is worth knowing of a ledger: bytes, and the times of its first and last entry."""

    size: int = 0
    first_us: int | None = None
    newest_us: int | None = None


def look_at_store(folder: Path, running: Running) -> tuple[list[Finding], Record]:
    """The findings, and the facts that clock and disk are judged by."""
    db, about = folder / DB_FILE, "store"
    store = running.status.get("store", "ok")
    if store != "ok":
        return [Finding(about, "broken", "store.refuses", {"why": store})], Record()
    try:
        if not db.exists():
            return [Finding(about, "ok", "store.none", {"db": db})], Record()
        kept = [file for file in (db, folder / KEY_FILE) if file.exists()]
    except PermissionError:
        return [Finding(about, "warning", "store.unseen", {"db": db})], Record()
    readable = all(os.access(file, os.R_OK) for file in kept)
    how = opener(folder, running.pid) if readable else None
    if how is None:
        return [Finding(about, "warning", "store.unseen", {"db": db})], Record()
    try:
        look(folder)
        survey(folder, how)
    except (StoreDamaged, CommandRefused, sqlite3.Error, OSError) as wrong:
        return [Finding(about, "broken", "store.damaged", {"why": str(wrong)})], Record()
    with closing(how(db)) as connection:
        findings = [_quick_check(connection, db)]
        record = _record(connection, folder)
    return findings, record


def opener(folder: Path, pid: int | None) -> Callable[[Path], sqlite3.Connection] | None:
    """How to open the ledger without making files; None where that cannot be done."""
    db = folder / DB_FILE
    wal, shm = (db.with_name(db.name + end) for end in ("-wal", "-shm"))
    if pid or shm.exists():
        return connect_reader
    if wal.exists() and wal.stat().st_size:
        return None
    return partial(connect, mode="immutable")


def _quick_check(connection: sqlite3.Connection, db: Path) -> Finding:
    """SQLite's own check of the whole file, as far as it gets in a reasonable time."""
    until_s = monotonic() + CHECK_WITHIN_S
    connection.set_progress_handler(lambda: monotonic() > until_s, 100_000)
    (entries,) = connection.execute("SELECT max(idx) + 1 FROM entries").fetchone()
    figures = {"db": db, "entries": entries}
    try:
        said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as cut:
        if "interrupted" not in str(cut):
            return Finding("store", "broken", "store.damaged", {"why": f"{db}: {cut}"})
        return Finding("store", "ok", "store.part", {**figures, "s": f"{CHECK_WITHIN_S:.0f}"})
    except sqlite3.DatabaseError as wrong:
        return Finding("store", "broken", "store.damaged", {"why": f"{db}: {wrong}"})
    finally:
        connection.set_progress_handler(None, 0)
    if said != "ok":
        return Finding("store", "broken", "store.damaged", {"why": f"{db}: {said}"})
    return Finding("store", "ok", "store.whole", figures)


def _record(connection: sqlite3.Connection, folder: Path) -> Record:
    rows = connection.execute(
        "SELECT idx, head FROM entries WHERE idx IN (0, (SELECT max(idx) FROM entries))"
        " ORDER BY idx"
    ).fetchall()
    times = [open_head(index, head, None, None).at_us for index, head in rows]
    size = sum(file.stat().st_size for file in _files(folder))
    return Record(size, times[0], times[-1]) if times else Record(size)


def _files(folder: Path) -> Iterator[Path]:
    return folder.glob(f"{DB_FILE}*")
