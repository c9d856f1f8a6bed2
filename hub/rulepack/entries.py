"""What every entry of a rule pack is made of: what it says, and where that comes from."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Mark = Literal["S", "V", "V2", "M+", "M", "M-", "P"]
"""S stated in the company's regulations; V read in the named source; V2 in a secondary one; M+, M,
M- from memory; P a proposal that its owner must confirm."""
Name = Annotated[str, Field(min_length=1)]


class Frozen(BaseModel):
    # Built at its first use: a gateway uses few of them, and starts sooner and smaller for it.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Entry(Frozen):
    """Where an entry comes from. `approved` names who let an overlay be less strict, and when."""

    clause: Name
    source: Name
    mark: Mark
    owner: Name
    approved: str = ""


class Figure(Entry):
    """One number. Finite, never negative.

    stricter  in which direction it asks for more: an overlay may go that way by itself
    """

    value: Decimal = Field(ge=0, allow_inf_nan=False)
    unit: str
    stricter: Literal["higher", "lower"] | None = None


class Switch(Entry):
    """A rule that a company may turn on. On is the stricter side."""

    on: bool


class Text(Frozen):
    """A sentence or name that people read, in both languages."""

    zh: Name
    en: Name
