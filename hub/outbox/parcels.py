"""The parcels' side of a ledger transaction: addressed, claimed, settled.

Every function here runs on the judging thread, inside its transaction, and does a bounded number
of index look-ups per parcel, however many are waiting.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from ulid import ULID

from hub.clock import iso
from hub.events import Event
from hub.ledger import Transaction
from hub.model import Notice

Answer = Literal["taken", "refused", "waiting"]
Tell = Callable[[Transaction, Mapping[str, Any], int], object]
"""Have the world outside hear of what entry so-and-so says, in the same transaction."""


class Outcome(NamedTuple):
    """What became of one parcel in one attempt. `detail` is the receipt or the reason."""

    parcel: str
    answer: Answer
    detail: str
    next_us: int = 0


def is_trial(tx: Transaction, order: str) -> bool:
    """Whether an order or job is only tried out. What belongs to none is the real thing."""
    row = tx.sql.execute(
        "SELECT 1 FROM orders WHERE number=?1 AND trial=1"
        " UNION ALL SELECT 1 FROM jobs WHERE number=?1 AND trial=1",
        (order,),
    ).fetchone()
    return row is not None


def address(
    tx: Transaction, event: Event, sinks: Sequence[str], at_us: int, *, trial: bool = False
) -> list[str]:
    """Put one parcel per sink into the outbox; returns the parcels' ids.

    raises  sqlite3.IntegrityError when the event was addressed to one of them before
    """
    ids = []
    for sink in sinks:
        parcel = str(ULID())
        lane = event.order or parcel
        tx.sql.execute(
            "INSERT INTO parcels (id, sink, key, order_number, lane, kind, body, created_us,"
            " next_us, trial, ready) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NOT EXISTS (SELECT 1"
            " FROM parcels WHERE sink = ? AND lane = ? AND state = 'waiting'))",
            (
                parcel, sink, f"{event.id}-{sink}", event.order, lane, event.kind, event.body,
                at_us, at_us, trial, sink, lane,
            ),
        )  # fmt: skip
        ids.append(parcel)
    return ids


def claim(tx: Transaction, ids: Sequence[str], batch: str) -> int:
    """Make *ids* the members of *batch* for ever; returns how many were still free to join."""
    return sum(
        tx.sql.execute(
            "UPDATE parcels SET batch = ? WHERE id = ? AND state = 'waiting' AND batch = ''",
            (batch, parcel),
        ).rowcount
        for parcel in ids
    )


def settle(
    tx: Transaction,
    sink: str,
    outcomes: Sequence[Outcome],
    *,
    at_us: int,
    dead_after: int,
    heads: Mapping[str, Mapping[str, Any]],
    batch: str = "",
    filed: Tell = lambda _tx, _body, _entry: None,
) -> None:
    """Record the outcomes of one `deliver`, with its attempt log and its ledger entry.

    heads  parcel id -> the ledger head that went out with it
    filed  told of the batch's entry, with what a filing's event says
    batch  id of the batch that was delivered as one, or empty for a parcel delivered alone
    """
    taken = []
    states = set()
    for outcome in outcomes:
        row = tx.sql.execute(
            "SELECT lane, attempts, key, order_number FROM parcels"
            " WHERE id = ? AND state = 'waiting'",
            (outcome.parcel,),
        ).fetchone()
        if row is None:  # settled before: this very outcome was handed in twice
            continue
        lane, attempts, key, order = row
        attempt = attempts + 1
        state: str = outcome.answer
        if state == "waiting" and attempt >= dead_after and _poison(tx, sink, outcome.parcel):
            state = "dead"
        tx.sql.execute(
            "UPDATE parcels SET state = ?, ready = ready AND ?, attempts = ?, next_us = ?,"
            " receipt = ?, reason = ? WHERE id = ?",
            (
                state, state == "waiting", attempt, outcome.next_us,
                outcome.detail if state == "taken" else "",
                "" if state == "taken" else outcome.detail, outcome.parcel,
            ),
        )  # fmt: skip
        log_attempt(tx, outcome.parcel, attempt, at_us, state, outcome.detail)
        states.add(state)
        if state == "taken":
            taken.append((outcome, key, attempt))
        elif state != "waiting":
            what = f"order {order or '-'}, key {key}, parcel {outcome.parcel}: {outcome.detail}"
            notice(tx, at_us, sink, f"parcel_{state}", what)
        if state != "waiting":
            advance(tx, sink, lane)
    if batch and len(states) > 1:
        # The answer has split the batch: what is left of it is another batch, to be named anew.
        tx.sql.execute(
            "UPDATE parcels SET batch = '' WHERE sink = ? AND batch = ? AND batch <> ''"
            " AND state = 'waiting'",
            (sink, batch),
        )
    if taken:
        _record(tx, sink, taken, at_us, heads, batch, filed)


def put_off(tx: Transaction, ids: Sequence[str], next_us: int, reason: str) -> None:
    """Try those of *ids* that still wait no sooner than *next_us*. Counts as no attempt."""
    for parcel in ids:
        tx.sql.execute(
            "UPDATE parcels SET next_us = ?, reason = ? WHERE id = ? AND state = 'waiting'",
            (next_us, reason, parcel),
        )


def withdraw(tx: Transaction, sink: str, key: str, at_us: int, why: str) -> None:
    """Refuse a parcel that is still waiting, as what it carries is given up; the next one of its
    lane may go. Nothing happens to one that is settled, or to none.
    """
    row = tx.sql.execute(
        "SELECT id, lane, attempts FROM parcels WHERE sink = ? AND key = ? AND state = 'waiting'",
        (sink, key),
    ).fetchone()
    if row is None:
        return
    parcel, lane, attempts = row
    tx.sql.execute(
        "UPDATE parcels SET state = 'refused', ready = 0, batch = '', reason = ? WHERE id = ?",
        (why, parcel),
    )
    log_attempt(tx, parcel, attempts, at_us, "refused", why)
    advance(tx, sink, lane)


def mark(tx: Transaction, sink: str, state: str, reason: str, at_us: int) -> None:
    """Record how a channel stands now: open, lost, paused or failed; one notice per change."""
    tx.sql.execute(
        "INSERT INTO sink_state (sink, state, reason, since_us) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (sink) DO UPDATE SET state = excluded.state, reason = excluded.reason,"
        " since_us = excluded.since_us",
        (sink, state, reason, at_us),
    )
    notice(tx, at_us, sink, "sink_back" if state == "open" else f"sink_{state}", reason)


def notice(tx: Transaction, at_us: int, subject: str, what: str, detail: str) -> None:
    tx.append("notice", Notice(at_us, subject, what, detail)._asdict(), at_us)


def advance(tx: Transaction, sink: str, lane: str) -> None:
    """Let the first waiting parcel of a lane be the one that is delivered next."""
    tx.sql.execute(
        "UPDATE parcels SET ready = 1 WHERE seq = (SELECT MIN(seq) FROM parcels"
        " WHERE sink = ? AND lane = ? AND state = 'waiting')",
        (sink, lane),
    )


def _poison(tx: Transaction, sink: str, parcel: str) -> bool:
    """Whether the sink has taken others since it first failed on this one."""
    row = tx.sql.execute(
        "SELECT last_taken_us > (SELECT MIN(at_us) FROM parcel_log WHERE parcel = ?)"
        " FROM sink_state WHERE sink = ?",
        (parcel, sink),
    ).fetchone()
    return bool(row and row[0])


def _record(
    tx: Transaction,
    sink: str,
    taken: Sequence[tuple[Outcome, str, int]],
    at_us: int,
    heads: Mapping[str, Mapping[str, Any]],
    batch: str,
    filed: Tell,
) -> None:
    """The ledger's own proof of what left the box, with the heads that outsiders now hold."""
    tx.sql.execute(
        "INSERT INTO sink_state (sink, last_taken_us) VALUES (?, ?)"
        " ON CONFLICT (sink) DO UPDATE SET last_taken_us = excluded.last_taken_us",
        (sink, at_us),
    )
    if batch:
        last = max((heads.get(o.parcel, {}) for o, _, _ in taken), key=lambda h: h.get("size", 0))
        filing = {
            "sink": sink,
            "batch": batch,
            "keys": [key for _, key, _ in taken],
            "receipt": taken[0][0].detail,
            "size": last.get("size", 0),
            "root": last.get("root", ""),
        }
        entry = tx.append("filing", filing, at_us)
        told = {
            "filing": batch,
            "state": "submitted",
            "channel": sink,
            "records": len(taken),
            "receipt": filing["receipt"],
            "at": iso(at_us),
        }
        filed(tx, told, entry)
        return
    for outcome, key, attempt in taken:
        head = heads.get(outcome.parcel, {})
        delivery = {
            "sink": sink,
            "parcel": outcome.parcel,
            "key": key,
            "attempt": attempt,
            "receipt": outcome.detail,
            "size": head.get("size", 0),
            "root": head.get("root", ""),
        }
        tx.append("delivery", delivery, at_us)


def log_attempt(
    tx: Transaction, parcel: str, attempt: int, at_us: int, outcome: str, detail: str
) -> None:
    tx.sql.execute(
        "INSERT INTO parcel_log (parcel, attempt, at_us, outcome, detail) VALUES (?, ?, ?, ?, ?)",
        (parcel, attempt, at_us, outcome, detail),
    )
