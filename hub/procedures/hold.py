"""The hold test, from an order and its record to a ruling.

Precedence: order, abort, instrument gate (row 0), liveness, clock and conflict (row 1), a pipe
that cannot hold or falls so far that the end need not be awaited, then rows 2 to 12.
"""

from hub.procedures.case import TestOrder
from hub.procedures.hold_figures import dress
from hub.procedures.hold_filling import Filling
from hub.procedures.hold_gate import closing
from hub.procedures.hold_spec import HoldSpec, resolve
from hub.procedures.hold_table import Finding, row_2, row_3, rows_4_to_6, rows_7_to_12
from hub.procedures.manual import judge_eye_readings
from hub.procedures.pressurising import find_attempts
from hub.procedures.ruling import AT_ONCE, NEVER, Ruling, inconclusive, with_abort
from hub.procedures.series import Record, period_us
from hub.rulepack import RulePack

_REASON_OF = {"gross": "cannot_hold", "early": "drop"}


def judge_hold(order: TestOrder, record: Record, pack: RulePack) -> Ruling:
    """The last attempt in the record, judged.

    A pipe filled more than once within one attempt passes only if every filling does, and one
    with several gauges under pressure only if every gauge says so: the first that does not is
    the answer.
    """
    spec = resolve(order, pack)
    if spec.faults:
        return _refused("order", spec, list(spec.faults))
    if not order.of("pressure"):
        return _refused("instrument", spec, ["gauge_absent"])
    attempt, *others = find_attempts(order, record, spec, pack)
    if order.source == "manual":
        ruling = judge_eye_readings(order, record, attempt, spec, pack)
        return with_abort(ruling, attempt.events)
    ruling = Ruling("INCONCLUSIVE", [])
    for one in (attempt, *others):
        for pump_off_us in one.pump_offs_us or (None,):
            filling = Filling(order, record, one, pump_off_us, spec, pack)
            ruling = dress(filling, decide(filling))
            if ruling.verdict != "PASS":
                return with_abort(ruling, one.events)
    return with_abort(ruling, attempt.events)


def _refused(reason: str, spec: HoldSpec, faults: list[str]) -> Ruling:
    """Nothing in the record can help: the order itself does not allow a verdict."""
    ruling = inconclusive(reason, settles_us=AT_ONCE)
    ruling.details = faults
    ruling.flags = list(spec.flags)
    ruling.limits = dict(spec.figures)
    ruling.not_checked = list(spec.not_checked)
    return ruling


def decide(filling: Filling) -> Ruling:
    """Verdict, reasons and from when on they hold."""
    return (
        _row_0(filling)
        or _row_1(filling)
        or _cannot_hold(filling)
        or _fallen(filling)
        or _no_hold(filling)
        or _table(filling)
    )


def _row_0(filling: Filling) -> Ruling | None:
    gate = filling.gate
    faults = [*gate.faults, *(["climate_absent"] if filling.climate_absent else [])]
    if not faults:
        return None
    ruling = inconclusive("instrument", settles_us=AT_ONCE if gate.firm else filling.wait_us)
    ruling.details = faults
    ruling.decided_us = filling.due_us
    return ruling


def _row_1(filling: Filling) -> Ruling | None:
    doubts: list[str] = []
    settles_us: float = AT_ONCE
    if not filling.risen:
        doubts.append("no_liveness")
        settles_us = NEVER if filling.course is None else AT_ONCE
        if filling.attempt.inferred:
            settles_us = filling.wait_us  # the pump may still be on, and its event still to come
    elif filling.hold is not None and filling.hold.frozen(filling.step_pa):
        doubts.append("no_liveness")
        settles_us = filling.wait_us  # a fall may still show that the gauge is alive
    if filling.record.clock:
        doubts.append("clock")
        settles_us = AT_ONCE
    if filling.record.conflict:
        doubts.append("conflict")
        settles_us = AT_ONCE
    if not doubts:
        return None
    ruling = inconclusive(*doubts, settles_us=settles_us)
    ruling.decided_us = filling.due_us
    return ruling


def _cannot_hold(filling: Filling) -> Ruling | None:
    course = filling.course
    if course is None or course.cannot_hold_us is None:
        return None
    ruling = Ruling("FAIL", ["cannot_hold"], settles_us=AT_ONCE)
    ruling.flags = ["gross"] if course.gross else []
    ruling.decided_us = course.cannot_hold_us
    return ruling


def _fallen(filling: Filling) -> Ruling | None:
    fall = filling.fall
    if fall is None:
        return None
    ruling = Ruling("FAIL", [_REASON_OF[word] for word in fall.words], settles_us=fall.firm_us)
    ruling.flags = list(fall.words)
    ruling.decided_us = fall.at_us
    return ruling


def _no_hold(filling: Filling) -> Ruling | None:
    """The hold never began: let off while stabilising, or the readings end."""
    course = filling.course
    if filling.hold is not None or course is None:
        return None
    if course.vent_us is not None:
        ruling = inconclusive("vented", "too_short", settles_us=AT_ONCE)
        ruling.decided_us = course.vent_us
        return ruling
    if course.pumping:
        return inconclusive("too_short")
    # Readings that came would have begun the hold by then: the gauge is silent.
    silent_us = course.settling_us + filling.spec.settle_max_us + filling.gap_us
    return inconclusive("too_short", settles_us=silent_us)


def _table(filling: Filling) -> Ruling:
    hold = filling.hold
    assert hold is not None  # a test without a hold was decided before
    let_us = filling.let_off_us if hold.vented_us is None else hold.vented_us
    until_us = filling.last_us if let_us is None else let_us
    times = [one.at_us for one in filling.attempt.readings]
    period = period_us(filling.order, times, filling.pack)
    finding = (
        row_2(hold, period, until_us, ended=let_us is not None)
        or row_3(hold, filling.step_pa)
        or rows_4_to_6(hold, filling.pumped(hold), filling.let_off_us, filling.found)
    )
    if finding is None:
        assert filling.found is not None  # rows 2 and 6 take every hold without both windows
        finding = rows_7_to_12(hold, filling.found, filling.step_pa, filling.pack)
    return _ruled(filling, finding, let_us)


def _ruled(filling: Filling, finding: Finding, let_us: int | None) -> Ruling:
    """When a row of the table was decided, and from when on nothing can change it."""
    ruling = Ruling(finding.verdict, list(finding.reasons))
    if let_us is not None:
        ruling.decided_us, ruling.settles_us = let_us, AT_ONCE
    elif filling.due_us == NEVER:
        # One more silence than a hold may have, and no later reading can make it good.
        ruling.settles_us = filling.last_us + filling.gap_us + 1
    else:
        ruling.decided_us, ruling.settles_us = closing(
            ruling.verdict, filling.gate, filling.due_us, filling.wait_us
        )
    return ruling
