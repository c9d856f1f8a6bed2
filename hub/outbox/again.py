"""What an operator can do about parcels: try again what failed, deliver again what is done.

Both run on the judging thread, inside its transaction, and leave a notice that names who asked.
"""

from collections.abc import Sequence
from typing import Any

from hub.errors import CommandRefused
from hub.ledger import Transaction
from hub.outbox.parcels import advance, log_attempt, notice

# Narrowed by the first of parcel, order and sink that is given: each has an index.
_GIVEN_UP = """kind = 'filing_document' AND EXISTS (SELECT 1 FROM filings AS f
    WHERE f.id = substr(key, 1, length(key) - length(sink) - 1)
    AND f.state IN ('discarded', 'corrected'))"""
"""Its records are in another filing, or will be: sent once more, they would be filed twice."""
_ELSEWHERE = (
    "they are never sent again, as their records are filed elsewhere; see `gashub filing list`"
)
_RETRY = f"""
SELECT id, sink, lane, state, attempts, {_GIVEN_UP} FROM parcels
WHERE state <> 'taken' AND seq IN (
    SELECT seq FROM parcels WHERE id = :parcel
    UNION ALL SELECT seq FROM parcels WHERE :parcel = '' AND order_number = :order
    UNION ALL SELECT seq FROM parcels WHERE :parcel = '' AND :order = '' AND sink = :sink
) AND :parcel IN ('', id) AND :order IN ('', order_number) AND :sink IN ('', sink) ORDER BY seq
"""  # noqa: S608 - of constants
# The batches first, and by their own index (a plus keeps SQLite off the one by state): else each
# parcel is held against each, and a replay of 10^4 keeps the judging thread for minutes.
_REPLAY = f"""
WITH done AS MATERIALIZED (SELECT seq, sink, state, batch FROM parcels
    WHERE state <> 'waiting' AND seq IN (
        SELECT seq FROM parcels WHERE id = :parcel
        UNION ALL SELECT seq FROM parcels WHERE :parcel = '' AND order_number = :order
        UNION ALL SELECT seq FROM parcels WHERE :parcel = '' AND :order = '' AND sink = :sink
    ) AND :parcel IN ('', id) AND :order IN ('', order_number) AND :sink IN ('', sink))
SELECT id, sink, lane, state, attempts, {_GIVEN_UP} FROM parcels WHERE seq IN (
    SELECT seq FROM done
    UNION SELECT mate.seq
        FROM (SELECT DISTINCT sink, batch FROM done WHERE state = 'taken' AND batch <> '') AS whole
        JOIN parcels AS mate ON mate.sink = whole.sink AND mate.batch = whole.batch
        WHERE mate.batch <> '' AND +mate.state = 'taken'
) ORDER BY seq
"""  # noqa: S608 - as above


def retry(
    tx: Transaction, *, who: str, at_us: int, parcel: str = "", order: str = "", sink: str = ""
) -> int:
    """Try refused and dead parcels again, and waiting ones at once; resume a paused channel.

    At least one of *parcel* (an id), *order* and *sink* narrows it down. Call `Outbox.hurry`
    once it is durable.
    returns  how many parcels are due now because of it; those of filings that were discarded or
             corrected stay, and the notice says how many
    raises   CommandRefused when nothing narrows it down, or it names no parcel and no channel
    """
    named = _named(parcel, order, sink)
    rows, stay = _without_given_up(tx.sql.execute(_RETRY, named).fetchall())
    if stay and not rows and not _troubled(tx, sink):
        raise CommandRefused(f"{_said(named)}{stay}: {_ELSEWHERE}", "conflict")
    if not rows and not _troubled(tx, sink):
        raise CommandRefused(
            f"nothing to retry for {_said(named)}: no parcel that is waiting, refused or dead, "
            "and no channel in trouble; see `gashub outbox list`",
            "conflict",
        )
    for ident, name, lane, state, attempts in rows:
        _again(tx, ident, name, lane, at_us, keep_batch=state == "waiting")
        if state != "waiting":
            log_attempt(tx, ident, attempts, at_us, "retried", f"by {who}")
    said = f"by {who}: {len(rows)} parcel(s) of {_said(named)}{stay}"
    notice(tx, at_us, sink or "outbox", "outbox_retry", said)
    return len(rows)


def replay(
    tx: Transaction, *, who: str, at_us: int, parcel: str = "", order: str = "", sink: str = ""
) -> int:
    """Deliver parcels that are done once more: the stored bytes, the same key, a new attempt.

    A parcel that was taken in a batch brings the whole batch, so that the far side sees the same
    group under the same id.
    returns  how many parcels are due now because of it
    raises   as `retry`
    """
    named = _named(parcel, order, sink)
    rows, stay = _without_given_up(tx.sql.execute(_REPLAY, named).fetchall())
    if stay and not rows:
        raise CommandRefused(f"{_said(named)}{stay}: {_ELSEWHERE}", "conflict")
    if not rows:
        raise CommandRefused(
            f"nothing to replay for {_said(named)}: only a parcel that was taken, refused or is "
            "dead is delivered again; see `gashub outbox list`",
            "conflict",
        )
    for ident, name, lane, state, attempts in rows:
        _again(tx, ident, name, lane, at_us, keep_batch=state == "taken")
        log_attempt(tx, ident, attempts, at_us, "replayed", f"by {who}")
    said = f"by {who}: {len(rows)} parcel(s) of {_said(named)}{stay}"
    notice(tx, at_us, sink or "outbox", "outbox_replay", said)
    return len(rows)


def _without_given_up(rows: Sequence[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], str]:
    """The rows that may go out, and what to say of the others."""
    due = [row[:-1] for row in rows if not row[-1]]
    stay = len(rows) - len(due)
    said = f"; {stay} parcel(s) of filings that were discarded or corrected stay"
    return due, said if stay else ""


def _again(
    tx: Transaction, parcel: str, sink: str, lane: str, at_us: int, *, keep_batch: bool
) -> None:
    tx.sql.execute(
        "UPDATE parcels SET state = 'waiting', next_us = ?, reason = '',"
        " batch = iif(?, batch, '') WHERE id = ?",
        (at_us, keep_batch, parcel),
    )
    # It may stand before the one that was next in its lane.
    tx.sql.execute(
        "UPDATE parcels SET ready = 0 WHERE sink = ? AND lane = ? AND ready = 1", (sink, lane)
    )
    advance(tx, sink, lane)


def _troubled(tx: Transaction, sink: str) -> bool:
    row = tx.sql.execute("SELECT state FROM sink_state WHERE sink = ?", (sink,)).fetchone()
    return row is not None and row[0] != "open"


def _named(parcel: str, order: str, sink: str) -> dict[str, str]:
    named = {"parcel": parcel, "order": order, "sink": sink}
    if not any(named.values()):
        raise CommandRefused("name a parcel, an order or a sink")
    return named


def _said(named: dict[str, str]) -> str:
    return ", ".join(f"{word} {value}" for word, value in named.items() if value)
