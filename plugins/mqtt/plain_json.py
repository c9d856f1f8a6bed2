"""Mapped plain JSON: `{"instrument": "pm-1", "quantity": "pressure", "value": 5000.1, ...}`.

The layout is whatever the settings say; the defaults read the keys instrument, quantity, value,
unit, ts, seq, serial and quality.
"""

from typing import Any, NamedTuple

from hub import BadFrame, Reading, measure
from plugins.mqtt.facts import amount, basis, sequence, text
from plugins.mqtt.settings import PlainJson
from plugins.mqtt.strict_json import loads

KEPT_MOST = 10_000
"""Topics and sensors whose checked names are kept; beyond it all are checked afresh."""

Place = tuple[object, str | None]
"""(key in the object, what stands there if the object has no such key)"""


class Sensor(NamedTuple):
    """What the messages of one instrument say alike, checked once."""

    name: str
    quality: str
    serial: str
    unit: str
    quantity: str


class PlainJsonDecoder:
    """The mapping, made ready. `decode` depends on its arguments only."""

    def __init__(self, mapping: PlainJson) -> None:
        self._sources = (
            mapping.instrument,
            mapping.quality,
            mapping.serial,
            mapping.unit,
            mapping.quantity,
            mapping.seq,
            mapping.ts,
            mapping.value,
        )
        self._values = mapping.values
        self._instruments = mapping.instruments
        self._qualities = mapping.qualities
        self._basis = basis(mapping.lel_basis_pct_vol)
        self._places: dict[str, list[Place]] = {}
        self._sensors: dict[tuple[Any, ...], Sensor] = {}

    def decode(self, topic: str, payload: bytes, at_us: int) -> tuple[list[Reading], list[str]]:
        """The readings, and one complaint for each part of the message that is none.

        raises  BadFrame when nothing in the message can be read
        """
        body = loads(payload)
        readings: list[Reading] = []
        faults: list[str] = []
        places = self._places.get(topic) or self._find(topic)
        for row in body if type(body) is list else (body,):
            try:
                self._read(row, places, at_us, readings)
            except BadFrame as fault:
                faults.append(str(fault))
        if not readings and not faults:
            raise BadFrame("no reading in it")
        return readings, faults

    def _read(self, row: Any, places: list[Place], at_us: int, readings: list[Reading]) -> None:
        if type(row) is not dict:
            raise BadFrame(f"expected a JSON object, not {str(row)[:40]!r}")
        get = row.get
        *alike, seq, ts, value = [get(key, otherwise) for key, otherwise in places]
        try:
            sensor = self._sensors.get(tuple(alike))
        except TypeError:  # a list or an object where a name should be
            sensor = None
        name, quality, serial, unit, quantity = sensor or self._check(alike)
        seq, device_time = sequence(seq), text(ts, "time")
        if self._values:
            numbers: list[tuple[str, Any, str]] = [
                (v.quantity, row[v.key], v.unit or unit) for v in self._values if v.key in row
            ]
        else:
            numbers = [(quantity, value, unit)]
        made = []
        for measured, sent, its_unit in numbers:
            made.append(
                measure(
                    instrument=name,
                    serial=serial,
                    quantity=measured,
                    value=shown(sent, quality, measured),
                    unit=its_unit,
                    at_us=at_us,
                    quality=quality,
                    seq=seq,
                    device_time=device_time,
                    lel_basis_pct_vol=self._basis.get(measured, ""),
                )
            )
        readings.extend(made)

    def _check(self, alike: list[Any]) -> Sensor:
        named = ("instrument", "quality", "serial", "unit", "quantity")
        facts = [text(fact, what) for fact, what in zip(alike, named, strict=True)]
        name, quality, serial, unit, quantity = facts
        if not name:
            raise BadFrame("it does not say which instrument it is from")
        if not quantity and not self._values:
            raise BadFrame(f"{name}: it does not say what was measured")
        sensor = Sensor(
            self._instruments.get(name, name),
            self._qualities.get(quality, quality) or "good",
            serial,
            unit,
            quantity,
        )
        if len(self._sensors) >= KEPT_MOST:
            self._sensors.clear()
        self._sensors[tuple(alike)] = sensor
        return sensor

    def _find(self, topic: str) -> list[Place]:
        """Where each fact of this topic's messages stands."""
        levels = topic.split("/")
        places: list[Place] = []
        for source in self._sources:
            kind, _, named = source.partition(":")
            if kind == "key":
                places.append((named, None))
            elif kind == "const":
                places.append((None, named))
            else:
                level = int(named) - 1
                places.append((None, levels[level] if level < len(levels) else None))
        if len(self._places) >= KEPT_MOST:
            self._places.clear()
        self._places[topic] = places
        return places


def shown(sent: Any, quality: str, what: str) -> str:
    """The number as sent; with another quality than good, whatever stands in its place."""
    return amount(sent, what) if quality == "good" else text(sent, what)
