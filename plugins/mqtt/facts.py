"""Texts, numbers and times out of a decoded message: checked the same way by every decoder."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

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


def device_us(sent: str, unit: str) -> int | None:
    """A device's time in microseconds since 1970 UTC; None when it cannot be known.

    sent  a number in *unit*, or ISO 8601; without a zone it is some local time, so unknown
    """
    if sent.isdecimal():
        return int(sent) * _PER_UNIT_US[unit]
    try:
        at = datetime.fromisoformat(sent)
    except ValueError:
        return None
    return round(at.timestamp() * 1e6) if at.tzinfo is not None else None


def basis(lel_basis_pct_vol: Decimal | None) -> Mapping[str, str]:
    """The declared LEL basis by quantity; only point gas has one."""
    return {} if lel_basis_pct_vol is None else {"gas": str(lel_basis_pct_vol)}
