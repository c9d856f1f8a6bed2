"""Texts, numbers and times out of a decoded message: checked the same way by every decoder."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hub import BadFrame
from plugins.mqtt.strict_json import Number

LONGEST_TEXT = 64
_DECIMAL = re.compile(r"[+-]?[0-9]{1,38}(\.[0-9]{1,38})?")
_PER_UNIT_US = {"s": 1_000_000, "ms": 1000, "us": 1}


def text(fact: Any, what: str) -> str:
    """A short printable text, or "" when the device did not say. raises BadFrame otherwise"""
    if fact is None:
        return ""
    if isinstance(fact, str):
        plain = str(fact)
        if len(plain) <= LONGEST_TEXT and plain.isprintable():
            return plain
    raise BadFrame(f"{what} {str(fact)[:40]!r} is no text of at most {LONGEST_TEXT} characters")


def sequence(fact: Any) -> str:
    """A sequence number as text. raises BadFrame when a number is no whole one"""
    plain = text(fact, "sequence")
    if type(fact) is Number and not plain.isdecimal():
        raise BadFrame(f"sequence {plain[:40]!r} is no whole number")
    return plain


def amount(fact: Any, what: str) -> str:
    """The decimal text of a number, exactly as sent. raises BadFrame when there is none"""
    if type(fact) is Number:
        return str(fact)
    if isinstance(fact, str) and _DECIMAL.fullmatch(fact):
        return fact
    raise BadFrame(f"{what} {str(fact)[:40]!r} is no number")


def device_us(sent: str, unit: str, zone: ZoneInfo | None = None) -> int | None:
    """A device's time in microseconds since 1970 UTC; None when it cannot be known.

    sent  a number in *unit*, or ISO 8601
    zone  of a time that names none; without it that is some local time, so unknown. Unknown, too,
          is the hour that the end of summer time repeats, or its beginning leaves out
    """
    if sent.isdecimal():
        return int(sent) * _PER_UNIT_US[unit]
    try:
        at = datetime.fromisoformat(sent)
    except ValueError:
        return None
    if at.tzinfo is None:
        if zone is None:
            return None
        at = at.replace(tzinfo=zone)
        try:
            if at.utcoffset() != at.replace(fold=1).utcoffset():
                return None
        except OverflowError:  # in the year 1 or 9999
            return None
    return round(at.timestamp() * 1e6)


def basis(lel_basis_pct_vol: Decimal | None) -> Mapping[str, str]:
    """The declared LEL basis by quantity; only point gas has one."""
    return {} if lel_basis_pct_vol is None else {"gas": str(lel_basis_pct_vol)}


_SPELLINGS = {"C": "degC", "°C": "degC", "℃": "degC", "deg C": "degC"}


def agreed_unit(set_here: str, said: str, what: str) -> str:
    """The unit by the settings and by the message, where either may be silent ("").

    raises  BadFrame when they contradict each other
    """
    set_here, said = _SPELLINGS.get(set_here, set_here), _SPELLINGS.get(said, said)
    if set_here and said and set_here != said:
        raise BadFrame(f"{what}: unit {said!r} in the message, {set_here!r} in the settings")
    return said or set_here
