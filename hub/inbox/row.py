"""One order out of a file or message: where it stood, and its text or what is wrong with it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from json import dumps
from typing import Any, Final, NamedTuple

from hub.order_file import MOST_DEPTH, UnusableInput, strict_json
from hub.orders import NUMBERS

BOOLEANS: Final = {"trial": {"true": True, "false": False}}
MOST_ROWS: Final = 20_000
"""Of one file or message; memory is bounded by it."""


class Row(NamedTuple):
    """`order` is None where `fault` says why there is none."""

    place: str
    order: Mapping[str, Any] | None
    fault: str = ""


class Unreadable(Exception):
    """The whole file or message cannot be read; the text says why, and what to do."""


def as_json(value: Any) -> str:
    """*value* as JSON, each Decimal by its own digits."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        members = (f"{dumps(str(key))}: {as_json(item)}" for key, item in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(as_json(item) for item in value) + "]"
    return dumps(value, ensure_ascii=False)


def of_cells(place: str, heads: Sequence[str], cells: Sequence[str]) -> Row:
    """An order out of a table's row: each heading is a key, with dots a key inside of keys.

    A cell that begins with { or [ is JSON. An empty cell says nothing. `instruments` may be
    written as name:quantity, several with ; between.
    """
    order: dict[str, Any] = {}
    for head, cell in zip(heads, cells, strict=False):
        text = cell.strip()
        if not text:
            continue
        table = order
        *path, key = head.split(".")
        if len(path) > MOST_DEPTH:
            return Row(place, None, f"column {head[:40]}...: more than {MOST_DEPTH} dots")
        for part in path:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                return Row(place, None, f"column {head}: {part} is a column of its own already")
        try:
            table[key] = _value(key, text)
        except ValueError as wrong:
            return Row(place, None, f"column {head}: {wrong}")
    return Row(place, order)


def _value(key: str, text: str) -> Any:
    if text[0] in "{[":
        try:
            return strict_json(text, key)
        except UnusableInput as wrong:
            raise ValueError(str(wrong)) from None
    if key == "instruments":
        named = [one.strip().partition(":") for one in text.split(";") if one.strip()]
        return [
            {"name": name.strip(), **({"quantity": quantity.strip()} if quantity else {})}
            for name, _, quantity in named
        ]
    if key in BOOLEANS:
        if text.lower() not in BOOLEANS[key]:
            raise ValueError(f"{text!r} is neither true nor false")
        return BOOLEANS[key][text.lower()]
    if key in NUMBERS:
        try:
            return strict_json(text, key)
        except UnusableInput:
            raise ValueError(f"{text!r} is no number, such as 0.4; no unit, no comma") from None
    return text
