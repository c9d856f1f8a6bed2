"""When something is due: calendar days and hours of the clocks in the rule pack.

Days are those of Asia/Shanghai, which has no summer time. The day of the event is not counted;
holidays move nothing ("natural days").
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from hub.jobs.case import JobState, Missed
from hub.rulepack import Clock, Job, RulePack
from hub.rulepack.jobs import Deadline, When

ZONE: Final = ZoneInfo("Asia/Shanghai")
_S_US: Final = 1_000_000


def day_of(at_us: int) -> date:
    """The calendar day of a moment."""
    return datetime.fromtimestamp(at_us // _S_US, ZONE).date()


def time_us(text: str) -> int:
    """A moment from ISO 8601 text with its zone. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    whole = moment.replace(microsecond=0)
    return int(whole.timestamp()) * _S_US + moment.microsecond


def end_of_us(day: date) -> int:
    """The last microsecond of a day."""
    midnight = datetime.combine(day + timedelta(days=1), time(), ZONE)
    return int(midnight.timestamp()) * _S_US - 1


def due_us(clock: Clock, starts_us: int) -> int:
    """The last moment at which it is still in time, for a clock that began at *starts_us*."""
    match clock.counts:
        case "hours" | "before_hours":
            return starts_us + int(clock.length * 3600 * _S_US)
        case "same_day" | "natural_days":
            return end_of_us(day_of(starts_us) + timedelta(days=int(clock.length)))
        case "from_day":
            return end_of_us(day_of(starts_us) + timedelta(days=int(clock.length) - 1)) + 1
        case "years":
            return end_of_us(years_later(day_of(starts_us), clock.length))
        case "time_of_day":
            raise ValueError("a time of day is no length")


def years_later(day: date, years: Decimal) -> date:
    """The day so many years on, in whole months; the last of the month where it has no such day."""
    months = day.year * 12 + day.month - 1 + int(years * 12)
    year, month = divmod(months, 12)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def is_late(clock: Clock, at_us: int) -> bool:
    """Whether a moment's time of day is at or after the clock's (hours since midnight)."""
    moment = datetime.fromtimestamp(at_us // _S_US, ZONE)
    passed_s = moment.hour * 3600 + moment.minute * 60 + moment.second
    return passed_s >= clock.length * 3600


def holds(state: JobState, when: When) -> bool:
    """Whether the facts and answers so far are those under which something applies."""
    for name, values in when.items():
        step, _, question = name.partition(".")
        standing = state.steps.get(step)
        if question == "verdict":
            found = standing.verdict if standing else None
        elif question:
            found = standing.answers.get(question) if standing and standing.stands else None
        elif step == "hazards":
            found = "yes" if state.hazards else "no"
        else:
            found = state.facts.get(step)
        if found not in values:
            return False
    return True


def running(pack: RulePack, job: Job, state: JobState) -> Iterator[tuple[str, int]]:
    """Every deadline that runs now, and its last moment in time."""
    if state.ended:
        return
    for name, deadline in job.deadline.items():
        if deadline.phase and state.phase not in deadline.phase:
            continue
        if not holds(state, deadline.when):
            continue
        last_us = _last_us(pack, state, deadline)
        if last_us is not None and (name, last_us) not in state.missed:
            yield name, last_us


def missed(pack: RulePack, job: Job, state: JobState, now_us: int) -> Missed | None:
    """The deadline that passed first, and was not noted yet."""
    passed = [(at_us, name) for name, at_us in running(pack, job, state) if at_us < now_us]
    if not passed:
        return None
    at_us, name = min(passed)
    return Missed(name, at_us)


def _last_us(pack: RulePack, state: JobState, deadline: Deadline) -> int | None:
    """None while it does not run."""
    step, _, question = deadline.starts.partition(".")
    began = state.steps.get(step)
    if began is not None:
        if not began.goes_on:
            return None
        starts_us = time_us(began.answers[question]) if question else began.at_us
    elif fact := state.facts.get(step):
        starts_us = time_us(fact)
    else:
        return None
    for name in deadline.until:
        ended = state.steps.get(name)
        if ended is None or not ended.stands:  # what was undone is to be done in time again
            continue
        if ended.at_us >= starts_us or not deadline.clock:
            return None  # a moment that was named may also be kept before it comes
    return due_us(pack.clock[deadline.clock], starts_us) if deadline.clock else starts_us
