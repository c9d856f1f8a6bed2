"""What an operator may set for one Keller transmitter."""

from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from hub import PolledSettings


class KellerSettings(PolledSettings):
    """One transmitter on a line. Speed and echo are the line's."""

    quantity: Literal["pressure", "barometer"] = Field(
        description="What its sensor measures: pressure is gauge or differential, barometer is "
        "absolute; its answers do not say which.",
    )
    address: int = Field(
        ge=1,
        le=250,
        examples=[1],
        description="Its address, 1 to 249; 250 is whoever is alone on the line.",
    )
    channel: Literal["P1", "P2"] = Field(
        default="P1", description="Pressure sensor that is read; most transmitters have P1 only."
    )
    serial: str = Field(
        default="",
        max_length=64,
        description="Serial number on its plate: a transmitter that tells another is refused, "
        "one that tells none goes by this; absent takes what it tells.",
    )
    ask_serial: bool = Field(
        default=True, description="Ask for the serial number (function 69) at first contact."
    )
    device_classes: tuple[int, ...] = Field(
        default=(5,),
        min_length=1,
        description="Device classes (function 48) that are read; only of 5, Series 30 and 40, "
        "the status bits are documented.",
    )
    least_pa: Decimal = Field(
        default=Decimal(-110_000), description="Lower end of its range; less is under range."
    )
    most_pa: Decimal = Field(
        default=Decimal(10_000_000), description="Upper end of its range; more is over range."
    )

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.least_pa >= self.most_pa:
            raise ValueError(f"least_pa is {self.least_pa}, not below most_pa ({self.most_pa})")
        return self
