"""The instrument gate: is there an instrument that may be believed?"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from hub.procedures.case import Instrument
from hub.procedures.hold_spec import HoldSpec
from hub.procedures.series import US, Reading
from hub.rulepack import RulePack
from hub.units import UnknownUnit, canonical_span

# Calendar days of the record are days of this zone, whatever zone a time was written in.
ZONE: Final = ZoneInfo("Asia/Shanghai")


def calibration_fault(one: Instrument, first_us: int | None) -> str | None:
    """What is wrong with the calibration on the day of the first reading; None if nothing."""
    if one.calibrated_until is None:
        return "calibration_absent"
    if first_us is None:
        return None
    day = day_of(first_us)
    return "calibration_expired" if day is None or day > one.calibrated_until else None


def day_of(at_us: int) -> date | None:
    """The Asia/Shanghai day of a moment; None if it lies outside the calendar."""
    try:
        return datetime.fromtimestamp(at_us // US, ZONE).date()
    except (OverflowError, OSError, ValueError):
        return None


def declared_resolution_pa(gauge: Instrument) -> Decimal | None:
    """The coarser of both ways to declare it; None if absent, or in a unit that is not named."""
    ways = []
    if gauge.resolution_pa is not None:
        ways.append(gauge.resolution_pa)
    if gauge.resolution is not None:
        if gauge.unit is None:
            return None
        try:
            ways.append(canonical_span(gauge.quantity, gauge.resolution, gauge.unit))
        except UnknownUnit:
            return None
    return max(ways, default=None)


def gauge_faults(gauge: Instrument, spec: HoldSpec, pack: RulePack) -> list[str]:
    """What the declaration of a pressure instrument lacks for this hold."""
    rules = pack.hold.instrument
    faults = []
    if gauge.range_pa is None:
        faults.append("range_absent")
    elif gauge.range_pa < rules.range_factor.value * spec.p_req_pa:
        faults.append("range_small")
    resolution_pa = declared_resolution_pa(gauge)
    if resolution_pa is None:
        faults.append("resolution_absent")
    elif not 0 < resolution_pa <= rules.resolution_pa.value:
        faults.append("resolution_coarse")
    if gauge.u is not None and (gauge.unit is None or gauge.u < 0):
        faults.append("uncertainty_unclear")
    return faults


def series_faults(gauge: Instrument, readings: Sequence[Reading]) -> list[str]:
    """What the readings themselves say against the instrument."""
    values = [one.value for one in readings if one.value is not None]
    if readings and not values:
        return ["no_usable_reading"]
    limit_pa = gauge.range_pa
    if limit_pa is not None and any(value >= limit_pa for value in values):
        return ["range_reached"]
    return []
