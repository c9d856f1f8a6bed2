"""The one way to make a reading: number, unit and quantity checked, canonical value worked out."""

import re
from decimal import Decimal

from hub.errors import BadFrame
from hub.model import Reading
from hub.units import UnknownUnit, canonical

QUALITIES = frozenset(
    {
        "good",
        "late",
        "stale",
        "over_range",
        "under_range",
        "warming_up",
        "fault",
        "low_battery",
        "inhibited",
        "bad",
    }
)
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,6})?", re.ASCII)
"""Plain decimal text: no blanks, no underscores, no digits of other scripts."""
LONGEST_NUMBER = 40
"""Characters. No instrument sends more; a longer one is an attack or a broken frame."""
LARGEST_EXPONENT = 300
"""Beyond this a number is not finite as a double, which `judge` treats as unusable."""


def measure(
    *,
    instrument: str,
    quantity: str,
    value: str,
    unit: str,
    at_us: int,
    serial: str = "",
    quality: str = "good",
    seq: str = "",
    device_time: str = "",
    lel_basis_pct_vol: str = "",
) -> Reading:
    """Build a reading from what the device sent.

    value    decimal text as sent; it is ignored as a number unless quality is "good"
    raises   BadFrame for a value that is no finite number, or a unit that is missing, unknown
             or of another quantity. Nothing is guessed.
    """
    if quality != "good":
        if quality not in QUALITIES:
            raise BadFrame(
                f"{instrument}: quality {quality!r} is not one of {', '.join(sorted(QUALITIES))}"
            )
        return Reading(
            instrument, serial, quantity, value, unit, None, "", at_us, quality, seq, device_time,
            lel_basis_pct_vol,
        )  # fmt: skip
    if not NUMBER.fullmatch(value):
        raise BadFrame(f"{instrument}: {value[:40]!r} is not a number")
    number = Decimal(value)
    if (
        not number.is_finite()
        or len(value) > LONGEST_NUMBER
        or number.adjusted() > LARGEST_EXPONENT
    ):
        raise BadFrame(f"{instrument}: {value[:40]!r} is not a finite number in range")
    if not unit:
        raise BadFrame(f"{instrument}: {quantity} {value} has no unit; the unit is never guessed")
    try:
        amount, canonical_unit = canonical(quantity, number, unit)
    except UnknownUnit as unknown:
        raise BadFrame(f"{instrument}: {unknown}") from None
    return Reading(
        instrument, serial, quantity, value, unit, amount, canonical_unit, at_us, quality, seq,
        device_time, lel_basis_pct_vol,
    )  # fmt: skip


def facts_of(reading: Reading) -> dict[str, str]:
    """What *reading* says, as text and without times of ours; empty facts are left out."""
    always = ("quantity", "value", "unit", "quality")
    optional = ("instrument", "serial", "seq", "device_time", "lel_basis_pct_vol")
    facts = {name: str(getattr(reading, name)) for name in always}
    return facts | {name: text for name in optional if (text := str(getattr(reading, name)))}
