"""The numbers that registers can hold: taken out of a poll's data, and told apart from rubbish."""

import math
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import itemgetter
from typing import Final

from hub import float32_text
from plugins.modbus.profile import Function, Kind, Place, Quality

Offsets = Mapping[tuple[Function, int], int]
"""(function, register) -> where it stands in the data of a poll, bytes."""
_SMALLEST_NORMAL: Final = 2.0**-126


def raw(place: Place, offsets: Offsets) -> Callable[[bytes], bytes]:
    """What takes the bytes of the number out of a poll's data, most significant first."""
    at = offsets[place.function, place.first]
    end = at + 2 * place.count
    if place.byte:
        at += place.byte == "low"
        return itemgetter(slice(at, at + 1))
    if place.order == "ABCD":
        return itemgetter(slice(at, end))
    pick = itemgetter(*(at + place.order.index(letter) for letter in "ABCD"))
    return lambda data: bytes(pick(data))


def number(taken: bytes, kind: Kind) -> Decimal | Quality:
    """The number that *taken* is, or the quality of what is none.

    The ends of an integer's range are what instruments send when they are saturated or have no
    value. A float below the normal range is what a wrong word order makes of a plain number.
    """
    if kind == "float32":
        return shortest(taken)
    if kind == "bcd16":
        digits = taken.hex()
        return Decimal(digits) if digits.isdecimal() else "bad"
    if taken in _ENDS[kind]:
        return "fault"
    return Decimal(int.from_bytes(taken, signed=kind in ("int16", "int32")))


_ENDS: Final[Mapping[Kind, tuple[bytes, ...]]] = {
    "int16": (b"\x80\x00", b"\x7f\xff"),
    "uint16": (b"\xff\xff",),
    "int32": (b"\x80\x00\x00\x00", b"\x7f\xff\xff\xff"),
    "uint32": (b"\xff\xff\xff\xff",),
}


def shortest(taken: bytes) -> Decimal | Quality:
    """The shortest decimal number that *taken* (float32, high byte first) is, or why none."""
    (found,) = struct.unpack(">f", taken)
    if not math.isfinite(found):
        return "fault"
    if 0 < abs(found) < _SMALLEST_NORMAL:
        return "bad"
    return Decimal(float32_text(found))
