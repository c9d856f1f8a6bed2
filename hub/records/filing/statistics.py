"""Figures of one period, counted from the record: inspections, hazards, jobs that ended."""

from collections import Counter
from decimal import Decimal

from hub.filing.drafting import Value
from hub.filing.period import Span
from hub.records.filing.chosen import chosen
from hub.records.period import Period
from hub.records.record import Record


def statistics(record: Record, span: Span) -> dict[str, Value]:
    """The one row of the part `statistics`. Counts of jobs, except where a name says otherwise."""
    period = Period(span.first, span.last)
    ended = _ended(record, period)
    inspections = Counter(
        {word: count for (kind, word), count in ended.items() if kind == "inspection"}
    )
    all_ended = sum(inspections.values())
    inspected = inspections["inspected"]
    rate = Decimal(100 * inspected) / all_ended if all_ended else None
    return {
        "period": span.name,
        "first_day": span.first,
        "last_day": span.last,
        "inspections_opened": _opened(record, "inspection", period),
        "inspections_ended": all_ended,
        "inspected": inspected,
        "refused": inspections["refused"],
        "absent": inspections["absent"],
        "visits": _visits(record, period),
        "entry_rate_pct": None if rate is None else rate.quantize(Decimal("0.1")),
        "purges_ended": _of(ended, "residential_purge", "commercial_purge"),
        "repairs_ended": _of(ended, "repair"),
        **_hazards(record, period),
    }


def _ended(record: Record, period: Period) -> dict[tuple[str, str], int]:
    rows = record.reader.rows(
        "SELECT kind, ended, COUNT(*) FROM jobs WHERE ended<>'' AND ended<>'given_up'"
        " AND trial=0 AND ended_us BETWEEN ? AND ? AND entry<? GROUP BY kind, ended",
        (*period.bounds_us(), record.size),
    )
    return {(kind, word): count for kind, word, count in rows}


def _of(ended: dict[tuple[str, str], int], *kinds: str) -> int:
    return sum(count for (kind, _), count in ended.items() if kind in kinds)


def _opened(record: Record, kind: str, period: Period) -> int:
    return len(list(record.numbers((kind,), period)))


def _visits(record: Record, period: Period) -> int:
    """Visits to dwellings, repeated ones included."""
    first_us, last_us = period.bounds_us()
    met = "kind='inspection' AND opened_us<=? AND (ended_us IS NULL OR ended_us>=?)"
    return sum(
        period.has(act.at_us)
        for number in chosen(record, met, last_us, first_us)
        for _, act in record.history(number).acts("visit")
    )


def _hazards(record: Record, period: Period) -> dict[str, Value]:
    found: Counter[str] = Counter()
    for job in chosen(record, "kind='hazard' AND opened_us<=?", period.bounds_us()[1]):
        history = record.history(job)
        level = history.pack.hazard[history.state.facts["code"]].level
        if period.has(history.state.opened_us):
            found["hazards_found"] += 1
            found[f"hazards_found_level_{level}"] += 1
        ended_us = history.ended_us
        found["hazards_closed"] += ended_us is not None and period.has(ended_us)
        found["hazards_overdue"] += any(period.has(one.at_us) for one in history.missed())
        found["hazards_refused"] += any(period.has(act.at_us) for _, act in history.acts("refuse"))
    names = ("hazards_found", "hazards_closed", "hazards_overdue", "hazards_refused")
    levels = tuple(f"hazards_found_level_{level}" for level in (1, 2, 3))
    return {name: found[name] for name in (*names, *levels)}
