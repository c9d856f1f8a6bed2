"""A period of whole days, as people name it: both ends belong to it."""

from datetime import date, timedelta
from typing import Final, NamedTuple

from hub.errors import CommandRefused
from hub.jobs.timing import end_of_us

_NEVER_US: Final = 1 << 62


class Period(NamedTuple):
    """Days in Asia/Shanghai. None: no bound on that side."""

    first: date | None = None
    last: date | None = None

    def bounds_us(self) -> tuple[int, int]:
        """First and last microsecond."""
        first_us = 0 if self.first is None else end_of_us(self.first - timedelta(days=1)) + 1
        return first_us, _NEVER_US if self.last is None else end_of_us(self.last)

    def has(self, at_us: int) -> bool:
        first_us, last_us = self.bounds_us()
        return first_us <= at_us <= last_us

    def text(self) -> str:
        """Such as "2026-11-01 – 2026-11-30"; an open end is an ellipsis, no bound at all "…"."""
        if self.first is None and self.last is None:
            return "…"
        ends = ["…" if day is None else day.isoformat() for day in self]
        return " – ".join(ends)


EVER: Final = Period()


def period_of(first: str, last: str) -> Period:
    """From the words of a command; "" is no bound.

    raises  CommandRefused for what is no day, or a period that ends before it begins
    """
    period = Period(_day("--from", first), _day("--to", last))
    if period.first is not None and period.last is not None and period.last < period.first:
        raise CommandRefused(f"--from {first} is after --to {last}; exchange them")
    return period


def _day(option: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandRefused(f"{option} is {text!r}; give a day such as 2026-11-30") from None
