"""What a sink's settings say about delivery, and how long to wait before the next try."""

import random

from pydantic import BaseModel, Field

from hub.settings import BatchSinkSettings


class Terms(BatchSinkSettings):
    """The delivery settings of any sink; `batch_max` 1 means that parcels go one by one."""

    batch_max: int = Field(default=1, ge=1, le=10_000)

    @classmethod
    def of(cls, settings: BaseModel) -> "Terms":
        """The terms that a sink's *settings* carry by name, defaults for the rest."""
        return cls.model_validate(
            {name: getattr(settings, name) for name in cls.model_fields if hasattr(settings, name)}
        )

    def backoff_s(self, failures: int, chance: random.Random) -> float:
        """How long to wait after the *failures*-th failure in a row.

        source  full jitter: evenly between nothing and the doubled ceiling, so that a thousand
                gateways do not come back to a recovering server in step
        """
        ceiling_s = min(self.retry_most_s, self.retry_first_s * 2.0 ** min(failures - 1, 40))
        return chance.uniform(0, ceiling_s)
