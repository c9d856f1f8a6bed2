"""What an operator may set for one XP2i."""

from pydantic import Field

from hub import GaugeSettings


class CrystalXp2iSettings(GaugeSettings):
    """One gauge, alone on its line."""

    serial: str = Field(
        default="",
        max_length=64,
        description="Serial number on its plate; with ask_serial, the one it must tell.",
    )
    ask_serial: bool = Field(
        default=False,
        description="Ask for the serial number (?SN#); the layout of the answer is not documented.",
    )
    water_at_4_degc: bool = Field(
        default=False,
        description="Its water column is set to 4 °C; otherwise mmH2O and inH2O are refused.",
    )
    poll_every_s: float = Field(default=2.0, ge=0.2, le=3600, description="Time between polls.")
    answer_within_s: float = Field(
        default=0.8, gt=0, le=5, description="Longest wait for an answer; some take half a second."
    )
