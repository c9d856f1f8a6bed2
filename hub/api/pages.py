"""Pages of the record for the API: bounded, oldest first, only what the caller's sites have."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hub.api.problems import Problem
from hub.clock import iso
from hub.events import COMPLETED
from hub.ledger import LedgerReader
from hub.tokens import Token

LONGEST_PAGE: Final = 200
# ?1 is a JSON list of the caller's sites; a token without sites sees all.
_ORDERS: Final = (
    "SELECT number, site, trial, state, created_us, (SELECT a.verdict_entry FROM attempts"
    " a WHERE a.number=orders.number AND a.verdict IS NOT NULL ORDER BY a.decided_us DESC LIMIT 1)"
    " FROM orders WHERE (?1='[]' OR site IN (SELECT value FROM json_each(?1)))"
    " AND (created_us, number)>(?2, ?3)"
    " ORDER BY created_us, number LIMIT ?4"
)
_JOBS: Final = (
    "SELECT number, kind, site, trial, phase, ended, opened_us, due_us, parent FROM jobs"
    " WHERE (?1='[]' OR site IN (SELECT value FROM json_each(?1)))"
    " AND (opened_us, number)>(?2, ?3) AND (?5='' OR kind=?5)"
    " AND (?6=0 OR ended='') AND erased<>'all' ORDER BY opened_us, number LIMIT ?4"
)
_VERDICTS: Final = (
    "SELECT a.verdict_entry FROM attempts a JOIN orders o ON o.number=a.number"
    " WHERE (?1='[]' OR site IN (SELECT value FROM json_each(?1)))"
    " AND a.verdict_entry>?2 AND (?4='' OR a.number=?4)"
    " ORDER BY a.verdict_entry LIMIT ?3"
)

Row = dict[str, Any]


def page(rows: Sequence[Row], limit: int, place: Callable[[Row], object]) -> Mapping[str, Any]:
    """*rows* is one more than asked for where there are more."""
    items = rows[:limit]
    more = len(rows) > limit
    return {"items": items, "next": str(place(items[-1])) if more else None}


def number_of(cursor: str) -> int:
    """A cursor that is a number; "" is the beginning. raises Problem"""
    if not cursor:
        return -1
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 18:
        raise Problem("unusable", f"cursor {cursor!r}; take `next` of an earlier answer")
    return int(cursor)


def orders(reader: LedgerReader, token: Token, cursor: str, limit: int) -> Mapping[str, Any]:
    added, number = _two(cursor)
    rows = reader.rows(
        _ORDERS,
        (_sites(token), added, number, limit + 1),
    )
    shown = [
        {
            "number": number, "site": site, "trial": bool(trial), "state": state,
            "added": iso(added_us), **_newest(reader, entry), "_at": f"{added_us}~{number}",
        }
        for number, site, trial, state, added_us, entry in rows
    ]  # fmt: skip
    return _without_place(page(shown, limit, lambda row: row["_at"]))


def jobs(
    reader: LedgerReader, token: Token, cursor: str, limit: int, kind: str, *, running: bool
) -> Mapping[str, Any]:
    opened, number = _two(cursor)
    rows = reader.rows(
        _JOBS,
        (_sites(token), opened, number, limit + 1, kind, int(running)),
    )
    shown = [
        {
            "job": number, "kind": of, "site": site, "trial": bool(trial), "phase": phase,
            "ended": ended, "completed": completed(ended), "opened": iso(opened_us),
            "parent": parent,
            "due": iso(due_us) if due_us and not ended else "", "_at": f"{opened_us}~{number}",
        }
        for number, of, site, trial, phase, ended, opened_us, due_us, parent in rows
    ]  # fmt: skip
    return _without_place(page(shown, limit, lambda row: row["_at"]))


def completed(ended: str) -> bool | None:
    """Whether a job that has ended with this word did what it was for; None while it runs."""
    return ended in COMPLETED if ended else None


def verdicts(
    reader: LedgerReader, token: Token, cursor: str, limit: int, order: str
) -> Mapping[str, Any]:
    rows = reader.rows(
        _VERDICTS,
        (_sites(token), number_of(cursor), limit + 1, order),
    )
    shown = []
    for (index,) in rows:
        record = reader.read(index).record()
        said = record["verdict"]
        shown.append(
            {
                "entry": index, "order": record["order"], "step": record["step"],
                "test": record["test"], "attempt": record["attempt"], "verdict_id": record["id"],
                "procedure": said["procedure"], "verdict": said["verdict"],
                "outcome": said.get("outcome"), "reasons": said["reasons"],
                "decided": record["decided_at"],
                "trial": record.get("trial", False),
            }
        )  # fmt: skip
    return page(shown, limit, lambda row: row["entry"])


def deliveries(
    reader: LedgerReader, token: Token, cursor: str, limit: int, asked: Mapping[str, str]
) -> Mapping[str, Any]:
    """asked  `sink`, `state` and `order`, each may be empty"""
    rows = reader.rows(
        f"{_PARCEL} WHERE {_OWN} AND p.seq>?2 AND (?4='' OR p.sink=?4) AND (?5='' OR p.state=?5)"
        " AND (?6='' OR p.order_number=?6) ORDER BY p.seq LIMIT ?3",
        (
            _sites(token), number_of(cursor), limit + 1,
            asked["sink"], asked["state"], asked["order"],
        ),
    )  # fmt: skip
    return _without_place(page([_parcel(row) for row in rows], limit, lambda row: row["_at"]))


def delivery(reader: LedgerReader, token: Token, id: str) -> Row:
    """One with its body and every attempt. raises Problem"""
    rows = reader.rows(f"{_PARCEL} WHERE {_OWN} AND p.id=?2", (_sites(token), id))
    if not rows:
        raise Problem("absent", f"no delivery {id!r}")
    ((body,),) = reader.rows("SELECT body FROM parcels WHERE id=?", (id,))
    log = reader.rows(
        "SELECT attempt, at_us, outcome, detail FROM parcel_log WHERE parcel=? ORDER BY rowid",
        (id,),
    )
    lines = [
        {"attempt": attempt, "at": iso(at_us), "outcome": outcome, "detail": detail}
        for attempt, at_us, outcome, detail in log
    ]
    shown = _parcel(rows[0])
    del shown["_at"]
    return {**shown, "body": json.loads(body), "log": lines}


def _newest(reader: LedgerReader, entry: int | None) -> Row:
    """The verdict at *entry*, in short."""
    said = reader.read(entry).record()["verdict"] if entry is not None else {"verdict": ""}
    return {"verdict": said["verdict"], "outcome": said.get("outcome")}


_PARCEL: Final = (
    "SELECT p.seq, p.id, p.sink, p.order_number, p.kind, p.state, p.attempts, p.created_us,"
    " p.receipt, p.reason, p.batch, p.key FROM parcels p"
)
_OWN: Final = (
    "(?1='[]' OR EXISTS (SELECT 1 FROM orders o WHERE o.number=p.order_number AND o.site IN"
    " (SELECT value FROM json_each(?1))) OR EXISTS (SELECT 1 FROM jobs j WHERE"
    " j.number=p.order_number AND j.site IN (SELECT value FROM json_each(?1))))"
)


def _parcel(row: Sequence[Any]) -> Row:
    seq, id, sink, order, kind, state, attempts, created_us, receipt, reason, batch, key = row
    return {
        "id": id, "sink": sink, "order": order, "kind": kind, "state": state,
        "attempts": attempts, "created": iso(created_us), "receipt": receipt, "reason": reason,
        "batch": batch, "key": key, "_at": seq,
    }  # fmt: skip


def _sites(token: Token) -> str:
    return json.dumps(list(token.sites))


def _two(cursor: str) -> tuple[int, str]:
    at, _, number = cursor.partition("~")
    return number_of(at), number


def _without_place(found: Mapping[str, Any]) -> Mapping[str, Any]:
    for item in found["items"]:
        del item["_at"]
    return found
