"""A hold read by eye from a U-gauge: two readings, first and last of the hold.

No liveness, no gaps, no temperature or barometer, no window scaling, no row 7. The limit is one
division of the scale.
"""

from fractions import Fraction
from itertools import accumulate
from operator import sub

from hub.procedures.case import TestOrder
from hub.procedures.hold_gate import GateSeen, closing, look, resolution_pa
from hub.procedures.hold_spec import HoldSpec, us
from hub.procedures.pressurising import Attempt
from hub.procedures.ruling import AT_ONCE, Ruling, inconclusive
from hub.procedures.series import US, Record
from hub.procedures.verdict import text_of
from hub.rulepack import RulePack


def judge_eye_readings(
    order: TestOrder, record: Record, attempt: Attempt, spec: HoldSpec, pack: RulePack
) -> Ruling:
    """The rows of the table that two readings can answer."""
    step_pa = resolution_pa(attempt, manual=True)
    track = attempt.track
    offs_us = [event.at_us for event in attempt.events if event.word == "pump_off"]
    begin_us = offs_us[-1] if offs_us else None
    vents_us = [
        event.at_us
        for event in attempt.events
        if event.word == "vent_open" and (begin_us is None or event.at_us > begin_us)
    ]
    first = _first(attempt, spec, pack, begin_us)
    if begin_us is None and first is not None:
        vents_us = [at_us for at_us in vents_us if at_us > track.at[first]]
    vent_us = min(vents_us, default=None)
    last = _last(attempt, spec, pack, first, vent_us)
    gate = look(order, record, attempt, vent_us, spec, pack, step_pa)
    ruling = _decide(attempt, spec, pack, gate, record, first, last, vent_us)
    ruling.flags = list(spec.flags)
    if last is not None and gate.after is None:
        ruling.flags.append("no_zero_after")
    if ruling.verdict == "PASS":
        ruling.flags.append("uncorrected")
    ruling.limits = dict(spec.figures)
    ruling.not_checked = [*spec.not_checked, "temperature", "barometer"]
    declared = order.isolation or {}
    if declared.get("declared") is not True and not any(
        event.word == "isolated" for event in attempt.events
    ):
        ruling.not_checked.append("isolation")
    if gate.after is None:
        ruling.not_checked.append("zero_after")
    ruling.figures |= {"attempts": attempt.number, "p_req_pa": text_of(spec.p_req_pa)}
    ruling.figures["events"] = [{"at_us": e.at_us, "event": e.word} for e in attempt.events]
    ruling.stage = "holding" if first is not None else "pressurising"
    ruling.since_us = None if first is None else track.at[first]
    ruling.latest = (track.pa[-1], "Pa") if len(track) else None
    return ruling


def _first(attempt: Attempt, spec: HoldSpec, pack: RulePack, begin_us: int | None) -> int | None:
    """First reading of the hold: after the least stabilising, or, without `pump_off`, under
    pressure.
    """
    track = attempt.track
    if begin_us is not None:
        i = track.closed(begin_us + spec.settle_min_us, begin_us)[0]
        return i if i < len(track) else None
    half_pa = spec.p_req_pa * pack.hold.evidence.live_share.value
    return next((i for i, pa in enumerate(track.pa) if pa >= half_pa), None)


def _last(
    attempt: Attempt, spec: HoldSpec, pack: RulePack, first: int | None, vent_us: int | None
) -> int | None:
    """First reading at or after the end of the hold, before the vent was opened."""
    if first is None:
        return None
    track = attempt.track
    due_us = track.at[first] + spec.hold_us - us(pack.hold.evidence.short_s)
    i = max(track.closed(due_us, due_us)[0], first + 1)
    if i >= len(track) or (vent_us is not None and track.at[i] > vent_us):
        return None
    return i


def _decide(
    attempt: Attempt,
    spec: HoldSpec,
    pack: RulePack,
    gate: GateSeen,
    record: Record,
    first: int | None,
    last: int | None,
    vent_us: int | None,
) -> Ruling:
    if gate.faults:
        ruling = inconclusive("instrument", settles_us=AT_ONCE)
        ruling.details = list(gate.faults)
        return ruling
    doubts = [
        word for word, seen in (("clock", record.clock), ("conflict", record.conflict)) if seen
    ]
    if doubts:
        return inconclusive(*doubts, settles_us=AT_ONCE)
    if first is None or last is None:
        if vent_us is not None:
            ruling = inconclusive("vented", "too_short", settles_us=AT_ONCE)
            ruling.decided_us = vent_us
            return ruling
        return inconclusive("too_short")
    ruling = _rows(attempt, spec, pack, gate, first, last)
    ended_us = attempt.track.at[last]
    wait_us = ended_us + us(pack.hold.evidence.zero_after_wait_s)
    ruling.decided_us, ruling.settles_us = closing(ruling.verdict, gate, ended_us, wait_us)
    return ruling


def _rows(
    attempt: Attempt, spec: HoldSpec, pack: RulePack, gate: GateSeen, first: int, last: int
) -> Ruling:
    track = attempt.track
    p1, p2 = track.pa[first], track.pa[last]
    drop = Fraction(p1) - Fraction(p2) + max(gate.drift_pa, Fraction(0))
    step_pa = resolution_pa(attempt, manual=True)
    begin_us, end_us = track.at[first], track.at[last]
    top_ups = sum(1 for e in attempt.events if e.word == "top_up" and e.at_us <= begin_us)
    pumped = any(
        event.word in {"top_up", "pump_on"} and begin_us < event.at_us < end_us
        for event in attempt.events
    )
    read = track.pa[first : last + 1]
    rises = max(map(sub, read, accumulate(read, min))) > spec.limit_pa
    if p1 < spec.p_req_pa - step_pa:
        if top_ups >= pack.hold.settling.top_ups.value:
            ruling = Ruling("FAIL", ["cannot_hold"])
        else:
            ruling = inconclusive("pressure_low")
    elif pumped:
        ruling = inconclusive("repressurised")
    elif rises or drop < -Fraction(spec.limit_pa):
        ruling = inconclusive("rise")
    elif drop <= Fraction(spec.limit_pa):
        ruling = Ruling("PASS", [])
    else:
        ruling = Ruling("FAIL", ["drop"])
    ruling.figures = {
        "p1_pa": text_of(p1),
        "p2_pa": text_of(p2),
        "drop_raw_pa": text_of(drop),
        "hold_s": text_of(Fraction(end_us - begin_us, US)),
        "top_ups": top_ups,
    }
    return ruling
