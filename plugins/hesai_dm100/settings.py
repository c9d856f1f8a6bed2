"""What an operator may set for one DM100."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from hub import Settings


class Dm100Settings(Settings):
    """One laser, alone on its line (it sends by itself)."""

    unproved: Literal["refuse", "accept"] = Field(
        default="refuse",
        description="No capture has confirmed the checksum and the order of the fields: refuse "
        "drops every line, accept vouches for them.",
    )
    serial: str = Field(
        default="",
        max_length=64,
        description="Serial number on its plate; the laser itself cannot tell it.",
    )
    relevancy_least: int = Field(
        default=980,
        ge=0,
        le=1000,
        description="Relevancy (times 1000) below this: the signal is distorted.",
    )
    least_ppm_m: Decimal = Field(
        default=Decimal(-100), le=0, description="Zero drift below this, ppm·m, is under range."
    )
    most_ppm_m: Decimal = Field(
        default=Decimal(99_999), gt=0, description="Upper end of its range in ppm·m; more is over."
    )
    confirm_over: Decimal = Field(
        default=Decimal(500),
        ge=0,
        description="A step larger than this, ppm·m, waits for the next line to share it.",
    )
    stale_after_s: float = Field(
        default=5.0, gt=0, description="Lost after so long without a reading."
    )
