"""ThingsBoard's telemetry: `{"Device A": [{"ts": 1483228800000, "values": {...}}]}`.

That is a gateway's; a device sends the values, `{"ts": ..., "values": {...}}`, or a list of either.

Source: thingsboard.io, "Gateway MQTT API" and "MQTT Device API", telemetry upload. `ts` is in
milliseconds and may be absent; an element without `values` is taken as the values themselves.
"""

from typing import Any

from hub import BadFrame, Reading, measure
from plugins.mqtt.facts import basis, sequence, text
from plugins.mqtt.plain_json import shown
from plugins.mqtt.settings import ThingsBoard, ThingsBoardDevice, ThingsBoardGateway
from plugins.mqtt.strict_json import loads


class ThingsBoardDecoder:
    """The mapping, made ready. `decode` is a pure function of its arguments."""

    def __init__(self, mapping: ThingsBoardGateway) -> None:
        self._telemetry = Telemetry(mapping)

    def decode(self, topic: str, payload: bytes, at_us: int) -> tuple[list[Reading], list[str]]:
        """The readings, and one complaint for each part of the message that is none.

        raises  BadFrame when nothing in the message can be read
        """
        body = loads(payload)
        if type(body) is not dict:
            raise BadFrame("expected a JSON object of devices")
        readings: list[Reading] = []
        faults: list[str] = []
        for device, rows in body.items():
            if type(rows) is not list:
                faults.append(f"{device[:40]!r}: expected a list of telemetry")
                continue
            for row in rows:
                try:
                    self._telemetry.read(device, row, at_us, readings, faults)
                except BadFrame as fault:
                    faults.append(f"{device[:40]!r}: {fault}")
        if not readings and not faults:
            raise BadFrame("no reading in it")
        return readings, faults


class ThingsBoardDeviceDecoder:
    """The mapping, made ready. `decode` is a pure function of its arguments."""

    def __init__(self, mapping: ThingsBoardDevice) -> None:
        self._kind, _, self._named = mapping.instrument.partition(":")
        self._telemetry = Telemetry(mapping)

    def decode(self, topic: str, payload: bytes, at_us: int) -> tuple[list[Reading], list[str]]:
        """The readings, and one complaint for each part of the message that is none.

        raises  BadFrame when nothing in the message can be read
        """
        body = loads(payload)
        readings: list[Reading] = []
        faults: list[str] = []
        for row in body if type(body) is list else (body,):
            try:
                self._telemetry.read(self._device(topic, row), row, at_us, readings, faults)
            except BadFrame as fault:
                faults.append(str(fault))
        if not readings and not faults:
            raise BadFrame("no reading in it")
        return readings, faults

    def _device(self, topic: str, row: Any) -> Any:
        if self._kind == "const":
            return self._named
        if self._kind == "key":
            return values_of(row).get(self._named)
        levels = topic.split("/")
        level = int(self._named) - 1
        return levels[level] if level < len(levels) else ""


class Telemetry:
    """How one element is read: a time, perhaps, and values."""

    def __init__(self, mapping: ThingsBoard) -> None:
        self._mapping = mapping
        self._basis = basis(mapping.lel_basis_pct_vol)

    def read(
        self, device: Any, row: Any, at_us: int, readings: list[Reading], faults: list[str]
    ) -> None:
        """Add the readings of *row*, and a complaint for each number that cannot be read.

        raises  BadFrame when nothing in it can be read
        """
        mapping, values = self._mapping, values_of(row)
        name = text(device, "instrument")
        if not name:
            raise BadFrame("a device without a name")
        quality = text(values.get(mapping.quality_key), "quality") or "good"
        quality = mapping.qualities.get(quality, quality)
        serial = text(values.get(mapping.serial_key), "serial")
        seq = sequence(values.get(mapping.seq_key))
        device_time = text(row.get("ts"), "time")
        for value in mapping.values:
            if value.key not in values:
                continue
            try:
                reading = measure(
                    instrument=mapping.instruments.get(name, name),
                    serial=serial,
                    quantity=value.quantity,
                    value=shown(values[value.key], quality, value.key),
                    unit=value.unit or text(values.get(mapping.unit_key), "unit"),
                    at_us=at_us,
                    quality=quality,
                    seq=seq,
                    device_time=device_time,
                    lel_basis_pct_vol=self._basis.get(value.quantity, ""),
                )
            except BadFrame as fault:
                faults.append(f"{name[:40]!r}: {fault}")
            else:
                readings.append(reading)


def values_of(row: Any) -> dict[str, Any]:
    """The object under `values`, or else the element itself. raises BadFrame for no object"""
    if type(row) is not dict:
        raise BadFrame(f"expected a JSON object, not {str(row)[:40]!r}")
    values: Any = row.get("values")
    return values if type(values) is dict else row
