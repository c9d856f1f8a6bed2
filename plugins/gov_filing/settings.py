"""What may be set for one filing folder."""

from pathlib import Path

from pydantic import Field

from hub import BatchSinkSettings, EventKind


class FilingSettings(BatchSinkSettings):
    """Who files, about where, and into which folder."""

    folder: Path = Field(
        examples=["/var/lib/gashub/filing"],
        description="Folder for the files. It must exist: a missing mount is not made up.",
    )
    company: str = Field(
        min_length=1,
        max_length=120,
        examples=["某某燃气有限公司"],
        description="Name of the filing company.",
    )
    credit_code: str = Field(
        pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$",
        examples=["91110000101623741K"],
        description="Unified social credit code, 18 characters (GB 32100).",
    )
    division_code: str = Field(
        pattern=r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$",
        examples=["110105"],
        description="Administrative division, 6 digits (GB/T 2260), or 9 or 12 with town, village.",
    )
    events: tuple[EventKind, ...] = Field(
        default=("verdict",), description="Kinds of event this sink takes."
    )
    batch_linger_s: float = Field(
        default=3600, ge=0, description="Longest time a verdict waits for others to be filed with."
    )
