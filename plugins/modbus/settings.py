"""What an operator may set for one Modbus instrument."""

from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from hub import PolledSettings, Settings
from plugins.modbus.loading import PLAIN, Answers, is_own, text_of
from plugins.modbus.profile import Function, Kind, Measurand, Order, Profile


class PlainValue(Settings):
    """One number in the registers, for an instrument without a profile."""

    first: int = Field(
        ge=0, le=0xFFFF, alias="register", examples=[0], description="Its address, from 0."
    )
    function: Function = Field(default=3, description="Function to read it with.")
    type: Kind = Field(examples=["float32"], description="How it is written.")
    order: Order = Field(
        default="ABCD", description="Byte order in two registers; A is the most significant byte."
    )
    scale: Decimal = Field(
        default=Decimal(1), gt=0, description="Value of one step: 0.1 for tenths."
    )
    quantity: str = Field(examples=["pressure"], description="What it measures.")
    unit: str = Field(examples=["kPa"], description="Unit, after scaling.")
    sentinels: tuple[int, ...] = Field(
        default=(), description='Raw values, unsigned, that mean "no value".'
    )

    def profile(self) -> Profile:
        """The map of an instrument that has this number and nothing else."""
        field = Measurand.model_validate({"name": "value", **self.model_dump(by_alias=True)})
        return Profile(title=PLAIN, source="settings", publish=("value",), field=(field,))


class ModbusSettings(PolledSettings):
    """One slave on a line. Speed and parity are the line's; the profile says what they are."""

    address: int = Field(ge=1, le=247, examples=[1], description="Slave address.")
    profile: str = Field(
        min_length=1,
        examples=["delta_ohm_hd402st"],
        description="Register map: the name of a shipped profile, the path of a .toml file, or "
        '"plain" for the one number that `value` describes.',
    )
    serial: str = Field(
        default="",
        max_length=64,
        description="Serial number on its plate; an instrument that tells another one is refused.",
    )
    publish: tuple[str, ...] = Field(
        default=(),
        description="Fields of the profile to publish; empty publishes the profile's own choice.",
    )
    unit: str = Field(
        default="",
        max_length=16,
        description="Unit its plate or display shows; the profile says where it is needed, and "
        "everywhere a different one is refused.",
    )
    unit_codes: dict[int, str] = Field(
        default_factory=dict,
        examples=[{"12": "Pa"}],
        description="Unit codes that its manual has and the profile lacks.",
    )
    type: Kind | None = Field(
        default=None,
        examples=["int16"],
        description="How the value is written, where the profile leaves it open.",
    )
    order: Order | None = Field(
        default=None,
        examples=["CDAB"],
        description="Byte order of numbers in two registers, if not the profile's; A is the most "
        "significant byte.",
    )
    function: Function | None = Field(
        default=None,
        examples=[3],
        description="Function to read with, 3 or 4, if not the profile's.",
    )
    numbers: dict[str, int] = Field(
        default_factory=dict,
        examples=[{"mode": 111}],
        description="Numbers that the profile leaves open, by its name for them: addresses of "
        "registers, from 0, and codes.",
    )
    value: PlainValue | None = Field(
        default=None,
        examples=[{"register": 0, "type": "float32", "quantity": "pressure", "unit": "kPa"}],
        description='The number that profile "plain" reads.',
    )
    least: Decimal | None = Field(
        default=None, description="Below is under_range, in the unit of the value."
    )
    most: Decimal | None = Field(
        default=None, description="Above is over_range, in the unit of the value."
    )
    lel_basis_pct_vol: Decimal | None = Field(
        default=None,
        gt=0,
        description="Gas in %vol that it calls 100 %LEL; needed to compare %LEL with %vol.",
    )
    heartbeat_within_s: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="Its heartbeat register must change so often; absent: as the profile says.",
    )

    profile_text: str = Field(
        default="",
        max_length=200_000,
        description="The profile itself, in place of the file that `profile` names; the record "
        "keeps a profile of your own so.",
    )

    def with_profile(self) -> Self:
        """With the text of a profile that is a file of the gateway's. Raises ConfigError."""
        if self.profile_text or not is_own(self.profile):
            return self
        return self.model_copy(update={"profile_text": text_of(self.profile)})

    @property
    def answers(self) -> Answers:
        """What these settings say to the profile's questions."""
        return Answers(
            self.unit, self.unit_codes, self.type, self.order, self.function, self.numbers
        )

    @model_validator(mode="after")
    def _plain_has_a_value(self) -> Self:
        if (self.profile == PLAIN) != (self.value is not None):
            raise ValueError(f'`value` describes the number of profile = "{PLAIN}"; give both')
        if self.value is not None and self.answers != Answers(unit=self.unit):
            raise ValueError(
                f'with profile = "{PLAIN}" type, order and function stand in `value`, and it has '
                "neither unit_codes nor numbers"
            )
        return self
