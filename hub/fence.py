"""Nothing is written while something sent earlier may still be under way.

For a far side that keeps no keys of ours, so that we look before we create. A look is worth nothing
while a request whose answer never came may still be waiting in the server: it would be written
after our look, and then twice. So a missing answer, and a start (the process before us may have
been killed while it waited), close the fence for `settle_s`. What was decided after the start
cannot have been sent before it, and does not wait.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hub.errors import NoAnswer, SinkUnavailable


class Fence:
    """Made once at the start; lives as long as the process, over every reconnect."""

    def __init__(
        self, settle_s: float, started_us: int, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """*started_us* is hub time; the waiting is real time, as the server's."""
        self._settle_s = settle_s
        self._started_us = started_us
        self._now_s = now_s
        self._old_until_s = now_s() + settle_s
        self._all_until_s = 0.0

    @contextmanager
    def writing(self, created_us: int) -> Iterator[None]:
        """Around one request that writes for a parcel of that moment.

        raises  SinkUnavailable with the time that is left, before anything is sent
        """
        left_s = self._all_until_s - self._now_s()
        if created_us <= self._started_us:
            left_s = max(left_s, self._old_until_s - self._now_s())
        if left_s > 0:
            raise SinkUnavailable(
                f"what was sent before a start or a missing answer may still be under way; "
                f"nothing is written for another {left_s:.0f} s (settle_s)",
                left_s,
            )
        try:
            yield
        except NoAnswer:
            self._all_until_s = self._now_s() + self._settle_s
            raise
