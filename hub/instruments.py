"""The register of instruments: what is known of each, calibration included, by name.

It stands over the facts of the configuration, and an order's own words stand over both. An order
keeps what was known when it was taken.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from hub.config import InstrumentFacts
from hub.errors import CommandRefused
from hub.ledger import Transaction
from hub.refusal import explain


class Registered(InstrumentFacts):
    """One instrument of the register."""

    certificate: str = Field(
        default="", max_length=128, description="Number of its calibration certificate."
    )


def register(tx: Transaction, given: Mapping[str, Any], now_us: int) -> dict[str, Any]:
    """Put an instrument into the register, or replace what it says of it.

    given   keys of `[[instrument]]` in the configuration, and `certificate`
    raises  CommandRefused naming key, value and remedy
    """
    try:
        record = Registered.model_validate(given).model_dump(mode="json", exclude_none=True)
    except ValidationError as wrong:
        raise CommandRefused("; ".join(explain(wrong, Registered, "instrument"))) from wrong
    text = json.dumps(record, sort_keys=True)
    name = record["name"]
    row = tx.sql.execute("SELECT record FROM instruments WHERE name=?", (name,)).fetchone()
    if row is not None and row[0] == text:
        return record  # the same again changes nothing
    entry = tx.append("instrument", record, now_us, {"instrument": name})
    tx.sql.execute(
        "INSERT INTO instruments (name, record, entry) VALUES (?,?,?)"
        " ON CONFLICT (name) DO UPDATE SET record=excluded.record, entry=excluded.entry",
        (name, text, entry),
    )
    return record


def as_order(record: Mapping[str, Any]) -> dict[str, Any]:
    """What of a record an order's instrument may say (judge contract)."""
    known = {key: value for key, value in record.items() if key != "certificate"}
    return InstrumentFacts.model_validate(known).as_order()


def registered(sql: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Every instrument of the register by name, as keys of an order's instrument."""
    rows = sql.execute("SELECT name, record FROM instruments").fetchall()
    return {name: as_order(json.loads(record)) for name, record in rows}
