"""What an operator must and may set for one sensor with the nine-byte protocol."""

from decimal import Decimal
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from hub import PolledSettings


class Plausible(NamedTuple):
    """What is believed of methane in one unit, where the operator does not say it closer."""

    most: Decimal
    step: Decimal
    """In the canonical unit, which for ppm is %vol."""


PLAUSIBLE = {
    "%LEL": Plausible(Decimal(100), Decimal(10)),
    "%vol": Plausible(Decimal(100), Decimal("0.5")),
    "ppm": Plausible(Decimal(1_000_000), Decimal("0.5")),
}


class Winsen9ByteSettings(PolledSettings):
    """One sensor that is asked. Its answer is a bare number: what one count is worth is set."""

    lost_after_polls: ClassVar[int] = 3

    unit: Literal["%LEL", "%vol", "ppm"] = Field(
        description="Unit of the value; the answer does not say it."
    )
    scale: Decimal = Field(
        gt=0,
        examples=[Decimal("0.1")],
        description="What one count is worth in that unit: found with test gas, not in a data "
        "sheet.",
    )
    sensor: int = Field(
        default=1, ge=1, le=255, description="Sensor number in the question; 1 as delivered."
    )
    serial: str = Field(
        default="",
        max_length=64,
        description="Serial number on its plate; the sensor itself cannot tell it.",
    )
    most: Decimal | None = Field(
        default=None,
        gt=0,
        description="Upper end of its range, in its unit; more is over range. Absent: pure gas, "
        "or 100 %LEL.",
    )
    warm_up_s: float = Field(
        default=0.0,
        ge=0,
        le=3600,
        description="After first contact, and after each silence, so long without a number.",
    )
    confirm_over: Decimal | None = Field(
        default=None,
        ge=0,
        description="A step larger than this, %vol or %LEL, is asked for again at once. "
        "Absent: 0.5 %vol or 10 %LEL.",
    )
    poll_every_s: float = Field(default=1.0, ge=0.1, le=3600, description="Time between questions.")
    answer_within_s: float = Field(
        default=0.2, gt=0, le=5, description="Longest wait for an answer."
    )
    stale_after_s: float | None = Field(
        default=None,
        gt=0,
        description="Lost after so long without a reading; absent means three questions.",
    )

    @property
    def believed(self) -> Plausible:
        """Upper end and step, as set or else as the unit has them."""
        known = PLAUSIBLE[self.unit]
        return Plausible(
            known.most if self.most is None else self.most,
            known.step if self.confirm_over is None else self.confirm_over,
        )
