"""Where an attempt begins in a record, and when its pump was taken off."""

import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from hub.procedures.case import Instrument, TestOrder
from hub.procedures.hold_spec import HoldSpec, us
from hub.procedures.series import Event, Reading, Record
from hub.procedures.windows import Track
from hub.rulepack import RulePack


class Attempt(NamedTuple):
    """One try of the test on one gauge.

    from_us       its `zeroed`; None when the record names none and it begins with the file
    readings      the gauge's readings of this attempt, unusable ones too
    track         the usable ones
    pump_offs_us  one for each time the pipe was filled; empty: not yet, or never
    inferred      no `pump_off` was recorded; the readings show it
    number        how many attempts the record holds up to this one
    """

    gauge: Instrument
    from_us: int | None
    readings: Sequence[Reading]
    track: Track
    events: Sequence[Event]
    pump_offs_us: tuple[int, ...] = ()
    inferred: bool = False
    number: int = 1


def find_attempts(
    order: TestOrder, record: Record, spec: HoldSpec, pack: RulePack
) -> list[Attempt]:
    """The last attempt in the record, on each gauge that served at its pump-off.

    Never empty: where none served, all of them, and the first has shown too little to pass.

    An attempt begins at the last `zeroed` before the last pump-off. Of several gauges the first
    in the order that served comes first; others follow if they stood under pressure then, for
    they measure the same pipe. A pump-off at which none of them did filled nothing, and does not
    count here. The order declares at least one gauge (the caller checks).
    """
    attempts = [_last_attempt(gauge, record, spec, pack) for gauge in order.of("pressure")]
    pumped = [one for one in attempts if one.pump_offs_us]
    filled = [one for one in pumped if _under_pressure(one, spec, pack)]
    if not pumped:
        return attempts
    off_us = max(one.pump_offs_us[-1] for one in filled or pumped)
    gap_us = us(pack.hold.evidence.gap_s)
    served = [one for one in pumped if one.inferred or one.track.near(off_us, gap_us) is not None]
    return [*served[:1], *(one for one in served[1:] if one in filled)] or attempts


def _under_pressure(attempt: Attempt, spec: HoldSpec, pack: RulePack) -> bool:
    i = attempt.track.near(attempt.pump_offs_us[-1], us(pack.hold.evidence.gap_s))
    half_pa = spec.p_req_pa * pack.hold.evidence.live_share.value
    return i is not None and attempt.track.pa[i] >= half_pa


def _last_attempt(gauge: Instrument, record: Record, spec: HoldSpec, pack: RulePack) -> Attempt:
    zeroed_us = [
        event.at_us
        for event in record.events
        if event.word == "zeroed" and event.instrument in ("", gauge.name)
    ]
    edges: list[int | None] = [None, *zeroed_us, None]
    tries = [_cut(gauge, record, from_us, to_us) for from_us, to_us in itertools.pairwise(edges)]
    half_pa = spec.p_req_pa * pack.hold.evidence.live_share.value
    # A try without the event counts when its readings show a filled pipe, so that a later test
    # is never judged by an earlier one; only if there is none, one filled half way will do.
    for from_pa in (spec.p_req_pa, half_pa):
        for k in reversed(range(len(tries))):
            found = _with_pump_offs(tries[k], from_pa, spec, pack)
            if found.pump_offs_us:
                number = 1 + sum(1 for one in tries[:k] if _tried(one, spec, pack))
                return found._replace(number=number)
    return tries[-1]


def _cut(gauge: Instrument, record: Record, from_us: int | None, to_us: int | None) -> Attempt:
    def inside(at_us: int) -> bool:
        return (from_us is None or at_us >= from_us) and (to_us is None or at_us < to_us)

    readings = [one for one in record.readings[gauge.name] if inside(one.at_us)]
    events = [event for event in record.events if inside(event.at_us)]
    return Attempt(gauge, from_us, readings, Track(readings), events)


def _tried(attempt: Attempt, spec: HoldSpec, pack: RulePack) -> bool:
    pumped = any(event.word == "pump_on" for event in attempt.events)
    return pumped or bool(_with_pump_offs(attempt, spec.p_req_pa, spec, pack).pump_offs_us)


def _with_pump_offs(attempt: Attempt, from_pa: Decimal, spec: HoldSpec, pack: RulePack) -> Attempt:
    track = attempt.track
    offs_us = [event.at_us for event in attempt.events if event.word == "pump_off"]
    if offs_us:
        return attempt._replace(pump_offs_us=_fillings(track, offs_us, spec, pack))
    still_us = us(pack.hold.settling.rise_ends_s)
    i = track.rise_ends(0, len(track), still_us, from_pa)
    half_pa = spec.p_req_pa * pack.hold.evidence.live_share.value
    if i is None or min(track.pa[:i], default=half_pa) >= half_pa:
        return attempt  # no filling was seen: the pressure was there already
    return attempt._replace(pump_offs_us=(track.at[i],), inferred=True)


def _fillings(
    track: Track, offs_us: Sequence[int], spec: HoldSpec, pack: RulePack
) -> tuple[int, ...]:
    """For each time the pipe was filled the pump-off that ends it.

    Pump-offs belong to one filling while the pressure stays over half of the required one
    between them; the first at or over the required pressure ends it, else the last.
    """
    half_pa = spec.p_req_pa * pack.hold.evidence.live_share.value
    gap_us = us(pack.hold.evidence.gap_s)
    groups: list[list[int]] = [[offs_us[0]]]
    for before_us, off_us in itertools.pairwise(offs_us):
        i, j = track.closed(before_us, off_us)
        if min(track.pa[i:j], default=half_pa) < half_pa:
            groups.append([off_us])
        else:
            groups[-1].append(off_us)

    def pressure_pa(off_us: int) -> Decimal:
        i = track.near(off_us, gap_us)
        return Decimal(0) if i is None else track.pa[i]

    ends = [
        next((off for off in group if pressure_pa(off) >= spec.p_req_pa), group[-1])
        for group in groups
    ]
    return tuple(end for end in ends if pressure_pa(end) >= half_pa) or (ends[-1],)
