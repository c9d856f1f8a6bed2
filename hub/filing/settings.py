"""What every sink that carries filings may set."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from hub.filing.codes import CREDIT_CODE, DIVISION_CODE
from hub.settings import EventKind, SinkSettings


class FilingSinkSettings(SinkSettings):
    """Who files with which authority; how, stands in the profile. The sink's name is the
    authority's name in every command.
    """

    transport: ClassVar[str] = ""
    """Of the profiles that the sink can serve; "" where it does not say."""

    profile: Path = Field(
        examples=["/etc/gashub/filing/example_city.toml"],
        description="The city's profile: fields, codes, schedule, masks, transport.",
    )
    company: str = Field(
        min_length=1,
        max_length=120,
        examples=["某某燃气有限公司"],
        description="Name of the filing company.",
    )
    credit_code: str = Field(
        pattern=CREDIT_CODE,
        examples=["91110000101623741K"],
        description="Unified social credit code, 18 characters (GB 32100).",
    )
    division_code: str = Field(
        pattern=DIVISION_CODE,
        examples=["110105"],
        description="Administrative division, 6 digits (GB/T 2260), or 9 or 12 with town, village.",
    )
    events: tuple[EventKind, ...] = Field(
        default=(),
        max_length=0,
        description="None: a filing is addressed to its authority alone. Leave it as it is.",
    )
    dead_after: int = Field(
        default=100_000,
        ge=1,
        description="Asks for an answer after which a filing is given up. An authority may take "
        "weeks, so leave it large.",
    )
