"""What an operator may set for readings by eye."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from hub import Settings


class ManualSettings(Settings):
    """The gauges that people read here, and what counts as a reading of theirs."""

    instruments: tuple[str, ...] = Field(
        default=(),
        examples=[("u-gauge-1",)],
        description="Gauges that are read by eye; empty takes any that the order names.",
    )
    units: tuple[Literal["mmH2O", "Pa", "hPa", "kPa", "mbar"], ...] = Field(
        default=("mmH2O",),
        min_length=1,
        description="Units that their scales have; another one is a slip of the pen.",
    )
    most_pa: Decimal = Field(
        default=Decimal(20_000), gt=0, description="A higher reading, in Pa, is refused as a slip."
    )
    least_pa: Decimal = Field(
        default=Decimal(-500), le=0, description="A lower reading, in Pa, is refused as a slip."
    )
    photo: Literal["required", "optional"] = Field(
        default="required", description="Whether each reading needs a photo of the scale."
    )
