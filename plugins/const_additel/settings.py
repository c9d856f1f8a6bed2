"""What an operator may set for one ConST or Additel gauge."""

from typing import Literal

from pydantic import Field

from hub import GaugeSettings


class ConstAdditelSettings(GaugeSettings):
    """One gauge. Speed and two stop bits are the line's."""

    address: int = Field(
        default=255,
        ge=1,
        le=255,
        description="Its address; 255 is whoever is alone on the line.",
    )
    ask_serial: bool = Field(
        default=True,
        description="Ask for the serial number (OTYPE); false for a gauge that keeps silent then.",
    )
    request_form: Literal["1_crlf", "nul", "colon_nul"] = Field(
        default="1_crlf",
        description="How a request ends: with :1 CR LF, with NUL, or with a colon and NUL.",
    )
    water_at_4_degc: bool = Field(
        default=False,
        description="Its mmH2O and inH2O are those of water at 4 °C; otherwise they are refused.",
    )
