"""ORDER.json: strict JSON, every key and word checked, with a remedy in each refusal."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

from hub.near import guess
from hub.procedures.case import PROCEDURES, Instrument, TestOrder
from hub.units import QUANTITIES, UnknownUnit, canonical

ORDER_NUMBERS: Final = (
    "p_design_pa",
    "p_operating_pa",
    "volume_l",
    "sample_period_s",
    "distance_m",
)
ORDER_WORDS: Final[Mapping[str, Sequence[str]]] = {
    "p_level": ("design", "operating"),
    "medium": ("air", "nitrogen", "gas"),
    "hose_class": ("rigid", "long_hold"),
    "source": ("instrument", "manual", "imported"),
    "reflector": ("wall", "door", "window", "glass_head_on", "ground", "other"),
    "weather": ("clear", "wind", "rain", "fog", "snow"),
}
ORDER_KEYS: Final = (
    "number",
    "procedure",
    "section",
    "isolation",
    "points",
    "rule_pack",
    "instruments",
    *ORDER_NUMBERS,
    *ORDER_WORDS,
)
PARTS: Final = ("riser", "indoor")
ROLES: Final = ("ceiling", "suspect", "other")
INSTRUMENT_KEYS: Final = tuple(field.name for field in fields(Instrument))
INSTRUMENT_TEXTS: Final = ("name", "serial", "quantity", "unit", "calibrated_until")


MOST_DEPTH: Final = 32
"""Tables and lists within each other: more than any input has, less than the interpreter bears."""


class UnusableInput(Exception):
    """Input that cannot be judged. One line: place, what is wrong, what to do."""


def strict_json(text: str, place: str) -> Any:
    """Parse JSON; numbers become Decimal. Duplicate keys, NaN and Infinity are refused.

    So is what is nested deeper than `MOST_DEPTH`.

    Nor are halves of characters taken, which no file and no entry could hold.

    raises  UnusableInput naming *place*
    """

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for key, value in found:
            if key in table:
                raise UnusableInput(f"{place}: key {_show(key)} stands twice; keep one of them")
            table[key] = value
        return table

    def refuse(word: str) -> Any:
        raise UnusableInput(f"{place}: {word} is no JSON number; give a number or leave it out")

    def number(digits: str) -> Decimal:
        try:
            value = Decimal(digits)
        except InvalidOperation:
            value = Decimal("Infinity")
        if not math.isfinite(float(value)):
            raise UnusableInput(f"{place}: number {_show(digits)} is too large; correct it")
        return value

    try:
        found = json.loads(
            text,
            object_pairs_hook=pairs,
            parse_constant=refuse,
            parse_float=number,
            parse_int=number,
        )
        json.dumps(found, ensure_ascii=False, default=str).encode()
    except json.JSONDecodeError as error:
        raise UnusableInput(
            f"{place}: line {error.lineno}, column {error.colno}: not JSON ({error.msg}); "
            "correct the file"
        ) from None
    except RecursionError:
        raise UnusableInput(f"{place}: not JSON of ours (nested too deep); correct it") from None
    except UnicodeEncodeError:
        raise UnusableInput(
            f"{place}: half of a character (\\ud800 to \\udfff); correct it"
        ) from None
    if _deeper(found, MOST_DEPTH):
        raise UnusableInput(f"{place}: not JSON of ours (nested too deep); correct it")
    return found


def _deeper(value: Any, most: int) -> bool:
    """Whether *value* is nested deeper than that. Goes no deeper itself."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return most == 0 or any(_deeper(one, most - 1) for one in value)


def parse_order(given: object, procedures: Iterable[str] = PROCEDURES) -> TestOrder:
    """An order from its parsed JSON; numbers are Decimal or int.

    procedures  the words that `procedure` may be; plugins may bring more than the built-in ones
    raises  UnusableInput naming key, value and remedy
    """
    table = _table(given, "order")
    _known_keys(table, ORDER_KEYS, "")
    for key in ("number", "procedure", "instruments"):
        if key not in table:
            raise UnusableInput(f'key "{key}" is missing; it is mandatory')
    words = {
        key: _word(table[key], key, words) for key, words in ORDER_WORDS.items() if key in table
    }
    words["procedure"] = _word(table["procedure"], "procedure", tuple(procedures))
    numbers = {key: _number(table[key], key) for key in ORDER_NUMBERS if key in table}
    section = _section(table.get("section", {}))
    return TestOrder(
        number=_text(table["number"], "number"),
        instruments=_instruments(table["instruments"]),
        section_id=section.get("id"),
        part=cast("Any", section.get("part")),
        isolation=_isolation(table["isolation"]) if "isolation" in table else None,
        points=_points(table.get("points", {})),
        rule_pack=_text(table["rule_pack"], "rule_pack") if "rule_pack" in table else None,
        **cast("Any", words | numbers),
    )


def _show(value: object) -> str:
    """A foreign value for a one-line message: quoted, escaped, not longer than a glance."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + '..."'


def _table(value: object, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnusableInput(f'"{key}" is {_show(value)}; it must be an object {{...}}')
    return value


def _known_keys(table: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    for key in table:
        if key not in known:
            raise UnusableInput(
                f'unknown key "{place}{key}"{guess(key, known)}; correct or remove it'
            )


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or not value:
        raise UnusableInput(f'"{key}" is {_show(value)}; it must be text that is not empty')
    return value


def _word(value: object, key: str, words: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in words:
        hint = guess(value, words) if isinstance(value, str) else ""
        raise UnusableInput(f'"{key}" is {_show(value)}; use one of {", ".join(words)}{hint}')
    return value


def _number(value: object, key: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise UnusableInput(f'"{key}" is {_show(value)}; it must be a number')
    number = Decimal(value)
    if not number.is_finite() or not math.isfinite(float(number)):
        raise UnusableInput(f'"{key}" is {_show(str(value))}; it must be a finite number')
    return number


def _section(value: object) -> dict[str, str]:
    table = _table(value, "section")
    _known_keys(table, ("id", "part"), "section.")
    section = {}
    if "id" in table:
        section["id"] = _text(table["id"], "section.id")
    if "part" in table:
        section["part"] = _word(table["part"], "section.part", PARTS)
    return section


def _isolation(value: object) -> dict[str, object]:
    """`declared` and free text fields."""
    table = _table(value, "isolation")
    for key, field in table.items():
        kind = bool if key == "declared" else str
        if not isinstance(field, kind):
            wanted = "true or false" if key == "declared" else "text"
            raise UnusableInput(f'"isolation.{key}" is {_show(field)}; it must be {wanted}')
    return dict(table)


def _points(value: object) -> dict[str, Any]:
    table = _table(value, "points")
    return {
        _text(name, "points"): _word(role, f"points.{name}", ROLES) for name, role in table.items()
    }


def _instruments(value: object) -> tuple[Instrument, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise UnusableInput(f'"instruments" is {_show(value)}; it must list at least one')
    found = tuple(_instrument(entry, f"instruments[{i}]") for i, entry in enumerate(value))
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise UnusableInput(f'"instruments" names {_show(name)} twice; give each its own name')
    return found


def _instrument(value: object, place: str) -> Instrument:
    table = _table(value, place)
    _known_keys(table, INSTRUMENT_KEYS, f"{place}.")
    for key in ("name", "quantity"):
        if key not in table:
            raise UnusableInput(f'key "{place}.{key}" is missing; it is mandatory')
    quantity = _word(table["quantity"], f"{place}.quantity", QUANTITIES)
    texts = {"name": _text(table["name"], f"{place}.name"), "quantity": quantity}
    if "serial" in table:
        texts["serial"] = _text(table["serial"], f"{place}.serial")
    if "unit" in table:
        texts["unit"] = _unit(table["unit"], quantity, f"{place}.unit")
    numbers = {
        key: _number(table[key], f"{place}.{key}")
        for key in INSTRUMENT_KEYS
        if key in table and key not in INSTRUMENT_TEXTS
    }
    until = None
    if "calibrated_until" in table:
        until = _day(table["calibrated_until"], f"{place}.calibrated_until")
    return Instrument(calibrated_until=until, **cast("Any", texts | numbers))


def _unit(value: object, quantity: str, key: str) -> str:
    unit = _text(value, key)
    try:
        canonical(quantity, Decimal(0), unit)
    except UnknownUnit as error:
        raise UnusableInput(f'"{key}": {error}') from None
    return unit


def _day(value: object, key: str) -> date:
    try:
        if isinstance(value, str) and len(value) == len("2026-12-31"):
            return date.fromisoformat(value)
    except ValueError:
        pass  # told below, with the value
    raise UnusableInput(f'"{key}" is {_show(value)}; it must be a day such as 2026-12-31')
