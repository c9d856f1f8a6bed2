"""What the record says of filings, for people who look: read-only, with or without a hub."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hub.clock import iso
from hub.errors import CommandRefused
from hub.filing import book
from hub.ledger import LedgerReader


def filings(state_dir: Path, authority: str = "", state: str = "") -> list[dict[str, Any]]:
    """Every filing, newest first; of one authority, in one state."""
    with LedgerReader(state_dir) as reader:
        rows = reader.rows(
            "SELECT id, authority, period, state, rows, faults, receipt, reason, corrects,"
            " changed_us FROM filings WHERE ? IN ('', authority) AND ? IN ('', state)"
            " ORDER BY drafted_us DESC, id DESC",
            (authority, state),
        )
    names = ("filing", "authority", "period", "state", "rows", "faults", "receipt", "reason",
             "corrects")  # fmt: skip
    return [{**dict(zip(names, row, strict=False)), "changed": iso(row[-1])} for row in rows]


def filing(state_dir: Path, id: str, *, with_document: bool = False) -> dict[str, Any]:
    """One filing: its steps in order, each with its entry, and what is wrong with it.

    raises  CommandRefused when there is none
    """
    with LedgerReader(state_dir) as reader:
        found = book.kept(reader.sql, id)
        content = reader.read(found.content)
        told = {} if content.body is None else content.record()
        steps = [
            {"entry": entry, "at": iso(at_us), **body}
            for entry, at_us, body in _steps(reader, id, found.content)
        ]
    shown: dict[str, Any] = {
        "filing": id,
        "authority": found.authority,
        "period": found.period,
        "state": found.state,
        "digest": found.digest,
        "faults": found.faults,
        "counts": told.get("counts", {}),
        "disclosed": told.get("disclosed", {}),
        "findings": told.get("findings", []),
        "steps": steps,
    }
    if with_document:
        if not told:
            raise CommandRefused(f"filing {id}: its content was erased")
        shown["document"] = told["document"]
    return shown


def _steps(
    reader: LedgerReader, id: str, content: int
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The steps of a filing, oldest first: along its chain, from the newest back."""
    ((entry,),) = reader.rows("SELECT step FROM filings WHERE id=?", (id,))
    newest = reader.rows("SELECT entry FROM chains WHERE name=?", (book.chain_of(id),))
    entry = newest[0][0] if newest else entry
    found: list[tuple[int, int, dict[str, Any]]] = []
    while entry >= content:
        one = reader.read(entry)
        body = one.record()
        kept = {key: body[key] for key in body if key not in ("filing", "seq", "prev")}
        found.append((entry, one.at_us, kept))
        entry = body["prev"]
    return iter(found[::-1])
