"""A register map, from a TOML file: what to read, and what the registers mean.

An integer times its scale is exact decimal arithmetic. A float32 becomes the shortest decimal
text that gives the same four bytes. A sentinel, a NaN, or a status register that says so turns
the reading into one with a quality and no number.
"""

import math
import struct
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from hub import ConfigError, Settings
from plugins.modbus.wire import MOST_REGISTERS

SHIPPED: Final = Path(__file__).parent / "profiles"

Quality = Literal[
    "late", "stale", "over_range", "under_range", "warming_up", "fault", "low_battery",
    "inhibited", "bad",
]  # fmt: skip
Kind = Literal["int16", "uint16", "int32", "uint32", "float32"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
Registers = Mapping[tuple[int, int], int]
"""(function, register) -> unsigned 16-bit value."""


class Place(Settings):
    """One number in the map. `register` in the file is the address on the wire, from 0."""

    first: int = Field(ge=0, le=0xFFFF, alias="register")
    function: Literal[3, 4] = 4
    type: Kind = "int16"
    order: Order = "ABCD"

    @property
    def count(self) -> int:
        return 2 if self.type in ("int32", "uint32", "float32") else 1

    @model_validator(mode="after")
    def _one_word_has_no_order(self) -> Self:
        if self.count == 1 and self.order != "ABCD":
            raise ValueError(f"order {self.order} needs two registers, and {self.type} has one")
        if self.first + self.count > 0x10000:
            raise ValueError(f"register {self.first} + {self.count} is past 65535")
        return self

    def raw(self, registers: Registers) -> bytes:
        """The bytes of the number, most significant first."""
        high_first = b"".join(
            registers[self.function, self.first + i].to_bytes(2) for i in range(self.count)
        )
        if self.count == 1:
            return high_first
        return bytes(high_first["ABCD".index(letter)] for letter in self.order)


class Measurand(Place):
    """A published quantity. `sentinels` are raw values, unsigned, that mean "no value"."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    quantity: str
    unit: str
    scale: Decimal = Decimal(1)
    sentinels: tuple[int, ...] = ()
    sentinel_quality: Quality = "fault"
    least: Decimal | None = None
    most: Decimal | None = None

    def value(self, registers: Registers) -> tuple[str, Quality | Literal["good"]]:
        """Decimal text and "good", or no text and why not."""
        raw = self.raw(registers)
        if int.from_bytes(raw) in self.sentinels:
            return "", self.sentinel_quality
        number = _number(raw, self.type)
        if number is None:
            return "", "fault"
        scaled = number * self.scale
        if self.most is not None and scaled > self.most:
            return "", "over_range"
        if self.least is not None and scaled < self.least:
            return "", "under_range"
        return format(scaled, "f"), "good"


class Status(Place):
    """A register that says whether the values of the same poll can be used.

    bits     bit number -> quality, for a register of flags; `other_bits` for any other bit set
    states   value -> quality, for a register of states; values in `normal` are fine, and any
             value that is in neither is `other_states`
    """

    type: Kind = "uint16"
    bits: dict[int, Quality] = Field(default_factory=dict)
    other_bits: Quality | None = None
    states: dict[int, Quality] = Field(default_factory=dict)
    normal: tuple[int, ...] = ()
    other_states: Quality = "fault"

    def quality(self, registers: Registers) -> Quality | None:
        """The first quality that applies, None when the register says all is well."""
        value = int.from_bytes(self.raw(registers))
        for bit, quality in self.bits.items():
            if value >> bit & 1:
                return quality
        if self.other_bits and value & ~sum(1 << bit for bit in self.bits):
            return self.other_bits
        if (self.states or self.normal) and value not in self.normal:
            return self.states.get(value, self.other_states)
        return None


class LineHint(Settings):
    """How the instrument leaves the factory; what the line must be set to."""

    baud: int
    parity: Literal["N", "E", "O"]
    stop_bits: Literal[1, 2]


class Profile(Settings):
    """One model's map.

    source  document and page; `doubtful` says what in this file is not from a document
    publish the fields that are published unless the settings name others
    bridge  registers that nobody asked for may be read to join two requests, up to so many
    """

    title: str
    source: str
    doubtful: str = ""
    line: LineHint
    publish: tuple[str, ...] = Field(min_length=1)
    bridge: int = Field(default=0, ge=0, le=MOST_REGISTERS)
    field: tuple[Measurand, ...] = Field(min_length=1)
    status: tuple[Status, ...] = ()

    def chosen(self, names: Sequence[str]) -> tuple[Measurand, ...]:
        """The fields called *names*, or those of `publish` when there are none.

        raises  ValueError for an unknown name, or two fields of one quantity
        """
        known = {field.name: field for field in self.field}
        wanted = names or self.publish
        for name in wanted:
            if name not in known:
                raise ValueError(f"no field {name!r}; there are {', '.join(known)}")
        fields = tuple(known[name] for name in wanted)
        quantities = [field.quantity for field in fields]
        if len(set(quantities)) < len(quantities):
            raise ValueError(
                f"{', '.join(wanted)} would give one instrument two series of one quantity; "
                "publish one of them, or configure a second instrument"
            )
        return fields

    @model_validator(mode="after")
    def _names(self) -> Self:
        if len({field.name for field in self.field}) < len(self.field):
            raise ValueError("two fields have the same name")
        self.chosen(())
        return self


def load(name: str) -> Profile:
    """Read a shipped profile by name, or any by its path.

    raises  ConfigError naming the file, the key and the fault
    """
    path = Path(name) if name.endswith(".toml") else SHIPPED / f"{name}.toml"
    try:
        with path.open("rb") as file:
            return Profile.model_validate(tomllib.load(file, parse_float=Decimal))
    except FileNotFoundError:
        shipped = ", ".join(sorted(known.stem for known in SHIPPED.glob("*.toml")))
        raise ConfigError(f"no profile {name!r}; shipped are {shipped}; or give a path") from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"profile {path}: {error}") from None
    except ValidationError as wrong:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in wrong.errors()
        )
        raise ConfigError(f"profile {path}: {faults}") from None


def spans(places: Sequence[Place], bridge: int) -> list[tuple[int, int, int]]:
    """The fewest requests for *places*: (function, start, count), each at most 125 registers.

    Status registers should come later in the map than the values, as they mostly do: requests
    go out in rising order, and a status read after its value speaks for it.
    """
    joined: list[tuple[int, int, int]] = []
    for place in sorted(places, key=lambda place: (place.function, place.first)):
        end = place.first + place.count
        if joined:
            function, start, count = joined[-1]
            near = place.first - (start + count) <= bridge
            if function == place.function and near and end - start <= MOST_REGISTERS:
                joined[-1] = (function, start, max(count, end - start))
                continue
        joined.append((place.function, place.first, place.count))
    return joined


def _number(raw: bytes, kind: Kind) -> Decimal | None:
    if kind == "float32":
        return shortest(raw)
    return Decimal(int.from_bytes(raw, signed=not kind.startswith("u")))


def shortest(raw: bytes) -> Decimal | None:
    """The shortest decimal number that *raw* (float32, high byte first) is; None for NaN, inf."""
    (number,) = struct.unpack(">f", raw)
    if not math.isfinite(number):
        return None
    for digits in range(1, 10):
        text = f"{number:.{digits}g}"
        try:
            same = struct.pack(">f", float(text)) == raw
        except OverflowError:  # rounded up beyond the largest float32
            continue
        if same:
            return Decimal(text) + 0  # "+ 0" makes the device's minus zero a plain one
    raise AssertionError("nine digits always tell a float32 apart")
