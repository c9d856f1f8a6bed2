"""Toy series for tests of the judge: exact ones by hand, noisy ones from a small pipe.

Times are seconds after START; pressures are Pa. Nothing here knows a rule or a limit.
"""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hub.order_file import parse_order
from hub.procedures import Row, TestOrder

START = datetime(2026, 11, 23, 10, 0, tzinfo=timezone(timedelta(hours=8)))
START_US = (START - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

Seconds = float | str | Decimal
Level = Callable[[int], object]


def at_us(second: Seconds) -> int:
    """A moment of the toy clock."""
    return START_US + int(Decimal(str(second)) * 1_000_000)


def iso(us: int) -> str:
    """As it stands in a readings file."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    return moment.astimezone(START.tzinfo).isoformat(timespec="microseconds")


def event(second: Seconds, word: str, instrument: str = "") -> Row:
    return Row(at_us(second), instrument, "event", word)


def reading(
    second: Seconds,
    value: object,
    unit: str = "Pa",
    *,
    instrument: str = "g",
    quantity: str = "pressure",
    quality: str = "good",
    seq: str = "",
    point: str = "",
) -> Row:
    return Row(at_us(second), instrument, quantity, str(value), unit, quality, seq, point)


def shifted(rows: Iterable[Row], seconds: Seconds) -> list[Row]:
    """The same rows later (or earlier)."""
    by_us = int(Decimal(str(seconds)) * 1_000_000)
    return [row._replace(at_us=row.at_us + by_us) for row in rows]


# -- orders


def gauge(**changes: Any) -> dict[str, Any]:
    """A good pressure instrument as an order declares it; None takes a key away."""
    return changed(
        {
            "name": "g",
            "serial": "PM-1",
            "quantity": "pressure",
            "unit": "Pa",
            "range_pa": 20000,
            "resolution_pa": 1,
            "calibrated_until": "2027-06-30",
        },
        changes,
    )


def order(procedure: str = "indoor_hold", **changes: Any) -> dict[str, Any]:
    """A complete order with one gauge; None takes a key away."""
    facts: dict[str, Any] = {
        "number": "T-1",
        "procedure": procedure,
        "instruments": [gauge()],
        "medium": "air",
        "hose_class": "rigid",
        "isolation": {"declared": True},
    }
    if procedure in {"riser_hold", "commercial_hold"}:
        facts["p_design_pa"] = 3000
    return changed(facts, changes)


def parsed(given: dict[str, Any]) -> TestOrder:
    """The order as the rules take it."""
    return parse_order(_decimals(given))


def _decimals(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _decimals(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_decimals(entry) for entry in value]
    return Decimal(str(value)) if isinstance(value, float) else value


def changed(facts: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**facts, **changes}.items() if value is not None}


# -- exact holds, one reading every 5 s


def steady(second: int) -> object:
    """Tight, with the last digit alive."""
    return 5200 + second // 5 % 2


def falling(drop: Decimal | str, top: int = 5200) -> Level:
    """Level for 10 s, then in a line, and `drop` lower for the last 10 s of 300."""
    total = Decimal(drop)

    def level(second: int) -> object:
        if second <= 10:
            return Decimal(top)
        if second >= 290:
            return top - total
        return round(top - total * (second - 10) / 280, 4)

    return level


def held(
    level: Level = steady,
    *,
    hold_s: int = 300,
    settle_s: int = 60,
    zero: object = 0,
    rest: object = 0,
    ramp: Sequence[object] = (1000, 3000, 5200),
    settling: Level | None = None,
    vent: bool = True,
    unit: str = "Pa",
) -> list[Row]:
    """Zero to 10 s, pump from 12 s, off at 25 s, hold from 25 + settle_s, vent 5 s after its end.

    level     pressure by the second of the hold
    settling  pressure by the second since pump-off; steady at the hold's first level if absent
    """
    first = level(0)
    calm: Level = settling or (lambda second: Decimal(str(first)) + second // 5 % 2)
    values = [(second, zero) for second in (0, 5, 10)]
    values += [(15 + 5 * k, value) for k, value in enumerate(ramp)]
    values += [(25 + second, calm(second)) for second in range(5, settle_s, 5)]
    begin = 25 + settle_s
    values += [(begin + second, level(second)) for second in range(0, hold_s + 1, 5)]
    end = begin + hold_s
    rows = [event(1, "zeroed"), event(12, "pump_on"), event(25, "pump_off")]
    if vent:
        values.append((end + 5, level(hold_s)))
        values += [(end + second, rest) for second in range(10, 45, 5)]
        rows.append(event(end + 5, "vent_open"))
    return rows + [
        reading(second, value, unit, seq=str(k + 1)) for k, (second, value) in enumerate(values)
    ]


def without(rows: Iterable[Row], *seconds: Seconds) -> list[Row]:
    """Without the readings at these moments."""
    gone = {at_us(second) for second in seconds}
    return [row for row in rows if row.quantity == "event" or row.at_us not in gone]


def until(rows: Iterable[Row], second: Seconds) -> list[Row]:
    """What was recorded up to a moment."""
    return [row for row in rows if row.at_us <= at_us(second)]


def climate(
    name: str, quantity: str, unit: str, values: Iterable[tuple[Seconds, object]]
) -> list[Row]:
    """Readings of a temperature or barometer sensor."""
    return [
        reading(second, value, unit, instrument=name, quantity=quantity) for second, value in values
    ]


# -- noisy pipes


class Pipe:
    """A closed pipe: zero, pumped up, settling, let off; rounded to whole Pa with seeded noise.

    shape  how far the pressure has moved, by the second since pump-off
    """

    def __init__(
        self,
        peak_pa: float = 5200,
        *,
        every_s: float = 1,
        hold_s: float = 300,
        settle_s: float = 60,
        shape: Callable[[float], float] = lambda _: 0.0,
        noise_pa: float = 0.6,
        seed: int = 1,
        slack_s: float = 10,
    ) -> None:
        self.peak_pa = peak_pa
        self.every_s = every_s
        self.shape = shape
        self.noise_pa = noise_pa
        self.pump_s, self.off_s = 20.0, 40.0
        self.vent_s = self.off_s + settle_s + hold_s + slack_s
        self._random = random.Random(seed)

    def pressure(self, second: float) -> float:
        if second <= self.pump_s:
            return 0.0
        if second < self.off_s:
            share = (second - self.pump_s) / (self.off_s - self.pump_s)
            return self.peak_pa * math.sin(share * math.pi / 2)
        if second > self.vent_s:
            return self.peak_pa * math.exp(-(second - self.vent_s) / 1.5)
        return self.peak_pa + self.shape(second - self.off_s)

    def rows(self) -> list[Row]:
        """Readings and events up to 40 s after the vent."""
        rows = [
            event(1, "zeroed"),
            event(self.pump_s, "pump_on"),
            event(self.off_s, "pump_off"),
            event(self.vent_s, "vent_open"),
        ]
        for k in range(int((self.vent_s + 40) / self.every_s) + 1):
            second = k * self.every_s
            under_pressure = self.off_s <= second <= self.vent_s
            noise = self._random.gauss(0, self.noise_pa) if under_pressure else 0.0
            rows.append(reading(second, round(self.pressure(second) + noise), seq=str(k)))
        return rows


# -- gas and laser


def stay(
    point: str,
    begin: Seconds,
    value: object,
    unit: str = "%LEL",
    *,
    seconds: int = 60,
    every_s: int = 5,
    quality: str = "good",
) -> list[Row]:
    """Readings of the detector `d` at one point, first and last included."""
    return [
        reading(
            Decimal(str(begin)) + second,
            value,
            unit,
            instrument="d",
            quantity="gas",
            quality=quality,
            point=point,
        )
        for second in range(0, seconds + 1, every_s)
    ]


def sample(
    second: Seconds,
    value: object,
    unit: str = "%vol",
    *,
    quantity: str = "gas",
    instrument: str = "d",
    point: str = "top",
    quality: str = "good",
    seq: str = "",
) -> Row:
    """One purge sample."""
    return reading(
        second, value, unit, instrument=instrument, quantity=quantity, point=point,
        quality=quality, seq=seq,
    )  # fmt: skip


def sweep(
    point: str, begin: Seconds, values: Iterable[object], *, quality: str = "good"
) -> list[Row]:
    """Laser readings at one point, one a second."""
    return [
        reading(
            Decimal(str(begin)) + k,
            value,
            "ppm.m",
            instrument="l",
            quantity="gas_path",
            quality=quality,
            point=point,
        )
        for k, value in enumerate(values)
    ]
