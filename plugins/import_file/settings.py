"""What an operator must say of a logger's files: nothing in them is guessed."""

from typing import Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from hub import Settings

Quantity = Literal["pressure", "gas", "gas_path", "oxygen", "gas_temperature", "barometer"]


class ColumnSettings(Settings):
    """One column of a CSV file, or one channel of a TJF record."""

    column: str = Field(
        min_length=1,
        examples=["Pressure [Pa]"],
        description="Its heading; in a TJF record the text that tells the channel's values apart.",
    )
    instrument: str = Field(
        min_length=1, examples=["pm-1"], description="Instrument, as orders name it."
    )
    quantity: Quantity = Field(
        examples=["pressure"],
        description=f"What it measures: one of {', '.join(get_args(Quantity))}.",
    )
    unit: str = Field(
        min_length=1,
        examples=["Pa"],
        description="Its unit; a TJF record says its own, and a different one there is refused.",
    )
    serial: str = Field(
        default="", description="Serial number from the plate; a TJF record says its own."
    )


class ImportSettings(Settings):
    """One kind of file, and the folder where such files appear."""

    format: Literal["csv", "tjf"] = Field(default="csv", description="Kind of file: csv or tjf.")
    columns: tuple[ColumnSettings, ...] = Field(
        min_length=1, description="Columns to read; others in the file are left alone."
    )
    zone: str = Field(
        examples=["Asia/Shanghai"],
        description="Zone of the file's times, by its IANA name; the logger's clock must keep it.",
    )
    time_column: str = Field(
        default="time", min_length=1, description="Heading of the column with the time (csv)."
    )
    date_column: str = Field(
        default="",
        description="Heading of the date, where it stands apart; it goes before the time (csv).",
    )
    time_format: str = Field(
        default="%Y-%m-%d %H:%M:%S",
        min_length=1,
        description="Form of the time in Python's strptime codes, without a zone (csv).",
    )
    delimiter: Literal[",", ";", "\t", "|"] = Field(
        default=",", description="What separates the columns (csv)."
    )
    decimal: Literal[".", ","] = Field(default=".", description="Decimal sign (csv).")
    encoding: Literal["utf-8", "utf-16", "gb18030", "cp1252"] = Field(
        default="utf-8", description="Encoding of the text (csv)."
    )
    skip_lines: int = Field(
        default=0, ge=0, le=1000, description="Lines before the line of headings (csv)."
    )
    open_end: bool = Field(
        default=False,
        description="The last line may lack its line end; else such a file is refused, since its "
        "last number may be cut off (csv).",
    )
    words: dict[str, str] = Field(
        default={},
        examples=[{"OL": "over_range"}],
        description="Words in place of a number -> over_range, fault and so on (csv).",
    )
    folder: str = Field(
        default="",
        description="Folder that is watched; empty takes files by `gashub import` only.",
    )
    quiet_s: float = Field(
        default=3.0, gt=0, description="A file is whole when it has not changed for so long."
    )
    largest_bytes: int = Field(
        default=700_000, ge=1000, le=4_000_000, description="A larger file is refused unread."
    )
    oldest_days: int = Field(
        default=7, ge=1, le=3660, description="A file with an older time is refused."
    )

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError) as wrong:
            raise ValueError(f"no time zone {zone!r}; use a name such as Asia/Shanghai") from wrong
        return zone

    @model_validator(mode="after")
    def _fits_the_format(self) -> "ImportSettings":
        headings = [one.column for one in self.columns]
        if len(set(headings)) < len(headings):
            raise ValueError("columns: one heading stands twice; each has its own")
        served = [(one.instrument, one.quantity) for one in self.columns]
        if len(set(served)) < len(served):
            raise ValueError("columns: one instrument and quantity stand twice")
        if "%z" in self.time_format or "%Z" in self.time_format:
            raise ValueError("time_format: leave the zone out; it is the setting zone")
        return self
