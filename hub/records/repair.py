"""The register of repairs: one row a job, from the report to the signature.

Source: chapter 4 of the regulations.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from hub.clock import shanghai
from hub.jobs import Waived
from hub.jobs.timing import time_us
from hub.records.history import History
from hub.records.record import Decided
from hub.records.register import (
    END_COLUMNS,
    JOB_COLUMNS,
    SIGNATURE,
    Column,
    Register,
    Value,
    hold_columns,
    hold_values,
    of_jobs,
    signature_values,
)
from hub.records.words import Words, largest

KINDS: Final = ("repair",)
SCOPES: Final = ("post_meter", "pre_meter", "meter")
_NOTICES: Final = ("notice_48h", "notice_24h")
_HOUR_US: Final = 3_600_000_000
_MAXIMA: Final = {"max_pct_lel": "%LEL", "max_pct_vol": "%vol"}

COLUMNS: Final = (
    *JOB_COLUMNS,
    Column("user_class", "text", 10),
    Column("scope", "text", 16),
    Column("hot_work", "text", 8),
    Column("affects", "text", 12),
    Column("opened_at", "moment", 20),
    Column("reported_at", "moment", 20),
    Column("promised_at", "moment", 20),
    Column("dispatched_at", "moment", 20),
    Column("dispatched_to", "code", 12),
    Column("arrived_at", "moment", 20),
    Column("late", "text", 8),
    Column("reported_late", "text", 10),
    Column("valves_closed_at", "moment", 20),
    Column("gas_checks", "text", 44),
    Column("gas_max_pct_lel", "number", 12),
    Column("gas_max_pct_vol", "number", 12),
    Column("notice_at", "moment", 20),
    Column("notice_ahead_h", "number", 12),
    Column("waived", "text", 30),
    Column("work_from", "moment", 20),
    Column("work_to", "moment", 20),
    Column("work_done", "text", 30),
    *hold_columns("hold"),
    Column("resupplied_at", "moment", 20),
    Column("old_meter", "code", 14),
    Column("old_reading_m3", "number", 12),
    Column("new_meter", "code", 14),
    Column("new_reading_m3", "number", 12),
    Column("final_check", "text", 12),
    Column("lights", "text", 10),
    *SIGNATURE,
    *END_COLUMNS,
)


def _hold_of(facts: Mapping[str, str]) -> str:
    """The hold that gas waits for: before the meter valve that of chapter 1."""
    return "riser_hold" if facts.get("scope") == "pre_meter" else "post_hold"


def _made(words: Words, history: History) -> tuple[Mapping[str, Value], str]:
    facts = history.state.facts
    checks = [
        decided
        for ruled in history.rulings("leak_test")
        if (decided := words.record.decided(ruled.attempt)) is not None
    ]
    values: dict[str, Value] = {
        **{name: _fact(words, history, name) for name in ("scope", "hot_work", "affects")},
        **{name: time_us(facts[name]) for name in ("reported_at", "promised_at") if name in facts},
        "dispatched_at": history.at_us("dispatch"),
        "dispatched_to": history.answer("dispatch", "to"),
        "arrived_at": history.first_us("arrive"),
        "late": words.yes(_is_late(history)),
        "reported_late": words.yes(facts.get("reported_late") == "yes"),
        "valves_closed_at": history.at_us("close_tonight"),
        "gas_checks": words.listed([_check(words, one) for one in checks]),
        **{f"gas_{name}": _most(checks, name) for name in _MAXIMA},
        **_notice(history),
        "waived": words.listed([*_waived(words, history)]),
        "work_from": history.first_us("start_work"),
        "work_to": history.at_us("worked"),
        "work_done": words.answered(history, "worked", "what"),
        **hold_values(words, history, _hold_of(facts), "hold"),
        "resupplied_at": history.at_us("resupply"),
        **{
            name: words.answered(history, "meter_readings", name)
            for name in ("old_meter", "new_meter")
        },
        **{
            f"{name}_m3": _decimal(history.answer("meter_readings", name))
            for name in ("old_reading", "new_reading")
        },
        "final_check": words.answered(history, "final_check", "result"),
        "lights": words.answered(history, "final_check", "lights"),
        **signature_values(words, history),
    }
    return values, facts.get("scope", "")


def _fact(words: Words, history: History, name: str) -> str:
    answer = history.state.facts.get(name)
    asked = history.job.facts.get(name)
    return "" if answer is None or asked is None else words.answer(
        history.pack, asked, name, answer
    )  # fmt: skip


def _is_late(history: History) -> bool | None:
    """Whether the arrival missed what was promised; None while it is still to come."""
    if any(one.deadline == "arrival" for one in history.missed()):
        return True
    arrived_us, promised = history.first_us("arrive"), history.state.facts.get("promised_at")
    if arrived_us is None or promised is None:
        return None
    return arrived_us > time_us(promised)


def _check(words: Words, decided: Decided) -> str:
    parts = [
        f"{text} {unit}"
        for name, unit in _MAXIMA.items()
        if (text := largest(decided, name)) is not None
    ]
    verdict = words.known("verdict", decided.verdict["verdict"])
    return " ".join([shanghai(decided.body["decided_us"]), verdict, *parts])


def _most(checks: Sequence[Decided], name: str) -> Decimal | None:
    return max((one for check in checks if (one := largest(check, name)) is not None), default=None)


def _notice(history: History) -> dict[str, Value]:
    """The last notice before the work, and how many hours before it was recorded."""
    given = [at_us for name in _NOTICES if (at_us := history.at_us(name)) is not None]
    began_us = history.first_us("start_work")
    if not given:
        return {}
    at_us = max(given)
    if began_us is None:
        return {"notice_at": at_us}
    ahead_h = (Decimal(began_us - at_us) / _HOUR_US).quantize(Decimal("0.1"))
    return {"notice_at": at_us, "notice_ahead_h": ahead_h}


def _waived(words: Words, history: History) -> Iterator[str]:
    for happening in history.happenings:
        one = happening.event
        if isinstance(one, Waived):
            notice = words.text(history.job.step[one.notice].text)
            yield f"{notice} ({one.by}, {one.second}: {one.reason})"


def _decimal(text: Any) -> Decimal | None:
    return None if text is None else Decimal(text)


REPAIR: Final = Register("repair", COLUMNS, SCOPES, of_jobs(KINDS, _made))
