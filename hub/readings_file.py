"""READINGS.csv: one row per reading or event, checked row by row."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from hub.near import guess
from hub.order_file import UnusableInput
from hub.procedures.case import EVENTS, QUALITIES, Row, TestOrder
from hub.units import ALL_UNITS, QUANTITIES

HEADER: Final = ("at", "instrument", "quantity", "value", "unit", "quality", "seq", "point")

_ISO: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def parse_rows(text: str, order: TestOrder) -> list[Row]:
    """The rows of a readings file, in its order.

    A value that is no number is not refused: its row is kept and cannot be used.
    raises  UnusableInput naming line, value and remedy
    """
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    names = {one.name for one in order.instruments}
    rows: list[Row] = []
    try:
        header = next(lines, [])
        if tuple(header) != HEADER:
            raise UnusableInput(
                f"line 1: header is {','.join(header)[:80]!r}; "
                f"it must be exactly {','.join(HEADER)}"
            )
        rows.extend(_row(fields, lines.line_num, names) for fields in lines if fields)
    except csv.Error as error:
        raise UnusableInput(
            f'line {lines.line_num}: not CSV ({error}); separate by comma, quote with "'
        ) from None
    return rows


def _row(fields: Sequence[str], line: int, names: set[str]) -> Row:
    if len(fields) != len(HEADER):
        raise UnusableInput(
            f"line {line}: {len(fields)} fields; there must be {len(HEADER)} ({','.join(HEADER)})"
        )
    at, instrument, quantity, value, unit, quality, seq, point = fields
    at_us = _time_us(at, line)
    if quantity == "event":
        _check(value, "event", EVENTS, line)
        if instrument:
            _check(instrument, "instrument", sorted(names), line)
        if quality:
            _check(quality, "quality", QUALITIES, line)
    else:
        _check(quantity, "quantity", (*QUANTITIES, "event"), line)
        _check(instrument, "instrument", sorted(names), line)
        _check(quality, "quality", QUALITIES, line)
        if unit:
            _check(unit, "unit", sorted(ALL_UNITS), line)
    return Row(at_us, instrument, quantity, value, unit, quality, seq, point)


def _check(word: str, what: str, known: Sequence[str], line: int) -> None:
    if word not in known:
        raise UnusableInput(
            f"line {line}: unknown {what} {word[:40]!r}; "
            f"use one of {', '.join(known)}{guess(word, known)}"
        )


def _time_us(at: str, line: int) -> int:
    try:
        if _ISO.fullmatch(at):
            return (datetime.fromisoformat(at) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        pass  # told below, with the value
    raise UnusableInput(
        f"line {line}: at {at[:40]!r} is no time with a zone; "
        "write it like 2026-11-23T10:00:00.000+08:00"
    )
