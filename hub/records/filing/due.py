"""Records that an authority is owed: whatever has happened up to a period's end and is in no
filing of it yet. So a record that came in late is filed with the next period, and none is lost.

refused     an inspection that ended refused                        3.2.3, 3.7.6
absent      one that ended absent, with its outdoor laser screen    3.7.5, 3.7.6
hazard      a hazard whose rectification was refused, or whose deadline passed; each once
statistics  of the period itself, once
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hub.filing.drafting import Due, Value
from hub.filing.period import Span
from hub.filing.profile import Part, Profile
from hub.jobs import running
from hub.jobs.timing import time_us
from hub.records.customer import customer_of
from hub.records.filing.chosen import chosen
from hub.records.filing.statistics import statistics
from hub.records.history import History
from hub.records.period import Period
from hub.records.record import Record
from hub.records.register import serials
from hub.records.words import largest, number

_VISITS: Final = ("first_visit", "second_visit", "third_visit")


def due(
    record: Record, profile: Profile, authority: str, span: Span, corrects: str = ""
) -> Iterator[Due]:
    """What is due, part by part; for a correction the records of the filing that it corrects."""
    members = _members(record, authority, corrects)
    for part in profile.table:
        for key in members[part] if corrects else _found(record, part, span):
            if corrects or key not in members[part]:
                yield from _made(record, part, key, span)


def _members(record: Record, authority: str, corrects: str) -> dict[Part, dict[str, None]]:
    """Keys that are in a filing: of the authority, or of the one that is corrected."""
    found: dict[Part, dict[str, None]] = {
        "refused": {}, "absent": {}, "hazard": {}, "statistics": {}
    }  # fmt: skip
    rows = record.reader.rows(
        "SELECT part, key FROM filing_rows WHERE authority=? AND ? IN ('', filing)"
        " ORDER BY part, key",
        (authority, corrects),
    )
    for part, key in rows:
        found[part][key] = None
    return found


def _found(record: Record, part: Part, span: Span) -> Iterator[str]:
    until_us = _until_us(span)
    if part == "statistics":
        yield span.name
    elif part == "hazard":
        for job in chosen(record, "kind='hazard' AND opened_us<=?", until_us):
            history = record.history(job)
            if any(act.at_us <= until_us for _, act in history.acts("refuse")):
                yield f"{job}:refused"
            if _passed(history, until_us):
                yield f"{job}:overdue"
    else:
        ended = "kind='inspection' AND ended=? AND ended_us<=?"
        yield from chosen(record, ended, part, until_us)


def _made(record: Record, part: Part, key: str, span: Span) -> Iterator[Due]:
    if part == "statistics":
        yield Due(part, key, statistics(record, span), {}, "", [])
        return
    history = record.history(key.partition(":")[0])
    values: dict[str, Value] = {
        "number": history.number, "user_class": history.user_class,
        "staff": ",".join(history.staff()),
    }  # fmt: skip
    match part:
        case "refused":
            values |= _refused(history)
        case "absent":
            values |= _absent(record, history)
        case _:
            values |= _hazard(history, key.partition(":")[2], _until_us(span))
    known = customer_of(record, history.number, "company")
    entries = [*history.entries, *([] if known.entry is None else [known.entry])]
    yield Due(part, key, values, known.fields, history.subject, sorted(entries))


def _until_us(span: Span) -> int:
    return Period(span.first, span.last).bounds_us()[1]


def _visits(history: History) -> dict[str, Value]:
    visits = [act.at_us for _, act in history.acts("visit")]
    shown = dict(zip(_VISITS, visits, strict=False))
    return {"visits": len(visits), "cycle": history.state.facts.get("cycle", ""), **shown}


def _refused(history: History) -> dict[str, Value]:
    absent = [1 for _, act in history.acts("visit") if act.answers.get("outcome") == "absent"]
    return {
        **_visits(history),
        "refused_at": history.ended_us,
        "refusal": history.answer("visit", "refusal"),
        "refusal_scan": history.answer("visit", "refusal_scan"),
        "absent_before": len(absent),
    }


def _absent(record: Record, history: History) -> dict[str, Value]:
    photos = [act.answers.get("notice_photo") for _, act in history.acts("visit")]
    found = history.rulings("laser")
    decided = record.decided(found[-1].attempt) if found else None
    laser: dict[str, Value] = {}
    if decided is not None:
        figures: Mapping[str, Any] = decided.verdict["figures"]
        laser = {
            # An outdoor screen is told by its outcome word: its PASS is no inspection.
            "laser_outcome": decided.verdict.get("outcome") or "invalid",
            "laser_at": int(decided.body["decided_us"]),
            "laser_excess_ppm_m": largest(decided, "excess_ppm_m"),
            "laser_background_ppm_m": number(figures, "background_ppm_m"),
            "laser_distance_m": number(figures, "distance_m"),
            "laser_serial": serials(decided),
        }
    return {
        **_visits(history),
        "notice_photos": [str(photo) for photo in photos if photo],
        "recheck": history.answer("recheck", "result"),
        **laser,
    }


def _hazard(history: History, kind: str, until_us: int) -> dict[str, Value]:
    facts = history.state.facts
    hazard = history.pack.hazard[facts["code"]]
    deadline = history.answer("notice", "deadline")
    passed = sorted(_passed(history, until_us))
    phase = history.state.phase
    return {
        "kind": kind,
        "code": facts["code"],
        "level": hazard.level,
        "hazard_class": hazard.hazard_class,
        "found_at": time_us(facts["found_at"]),
        "found_in": facts.get("found_in", ""),
        "notice_number": history.answer("notice", "number"),
        "noticed_at": history.at_us("notice"),
        "notice_signed": history.answer("notice", "signed"),
        "deadline": None if deadline is None else time_us(deadline),
        "due_at": passed[0] if passed else None,
        "overdue_days": _days(history, passed, until_us),
        "refused_at": history.first_us("refuse"),
        "isolation": history.answer("isolate", "how"),
        "supply": "suspended" if phase == "suspended" else "on",
    }


def _passed(history: History, until_us: int) -> list[int]:
    """Deadlines of a hazard that had passed by then, noted or not."""
    due = [one.at_us for one in history.missed()]
    due += [at_us for _, at_us in running(history.pack, history.job, history.state)]
    return [at_us for at_us in due if at_us <= until_us]


def _days(history: History, passed: list[int], until_us: int) -> int:
    """Whole days from the earliest deadline to the mending, or to the period's end."""
    if not passed:
        return 0
    mended_us = history.at_us("verify") or until_us
    return max(0, (min(mended_us, until_us) - passed[0]) // 86_400_000_000)
