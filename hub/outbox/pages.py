"""What a channel reads to know its next move: always a bounded page, by its own connection."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from hub.model import Parcel

_PARCEL = """id, sink, key, order_number, kind, body, created_us, attempts, trial,
kind = 'filing_document' AND EXISTS (SELECT 1 FROM filings AS f
    WHERE f.id = substr(key, 1, length(key) - length(sink) - 1) AND f.state <> 'queued')"""


class Claimable(NamedTuple):
    """Parcels that may form the next batch, and when the oldest of all was addressed."""

    ids: Sequence[str]
    oldest_us: int
    due_us: int | None
    """When a parcel that was put off is due again; None with none put off."""


def due_alone(sql: sqlite3.Connection, sink: str, now_us: int, at_most: int) -> list[Parcel]:
    """The first waiting parcel of each lane, as far as it is due; longest due first."""
    rows = sql.execute(
        f"SELECT {_PARCEL} FROM parcels"  # noqa: S608 - a constant
        " WHERE sink = ? AND ready = 1 AND next_us <= ?"
        " ORDER BY next_us, seq LIMIT ?",
        (sink, now_us, at_most),
    )
    return [Parcel(*row) for row in rows]


def next_due_us(sql: sqlite3.Connection, sink: str) -> int | None:
    """When the next parcel that is not held up by another is due; None when none waits."""
    row = sql.execute(
        "SELECT MIN(next_us) FROM parcels WHERE sink = ? AND ready = 1", (sink,)
    ).fetchone()
    due_us: int | None = row[0]
    return due_us


def open_batch(sql: sqlite3.Connection, sink: str) -> tuple[str, int] | None:
    """The batch that was claimed and not settled, longest due first, and when it is due."""
    row = sql.execute(
        "SELECT batch, next_us FROM parcels WHERE sink = ? AND state = 'waiting' AND batch <> ''"
        " ORDER BY next_us, seq LIMIT 1",
        (sink,),
    ).fetchone()
    return (row[0], row[1]) if row else None


def members(sql: sqlite3.Connection, sink: str, batch: str) -> list[Parcel]:
    """The parcels of a batch that are still waiting, in order of addressing."""
    rows = sql.execute(
        f"SELECT {_PARCEL} FROM parcels"  # noqa: S608 - a constant
        " WHERE sink = ? AND batch = ? AND batch <> ''"
        " AND state = 'waiting' ORDER BY seq",
        (sink, batch),
    )
    return [Parcel(*row) for row in rows]


def claimable(sql: sqlite3.Connection, sink: str, now_us: int, at_most: int) -> Claimable:
    """Parcels for a new batch, oldest first, none before an earlier one of its lane."""
    ids: list[str] = []
    held: set[str] = set()
    oldest_us, due_us = now_us, None
    rows = sql.execute(
        "SELECT id, lane, next_us, created_us FROM parcels"
        " WHERE sink = ? AND state = 'waiting' ORDER BY seq LIMIT ?",
        (sink, at_most),
    )
    for ident, lane, next_us, created_us in rows:
        if next_us > now_us or lane in held:
            held.add(lane)
            due_us = min(next_us, due_us) if due_us is not None else next_us
        else:
            ids.append(ident)
            oldest_us = min(oldest_us, created_us)
    return Claimable(ids, oldest_us, due_us)


def standing(sql: sqlite3.Connection, sink: str) -> tuple[str, str]:
    """How the channel stood when it last changed: state and reason."""
    row = sql.execute("SELECT state, reason FROM sink_state WHERE sink = ?", (sink,)).fetchone()
    return (row[0], row[1]) if row else ("open", "")
