"""Row 0 of a hold: the gauge, its zero, and the declared temperature and barometer."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from hub.procedures.case import Instrument, TestOrder
from hub.procedures.gate import (
    calibration_fault,
    declared_resolution_pa,
    gauge_faults,
    series_faults,
)
from hub.procedures.hold_spec import HoldSpec
from hub.procedures.pressurising import Attempt
from hub.procedures.ruling import AT_ONCE
from hub.procedures.series import Record
from hub.procedures.verdict import Word
from hub.procedures.zero import ZeroAfter, zero_after, zero_before, zero_is_off
from hub.rulepack import RulePack

# Faults that later readings may still clear up; the rest is final as soon as it is seen.
_OPEN: Final = frozenset({"no_usable_reading", "resolution_seen"})
# Final only once the pump is off: until then the gauge may be zeroed, or zeroed again.
_OPEN_UNTIL_PUMPED: Final = frozenset({"zero_off", "zero_absent"})


@dataclass(frozen=True, slots=True)
class GateSeen:
    """before and after are zeros, Pa; firm: at least one fault stays whatever comes."""

    before: Fraction | None
    after: ZeroAfter | None
    faults: tuple[str, ...]
    firm: bool

    @property
    def drift_pa(self) -> Fraction:
        """How far the zero moved during the test; 0 when it was not looked at afterwards."""
        return _drift_pa(self.before, self.after)


def _drift_pa(before: Fraction | None, after: ZeroAfter | None) -> Fraction:
    return Fraction(0) if after is None or before is None else after.pa - before


def resolution_pa(attempt: Attempt, manual: bool = False) -> Decimal:
    """max(declared, smallest step between values seen); eye readings show no step."""
    declared_pa = declared_resolution_pa(attempt.gauge) or Decimal(0)
    seen_pa = None if manual else attempt.track.steps_pa((0, len(attempt.track)))
    return declared_pa if seen_pa is None else max(declared_pa, seen_pa)


def look(
    order: TestOrder,
    record: Record,
    attempt: Attempt,
    vent_us: int | None,
    spec: HoldSpec,
    pack: RulePack,
    step_pa: Decimal,
) -> GateSeen:
    """Everything the gate can see so far."""
    faults = _declared_faults(order, record, attempt, spec, pack)
    faults += series_faults(attempt.gauge, attempt.readings)
    if order.source != "manual" and step_pa > pack.hold.instrument.resolution_pa.value:
        faults.append("resolution_seen")
    before = zero_before(attempt, pack, step_pa)
    after = zero_after(attempt, vent_us, before, pack, step_pa)
    if before is None:
        faults.append("zero_absent")
    elif zero_is_off(before, pack, step_pa):
        faults.append("zero_off")
    if abs(_drift_pa(before, after)) > Fraction(pack.hold.instrument.drift_pa.value):
        faults.append("zero_drift")
    pumped = bool(attempt.pump_offs_us) and not attempt.inferred
    pending = _OPEN if pumped else _OPEN | _OPEN_UNTIL_PUMPED
    if after is not None and not after.firm:
        pending |= {"zero_drift"}
    return GateSeen(before, after, tuple(faults), firm=bool(set(faults) - pending))


def _declared_faults(
    order: TestOrder, record: Record, attempt: Attempt, spec: HoldSpec, pack: RulePack
) -> list[str]:
    faults = gauge_faults(attempt.gauge, spec, pack)
    others: Sequence[Instrument] = (*order.of("gas_temperature"), *order.of("barometer"))
    if order.source == "manual":
        others = ()  # eye readings are never corrected
    for one in (attempt.gauge, *others):
        fault = calibration_fault(one, _first_us(one, record, attempt))
        if fault is not None:
            faults.append(fault)
        unclear = one.quantity == "barometer" and one.unit is None
        if one is not attempt.gauge and one.u is not None and (one.u < 0 or unclear):
            faults.append("uncertainty_unclear")
    return faults


def _first_us(one: Instrument, record: Record, attempt: Attempt) -> int | None:
    """First reading of the file; in a repeated test the first one since its `zeroed`."""
    from_us = attempt.from_us if attempt.number > 1 else None
    times = (
        reading.at_us
        for reading in record.readings[one.name]
        if from_us is None or reading.at_us >= from_us
    )
    return next(times, None)


def closing(verdict: Word, gate: GateSeen, due_us: float, wait_us: float) -> tuple[float, float]:
    """When a hold that went its whole time was decided, and from when on that is final.

    Only a pass waits for the zero afterwards; a zero that may still change keeps anything open.
    """
    after = gate.after
    if after is None:
        return (wait_us, wait_us) if verdict == "PASS" else (due_us, AT_ONCE)
    settles_us = AT_ONCE if after.firm else wait_us
    if verdict != "PASS" or after.seen_us is None:
        return due_us, settles_us
    return min(wait_us, max(after.seen_us, due_us)), settles_us
