"""The register of instruments: what is known of each, calibration included, by name.

It stands over the facts of the configuration, and an order's own words stand over both. An order
keeps what was known when it was taken.
"""

import json
import re
import sqlite3
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from pydantic import Field, ValidationError

from hub.config import InstrumentFacts
from hub.errors import CommandRefused
from hub.ledger import Transaction
from hub.orders import NUMBERS
from hub.refusal import explain

_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?")


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
    for key, value in given.items():
        _check(key, value)
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


def _check(key: str, value: object) -> None:
    """Raises CommandRefused for what people or programs would read in two ways."""
    if isinstance(value, str) and (not value.isprintable() or value != value.strip()):
        raise CommandRefused(
            f'instrument: "{key}" is {value[:64]!a}; expected characters that can be seen, with no '
            "blank at either end"
        )
    if key == "calibrated_until" and isinstance(value, str) and not value.isascii():
        raise CommandRefused(f'instrument: "{key}" is {value[:64]!a}; write it as 2026-12-31')
    if key not in NUMBERS or value is None:
        return
    text = str(value)
    if isinstance(value, bool) or not _NUMBER.fullmatch(text) or not isfinite(float(text)):
        raise CommandRefused(f'instrument: "{key}" is {text[:64]!a}; expected a number such as 0.4')


def as_order(record: Mapping[str, Any]) -> dict[str, Any]:
    """What of a record an order's instrument may say (judge contract)."""
    known = {key: value for key, value in record.items() if key != "certificate"}
    return InstrumentFacts.model_validate(known).as_order()


def registered(sql: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Every instrument of the register by name, as keys of an order's instrument."""
    rows = sql.execute("SELECT name, record FROM instruments").fetchall()
    return {name: as_order(json.loads(record)) for name, record in rows}
