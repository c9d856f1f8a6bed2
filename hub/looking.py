"""What the record says of orders, for people who look: read-only, with or without a hub."""

from pathlib import Path
from typing import Any

import orjson

from hub.clock import iso
from hub.errors import CommandRefused
from hub.ledger import LedgerReader
from hub.outbox import listing


def orders(state_dir: Path) -> list[dict[str, Any]]:
    """Every order, newest first, with its newest verdict."""
    with LedgerReader(state_dir) as reader:
        return [
            {"number": number, "state": state, "added": iso(created), "verdict": verdict or ""}
            for number, state, created, verdict in reader.sql.execute(
                "SELECT o.number, o.state, o.created_us, (SELECT a.verdict FROM attempts a"
                " WHERE a.number = o.number AND a.verdict IS NOT NULL"
                " ORDER BY a.decided_us DESC LIMIT 1)"
                " FROM orders o ORDER BY o.created_us DESC"
            )
        ]


def order(state_dir: Path, number: str) -> dict[str, Any]:
    """One order with its tests and every attempt, verdicts in full.

    raises  CommandRefused when the record does not know it
    """
    with LedgerReader(state_dir) as reader:
        row = reader.sql.execute(
            "SELECT record, state, created_us, entry, site, trial FROM orders WHERE number=?",
            (number,),
        ).fetchone()
        if row is None:
            raise CommandRefused(f"no order {number!r} in the record; see `gashub order list`")
        record = orjson.loads(row[0])
        attempts = []
        for id, test, state, opened, entry in reader.sql.execute(
            "SELECT id, test, state, opened_us, verdict_entry FROM attempts"
            " WHERE number=? ORDER BY opened_us",
            (number,),
        ).fetchall():
            body = reader.read(entry).record() if entry is not None else {}
            attempts.append(
                {
                    "attempt": id,
                    "test": test,
                    "state": state,
                    "opened": iso(opened),
                    "entry": entry,
                    "verdict_id": body.get("id", ""),
                    "verdict": body.get("verdict", {}),
                }
            )
        return {
            "number": number,
            "id": record["id"],
            "site": row[4],
            "trial": bool(row[5]),
            "state": row[1],
            "added": iso(row[2]),
            "entry": row[3],
            "tests": [
                {"id": t["id"], "step": t["step"], "procedure": t["spec"]["procedure"]}
                for t in record["tests"]
            ],
            "attempts": attempts,
        }


def jobs(state_dir: Path, *, kind: str = "", running: bool = False) -> list[dict[str, Any]]:
    """Every job, newest first."""
    with LedgerReader(state_dir) as reader:
        return [
            {
                "job": number,
                "kind": of,
                "phase": ended or phase,
                "opened": iso(opened),
                "due": iso(due) if due and not ended else "",
                "parent": parent,
            }
            for number, of, phase, ended, opened, due, parent in reader.sql.execute(
                "SELECT number, kind, phase, ended, opened_us, due_us, parent FROM jobs"
                " WHERE (?1='' OR kind=?1) AND (?2=0 OR ended='') ORDER BY opened_us DESC",
                (kind, int(running)),
            )
        ]


def staff(state_dir: Path) -> list[dict[str, Any]]:
    """The register of staff, by id."""
    with LedgerReader(state_dir) as reader:
        rows = reader.sql.execute("SELECT record FROM staff ORDER BY id").fetchall()
        return [
            {
                "id": one["id"],
                "supervisor": one["supervisor"],
                "certificates": ", ".join(
                    f"{role} {held['number']} until {held['until']}"
                    for role, held in sorted(one["certificates"].items())
                ),
            }
            for one in (orjson.loads(row[0]) for row in rows)
        ]


def parcels(
    state_dir: Path, *, sink: str, state: str, order: str, most: int
) -> list[dict[str, Any]]:
    """Parcels of the outbox, oldest first; everything but the body."""
    with LedgerReader(state_dir) as reader:
        found = listing.rows(reader.sql, sink=sink, state=state, order=order, at_most=most)
        return [_parcel(row) for row in found]


def parcel(state_dir: Path, id: str) -> dict[str, Any]:
    """One parcel with its body and every attempt."""
    with LedgerReader(state_dir) as reader:
        found = listing.show(reader.sql, id)
        return {
            **_parcel(found.row),
            "body": orjson.loads(found.body),
            "log": [{**line._asdict(), "at": iso(line.at_us)} for line in found.log],
        }


def sinks(state_dir: Path) -> list[dict[str, Any]]:
    """How every sink that ever had a parcel stands: waiting, taken, refused, and in trouble why."""
    with LedgerReader(state_dir) as reader:
        return [
            {
                **row._asdict(),
                "since_us": iso(row.since_us) if row.since_us else "",
                "oldest_us": iso(row.oldest_us) if row.oldest_us else "",
            }
            for row in listing.sinks(reader.sql)
        ]


def _parcel(row: listing.ParcelRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "sink": row.sink,
        "order": row.order,
        "kind": row.kind,
        "state": row.state,
        "attempts": row.attempts,
        "created": iso(row.created_us),
        "receipt": row.receipt,
        "reason": row.reason,
        "batch": row.batch,
        "key": row.key,
    }
