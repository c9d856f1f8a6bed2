"""What an operator must and may set for one Axetris module."""

from decimal import Decimal
from typing import Literal, NamedTuple

from pydantic import Field

from hub import Settings


class Plausible(NamedTuple):
    """What is believed of methane in one unit, where the operator does not say it closer."""

    least: Decimal
    most: Decimal
    step: Decimal
    """In the canonical unit, which for ppm is %vol."""


PLAUSIBLE = {
    "ppm": Plausible(Decimal(-2500), Decimal(1_000_000), Decimal("0.5")),
    "%vol": Plausible(Decimal("-0.25"), Decimal(100), Decimal("0.5")),
    "%LEL": Plausible(Decimal(-5), Decimal(100), Decimal(10)),
}


class AxetrisSettings(Settings):
    """One module, alone on its line (it sends by itself)."""

    unit: Literal["ppm", "%vol", "%LEL"] = Field(
        description="Unit the module was ordered with; its packets do not say it."
    )
    methane_is: Literal["only", "first", "second"] = Field(
        default="only",
        description="The only gas of the module, or the first or second of its two.",
    )
    serial: str = Field(
        default="",
        max_length=32,
        description="Serial number of the one module that may speak here; empty takes any.",
    )
    ask_serial: bool = Field(
        default=True,
        description="Ask the module for its serial number, with its read-only version command.",
    )
    least: Decimal | None = Field(
        default=None,
        le=0,
        description="In its unit; less is under range. Absent: -2500 ppm, -0.25 %vol or -5 %LEL.",
    )
    most: Decimal | None = Field(
        default=None,
        gt=0,
        description="Upper end of its range, in its unit; more is over range. Absent: pure gas.",
    )
    confirm_over: Decimal | None = Field(
        default=None,
        ge=0,
        description="A step larger than this, %vol or %LEL, goes out only once the next packet "
        "agrees. Absent: 0.5 %vol or 10 %LEL.",
    )
    stale_after_s: float = Field(
        default=5.0, gt=0, description="Lost after so long without a reading."
    )

    @property
    def believed(self) -> Plausible:
        """Limits and step, as set or else as the unit has them."""
        known = PLAUSIBLE[self.unit]
        return Plausible(
            known.least if self.least is None else self.least,
            known.most if self.most is None else self.most,
            known.step if self.confirm_over is None else self.confirm_over,
        )
