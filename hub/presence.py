"""Whether the instrument that answers now must be the one that answered last.

An instrument that is asked who it is at first contact could be exchanged between two polls, with
none of them missed, when the polls lie far apart. So one that was out of sight for longer than an
exchange takes is met again before its next reading counts.
"""

from typing import Final

from hub.clock import Clock

SWAP_S: Final = 3.0
"""Hub seconds. Pulling a plug and putting it on another instrument that is switched on already
takes longer; one that must start first, far longer. Polls of up to two seconds, and a line of 32
asked once a second, never pay for it."""


class Presence:
    """When one instrument was last heard to answer well."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen_us: int | None = None

    def seen(self) -> None:
        """It has just given a good answer."""
        self._seen_us = self._clock.now_us()

    @property
    def lapsed(self) -> bool:
        """Whether it may be another one by now; True until it was seen at all."""
        if self._seen_us is None:
            return True
        return self._clock.now_us() - self._seen_us > SWAP_S * 1e6
