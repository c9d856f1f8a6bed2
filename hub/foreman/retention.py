"""How long jobs are kept, and how they go: by a named approval, when their time is over.

The body of an entry can be erased while its head keeps proving everything around it. Of a job
`personal` erases the customer's data and the pictures; `all` the job's own entries as well. What
was measured and judged stays: it names nobody.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from hub.clock import local_day
from hub.errors import CommandRefused
from hub.foreman.filed import erase_filing, filings_of
from hub.foreman.shelf import Shelf
from hub.foreman.shelf import erase as erase_files
from hub.jobs.timing import day_of, years_later
from hub.ledger import Transaction, read_entry
from hub.packs import kept_pack
from hub.rulepack import RulePack, whole_pack

What = Literal["personal", "all"]
WHATS: Final[Mapping[str, What]] = {"personal": "personal", "all": "all"}


class Due(NamedTuple):
    """A job that has ended, and the last day on which it must still be kept.

    kept_by  the retention entry of the pack that the job was done by
    """

    number: str
    kind: str
    ended: str
    ended_us: int
    keep_until: date
    kept_by: str
    clause: str
    held: str
    erased: str


def ended_jobs(sql: sqlite3.Connection) -> list[Due]:
    """Every job that has ended, the one that may go first at the top."""
    packs: dict[str, RulePack] = {}
    found = []
    for number, kind, ended, ended_us, digest, held, erased in sql.execute(
        "SELECT number, kind, ended, ended_us, pack, held, erased FROM jobs WHERE ended<>''"
    ).fetchall():
        if digest not in packs:
            packs[digest] = whole_pack(kept_pack(sql, digest))
        pack = packs[digest]
        name = pack.job[kind].retention
        until, clause = kept_until(pack, kind, ended_us), pack.retention[name].clause
        found.append(Due(number, kind, ended, ended_us, until, name, clause, held, erased))
    return sorted(found, key=lambda due: (due.keep_until, due.number))


def kept_until(pack: RulePack, kind: str, ended_us: int) -> date:
    """The last day on which a job of *kind* must still be kept; the years count from its end."""
    return years_later(day_of(ended_us), pack.retention[pack.job[kind].retention].years)


def hold(tx: Transaction, number: str, by: str, reason: str, now_us: int) -> None:
    """Keep a job whatever its age, as for a lawsuit; an empty reason lets it go its way again."""
    row = tx.sql.execute("SELECT held FROM jobs WHERE number=?", (number,)).fetchone()
    if row is None:
        raise CommandRefused(f"no job {number!r}; see `gashub job list`")
    if not by:
        raise CommandRefused(f"job {number}: say who holds it")
    body = {"job": number, "by": by, "reason": reason}
    tx.append("retention_hold", body, now_us, {"order": number})
    tx.sql.execute("UPDATE jobs SET held=? WHERE number=?", (reason, number))


def erase(
    tx: Transaction,
    shelf: Shelf,
    numbers: Sequence[str],
    what: What,
    approved_by: str,
    reason: str,
    now_us: int,
) -> Mapping[str, Any]:
    """Erase jobs whose time is over. All of them, or none.

    What filings keep of them goes as well, whole: a document that was approved is not cut up.

    raises  CommandRefused for a job that runs, is held, is to be kept longer, or is gone already,
            for one out of which came a hazard that is still open or held, and for one in a filing
            that is still to be sent
    """
    if not approved_by.strip() or not reason.strip():
        raise CommandRefused("an erasure needs who approved it, by name, and a reason")
    ended = {due.number: due for due in ended_jobs(tx.sql)}
    today = local_day(now_us)
    for number in numbers:
        _may_go(number, ended.get(number), what, today)
        _is_not_needed(tx.sql, number)
    filings = filings_of(tx.sql, set(numbers))
    gone, erased = _files_alone(tx.sql, numbers), 0
    for number in numbers:
        for index in _entries_of(tx.sql, number, what):
            if read_entry(tx.sql, index).body is not None:
                tx.erase(index, reason, approved_by)
                erased += 1
        tx.sql.execute("UPDATE jobs SET erased=? WHERE number=?", (what, number))
    erased += sum(erase_filing(tx, one, reason, approved_by) for one in filings)
    body = {
        "jobs": list(numbers),
        "what": what,
        "approved_by": approved_by,
        "reason": reason,
        "files": gone,
        **({"filings": [one.id for one in filings]} if filings else {}),
    }
    tx.append("retention", body, now_us)
    erase_files(tx, shelf, gone)
    return {"jobs": list(numbers), "entries": erased, "files": len(gone)}


def _may_go(number: str, due: Due | None, what: What, today: date) -> None:
    if due is None:
        raise CommandRefused(f"job {number}: has not ended, or is not known; it stays")
    if due.held:
        raise CommandRefused(
            f"job {number} is held: {due.held}; let it go first, with "
            f"`gashub retention hold {number} --by WHO` and no reason"
        )
    if due.erased in (what, "all"):
        raise CommandRefused(f"job {number}: {due.erased} of it is erased already")
    if today <= due.keep_until:
        raise CommandRefused(
            f"job {number} is to be kept until {due.keep_until} ({due.kept_by}, clause "
            f"{due.clause}); nobody can approve less"
        )


def _is_not_needed(sql: sqlite3.Connection, number: str) -> None:
    """How a hazard was found, and at whose home, is needed for as long as it is open, or held."""
    needs = sql.execute(
        "SELECT number, held FROM jobs WHERE parent=? AND (ended='' OR held<>'')", (number,)
    ).fetchone()
    if needs is not None:
        why = f"is held: {needs[1]}" if needs[1] else "is still open"
        raise CommandRefused(f"job {number}: {needs[0]}, which came out of it, {why}; both stay")


def _entries_of(sql: sqlite3.Connection, number: str, what: What) -> list[int]:
    found = sql.execute(
        "SELECT entry FROM job_papers WHERE number=?1 AND (kind='personal' OR ?2='all')",
        (number, what),
    ).fetchall()
    if what == "all":
        found += sql.execute("SELECT entry FROM jobs WHERE number=?", (number,)).fetchall()
        found += sql.execute("SELECT entry FROM job_entries WHERE number=?", (number,)).fetchall()
    return sorted(index for (index,) in found)


def _files_alone(sql: sqlite3.Connection, numbers: Sequence[str]) -> list[str]:
    """Files that no job names but these."""
    named = {
        digest
        for number in numbers
        for (digest,) in sql.execute("SELECT sha256 FROM job_files WHERE number=?", (number,))
    }
    return [digest for digest in sorted(named) if _named_by(sql, digest) <= set(numbers)]


def _named_by(sql: sqlite3.Connection, digest: str) -> set[str]:
    rows = sql.execute(
        "SELECT f.number FROM job_files f JOIN jobs j ON j.number=f.number"
        " WHERE f.sha256=? AND j.erased=''",
        (digest,),
    )
    return {number for (number,) in rows}
