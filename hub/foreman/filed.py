"""What filings keep of jobs, and how it goes with them: the document in the ledger and in the
parcel. The steps stay, with the digest of what was filed; they name nobody.
"""

import sqlite3
from collections.abc import Collection
from typing import Final, NamedTuple

import orjson

from hub.errors import CommandRefused
from hub.ledger import Transaction, read_entry

_GIVEN_UP: Final = ("corrected", "discarded")
_STILL_NEEDED: Final = ("prepared", "approved", "queued")
_COLUMNS: Final = (
    "seq, id, sink, key, order_number, lane, kind, {body}, created_us, state, ready, batch,"
    " attempts, next_us, receipt, reason, trial"
)


class Filed(NamedTuple):
    """A filing that has a job; its document is in the entry `content`."""

    id: str
    authority: str
    state: str
    content: int


def filings_of(sql: sqlite3.Connection, jobs: Collection[str]) -> list[Filed]:
    """The filings whose document has one of these jobs, also those that were given up.

    raises  CommandRefused for one that is still to be sent
    """
    rows = sql.execute("SELECT filing, key FROM filing_rows")
    found = {filing for filing, key in rows if _job(key) in jobs}
    marks = sql.execute("SELECT id, content FROM filings WHERE state IN (?,?)", _GIVEN_UP)
    for filing, content in marks.fetchall():  # whose rows another one has, or none
        entry = read_entry(sql, content)
        if entry.body is not None and any(
            _job(one["key"]) in jobs for one in entry.record()["members"]
        ):
            found.add(filing)
    rows = sql.execute("SELECT id, authority, state, content FROM filings ORDER BY id")
    filings = [one for one in map(Filed._make, rows) if one.id in found]
    for one in filings:
        if one.state in _STILL_NEEDED or _waits(sql, one):
            raise CommandRefused(
                f"filing {one.id} has one of these jobs, is {one.state} and still under way: wait "
                "for its answer or discard it first"
            )
    return filings


def erase_filing(tx: Transaction, filing: Filed, reason: str, approved_by: str) -> int:
    """Erase its document, in the ledger and in its parcel; how many entries that were."""
    if read_entry(tx.sql, filing.content).body is None:
        return 0
    tx.erase(filing.content, reason, approved_by)
    row = tx.sql.execute("SELECT body FROM parcels WHERE key=?", (_key(filing),)).fetchone()
    if row is not None:
        event = orjson.loads(row[0])
        event["data"] = {
            key: value for key, value in event["data"].items() if key not in ("document", "title")
        }
        # The table keeps every body as it is, for good reasons. This is the one exception, so the
        # row is put in anew.
        tx.sql.execute(
            f"INSERT OR REPLACE INTO parcels ({_COLUMNS.format(body='body')})"  # noqa: S608 - constants
            f" SELECT {_COLUMNS.format(body='?')} FROM parcels WHERE key=?",
            (orjson.dumps(event, option=orjson.OPT_SORT_KEYS), _key(filing)),
        )
    return 1


def _waits(sql: sqlite3.Connection, filing: Filed) -> bool:
    row = sql.execute(
        "SELECT 1 FROM parcels WHERE key=? AND state='waiting'", (_key(filing),)
    ).fetchone()
    return row is not None


def _key(filing: Filed) -> str:
    return f"{filing.id}-{filing.authority}"


def _job(key: str) -> str:
    """A member's key is a job's number, of a hazard with what is filed of it behind a colon."""
    return key.partition(":")[0]
