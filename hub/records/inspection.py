"""The register of in-home inspections: one row a cycle of a dwelling, its visits in one cell.

An outdoor screen is told by its own words and never as an inspection: nobody has been inside.
Source: chapter 3 of the regulations.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from hub.clock import shanghai
from hub.records.history import History
from hub.records.register import (
    END_COLUMNS,
    JOB_COLUMNS,
    SIGNATURE,
    Column,
    Register,
    Value,
    of_jobs,
    serials,
    signature_values,
)
from hub.records.words import Words, largest, not_ok

KINDS: Final = ("inspection",)
CLASSES: Final = ("residential", "rural", "pipe_only")

COLUMNS: Final = (
    *JOB_COLUMNS,
    Column("user_class", "text", 10),
    Column("cycle", "code", 12),
    Column("opened_at", "moment", 20),
    Column("visits", "number", 8),
    Column("visit_log", "text", 40),
    Column("entered_at", "moment", 20),
    Column("items_not_ok", "code", 30),
    Column("leak_check", "text", 12),
    Column("talk", "text", 8),
    Column("told", "text", 8),
    Column("notice_number", "code", 14),
    Column("notice_signed", "text", 10),
    Column("laser_outcome", "text", 30),
    Column("laser_excess_ppm_m", "number", 16),
    Column("laser_serial", "code", 14),
    Column("recheck", "text", 12),
    Column("referred", "text", 24),
    *SIGNATURE,
    *END_COLUMNS,
)


def _made(words: Words, history: History) -> tuple[Mapping[str, Value], str]:
    visits = [
        f"{shanghai(act.at_us)} {_outcome(words, history, act.answers.get('outcome'))}"
        for _, act in history.acts("visit")
    ]
    values: dict[str, Value] = {
        "cycle": history.state.facts.get("cycle", ""),
        "visits": len(visits),
        "visit_log": words.listed(visits),
        "entered_at": history.at_us("enter"),
        "items_not_ok": ", ".join(_not_ok(history)),
        "leak_check": words.answered(history, "leak_check", "result"),
        "talk": words.answered(history, "talk", "talk"),
        "told": words.answered(history, "talk", "told"),
        "notice_number": words.answered(history, "notice", "number"),
        "notice_signed": words.answered(history, "notice", "signed"),
        "recheck": words.answered(history, "recheck", "result"),
        "referred": words.listed([*_referrals(words, history)]),
        **_laser(words, history),
        **signature_values(words, history),
    }
    return values, history.user_class


def _outcome(words: Words, history: History, answer: str | None) -> str:
    asked = history.job.step["visit"].ask["outcome"]
    return "" if answer is None else words.answer(history.pack, asked, "outcome", answer)


def _not_ok(history: History) -> Iterator[str]:
    """Items that are not in order, each with its hazard: "I9 L2-3"."""
    answer = history.answer("items", "items")
    if answer is not None:
        asked = history.job.step["items"].ask["items"]
        for item, _, one in not_ok(history.pack, asked, answer):
            yield f"{item} {one.get('hazard', '')}".rstrip()


def _referrals(words: Words, history: History) -> Iterator[str]:
    asked = history.job.step["refer"].ask["to"]
    for _, act in history.acts("refer"):
        to = words.answer(history.pack, asked, "to", act.answers["to"])
        yield f"{to} {act.answers.get('number', '')}".rstrip()


def _laser(words: Words, history: History) -> dict[str, Value]:
    found = history.rulings("laser")
    decided = words.record.decided(found[-1].attempt) if found else None
    if decided is None:
        return {}
    return {
        "laser_outcome": words.known("outcome", decided.verdict.get("outcome") or "invalid"),
        "laser_excess_ppm_m": largest(decided, "excess_ppm_m"),
        "laser_serial": serials(decided),
    }


INSPECTION: Final = Register("inspection", COLUMNS, CLASSES, of_jobs(KINDS, _made))
