"""Can the clock be trusted: is it kept by somebody, and does it stand where it can stand?

The kernel knows whether a time service keeps its clock (adjtimex(2), the flag that `timedatectl`
shows). A clock without battery and network begins years before this program was installed, and
one that was set back stands before the newest entry of the record.
"""

import ctypes
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import hub
from hub.clock import shanghai
from hub.doctor.finding import Finding
from hub.doctor.running import Running

UNSYNCHRONISED: Final = 0x0040  # STA_UNSYNC in adjtimex(2)
APART_S: Final = 2.0
DAY_US: Final = 86_400_000_000


class _Timex(ctypes.Structure):
    """The beginning of struct timex; the rest of it is only room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_char * 256),
    )


def look_at_clock(newest_us: int | None, running: Running) -> Iterator[Finding]:
    """newest_us  time of the record's newest entry, if there is one"""
    yield from judge(
        time.time_ns() // 1000,
        built_us=Path(hub.__file__).stat().st_mtime_ns // 1000,
        newest_us=newest_us,
        kept=kept(),
    )
    if "at" in running.status:
        hub_s = datetime.fromisoformat(running.status["at"]).timestamp()
        apart_s = time.time() - hub_s
        if abs(apart_s) > APART_S:
            yield Finding("clock", "warning", "clock.apart", {"apart_s": f"{apart_s:+.0f}"})


def judge(
    now_us: int, *, built_us: int, newest_us: int | None, kept: bool | None
) -> Iterator[Finding]:
    """The findings on a wall clock that shows *now_us*; *kept*: None is not known."""
    figures = {"now": f"{shanghai(now_us)} +08:00"}
    # A day of grace: whoever installed it may have lived in another time zone of clocks.
    if now_us < built_us - DAY_US:
        yield Finding("clock", "broken", "clock.old", {**figures, "built": shanghai(built_us)})
    elif newest_us is not None and now_us <= newest_us:
        yield Finding("clock", "broken", "clock.behind", {**figures, "last": shanghai(newest_us)})
    elif kept is None:
        yield Finding("clock", "warning", "clock.untold", figures)
    elif not kept:
        yield Finding("clock", "warning", "clock.free", figures)
    else:
        yield Finding("clock", "ok", "clock.kept", figures)


def kept() -> bool | None:
    """Whether a time service keeps the kernel's clock; None where the kernel does not tell."""
    asked = _Timex()
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked))
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else not asked.status & UNSYNCHRONISED
