"""A float32 as decimal text, so that no digit is made up and none is lost."""

import math
import struct
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

LONGEST: Final = 15
"""Characters; a number that would be longer written out keeps its exponent."""


def float32_text(number: float) -> str:
    """The fewest digits that are the same float32 as *number*, which is one; minus zero is "0".

    raises  ValueError for NaN and infinity
    """
    if not math.isfinite(number):
        raise ValueError(f"{number} is no finite number")
    if not number:
        return "0"
    text = next(text for text in _texts(number) if _single(float(text)) == number)
    if "e" not in text:
        return text
    plain = f"{Decimal(text):f}"
    return plain if len(plain) <= LONGEST else text


def _texts(number: float) -> Iterator[str]:
    """Six digits always come back as they were, nine always tell a float32 apart."""
    return (f"{number:.{digits}g}" for digits in range(6, 10))


def _single(number: float) -> float:
    (rounded,) = struct.unpack("<f", struct.pack("<f", number))
    return float(rounded)
