"""Zigbee2MQTT: `zigbee2mqtt/NAME` with one flat object; NAME may have slashes.

`.../availability` and `bridge/state` say online or offline, as text or as a small object. What is
sent to `.../set` and `.../get` is a command of somebody's and never a reading.
Source: zigbee2mqtt.io, "MQTT topics and messages".
"""

from typing import Any

from hub import BadFrame, Reading, measure
from plugins.mqtt.convention import Heard, Presence
from plugins.mqtt.facts import amount, basis, text
from plugins.mqtt.settings import Zigbee2Mqtt
from plugins.mqtt.strict_json import loads

COMMANDS = frozenset({"set", "get"})


class Zigbee2MqttDecoder:
    """The mapping, and who is online."""

    stands_alone = True
    wants_retained = True

    def __init__(self, mapping: Zigbee2Mqtt) -> None:
        self._mapping = mapping
        self._base = mapping.filter.count("/")
        self._basis = basis(mapping.lel_basis_pct_vol)
        self._presence = Presence()

    def hear(self, topic: str, payload: bytes, at_us: int, *, retained: bool) -> Heard:
        """raises  BadFrame when nothing in the message can be read"""
        mapping, levels = self._mapping, topic.split("/")[self._base :]
        if levels[:1] == ["bridge"]:
            if levels == ["bridge", "state"]:
                return self._presence.hear("bridge", payload)
            return Heard()
        if COMMANDS.intersection(levels[1:]):
            return Heard(dropped="command")
        available = len(levels) > 1 and levels[-1] == "availability"
        sent = "/".join(levels[:-1] if available else levels)
        name = text(mapping.instruments.get(sent, sent), "instrument")
        if not name:
            raise BadFrame(f"{topic!r} does not say which instrument it is from")
        if available:
            return self._presence.hear(name, payload)
        if retained:
            return Heard(dropped="retained")
        body: Any = loads(payload)
        if type(body) is not dict:
            raise BadFrame(f"{name}: expected a JSON object")
        readings: list[Reading] = []
        faults: list[str] = []
        device_time = text(body.get("last_seen"), "time")
        for value in mapping.values:
            if value.key not in body:
                continue
            try:
                reading = measure(
                    instrument=name,
                    quantity=value.quantity,
                    value=amount(body[value.key], value.key),
                    unit=value.unit,
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
