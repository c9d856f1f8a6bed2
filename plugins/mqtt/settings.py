"""What an operator may set for one broker link, and how each topic's messages are read."""

from decimal import Decimal
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator, model_validator

from hub import BrokerSettings, Settings

Source = Annotated[str, Field(pattern=r"^(key:.+|topic:[1-9][0-9]?|const:.*)$")]
"""Where a fact is found: `key:NAME` in the JSON object, `topic:2` the second level of the topic
(counted from 1), `const:TEXT` always the same text."""

Quantity = Literal["pressure", "gas", "gas_path", "oxygen", "gas_temperature", "barometer"]
DECODER = "How the messages are read."


class ValueSettings(Settings):
    """One number in a message that carries several."""

    key: str = Field(min_length=1, examples=["ch4"], description="Its key in the message.")
    quantity: Quantity = Field(
        examples=["gas"],
        description=f"What it measures: one of {', '.join(get_args(Quantity))}.",
    )
    unit: str = Field(
        default="",
        examples=["%LEL"],
        description="Its unit; empty where the message itself says the unit. Never guessed.",
    )


class TopicSettings(Settings):
    """What every decoder needs to be told."""

    decoder: str = Field(description=DECODER)
    filter: str = Field(
        min_length=1,
        max_length=1024,
        examples=["instruments/+/reading"],
        description="Topics to read, as an MQTT subscription filter.",
    )
    instruments: dict[str, str] = Field(
        default={},
        examples=[{"Device A": "det-1"}],
        description="Names in the messages -> names here, where the two differ.",
    )
    lel_basis_pct_vol: Decimal | None = Field(
        default=None,
        gt=0,
        examples=[Decimal("4.4")],
        description="%vol that 100 %LEL stands for, with every gas reading.",
    )

    def names(self) -> tuple[frozenset[str], bool]:
        """The instruments that these settings mention, and whether messages may bring others."""
        return frozenset(self.instruments.values()), True


def named(topic: TopicSettings, source: str) -> tuple[frozenset[str], bool]:
    """The instruments of *topic* whose name stands at *source*, and whether there may be others."""
    mentioned = frozenset(topic.instruments.values())
    kind, _, fixed = source.partition(":")
    if kind == "topic":
        levels = topic.filter.split("/")
        level = int(fixed) - 1
        if "#" in levels[: level + 1] or levels[level : level + 1] == ["+"]:
            return mentioned, True
        fixed = levels[level] if level < len(levels) else ""
    elif kind == "key":
        return mentioned, True
    only = topic.instruments.get(fixed, fixed)
    return frozenset({only} - {""}), False


class TimedSettings(TopicSettings):
    """What a decoder needs to be told whose messages may carry the device's own time."""

    device_clock: Literal["synchronised", "free"] = Field(
        default="synchronised",
        description="synchronised: its times tell late from fresh. free: its clock is not set.",
    )
    ts_unit: Literal["ms", "s", "us"] = Field(
        default="ms",
        description="Unit of a device time that is a bare number since 1970: ms, s or us.",
    )
    zone: str = Field(
        default="",
        examples=["Asia/Shanghai"],
        description="Time zone of device times that name none; empty: unknown, and never used.",
    )

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        if zone:
            try:
                ZoneInfo(zone)
            except (OSError, ValueError):
                raise ValueError(
                    f"time zone {zone!r} is not in this computer's table; write one such as "
                    '"Asia/Shanghai" (Debian has them in the package tzdata)'
                ) from None
        return zone


class CountedSettings(TimedSettings):
    """What a decoder needs to be told whose messages may carry numbers and words of quality."""

    qualities: dict[str, str] = Field(
        default={},
        examples=[{"ok": "good"}],
        description="Words of quality in the messages -> good, over_range, fault and so on.",
    )
    seq_step: int = Field(
        default=1,
        ge=0,
        description="Step of an instrument's sequence numbers; 0: gaps are not looked for.",
    )


class PlainJson(CountedSettings):
    """One JSON object per message, or a list of them; the settings say where each fact stands.

    `key:NAME`: under this key of the object. `topic:2`: the second level of the topic, counted
    from 1. `const:TEXT`: always this text.

    Without `values` an object is one reading (`value`, `quantity`, `unit`). With `values` it is
    one reading for each of those keys that it has.
    """

    decoder: Literal["plain_json"] = Field(description=DECODER)
    instrument: Source = Field(default="key:instrument", description="Name of the instrument.")
    quantity: Source = Field(default="key:quantity", description="What was measured.")
    value: Source = Field(default="key:value", description="The number.")
    unit: Source = Field(default="key:unit", description="Its unit.")
    ts: Source = Field(default="key:ts", description="Time by the device's clock, if it sends one.")
    seq: Source = Field(default="key:seq", description="Sequence number, if it sends one.")
    serial: Source = Field(default="key:serial", description="Serial number, if it sends one.")
    quality: Source = Field(default="key:quality", description="Quality; good when absent.")
    values: tuple[ValueSettings, ...] = Field(
        default=(), description="Numbers of a message that carries several."
    )

    def names(self) -> tuple[frozenset[str], bool]:
        return named(self, self.instrument)


class ThingsBoard(CountedSettings):
    """What both of ThingsBoard's telemetry messages are read by."""

    values: tuple[ValueSettings, ...] = Field(
        min_length=1, description="Numbers among the `values`; others there are left alone."
    )
    unit_key: str = Field(default="unit", description="Key of the unit, where a value names none.")
    seq_key: str = Field(default="seq", description="Key of the sequence number.")
    serial_key: str = Field(default="serial", description="Key of the serial number.")
    quality_key: str = Field(default="quality", description="Key of the quality.")


class ThingsBoardGateway(ThingsBoard):
    """`{"Device A": [{"ts": MILLISECONDS, "values": {...}}], ...}`, several devices a message."""

    decoder: Literal["thingsboard_gateway"] = Field(description=DECODER)
    filter: str = Field(
        default="v1/gateway/telemetry",
        min_length=1,
        max_length=1024,
        description="Topics to read, as an MQTT subscription filter.",
    )


class ThingsBoardDevice(ThingsBoard):
    """One device's telemetry: the values, `{"ts": ..., "values": {...}}`, or a list of either."""

    decoder: Literal["thingsboard_device"] = Field(description=DECODER)
    filter: str = Field(
        default="v1/devices/me/telemetry",
        min_length=1,
        max_length=1024,
        description="Topics to read, as an MQTT subscription filter.",
    )
    instrument: Source = Field(
        examples=["const:det-1"],
        description="Name of the instrument: const:TEXT, topic:N, or key:NAME among the values.",
    )

    def names(self) -> tuple[frozenset[str], bool]:
        return named(self, self.instrument)


def _no_key_twice(values: tuple[ValueSettings, ...]) -> tuple[ValueSettings, ...]:
    keys = [value.key for value in values]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"key {key!r} stands twice; it measures one thing")
    return values


Mapped = Annotated[tuple[ValueSettings, ...], Field(min_length=1), AfterValidator(_no_key_twice)]


class Tasmota(TimedSettings):
    """Tasmota's sensor messages and last will; units beside the sensors, local times."""

    decoder: Literal["tasmota"] = Field(description=DECODER)
    filter: str = Field(
        default="tele/#",
        min_length=1,
        max_length=1024,
        description="Topics to read, as an MQTT subscription filter.",
    )
    instrument: Annotated[str, Field(pattern=r"^(topic:[1-9][0-9]?|const:.+)$")] = Field(
        default="topic:2",
        description="Name of the instrument: topic:N, level of the topic from 1, or const:TEXT.",
    )
    values: Mapped = Field(
        description="Numbers to read; the key is sensor and field, such as BME280.Pressure."
    )

    def names(self) -> tuple[frozenset[str], bool]:
        return named(self, self.instrument)


class Zigbee2Mqtt(TimedSettings):
    """Zigbee2MQTT's devices: one flat object each, without units."""

    decoder: Literal["zigbee2mqtt"] = Field(description=DECODER)
    filter: str = Field(
        default="zigbee2mqtt/#",
        max_length=1024,
        pattern=r"^[^#+]+/#$",
        description="Its base topic and /#; what follows the base is the device's name.",
    )
    values: Mapped = Field(description="Numbers to read; other keys are left alone.")


class WirenBoard(TopicSettings):
    """Wiren Board's controls: plain numbers in topics of their own."""

    decoder: Literal["wirenboard"] = Field(description=DECODER)
    filter: str = Field(
        default="/devices/#",
        min_length=1,
        max_length=1024,
        description="Topics to read; they begin with a slash.",
    )
    values: Mapped = Field(description="Controls to read; the key is the control's name.")


class SparkplugB(TimedSettings):
    """Sparkplug B 3.0: binary messages, with names told at birth. Needs the package protobuf."""

    decoder: Literal["sparkplug_b"] = Field(description=DECODER)
    filter: str = Field(
        default="spBv1.0/#",
        max_length=1024,
        pattern=r"^spBv1\.0/",
        description="Topics to read; a node's births, data and deaths must all be among them.",
    )
    values: Mapped = Field(description="Metrics to read; the key is the metric's name.")
    ask_rebirth: bool = Field(
        default=True,
        description="Ask a node for its birth when its count has a hole or its birth was missed.",
    )


Topic = Annotated[
    PlainJson
    | ThingsBoardGateway
    | ThingsBoardDevice
    | Tasmota
    | Zigbee2Mqtt
    | WirenBoard
    | SparkplugB,
    Field(discriminator="decoder"),
]


class MqttSettings(BrokerSettings):
    """One broker, and the topics on it."""

    topics: tuple[Topic, ...] = Field(
        min_length=1,
        description="What to subscribe to, and how to read it; the first filter that fits decides.",
    )
    receive_maximum: int = Field(
        default=1000,
        ge=1,
        le=65535,
        description="Messages the broker may send ahead of our acknowledgements (MQTT 5).",
    )
    largest_message: int = Field(
        default=262_144,
        ge=1024,
        description="Bytes; a larger message becomes a dead letter unread.",
    )
    largest_packet: int = Field(
        default=33_554_432,
        ge=65_536,
        description="Bytes; the broker is told to send nothing larger (MQTT 5).",
    )
    late_after_s: float = Field(
        default=10.0,
        gt=0,
        description="Older than this, or of unknown age from the broker's queue, is late.",
    )
    remember: int = Field(
        default=5000,
        ge=100,
        le=1_000_000,
        description="Readings remembered, so that a redelivered one is recognised.",
    )

    @model_validator(mode="after")
    def _no_filter_twice(self) -> "MqttSettings":
        filters = [topic.filter for topic in self.topics]
        for name in filters:
            if filters.count(name) > 1:
                raise ValueError(f"topics: filter {name!r} stands twice; one decoder reads it")
        return self
