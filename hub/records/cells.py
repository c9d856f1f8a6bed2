"""One value as a cell: text that nobody runs, numbers that stay numbers, moments in local time."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from hub.clock import SHANGHAI
from hub.formulas import guarded
from hub.records.register import Column, Value
from hub.records.words import visible

LONGEST_CELL: Final = 32767
"""Characters of a cell of a spreadsheet, counted as UTF-16 has them."""
Cell = str | Decimal | datetime | date


def cell(column: Column, value: Value) -> Cell:
    """The value of a cell; "" is an empty one. A moment is in Asia/Shanghai, without its zone."""
    if value is None or value == "":
        return ""
    if column.form == "moment":
        assert isinstance(value, int)
        return datetime.fromtimestamp(value // 1_000_000, SHANGHAI).replace(tzinfo=None)
    if column.form == "number":
        return Decimal(str(value))
    if column.form == "day":
        assert isinstance(value, date)
        return value
    return guarded(short(visible(str(value))))


def short(text: str) -> str:
    """Text that fits into a cell, the guard's apostrophe included; what is cut ends with "…"."""
    if len(text) < LONGEST_CELL // 2:
        return text
    room = (LONGEST_CELL - 2) * 2  # bytes
    whole = text.encode("utf-16-le")
    return text if len(whole) <= room else whole[:room].decode("utf-16-le", "ignore") + "…"


def plain(value: Cell) -> str:
    """A cell as text, as a CSV has it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def cells(columns: Sequence[Column], values: Mapping[str, Value]) -> list[Cell]:
    """A row, in the order of its columns."""
    return [cell(column, values.get(column.key)) for column in columns]
