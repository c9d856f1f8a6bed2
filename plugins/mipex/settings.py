"""What an operator may set for one MIPEX sensor."""

from decimal import Decimal
from typing import ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from hub import PolledSettings

ASKING_EVERY_S: Final = 2.5
"""Less than an exchange takes (`hub.Presence`), and some turns of others on the line."""


class MipexSettings(PolledSettings):
    """One sensor that is asked. Several with different addresses may share a line."""

    lost_after_polls: ClassVar[int] = 6

    query: Literal["DATA", "DATAE", "DATAE2"] = Field(
        default="DATA",
        description="What it is asked for: DATA is text without a check; DATAE and DATAE2 are "
        "binary, with status bits and a check, and to be preferred (MIPEX-02 only).",
    )
    address: int | None = Field(
        default=None,
        ge=0,
        le=255,
        examples=[1],
        description="Its net address where several share the line; only with DATA.",
    )
    address_in_answers: bool = Field(
        default=False,
        description="Its answers bear the address too, and one without is refused; several share "
        "a line only with this.",
    )
    serial: str = Field(
        default="",
        max_length=8,
        description="Serial number of the one sensor that may answer; empty takes any.",
    )
    ask_serial: bool = Field(
        default=True, description="Ask the sensor for its serial number at first contact."
    )
    most_pct_vol: Decimal = Field(
        default=Decimal(100), gt=0, description="Upper end of its range, %vol; more is over range."
    )
    settle_s: float = Field(
        default=80.0,
        ge=0,
        le=600,
        description="After its warm-up code is gone it takes so long until it is to specification.",
    )
    confirm_over: Decimal = Field(
        default=Decimal("0.5"),
        ge=0,
        description="A step larger than this, %vol, goes out only once the next answer agrees.",
    )
    poll_every_s: float = Field(
        default=2.0,
        ge=1,
        le=3600,
        description="Time between questions; a MIPEX-02 bears 1 s, a MIPEX-04 2 s.",
    )
    answer_within_s: float = Field(
        default=0.4, gt=0, le=5, description="Longest wait for an answer."
    )
    stale_after_s: float | None = Field(
        default=None,
        gt=0,
        description="Lost after so long without a reading; absent means six questions.",
    )

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        if self.address is not None and self.query != "DATA":
            raise ValueError(
                f"address is set and query is {self.query}: how a binary answer bears an address "
                "is not documented; use DATA, or leave the address out"
            )
        if self.address_in_answers and self.address is None:
            raise ValueError("address_in_answers is true and there is no address; set it")
        if self.ask_serial and self.poll_every_s > ASKING_EVERY_S:
            raise ValueError(
                f"poll_every_s is {self.poll_every_s} and ask_serial is true: a sensor bears one "
                "question at a time, and could be exchanged between the one for its number and "
                f"the one for its value; ask at least every {ASKING_EVERY_S} s, or set "
                "ask_serial = false"
            )
        return self
