"""What an operator may set for one broker link, and how each topic's messages are read."""

from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

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
    qualities: dict[str, str] = Field(
        default={},
        examples=[{"ok": "good"}],
        description="Words of quality in the messages -> good, over_range, fault and so on.",
    )
    lel_basis_pct_vol: Decimal | None = Field(
        default=None,
        gt=0,
        examples=[Decimal("4.4")],
        description="%vol that 100 %LEL stands for, with every gas reading.",
    )
    device_clock: Literal["synchronised", "free"] = Field(
        default="synchronised",
        description="synchronised: its times tell late from fresh. free: its clock is not set.",
    )
    ts_unit: Literal["ms", "s", "us"] = Field(
        default="ms",
        description="Unit of a device time that is a bare number since 1970: ms, s or us.",
    )
    seq_step: int = Field(
        default=1,
        ge=0,
        description="Step of an instrument's sequence numbers; 0: gaps are not looked for.",
    )

    def names(self) -> tuple[frozenset[str], bool]:
        """The instruments that these settings mention, and whether messages may bring others."""
        return frozenset(self.instruments.values()), True


class PlainJson(TopicSettings):
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
        mentioned, _ = super().names()
        kind, _, fixed = self.instrument.partition(":")
        if kind == "topic":
            levels = self.filter.split("/")
            level = int(fixed) - 1
            if "#" in levels[: level + 1] or levels[level : level + 1] == ["+"]:
                return mentioned, True
            fixed = levels[level] if level < len(levels) else ""
        elif kind == "key":
            return mentioned, True
        only = self.instruments.get(fixed, fixed)
        return frozenset({only} - {""}), False


class ThingsBoardGateway(TopicSettings):
    """`{"Device A": [{"ts": MILLISECONDS, "values": {...}}], ...}`, several devices a message."""

    decoder: Literal["thingsboard_gateway"] = Field(description=DECODER)
    filter: str = Field(
        default="v1/gateway/telemetry",
        min_length=1,
        max_length=1024,
        description="Topics to read, as an MQTT subscription filter.",
    )
    values: tuple[ValueSettings, ...] = Field(
        min_length=1, description="Numbers among the `values`; others there are left alone."
    )
    unit_key: str = Field(default="unit", description="Key of the unit, where a value names none.")
    seq_key: str = Field(default="seq", description="Key of the sequence number.")
    serial_key: str = Field(default="serial", description="Key of the serial number.")
    quality_key: str = Field(default="quality", description="Key of the quality.")


Topic = Annotated[PlainJson | ThingsBoardGateway, Field(discriminator="decoder")]


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
