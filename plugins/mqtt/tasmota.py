"""Tasmota: `{"Time": "2019-06-29T14:27:51", "BME280": {"Pressure": 991.2}, "PressureUnit": "hPa"}`.

Units stand beside the sensors' objects. The time is local and names no zone. `STATUS8` and
`STATUS10` wrap the same in `StatusSNS`; `LWT` is the text Online or Offline. Source: captured
messages in public code; the order of a topic's levels is a setting there, and so it is here.
"""

from typing import Any

from hub import BadFrame, Reading, measure
from plugins.mqtt.convention import Heard, Presence, level
from plugins.mqtt.facts import agreed_unit, amount, basis, text
from plugins.mqtt.settings import Tasmota
from plugins.mqtt.strict_json import loads

SENSORS = {"SENSOR": "", "STATUS8": "StatusSNS", "STATUS10": "StatusSNS"}
"""Last level of the topic -> key of the object that has the sensors; "": the message itself."""
SAID_UNIT = {
    "pressure": "PressureUnit",
    "barometer": "PressureUnit",
    "gas_temperature": "TempUnit",
}


class TasmotaDecoder:
    """The mapping, and who is online."""

    stands_alone = True
    wants_retained = True

    def __init__(self, mapping: Tasmota) -> None:
        self._mapping = mapping
        self._basis = basis(mapping.lel_basis_pct_vol)
        self._presence = Presence()

    def hear(self, topic: str, payload: bytes, at_us: int, *, retained: bool) -> Heard:
        """raises  BadFrame when nothing in the message can be read"""
        mapping, last = self._mapping, topic.rpartition("/")[2]
        if last != "LWT" and last not in SENSORS:
            return Heard()
        sent = level(topic, mapping.instrument)
        name = text(mapping.instruments.get(sent, sent), "instrument")
        if not name:
            raise BadFrame(f"{topic!r} does not say which instrument it is from")
        if last == "LWT":
            return self._presence.hear(name, payload)
        if retained:
            return Heard(dropped="retained")
        body: Any = loads(payload)
        if SENSORS[last] and type(body) is dict:
            body = body.get(SENSORS[last])
        if type(body) is not dict:
            raise BadFrame(f"{name}: expected a JSON object of sensors")
        readings: list[Reading] = []
        faults: list[str] = []
        device_time = text(body.get("Time"), "time")
        for value in mapping.values:
            there, sent_value = _at(body, value.key)
            if not there:
                continue
            try:
                said = text(body.get(SAID_UNIT.get(value.quantity, "")), "unit")
                reading = measure(
                    instrument=name,
                    quantity=value.quantity,
                    value=amount(sent_value, value.key),
                    unit=agreed_unit(value.unit, said, value.key),
                    at_us=at_us,
                    device_time=device_time,
                    lel_basis_pct_vol=self._basis.get(value.quantity, ""),
                )
            except BadFrame as fault:
                faults.append(str(fault))
            else:
                readings.append(reading)
        return Heard(readings, faults)

    def forget(self) -> None:
        """Who is online is retained at the broker, and heard again."""


def _at(body: dict[str, Any], path: str) -> tuple[bool, Any]:
    """Whether there is something at *path* ("BME280.Pressure"), and what."""
    found: Any = body
    for key in path.split("."):
        if type(found) is not dict or key not in found:
            return False, None
        found = found[key]
    return True, found
