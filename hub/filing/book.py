"""Filings in the record: each step an entry, and what the side tables hold of it.

Everything here runs inside a ledger transaction on the judging thread. Where a filing comes into
another state, `tell` has the world outside hear of it in the same transaction.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from hub.clock import iso
from hub.errors import CommandRefused
from hub.filing.life import State, Step, after, ordered, restored
from hub.filing.telling import told_of
from hub.ledger import LedgerReader, Transaction, read_entry
from hub.model import Parcel, Said
from hub.outbox.parcels import Tell, withdraw

STEP: Final = "filing_step"
CONTENT: Final = "filing_content"


class Kept(NamedTuple):
    """A filing as the side table has it. `content` and `step` are entries of the ledger."""

    id: str
    authority: str
    period: str
    state: State
    digest: str
    content: int
    faults: int


def kept(sql: sqlite3.Connection, filing: str) -> Kept:
    """Raises CommandRefused for a filing that is not there."""
    row = sql.execute(
        "SELECT id, authority, period, state, digest, content, faults FROM filings WHERE id=?",
        (filing,),
    ).fetchone()
    if row is None:
        raise CommandRefused(f"no filing {filing!r}; see `gashub filing list`")
    return Kept(*row)


def drafter(reader: LedgerReader, filing: Kept) -> str:
    """Who drafted it: told by its first step, the entry after its content."""
    return str(reader.read(filing.content + 1).record()["by"])


def chain_of(filing: str) -> str:
    """The chain whose links are the steps of a filing."""
    return f"filing {filing}"


def begin(
    tx: Transaction,
    told: Mapping[str, Any],
    content: bytes,
    digest: str,
    by: str,
    at_us: int,
    tell: Tell,
) -> int:
    """Record a draft with its members, all or nothing; the entry of its first step.

    told    as `hub.records.filing.handed_in` makes it, checked
    raises  CommandRefused when one of its records is in another filing by now
    """
    filing, authority = told["filing"], told["authority"]
    faults = sum(one["level"] == "fault" for one in told["findings"])
    body = tx.append(CONTENT, content, at_us, {"filing": filing})
    drafted = {
        "filing": filing,
        "step": "drafted",
        "state": "prepared",
        "by": by,
        "authority": authority,
        "period": told["period"],
        "profile": told["profile"],
        "disclosed": told["disclosed"],
        "counts": told["counts"],
        "digest": digest,
        "content": body,
        "faults": faults,
        "findings": [one["word"] for one in told["findings"]],
        "corrects": told["corrects"],
    }
    entry = _append(tx, filing, drafted, at_us)
    if told["corrects"]:
        _correct(tx, told["corrects"], filing, authority, by, at_us, tell)
    tx.sql.execute(
        "INSERT INTO filings (id, authority, period, state, digest, content, step, faults, rows,"
        " corrects, drafted_us, changed_us) VALUES (?,?,?,'prepared',?,?,?,?,?,?,?,?)",
        (filing, authority, told["period"], digest, body, entry, faults, len(told["members"]),
         told["corrects"], at_us, at_us),
    )  # fmt: skip
    for one in told["members"]:
        try:
            tx.sql.execute(
                "INSERT INTO filing_rows (authority, part, key, filing) VALUES (?,?,?,?)",
                (authority, one["part"], one["key"], filing),
            )
        except sqlite3.IntegrityError:
            raise CommandRefused(
                f"{one['part']} {one['key']} is in another filing with {authority} by now; "
                "draft anew"
            ) from None
    _tell(tx, filing, "prepared", entry, at_us, tell)
    return entry


def order(
    tx: Transaction, filing: str, step: Step, by: str, at_us: int, tell: Tell, **more: Any
) -> Kept:
    """Record a step that a person orders. raises CommandRefused when it does not fit"""
    found = kept(tx.sql, filing)
    state = ordered(filing, found.state, step)
    body = {"filing": filing, "step": step, "state": state, "by": by, **more}
    entry = _append(tx, filing, body, at_us)
    _change(tx, filing, state, entry, at_us, more)
    if step in ("discarded", "corrected"):  # else its parcel sends it when the line is back
        why = f"filing {filing} was {step} by {by}; it is sent no more"
        withdraw(tx, found.authority, f"{filing}-{found.authority}", at_us, why)
    if step == "discarded":
        _give_back(tx, filing, by, at_us, tell)
    _tell(tx, filing, found.state, entry, at_us, tell)
    return found._replace(state=state)


def hear(tx: Transaction, parcel: Parcel, said: Said, at_us: int, tell: Tell) -> None:
    """Record what a sink has learnt of a filing. Raises nothing: what does not fit is kept too."""
    filing = parcel.key.removesuffix(f"-{parcel.sink}")
    row = tx.sql.execute("SELECT state FROM filings WHERE id=?", (filing,)).fetchone()
    if row is not None:
        learn(tx, filing, row[0], said, parcel.sink, at_us, tell)


def learn(
    tx: Transaction, filing: str, before: State, said: Said, by: str, at_us: int, tell: Tell
) -> State:
    """Record what was said of a filing; the state afterwards. The same again changes nothing."""
    state = after(before, said.step)
    last = tx.sql.execute("SELECT receipt, reason FROM filings WHERE id=?", (filing,)).fetchone()
    reason = "; ".join(said.reasons) or said.of
    if state == before and last == (said.receipt, reason):
        return before
    if state is None and _repeats(before, said, last):
        return before
    body: dict[str, Any] = {
        "filing": filing,
        "step": said.step,
        "state": state or before,
        "fits": state is not None,
        "by": by,
        "receipt": said.receipt,
        "reasons": list(said.reasons),
        "of": said.of,
        "proof": said.proof,
    }
    entry = _append(tx, filing, body, at_us)
    if state is not None:
        _change(tx, filing, state, entry, at_us, {"receipt": said.receipt, "reason": reason})
    if state not in (None, before):
        _tell(tx, filing, before, entry, at_us, tell, said)
    return state or before


def _repeats(before: State, said: Said, last: tuple[str, str]) -> bool:
    """Whether an answer only says again what is known: a replayed parcel, a second question."""
    same = {"accepted": "accepted", "rejected": "rejected", "duplicate": "duplicate_of"}
    return same.get(said.step) == before and said.receipt in ("", last[0])


def _correct(
    tx: Transaction, old: str, new: str, authority: str, by: str, at_us: int, tell: Tell
) -> None:
    """The records of a filing go over to the one that corrects it."""
    if kept(tx.sql, old).authority != authority:
        raise CommandRefused(f"filing {old} is another authority's; correct it there")
    order(tx, old, "corrected", by, at_us, tell, filing_that_corrects=new)
    tx.sql.execute("DELETE FROM filing_rows WHERE filing=?", (old,))


def _give_back(tx: Transaction, filing: str, by: str, at_us: int, tell: Tell) -> None:
    """The records of a filing that is given up are due again. Those of the filing that it
    corrects go back to that one, which stands as before: the authority has it.
    """
    (old,) = tx.sql.execute("SELECT corrects FROM filings WHERE id=?", (filing,)).fetchone()
    before = kept(tx.sql, old) if old else None
    found = None
    if before is not None:
        (step,) = tx.sql.execute("SELECT step FROM filings WHERE id=?", (old,)).fetchone()
        corrected = read_entry(tx.sql, step).record()
        found = restored(before.state, read_entry(tx.sql, corrected["prev"]).record()["state"])
    if before is None or found is None:
        tx.sql.execute("DELETE FROM filing_rows WHERE filing=?", (filing,))
        return
    content = read_entry(tx.sql, before.content)
    if content.body is None:  # erased: then as they were taken over
        tx.sql.execute("UPDATE filing_rows SET filing=? WHERE filing=?", (old, filing))
    else:
        tx.sql.execute("DELETE FROM filing_rows WHERE filing=?", (filing,))
        tx.sql.executemany(  # what came into another filing meanwhile stays there
            "INSERT OR IGNORE INTO filing_rows (authority, part, key, filing) VALUES (?,?,?,?)",
            [
                (before.authority, one["part"], one["key"], old)
                for one in content.record()["members"]
            ],
        )
    told = {
        "filing": old,
        "step": "restored",
        "state": found,
        "by": by,
        "filing_that_corrected": filing,
    }
    entry = _append(tx, old, told, at_us)
    _change(tx, old, found, entry, at_us, {})
    _tell(tx, old, before.state, entry, at_us, tell)


def _tell(
    tx: Transaction,
    filing: str,
    before: State,
    entry: int,
    at_us: int,
    tell: Tell,
    said: Said | None = None,
) -> None:
    """Tell of the state that *entry* has brought; the side table has it already."""
    row = tx.sql.execute(
        "SELECT state, authority, period, rows, receipt, corrects FROM filings WHERE id=?",
        (filing,),
    ).fetchone()
    state, authority, period, records, receipt, corrects = row
    told = told_of(
        filing=filing,
        before=before,
        state=state,
        channel=authority,
        period=period,
        records=records,
        at=iso(at_us),
        receipt=receipt,
        reasons=said.reasons if said else (),
        of=said.of if said else "",
        replaces=corrects,
    )
    tell(tx, told, entry)


def _append(tx: Transaction, filing: str, body: Mapping[str, Any], at_us: int) -> int:
    return tx.append(STEP, body, at_us, {"filing": filing}, chain=chain_of(filing))


def _change(
    tx: Transaction, filing: str, state: State, entry: int, at_us: int, more: Mapping[str, Any]
) -> None:
    tx.sql.execute(
        "UPDATE filings SET state=?, step=?, changed_us=?, receipt=COALESCE(?, receipt),"
        " reason=COALESCE(?, reason) WHERE id=?",
        (state, entry, at_us, more.get("receipt"), more.get("reason"), filing),
    )
