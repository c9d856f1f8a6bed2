"""The base of every settings model, so that a misspelt key stops the start with its name."""

from typing import Annotated, ClassVar, Final, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from hub.addresses import lan_of

NAMES_SECRET: Final[JsonDict] = {"names_secret": True}
"""For `Field(json_schema_extra=NAMES_SECRET)`: the setting holds names of secrets. `gashub check`
then looks whether they are there, and what stands in it is shown to nobody."""


EventKind = Literal[
    "verdict",
    "alarm",
    "job",
    "order",
    "hazard",
    "visit",
    "notice",
    "filing",
    "instrument",
    "hub",
]
"""The kinds of event there are, by the middle word of their types."""
EVENT_KINDS: Final[tuple[str, ...]] = get_args(EventKind)


def _networks(lan: tuple[str, ...]) -> tuple[str, ...]:
    lan_of(lan)
    return lan


Lan = Annotated[tuple[str, ...], AfterValidator(_networks)]
"""Networks of the company's own, as `hub.addresses.lan_of` takes them."""


def names_secret(field: FieldInfo | None) -> bool:
    """Whether a setting holds the name of a secret, or several."""
    extra = None if field is None else field.json_schema_extra
    return isinstance(extra, dict) and extra.get("names_secret") is True


class Settings(BaseModel):
    """Frozen, and closed to unknown keys. Put units in the names: `poll_every_s`."""

    # Built at its first use: a gateway uses few of them, and starts sooner and smaller for it.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class SinkSettings(Settings):
    """What every sink that takes parcels may set about their delivery."""

    events: tuple[EventKind, ...] = Field(
        default=("verdict", "alarm"), description="Kinds of event this sink takes."
    )
    trial: bool = Field(
        default=False,
        description="It is a test channel: it gets orders and jobs that are marked as trials, and "
        "nothing else. Without it, it never gets one of them.",
    )
    retry_first_s: float = Field(
        default=1,
        gt=0,
        description="Back-off after the first failure; doubles with each further one.",
    )
    retry_most_s: float = Field(default=300, gt=0, description="Longest back-off.")
    probe_paused_s: float = Field(
        default=300, gt=0, description="How often a paused channel is tried with one parcel."
    )
    dead_after: int = Field(
        default=50,
        ge=1,
        description="Failed attempts after which a parcel that the sink cannot digest, while it "
        "takes others, becomes a dead letter.",
    )


class BatchSinkSettings(SinkSettings):
    """The same for a sink that takes parcels in batches."""

    batch_max: int = Field(
        default=500, ge=2, le=10_000, description="Most parcels handed over together."
    )
    batch_linger_s: float = Field(
        default=0, ge=0, description="Longest time a parcel waits for others to join its batch."
    )


class PolledSettings(Settings):
    """What an instrument that is asked may set about time; a subclass may set other defaults."""

    lost_after_polls: ClassVar[int] = 2
    """Whoever has another number says so in the description of `stale_after_s`."""

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
        """As set, or else that many polls."""
        if self.stale_after_s is not None:
            return self.stale_after_s
        return self.lost_after_polls * self.poll_every_s

    @model_validator(mode="after")
    def _late_answers_end(self) -> Self:
        if self.poll_every_s < 2 * self.answer_within_s:
            raise ValueError(
                f"poll_every_s is {self.poll_every_s}, less than twice answer_within_s "
                f"({self.answer_within_s}): an answer that comes late would be taken for the "
                "next one; poll less often or shorten the wait"
            )
        return self
