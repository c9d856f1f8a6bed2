"""What an operator may set for one Modbus instrument."""

from typing import Self

from pydantic import Field, model_validator

from hub import Settings


class ModbusSettings(Settings):
    """One slave on a line. Speed and parity are the line's; the profile says what they are."""

    address: int = Field(ge=1, le=247, examples=[1], description="Slave address.")
    profile: str = Field(
        min_length=1,
        examples=["delta_ohm_hd402st"],
        description="Register map: the name of a shipped profile, or the path of a .toml file.",
    )
    serial: str = Field(
        default="",
        max_length=64,
        description="Serial number on its plate; the device itself cannot tell it.",
    )
    publish: tuple[str, ...] = Field(
        default=(),
        description="Fields of the profile to publish; empty publishes the profile's own choice.",
    )
    poll_every_s: float = Field(default=1.0, ge=0.05, le=3600, description="Time between polls.")
    answer_within_s: float = Field(
        default=0.3, gt=0, le=5, description="Longest wait for an answer."
    )
    stale_after_s: float | None = Field(
        default=None,
        gt=0,
        description="Lost after so long without a reading; absent means two polls.",
    )

    @property
    def lost_after_s(self) -> float:
        return 2 * self.poll_every_s if self.stale_after_s is None else self.stale_after_s

    @model_validator(mode="after")
    def _late_answers_end(self) -> Self:
        if self.poll_every_s < 2 * self.answer_within_s:
            raise ValueError(
                f"poll_every_s is {self.poll_every_s}, less than twice answer_within_s "
                f"({self.answer_within_s}): an answer that comes late would be taken for the "
                "next one; poll less often or shorten the wait"
            )
        return self
