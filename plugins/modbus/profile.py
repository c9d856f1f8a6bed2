"""A register map, from a TOML file: where the numbers stand, and what they mean.

This is the language of profiles and nothing else: `loading.py` reads the files, `values.py` reads
numbers by them, `simulator.py` makes such numbers.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from hub import BadFrame, Settings, measure
from plugins.modbus.wire import MOST_REGISTERS

Quality = Literal[
    "late", "stale", "over_range", "under_range", "warming_up", "fault", "low_battery",
    "inhibited", "bad",
]  # fmt: skip
Kind = Literal["int16", "uint16", "int32", "uint32", "float32", "bcd16"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
Function = Literal[3, 4]
WIDE: Final = ("int32", "uint32", "float32")


class Place(Settings):
    """Where one number stands: `register` is its address on the wire, counted from 0.

    order  of the bytes of two registers as they come; A is the most significant
    byte   of one register, when the other byte says something else
    """

    first: int = Field(ge=0, le=0xFFFF, alias="register")
    function: Function = 4
    type: Kind = "int16"
    order: Order = "ABCD"
    byte: Literal["high", "low"] | None = None

    @property
    def count(self) -> int:
        """Registers."""
        return 2 if self.type in WIDE else 1

    @property
    def width(self) -> int:
        """Bytes of the number."""
        return 1 if self.byte else 2 * self.count

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.count == 1 and self.order != "ABCD":
            raise ValueError(f"order {self.order} needs two registers, and {self.type} has one")
        if self.byte and self.type != "uint16":
            raise ValueError(f"byte = {self.byte!r} is for uint16, and this is {self.type}")
        if self.first + self.count > 0x10000:
            raise ValueError(f"register {self.first} + {self.count} is past 65535")
        return self


class Unsigned(Place):
    """A register of codes, flags or counts."""

    type: Kind = "uint16"


class UnitRegister(Unsigned):
    """The instrument tells its unit. A code that is not in the table is refused.

    certain   false: the table is not beyond doubt, so the setting `unit` must name the same unit
    expected  any other unit is refused as well; the setting `unit` fills this in
    """

    codes: dict[int, str] = Field(default_factory=dict)
    certain: bool = True
    expected: str = ""


class Span(Settings):
    """The value is sent as so many *steps* between two numbers that the instrument tells."""

    low: Place
    high: Place
    steps: int = Field(gt=0)


class Measurand(Place):
    """A number that can be published.

    scale      value = number * scale; an exact decimal, or a register
    divisor    value = number / register
    decimals   register with the digits behind the point, 0 to 6
    sentinels  raw values, unsigned, that mean "no value"; the ends of an integer's range, NaN,
               infinity and numbers too small for a float's exponent always do
    least      in the unit; below is under_range, above `most` over_range
    finest     nearer to zero than this, but not zero, is bad: the mark of a wrong word order
    """

    name: str = Field(default="value", pattern=r"^[a-z][a-z0-9_]*$")
    quantity: str
    unit: str | UnitRegister
    scale: Decimal | Place = Decimal(1)
    divisor: Place | None = None
    decimals: Unsigned | None = None
    span: Span | None = None
    sentinels: tuple[int, ...] = ()
    sentinel_quality: Quality = "fault"
    least: Decimal | None = None
    most: Decimal | None = None
    finest: Decimal = Decimal(0)

    @property
    def units(self) -> Sequence[str]:
        """Every unit it may have."""
        return [self.unit] if isinstance(self.unit, str) else list(self.unit.codes.values())

    @property
    def places(self) -> Iterator[Place]:
        """Everything that has to be read for it."""
        yield self
        ends = (self.span.low, self.span.high) if self.span else ()
        parts = (self.unit, self.scale, self.divisor, self.decimals, *ends)
        yield from (part for part in parts if isinstance(part, Place))

    @model_validator(mode="after")
    def _sentinels_fit(self) -> Self:
        for sentinel in self.sentinels:
            if not 0 <= sentinel < 256**self.width:
                raise ValueError(f"sentinel {sentinel} is no unsigned value of {self.width} bytes")
        return self

    @model_validator(mode="after")
    def _units_are_known(self) -> Self:
        for unit in self.units:
            try:
                measure(instrument="", quantity=self.quantity, value="0", unit=unit, at_us=0)
            except BadFrame as unknown:
                raise ValueError(str(unknown).removeprefix(": ")) from None
        return self


class About(Unsigned):
    """A register that is read for the fields named in `of`; without names, for all."""

    of: tuple[str, ...] = ()

    def concerns(self, name: str) -> bool:
        return not self.of or name in self.of


class Status(About):
    """A register that says whether the values of the same poll can be used.

    bits     bit number -> quality, for a register of flags. Bits in `normal_bits` are fine, any
             that is in neither is `other_bits`
    states   value -> quality, for a register of states. Values in `normal` are fine, any that is
             in neither is `other_states`
    """

    bits: dict[int, Quality] = Field(default_factory=dict)
    normal_bits: tuple[int, ...] = ()
    other_bits: Quality = "fault"
    states: dict[int, Quality] = Field(default_factory=dict)
    normal: tuple[int, ...] = ()
    other_states: Quality = "fault"

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if bool(self.bits or self.normal_bits) == bool(self.states or self.normal):
            raise ValueError("give bits (a register of flags) or states, one of the two")
        return self


class ModelId(About):
    """A register that only this model answers so: one of `values`, or from `least` to `most`."""

    values: tuple[int, ...] = ()
    least: int = 0
    most: int = 0

    def fits(self, value: int) -> bool:
        return value in self.values if self.values else self.least <= value <= self.most


class Heartbeat(Unsigned):
    """A register that changes while the instrument works, at least every `within_s`."""

    within_s: float = Field(default=15, gt=0)


class LineHint(Settings):
    """How the instrument leaves the factory; what the line must be set to."""

    baud: int
    parity: Literal["N", "E", "O"]
    stop_bits: Literal[1, 2]


class Profile(Settings):
    """One model's map.

    range       in words, for the catalogue
    source      documents and pages; `doubtful` says what in this file is not from a document
    publish     the fields that are published unless the settings name others
    bridge      registers that nobody asked for may be read to join two requests, up to so many
    in_pieces   an instrument that refuses to be read across may be asked piece by piece; its
                status then is a moment younger than its value
    in_inhibit  what its value register shows meanwhile; never published, but good to know
    serial      its own serial number, asked on first contact
    """

    title: str
    range: str = "-"
    source: str
    doubtful: str = ""
    line: LineHint | None = None
    publish: tuple[str, ...] = Field(min_length=1)
    bridge: int = Field(default=0, ge=0, le=MOST_REGISTERS)
    in_pieces: bool = False
    in_inhibit: Literal["live", "zero", "frozen"] = "live"
    field: tuple[Measurand, ...] = Field(min_length=1)
    status: tuple[Status, ...] = ()
    id: tuple[ModelId, ...] = ()
    heartbeat: Heartbeat | None = None
    serial: Place | None = None

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
        strange = {name for about in (*self.status, *self.id) for name in about.of}
        if strange := strange - {field.name for field in self.field}:
            raise ValueError(f"of = {sorted(strange)}: there are no such fields")
        return self
