"""The base of every settings model, so that a misspelt key stops the start with its name."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

NAMES_SECRET: Final[JsonDict] = {"names_secret": True}
"""For `Field(json_schema_extra=NAMES_SECRET)`: the setting holds names of secrets. `gashub check`
then looks whether they are there, and what stands in it is shown to nobody."""


def names_secret(field: FieldInfo | None) -> bool:
    """Whether a setting holds the name of a secret, or several."""
    extra = None if field is None else field.json_schema_extra
    return isinstance(extra, dict) and extra.get("names_secret") is True


class Settings(BaseModel):
    """Frozen, and closed to unknown keys. Put units in the names: `poll_every_s`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SinkSettings(Settings):
    """What every sink that takes parcels may set about their delivery."""

    events: tuple[str, ...] = Field(
        default=("verdict", "alarm"), description="Kinds of event this sink takes."
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
