"""What the regulations say beside figures: rules, checklists, hazards, clocks, retention.

Source of all: the company's regulations, chapters 1 to 6; what they leave open is an `OpenPoint`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from hub.rulepack.entries import Entry, Name, Text

HazardClass = Literal["leak", "pipe", "equipment", "environment", "other"]


class Rule(Entry):
    """One rule of the regulations, in our own words.

    hub      decides (from readings and records alone), checks (times or checks what people say),
             records (keeps the evidence), outside (conduct and training)
    by       dotted keys of the pack, or parts of the hub, that carry it out
    later    why it is not carried out yet, or what of it is not
    outside  what of it is no matter of a hub
    """

    text: Text
    hub: Literal["decides", "checks", "records", "outside"]
    by: tuple[Name, ...] = ()
    later: Text | None = None
    outside: Text | None = None


class Item(Entry):
    """One line of a checklist.

    on_failure  hazards that a failure may be, the gravest first; several are a question to ask
    instrument  whether a reading can support it
    """

    text: Text
    on_failure: tuple[Name, ...] = ()
    instrument: bool = False


class Checklist(Entry):
    """Items that are each answered; none may be left out."""

    title: Text
    item: Mapping[str, Item] = Field(min_length=1)


class Hazard(Entry):
    """One line of the hazard catalogue. `class_mark` is the certainty of its class alone."""

    text: Text
    level: Literal[1, 2, 3]
    hazard_class: HazardClass
    class_mark: Literal["S", "P"]


class Clock(Entry):
    """How long something may take, from what.

    counts  hours (exact), natural_days (the first day does not count; to its end), same_day (to
            the end of that day), before_hours (that long before the planned start), from_day (from
            the beginning of the day so many days later), time_of_day (hours since midnight), years
    """

    starts: Text
    counts: Literal[
        "hours", "natural_days", "same_day", "before_hours", "from_day", "time_of_day", "years"
    ]
    length: Decimal = Field(ge=0, allow_inf_nan=False)
    stricter: Literal["higher", "lower"] = "lower"


class Retention(Entry):
    """How long a class of records is kept at least, in years from `starts`."""

    starts: Text
    years: Decimal = Field(gt=0, allow_inf_nan=False)
    stricter: Literal["higher", "lower"] = "higher"


class OpenPoint(Entry):
    """Something that the regulations leave undefined, and where the pack answers it.

    answered_by  keys of the pack that stand in for it
    dangerous    a wrong answer could pass what must not pass: nothing that needs it may begin
                 before the company has signed the pack off
    """

    text: Text
    answered_by: tuple[Name, ...] = ()
    dangerous: bool

    @model_validator(mode="after")
    def _answered(self) -> Self:
        if not self.answered_by and not self.dangerous:
            raise ValueError("it is answered by nothing; name the keys, or say dangerous = true")
        return self
