"""Which decoder reads the messages of which topic."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from plugins.mqtt.convention import Convention
from plugins.mqtt.plain_json import PlainJsonDecoder
from plugins.mqtt.settings import (
    CountedSettings,
    PlainJson,
    SparkplugB,
    Tasmota,
    ThingsBoardDevice,
    ThingsBoardGateway,
    TimedSettings,
    Topic,
    WirenBoard,
    Zigbee2Mqtt,
)
from plugins.mqtt.sparkplug import SparkplugDecoder
from plugins.mqtt.tasmota import TasmotaDecoder
from plugins.mqtt.thingsboard import ThingsBoardDecoder, ThingsBoardDeviceDecoder
from plugins.mqtt.wirenboard import WirenBoardDecoder
from plugins.mqtt.zigbee2mqtt import Zigbee2MqttDecoder

OneByOne = PlainJsonDecoder | ThingsBoardDecoder | ThingsBoardDeviceDecoder
"""Decoders for which each message stands for itself."""


class Clocking(NamedTuple):
    """How the numbers and times in one topic's messages are to be taken."""

    step: int = 0
    synchronised: bool = False
    ts_unit: str = "ms"
    zone: ZoneInfo | None = None


class Route(NamedTuple):
    """How the messages of one topic are read. `source` names link and topic in the record.

    At most one of `decoder` and `convention` is there; neither for a topic of no setting.
    """

    source: str
    topic: str
    clocking: Clocking = Clocking()
    decoder: OneByOne | None = None
    convention: Convention | None = None


def decoder_of(topic: Topic) -> OneByOne | Convention:
    """What reads the messages of *topic*."""
    match topic:
        case PlainJson():
            return PlainJsonDecoder(topic)
        case ThingsBoardGateway():
            return ThingsBoardDecoder(topic)
        case ThingsBoardDevice():
            return ThingsBoardDeviceDecoder(topic)
        case Tasmota():
            return TasmotaDecoder(topic)
        case Zigbee2Mqtt():
            return Zigbee2MqttDecoder(topic)
        case WirenBoard():
            return WirenBoardDecoder(topic)
        case SparkplugB():
            return SparkplugDecoder(topic)


def clocking_of(topic: Topic) -> Clocking:
    if not isinstance(topic, TimedSettings):
        return Clocking()
    step = topic.seq_step if isinstance(topic, CountedSettings) else 0
    zone = ZoneInfo(topic.zone) if topic.zone else None
    return Clocking(step, topic.device_clock == "synchronised", topic.ts_unit, zone)
