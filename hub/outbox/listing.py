"""What people ask of the outbox. Works on any read-only connection, with or without a hub."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from hub.errors import CommandRefused


class ParcelRow(NamedTuple):
    """One parcel in a list; everything but its body."""

    seq: int
    id: str
    sink: str
    key: str
    order: str
    kind: str
    created_us: int
    state: str
    batch: str
    attempts: int
    next_us: int
    receipt: str
    reason: str


class Attempt(NamedTuple):
    """One line of a parcel's attempt log, oldest first."""

    attempt: int
    at_us: int
    outcome: str
    detail: str


class ParcelFile(NamedTuple):
    """Everything about one parcel."""

    row: ParcelRow
    body: bytes
    log: Sequence[Attempt]


class SinkRow(NamedTuple):
    """How one sink's channel stands, with the number of parcels in each state."""

    sink: str
    standing: str
    reason: str
    since_us: int
    waiting: int
    taken: int
    refused: int
    dead: int
    oldest_us: int | None
    """When the oldest waiting parcel was addressed."""


def rows(
    sql: sqlite3.Connection,
    *,
    sink: str = "",
    state: str = "",
    order: str = "",
    after_seq: int = 0,
    at_most: int = 100,
) -> list[ParcelRow]:
    """A page of parcels in order of addressing; go on with the last row's `seq`."""
    given = {"sink": sink, "state": state, "order_number": order}
    asked = {column: value for column, value in given.items() if value}
    where = "".join(f" AND {column} = ?" for column in asked)
    found = sql.execute(
        "SELECT seq, id, sink, key, order_number, kind, created_us, state, batch, attempts,"  # noqa: S608 - column names are ours, see above
        " next_us, receipt, reason FROM parcels"
        f" WHERE seq > ?{where} ORDER BY seq LIMIT ?",
        (after_seq, *asked.values(), at_most),
    )
    return [ParcelRow(*row) for row in found]


def show(sql: sqlite3.Connection, parcel: str) -> ParcelFile:
    """One parcel by its id or its idempotency key.

    raises  CommandRefused when there is none
    """
    found = sql.execute(
        "SELECT seq, id, sink, key, order_number, kind, created_us, state, batch, attempts,"
        " next_us, receipt, reason, body FROM parcels WHERE id = ? OR key = ?",
        (parcel, parcel),
    ).fetchone()
    if found is None:
        raise CommandRefused(f"no parcel {parcel!r}; see `gashub outbox list`")
    row = ParcelRow(*found[:-1])
    attempts = sql.execute(
        "SELECT attempt, at_us, outcome, detail FROM parcel_log WHERE parcel = ? ORDER BY rowid",
        (row.id,),
    )
    return ParcelFile(row, found[-1], [Attempt(*line) for line in attempts])


def sinks(sql: sqlite3.Connection) -> list[SinkRow]:
    """Every sink that ever had a parcel, by name."""
    counts: dict[str, dict[str, int]] = {}
    for sink, state, count in sql.execute(
        "SELECT sink, state, COUNT(*) FROM parcels GROUP BY sink, state ORDER BY sink"
    ):
        counts.setdefault(sink, {})[state] = count
    return [_sink_row(sql, sink, by_state) for sink, by_state in counts.items()]


def waiting_sinks(sql: sqlite3.Connection) -> set[str]:
    """The sinks that parcels are waiting for."""
    return {row.sink for row in sinks(sql) if row.waiting}


def _sink_row(sql: sqlite3.Connection, sink: str, by_state: dict[str, int]) -> SinkRow:
    standing = sql.execute(
        "SELECT state, reason, since_us FROM sink_state WHERE sink = ?", (sink,)
    ).fetchone()
    oldest = sql.execute(
        "SELECT created_us FROM parcels WHERE sink = ? AND state = 'waiting' ORDER BY seq LIMIT 1",
        (sink,),
    ).fetchone()
    state, reason, since_us = standing or ("open", "", 0)
    return SinkRow(
        sink=sink,
        standing=state,
        reason=reason,
        since_us=since_us,
        waiting=by_state.get("waiting", 0),
        taken=by_state.get("taken", 0),
        refused=by_state.get("refused", 0),
        dead=by_state.get("dead", 0),
        oldest_us=oldest[0] if oldest else None,
    )
