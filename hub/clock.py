"""Hub time: it never steps, so nobody's clock change can shorten a hold.

`now_us` is a wall-clock anchor taken once, plus monotonic time since. What the wall clock does
later is only watched (`offset_us`), never followed.
"""

import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Time for the hub and everything in it. All waiting goes through `wait`."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC; never goes back, never jumps."""

    def wait(self, event: threading.Event, s: float) -> bool:
        """Wait until *event* is set or *s* seconds of this clock have passed; True if set."""

    def beat(self, name: str) -> None:
        """Say that the loop called *name* has caught up with now. Free on a real clock."""

    def forget(self, name: str) -> None:
        """The loop called *name* has ended and will not beat again."""


class HubClock:
    """The real clock: a wall anchor plus the time since boot, suspend included.

    anchor_us  hub time minus time since boot, from an earlier start in the same boot: a hub that
               is started again goes on with the same hub time, whatever the wall clock did
               meanwhile. None takes the wall clock as it stands.
    """

    def __init__(self, anchor_us: int | None = None) -> None:
        self.anchor_us = time.time_ns() // 1000 - boot_us() if anchor_us is None else anchor_us

    def now_us(self) -> int:
        return self.anchor_us + time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000

    def offset_us(self) -> int:
        """Wall clock minus hub time: how far the wall clock has been moved since the anchor."""
        return time.time_ns() // 1000 - self.now_us()

    def wait(self, event: threading.Event, s: float) -> bool:
        return event.wait(s)

    def beat(self, name: str) -> None:
        return

    def forget(self, name: str) -> None:
        return


class HandClock:
    """A clock that stands still until it is moved by hand. For tests of anything with time."""

    def __init__(self, now_us: int = 1_790_000_000_000_000) -> None:
        self._now_us = now_us
        self._moved = threading.Condition()

    def now_us(self) -> int:
        return self._now_us

    def move(self, s: float) -> None:
        """Let *s* seconds pass, and wake whoever waits for them."""
        with self._moved:
            self._now_us += round(s * 1e6)
            self._moved.notify_all()

    def wait(self, event: threading.Event, s: float) -> bool:
        until_us = self._now_us + round(s * 1e6)
        with self._moved:
            while not event.is_set() and self._now_us < until_us:
                self._moved.wait(0.02)
        return event.is_set()

    def beat(self, name: str) -> None:
        return

    def forget(self, name: str) -> None:
        return


def boot_us() -> int:
    """Microseconds since this machine was booted, suspend included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def boot_id() -> str:
    """The kernel's name for this boot; another boot, another name."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def iso(at_us: int) -> str:
    """Hub time as ISO 8601 in UTC with microseconds, as the record has it."""
    s, us = divmod(at_us, 1_000_000)
    return datetime.fromtimestamp(s, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{us:06d}Z"


def shanghai(at_us: int) -> str:
    """Hub time for people: Asia/Shanghai, to the second."""
    return datetime.fromtimestamp(at_us // 1_000_000, SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def local_day(at_us: int) -> date:
    """The calendar day in Asia/Shanghai: validity, calibration and deadlines go by it."""
    return datetime.fromtimestamp(at_us // 1_000_000, SHANGHAI).date()
