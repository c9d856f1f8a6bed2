"""What an operator may set for one GasFinder."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from hub import Settings


class BorealSettings(Settings):
    """One laser, alone on its line (it sends by itself). It brings its serial number along."""

    gas: Literal["by_serial", "CH4"] = Field(
        default="by_serial",
        description="Take only instruments whose serial begins with CH4; or CH4 to vouch for it.",
    )
    sentence: Literal["GFDTA", "GFDTB"] = Field(
        default="GFDTA",
        description="Sentence that carries methane; GFDTB is a second gas and needs gas CH4.",
    )
    serial: str = Field(
        default="",
        max_length=10,
        description="Serial number of the one laser that may speak here; empty takes any.",
    )
    r2_least: int = Field(
        default=50, ge=0, le=99, description="Spectral fit (R2, percent) below this is bad."
    )
    light_least: int = Field(
        default=50, ge=0, le=16384, description="Returned light below this: the beam is blocked."
    )
    light_most: int = Field(
        default=16299, ge=1, le=16384, description="Returned light above this: saturated."
    )
    most_ppm_m: Decimal | None = Field(
        default=None, gt=0, description="Upper end of its range in ppm·m; more is over range."
    )
    confirm_over: Decimal = Field(
        default=Decimal(500),
        ge=0,
        description="A step larger than this, ppm·m, waits for the next line to share it.",
    )
    stale_after_s: float = Field(
        default=5.0, gt=0, description="Lost after so long without a reading."
    )
