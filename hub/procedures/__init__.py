"""The procedures: pure rules from an order, its rows and a rule pack to a verdict.

No clock, no input or output, no threads. The same rows give the same verdict, live, from a file,
and years later.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Final

from hub.procedures.case import (
    ABORTS,
    CLOSE,
    EVENTS,
    HOLDS,
    PROCEDURES,
    QUALITIES,
    Instrument,
    Row,
    TestOrder,
)
from hub.procedures.gate import day_of
from hub.procedures.hold import judge_hold
from hub.procedures.laser import judge_laser
from hub.procedures.progress import progress_of
from hub.procedures.purge import judge_degas, judge_purge
from hub.procedures.ruling import AT_ONCE, Ruling, inconclusive
from hub.procedures.safe_to_work import judge_safe_to_work
from hub.procedures.series import US, Record, read
from hub.procedures.verdict import Assessment, Verdict
from hub.procedures.wording import verdict_of
from hub.rulepack import RulePack

__all__ = [
    "ABORTS",
    "BUILT_IN",
    "CLOSE",
    "EVENTS",
    "HOLDS",
    "PROCEDURES",
    "QUALITIES",
    "Assessment",
    "Instrument",
    "ProcedureKind",
    "Row",
    "TestOrder",
    "Verdict",
    "assess",
    "judge",
]

_RULES: Final[Mapping[str, Callable[[TestOrder, Record, RulePack], Ruling]]] = {
    **dict.fromkeys(HOLDS, judge_hold),
    "safe_to_work": judge_safe_to_work,
    "purge_complete": judge_purge,
    "degas_complete": judge_degas,
    "laser_screen": judge_laser,
}

# Sums of thousands of readings stay exact; what is divided is divided last.
_EXACT: Final = Context(prec=50)


def judge(order: TestOrder, rows: Sequence[Row], pack: RulePack) -> Verdict:
    """The verdict on a whole series. Total: every order and every rows have one.

    rows    in any order; rows of instruments that the order does not name are not looked at
    """
    with localcontext(_EXACT):
        return verdict_of(order, _rule(order, read(order, rows, pack), pack), pack)


def assess(order: TestOrder, rows: Sequence[Row], pack: RulePack, now_us: int) -> Assessment:
    """Where a running test stands at hub time now_us.

    Its verdict is None until no later row can change it, or only what would not be waited for;
    then it is exactly `judge(order, rows, pack)`. The event `close` ends any test.
    """
    closed = any(row.value == CLOSE and row.quantity == "event" for row in rows)
    with localcontext(_EXACT):
        record = read(order, rows, pack)
        ruling = _rule(order, record, pack)
        decided = closed or now_us >= ruling.settles_us
        verdict = verdict_of(order, ruling, pack) if decided else None
        ends_us = None if verdict is not None else ruling.ends_us
        return Assessment(
            stage="evaluated" if decided else ruling.stage,
            since_us=ruling.since_us,
            remaining_s=None if ends_us is None else Decimal(max(0, ends_us - now_us)) / US,
            latest=ruling.latest,
            figures={
                **{
                    key: value
                    for key, value in ruling.figures.items()
                    if isinstance(value, str | int) and not isinstance(value, bool)
                },
                **({} if decided else progress_of(order, record, pack, ruling)),
            },
            verdict=verdict,
        )


def _rule(order: TestOrder, record: Record, pack: RulePack) -> Ruling:
    first_us = record.first_us()
    day = None if first_us is None else day_of(first_us)
    ruling = _RULES[order.procedure](order, record, pack)
    if day is not None and not pack.in_force(day):
        return _out_of_force(ruling)
    return ruling


def _out_of_force(ruling: Ruling) -> Ruling:
    """Figures that were not in force on the day of the test decide nothing."""
    refused = inconclusive("order", settles_us=AT_ONCE)
    refused.details = ["rule_pack"]
    refused.flags = ruling.flags
    refused.limits = ruling.limits
    refused.not_checked = ruling.not_checked
    refused.outcome = None if ruling.outcome is None else "invalid"
    return refused


@dataclass(frozen=True, slots=True)
class ProcedureKind:
    """One procedure as a plugin hands it over. Both functions are pure."""

    name: str
    judge: Callable[[TestOrder, Sequence[Row], RulePack], Verdict]
    assess: Callable[[TestOrder, Sequence[Row], RulePack, int], Assessment]


BUILT_IN: Final = tuple(ProcedureKind(name, judge, assess) for name in PROCEDURES)
