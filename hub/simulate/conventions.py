"""What devices say over MQTT, convention by convention: values to messages. Pure.

Each is written from its published description, and shares nothing with the decoder that reads it.
"""

import json
import struct
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from hub.clock import iso
from hub.simulate.device import Sense

_ZONE = "Asia/Shanghai"


class Message(NamedTuple):
    """One to be published, or to be the last will."""

    topic: str
    payload: bytes
    retain: bool = False


class Talker(ABC):
    """One device of a convention.

    decoder   name of the convention, as the link's settings have it
    sense     what it measures: Pa, %vol
    commands  topic on which it is told to say again who it is; "" where there is none
    """

    decoder: ClassVar[str]
    sense: ClassVar[Sense] = "gas"
    commands = ""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = -1

    @abstractmethod
    def topics(self) -> Mapping[str, Any]:
        """The table under `topics` of a link that reads it."""

    @property
    def will(self) -> Message | None:
        """What the broker is to say when it is gone."""
        return None

    def greet(self, at_us: int) -> Sequence[Message]:
        """What it says first on every connection, and when it is told to."""
        return ()

    def say(self, sensed: Decimal, at_us: int) -> Message:
        """One measurement."""
        self.count += 1
        return self._said(sensed, at_us)

    @abstractmethod
    def _said(self, sensed: Decimal, at_us: int) -> Message:
        """The message that carries it."""


def _values(key: str, quantity: str, unit: str = "") -> Sequence[Mapping[str, str]]:
    return [{"key": key, "quantity": quantity, **({"unit": unit} if unit else {})}]


class PlainJson(Talker):
    decoder = "plain_json"

    def topics(self) -> Mapping[str, Any]:
        return {"filter": "instruments/+/reading"}

    def _said(self, sensed: Decimal, at_us: int) -> Message:
        body = {
            "instrument": self.name, "quantity": "gas", "value": float(sensed), "unit": "%vol",
            "seq": self.count, "ts": iso(at_us),
        }  # fmt: skip
        return Message(f"instruments/{self.name}/reading", json.dumps(body).encode())


class ThingsBoardGateway(Talker):
    decoder = "thingsboard_gateway"

    def topics(self) -> Mapping[str, Any]:
        return {"values": _values("gas", "gas", "%vol")}

    def _said(self, sensed: Decimal, at_us: int) -> Message:
        values = {"gas": float(sensed), "seq": self.count}
        body = {self.name: [{"ts": at_us // 1000, "values": values}]}
        return Message("v1/gateway/telemetry", json.dumps(body).encode())


class ThingsBoardDevice(Talker):
    decoder = "thingsboard_device"

    def topics(self) -> Mapping[str, Any]:
        return {"instrument": f"const:{self.name}", "values": _values("gas", "gas", "%vol")}

    def _said(self, sensed: Decimal, at_us: int) -> Message:
        values = {"gas": float(sensed), "seq": self.count}
        body = {"ts": at_us // 1000, "values": values}
        return Message("v1/devices/me/telemetry", json.dumps(body).encode())


class Tasmota(Talker):
    decoder = "tasmota"
    sense = "pressure"

    def topics(self) -> Mapping[str, Any]:
        return {"zone": _ZONE, "values": _values("MPR.Pressure", "pressure")}

    @property
    def will(self) -> Message:
        return Message(f"tele/{self.name}/LWT", b"Offline", retain=True)

    def greet(self, at_us: int) -> Sequence[Message]:
        return (Message(f"tele/{self.name}/LWT", b"Online", retain=True),)

    def _said(self, sensed: Decimal, at_us: int) -> Message:
        local = datetime.fromtimestamp(at_us // 1_000_000, ZoneInfo(_ZONE))
        body = {
            "Time": f"{local:%Y-%m-%dT%H:%M:%S}",
            "MPR": {"Pressure": float(sensed / 100)},
            "PressureUnit": "hPa",
        }
        return Message(f"tele/{self.name}/SENSOR", json.dumps(body).encode())


class Zigbee2Mqtt(Talker):
    decoder = "zigbee2mqtt"

    def topics(self) -> Mapping[str, Any]:
        return {"values": _values("gas", "gas", "%vol")}

    @property
    def will(self) -> Message:
        return Message(f"zigbee2mqtt/{self.name}/availability", b"offline", retain=True)

    def greet(self, at_us: int) -> Sequence[Message]:
        return (Message(f"zigbee2mqtt/{self.name}/availability", b"online", retain=True),)

    def _said(self, sensed: Decimal, at_us: int) -> Message:
        body = {"gas": float(sensed), "linkquality": 87, "last_seen": iso(at_us)}
        return Message(f"zigbee2mqtt/{self.name}", json.dumps(body).encode())


class WirenBoard(Talker):
    decoder = "wirenboard"
    sense = "pressure"

    def topics(self) -> Mapping[str, Any]:
        return {"values": _values("Inlet", "pressure", "Pa")}

    @property
    def will(self) -> Message:
        return Message(f"/devices/{self.name}/meta/error", b"r", retain=True)

    def greet(self, at_us: int) -> Sequence[Message]:
        return (Message(f"/devices/{self.name}/meta/error", b"", retain=True),)

    def _said(self, sensed: Decimal, at_us: int) -> Message:
        topic = f"/devices/{self.name}/controls/Inlet"
        return Message(topic, str(sensed).encode(), retain=True)


class SparkplugB(Talker):
    """An edge node with one device; its messages in protobuf's wire format, written by hand."""

    decoder = "sparkplug_b"
    _METRIC, _ALIAS = "Gas/pct_vol", 7
    _UINT64, _FLOAT, _BOOLEAN = 8, 9, 11  # data types of the specification

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.commands = f"spBv1.0/plant/NCMD/{name}"

    def topics(self) -> Mapping[str, Any]:
        return {
            "instruments": {f"plant/{self.name}/gauge": self.name},
            "values": _values(self._METRIC, "gas", "%vol"),
        }

    @property
    def will(self) -> Message:
        return Message(f"spBv1.0/plant/NDEATH/{self.name}", _part(2, self._birth_number()))

    def greet(self, at_us: int) -> Sequence[Message]:
        self.count = 1
        ms = at_us // 1000
        rebirth = _part(1, b"Node Control/Rebirth") + _whole(4, self._BOOLEAN) + _whole(14, 0)
        known = _part(1, self._METRIC.encode()) + _whole(2, self._ALIAS) + _whole(4, self._FLOAT)
        born = _part(2, self._birth_number()) + _part(2, rebirth)
        is_null = _whole(7, 1)
        return (
            self._message("NBIRTH", ms, born, 0),
            self._message("DBIRTH", ms, _part(2, known + is_null), 1, "/gauge"),
        )

    def _said(self, sensed: Decimal, at_us: int) -> Message:
        ms = at_us // 1000
        number = _tag(12, 5) + struct.pack("<f", float(sensed))
        metric = _whole(2, self._ALIAS) + _whole(3, ms) + number
        return self._message("DDATA", ms, _part(2, metric), self.count & 0xFF, "/gauge")

    def _birth_number(self) -> bytes:
        return _part(1, b"bdSeq") + _whole(4, self._UINT64) + _whole(11, 0)

    def _message(self, verb: str, ms: int, metrics: bytes, seq: int, device: str = "") -> Message:
        payload = _whole(1, ms) + metrics + _whole(3, seq)
        return Message(f"spBv1.0/plant/{verb}/{self.name}{device}", payload)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more come."""
    sent = bytearray()
    while number > 0x7F:
        sent.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*sent, number])


def _tag(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _whole(field: int, number: int) -> bytes:
    return _tag(field, 0) + _varint(number)


def _part(field: int, content: bytes) -> bytes:
    return _tag(field, 2) + _varint(len(content)) + content


TALKERS: Mapping[str, type[Talker]] = {
    each.decoder: each
    for each in (
        PlainJson, ThingsBoardGateway, ThingsBoardDevice, Tasmota, Zigbee2Mqtt, WirenBoard,
        SparkplugB,
    )
}  # fmt: skip
