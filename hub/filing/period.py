"""Periods by name: 2026-11, 2026-Q4, 2026-W48, 2026-11-29, 2026. Pure; days of Asia/Shanghai."""

import re
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

from hub.errors import CommandRefused

Every = Literal["day", "week", "month", "quarter", "year"]
_FORMS: Final[dict[Every, re.Pattern[str]]] = {
    "day": re.compile(r"(\d{4})-(\d\d)-(\d\d)"),
    "week": re.compile(r"(\d{4})-W(\d\d)"),
    "month": re.compile(r"(\d{4})-(\d\d)"),
    "quarter": re.compile(r"(\d{4})-Q([1-4])"),
    "year": re.compile(r"(\d{4})"),
}
_SHOWN: Final[dict[Every, str]] = {
    "day": "2026-11-29", "week": "2026-W48", "month": "2026-11", "quarter": "2026-Q4",
    "year": "2026",
}  # fmt: skip


class Span(NamedTuple):
    """First and last day; both belong to it."""

    name: str
    first: date
    last: date


def span(every: Every, name: str) -> Span:
    """The period of a name.

    raises  CommandRefused for what is no such period
    """
    found = _FORMS[every].fullmatch(name)
    try:
        if found is not None:
            return _span(every, name, [int(part) for part in found.groups()])
    except ValueError:  # month 13, week 60
        pass
    raise CommandRefused(f"period {name!r}: expected a {every} such as {_SHOWN[every]}")


def span_of(every: Every, day: date) -> Span:
    """The period that a day belongs to."""
    year, week, _ = day.isocalendar()
    names: dict[Every, str] = {
        "day": day.isoformat(),
        "week": f"{year}-W{week:02d}",
        "month": f"{day:%Y-%m}",
        "quarter": f"{day.year}-Q{(day.month + 2) // 3}",
        "year": f"{day.year}",
    }
    return span(every, names[every])


def last_over(every: Every, today: date) -> Span:
    """The last period that is over."""
    return span_of(every, span_of(every, today).first - timedelta(days=1))


def _span(every: Every, name: str, parts: list[int]) -> Span:
    year = parts[0]
    match every:
        case "day":
            first = last = date(*parts)
        case "week":
            first = date.fromisocalendar(year, parts[1], 1)
            last = first + timedelta(days=6)
        case "month":
            first, last = date(year, parts[1], 1), _before(year, parts[1] + 1)
        case "quarter":
            first, last = date(year, 3 * parts[1] - 2, 1), _before(year, 3 * parts[1] + 1)
        case _:
            first, last = date(year, 1, 1), date(year, 12, 31)
    return Span(name, first, last)


def _before(year: int, month: int) -> date:
    """The day before a month begins; month 13 is January of the next year."""
    begins = date(year + 1, 1, 1) if month == 13 else date(year, month, 1)
    return begins - timedelta(days=1)
