"""Filings as the hub has them, held against what their authority has.

Only what was handed to the outbox is asked about. The reports are those of `hub.reconciling`, and
as there nothing is repaired.

missing        handed over, and not there
other_state    the authority says something else of it than the hub has heard
other_digest   what lies there is not the document that was approved
other_receipt  accepted under another number
unclear        the authority's answer says nothing of it
unknown        there, and no filing of this gateway
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from hub.errors import Fault
from hub.filing.life import OPEN, State
from hub.holdings import Filed, TellsFilings
from hub.ledger import LedgerReader
from hub.outbox import Consignee
from hub.reconciling import Difference, Report, Subject

DIGEST_DAYS: Final = 100
"""So that the filing of a quarter is looked at until the next one is due."""
_SAYS: Final[Mapping[str, State]] = {
    "submitted": "submitted",
    "unknown": "submitted_unknown",
    "accepted": "accepted",
    "rejected": "rejected",
    "duplicate": "duplicate_of",
}


class _Ours(NamedTuple):
    state: State
    receipt: str
    digest: str
    follows: bool
    """The outbox still asks for its result by itself."""


def filing_subjects(state_dir: Path, consignees: Sequence[Consignee]) -> dict[str, Subject]:
    """The sinks whose authority can be asked, by name."""
    return {
        one.name: Subject(
            "gov", DIGEST_DAYS, partial(reconcile_filings, state_dir, one.name, one.sink)
        )
        for one in consignees
        if isinstance(one.sink, TellsFilings)
    }


def reconcile_filings(
    state_dir: Path, sink: str, far: TellsFilings, from_us: int, until_us: int
) -> Report:
    """Compare the filings that were drafted for *sink* in a period and handed to the outbox."""
    with LedgerReader(state_dir) as reader:
        ours = _ours(reader.sql, sink, from_us, until_us)
        try:
            there = list(far.filed(list(ours)))
        except (Fault, OSError) as why:
            return Report(sink, from_us, until_us, len(ours), 0, [], str(why))
        # Read anew: what was learnt while the authority was asked is no difference.
        ours |= _ours(reader.sql, sink, from_us, until_us)
        differences = [
            one
            for found in there
            for one in (
                _differing(ours[found.filing], found)
                if found.filing in ours
                else _unknown(reader.sql, found)
            )
        ]
    held = sum(one.there is True and one.filing in ours for one in there)
    return Report(sink, from_us, until_us, len(ours), held, differences)


def _ours(sql: sqlite3.Connection, sink: str, from_us: int, until_us: int) -> dict[str, _Ours]:
    rows = sql.execute(
        "SELECT f.id, f.state, f.receipt, f.digest, p.state = 'waiting' FROM filings f"
        " JOIN parcels p ON p.key = f.id || '-' || ?1 WHERE f.authority = ?1"
        " AND f.state NOT IN ('prepared', 'approved', 'corrected', 'discarded')"
        " AND f.drafted_us >= ?2 AND f.drafted_us < ?3 ORDER BY f.drafted_us",
        (sink, from_us, until_us),
    )
    return {row[0]: _Ours(*row[1:]) for row in rows}


def _differing(ours: _Ours, there: Filed) -> Iterator[Difference]:
    def one(kind: str, detail: str = "") -> Difference:
        return Difference(kind, there.filing, "", there.place, detail)

    if there.there is None:
        yield one("unclear")
        return
    if not there.there:
        # Never known to be sent; or answered, at a place that things are taken out of.
        if ours.state != "queued" and (there.keeps or ours.state in OPEN):
            yield one("missing", f"{ours.state} here")
        return
    if there.sha256 and there.sha256 != ours.digest:
        yield one("other_digest", f"{ours.digest[:12]} here, {there.sha256[:12]} there")
    if there.said is None:
        return
    state = _SAYS[there.said.step]
    if state != ours.state:
        follows = "; the outbox asks for it by itself" if ours.follows else ""
        yield one("other_state", f"{ours.state} here, {state} there{follows}")
    elif state == "accepted" and there.said.receipt != ours.receipt:
        yield one("other_receipt", f"{ours.receipt} here, {there.said.receipt} there")


def _unknown(sql: sqlite3.Connection, there: Filed) -> Iterator[Difference]:
    """What is older, corrected or given up is known, and is not compared."""
    if sql.execute("SELECT 1 FROM filings WHERE id = ?", (there.filing,)).fetchone() is None:
        yield Difference("unknown", there.filing, "", there.place)
