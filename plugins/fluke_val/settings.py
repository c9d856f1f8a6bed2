"""What an operator may set for one instrument that answers VAL?."""

from typing import Literal

from pydantic import Field

from hub import GaugeSettings


class FlukeValSettings(GaugeSettings):
    """One gauge or calibrator, alone on its line."""

    display: Literal[1, 2, 3] = Field(
        default=1,
        description="Which of its displays shows the pressure, in the order of its answer.",
    )
    ask_serial: bool = Field(
        default=True,
        description="Ask who it is (*IDN?); false for one that keeps silent then.",
    )
