"""What an operator may set for one MH-Z9041A."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from hub import Settings


class MhZ9041aSettings(Settings):
    """One sensor, alone on its line (it sends by itself)."""

    serial: str = Field(
        default="",
        max_length=64,
        description="Serial number on its plate; the sensor itself cannot tell it.",
    )
    checksum_covers: Literal["learn", "0..38", "0..39"] = Field(
        default="learn",
        description="Bytes its checksum covers; learn takes it from the first lines and keeps it.",
    )
    most_pct_lel: Decimal = Field(
        default=Decimal(100), gt=0, description="Upper end of its range, %LEL; more is over range."
    )
    least_pct_lel: Decimal = Field(
        default=Decimal(-5), le=0, description="Zero drift below this, %LEL, is under range."
    )
    confirm_over: Decimal = Field(
        default=Decimal(10),
        ge=0,
        description="A step larger than this, %LEL, goes out only once the next line agrees.",
    )
    stale_after_s: float = Field(
        default=5.0, gt=0, description="Lost after so long without a reading."
    )
