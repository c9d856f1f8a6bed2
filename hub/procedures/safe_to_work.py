"""K1, safe to work: low is good. The largest value decides, never the mean."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from hub.procedures.case import Instrument, TestOrder
from hub.procedures.gate import calibration_fault
from hub.procedures.hold_spec import us
from hub.procedures.ruling import AT_ONCE, NEVER, Ruling, inconclusive, with_abort
from hub.procedures.series import US, Reading, Record, period_us
from hub.procedures.verdict import text_of
from hub.rulepack import RulePack, at_or_over_work_limit

ROLES = ("ceiling", "suspect")


class Stay(NamedTuple):
    """What one instrument saw at one point."""

    good_us: list[int]
    unusable: int
    need_us: Decimal
    period_us: int

    @property
    def dwell_us(self) -> int:
        return self.good_us[-1] - self.good_us[0] + self.period_us if self.good_us else 0

    @property
    def enough(self) -> bool:
        return bool(self.good_us) and self.dwell_us >= self.need_us

    def hole(self, gap_us: int) -> bool:
        return any(b - a > gap_us for a, b in pairwise(self.good_us))


def judge_safe_to_work(order: TestOrder, record: Record, pack: RulePack) -> Ruling:
    """At or over the limit is FAIL before anything else; the rest must be complete to pass."""
    ruling = _decide(order, record, pack)
    ruling.figures = _figures(order, record, pack)
    if "unusable" in ruling.figures:
        ruling.flags.append("unusable_readings")
    ruling.limits = {
        "limit_pct_lel": pack.work.limit_pct_lel,
        "gas_lel_pct_vol": pack.work.gas_lel_pct_vol,
        "unknown_basis_pct_vol": pack.work.unknown_basis_pct_vol,
        "dwell_s": pack.work.dwell_s,
    }
    if not order.points:
        ruling.not_checked = list(ROLES)
    readings = _gas_readings(order, record)
    if readings:
        ruling.stage, ruling.since_us = "sampling", readings[0].at_us
        ruling.ends_us = readings[0].at_us + us(pack.work.span_s)
        used = [one for one in readings if one.value is not None]
        if used and used[-1].value is not None:
            ruling.latest = (used[-1].value, used[-1].unit)
    return with_abort(ruling, record.events)


def _gas_readings(order: TestOrder, record: Record) -> list[Reading]:
    """All point-gas rows in time order."""
    rows = (reading for one in order.of("gas") for reading in record.readings[one.name])
    return sorted(rows, key=lambda reading: reading.at_us)


def _decide(order: TestOrder, record: Record, pack: RulePack) -> Ruling:
    over_us = _over_us(order, record, pack)
    if over_us is not None:
        ruling = Ruling("FAIL", ["at_or_over_limit"], settles_us=AT_ONCE)
        ruling.decided_us = over_us
        return ruling
    faults = _instrument_faults(order, record, pack)
    reasons = ["instrument"] if faults else []
    reasons += ["clock"] if record.clock else []
    reasons += ["conflict"] if record.conflict else []
    reasons += ["unit"] if _foreign(order, record) else []
    if reasons:
        ruling = inconclusive(*reasons, settles_us=AT_ONCE)
        ruling.details = faults
        return ruling
    return _complete(order, record, pack)


def _foreign(order: TestOrder, record: Record) -> bool:
    """Path gas, another quantity or a unit of one: none of them says what the air holds here."""
    by_laser = any(record.readings[one.name] for one in order.of("gas_path"))
    return by_laser or bool(record.misfits) or not order.of("gas")


def _over_us(order: TestOrder, record: Record, pack: RulePack) -> int | None:
    """When the first reading was at or over the limit, or out of range at the top.

    Readings of an interruption are no evidence that the air is clear, but gas in them is gas.
    """
    times = [
        reading.at_us
        for one in order.of("gas")
        for reading in (*record.readings[one.name], *_of(one, record.lost))
        if reading.quality == "over_range" or _is_gas(reading, one, pack)
    ]
    return min(times, default=None)


def _of(one: Instrument, readings: Sequence[Reading]) -> list[Reading]:
    return [reading for reading in readings if reading.instrument == one.name]


def _is_gas(reading: Reading, one: Instrument, pack: RulePack) -> bool:
    """At or over the limit on the basis that holds for the instrument."""
    if reading.value is None:
        return False
    return at_or_over_work_limit(reading.value, reading.unit, pack, _basis(one))


def _basis(one: Instrument) -> bool:
    return one.lel_basis_pct_vol is not None and one.lel_basis_pct_vol > 0


def _instrument_faults(order: TestOrder, record: Record, pack: RulePack) -> list[str]:
    faults = []
    for one in order.of("gas") or order.instruments:
        readings = record.readings[one.name]
        fault = calibration_fault(one, readings[0].at_us if readings else None)
        if fault is not None:
            faults.append(fault)
        if one.lel_basis_pct_vol is not None and one.lel_basis_pct_vol <= 0:
            faults.append("lel_basis")
        if one.t90_s is not None and one.t90_s < 0:
            faults.append("t90")
        if _range_small(one, pack):
            faults.append("range_small")
        first_us = next((r.at_us for r in readings if r.value is not None), None)
        if first_us is not None and not _zeroed(one, record, first_us):
            faults.append("not_zeroed")
    return faults


def _range_small(one: Instrument, pack: RulePack) -> bool:
    """A scale that ends below the limit cannot show that it is reached."""
    work = pack.work
    if one.range_pct_lel is not None and one.range_pct_lel < work.limit_pct_lel.value:
        return True
    limit = work.limit_pct_lel.value * work.gas_lel_pct_vol.value
    return one.range_pct_vol is not None and one.range_pct_vol * 100 < limit


def _zeroed(one: Instrument, record: Record, first_us: int) -> bool:
    """In fresh air before its first reading."""
    return any(
        event.word in {"zeroed", "self_test_ok"}
        and event.instrument in ("", one.name)
        and event.at_us <= first_us
        for event in record.events
    )


def _complete(order: TestOrder, record: Record, pack: RulePack) -> Ruling:
    """Enough points, long enough at each, without holes."""
    stays = find_stays(order, record, pack)
    gap_us = us(pack.work.gap_s)
    needed = list(order.points) or list(stays)
    reasons: list[str] = []
    if _points_lacking(order, stays, needed, pack):
        reasons.append("points")
    seen = [stays[name] for name in needed if name in stays]
    best = [best_stay(some, gap_us) for some in seen]
    if any(stay.good_us and not stay.enough for stay in best):
        reasons.append("dwell")
    if any(stay.hole(gap_us) for stay in best):
        reasons.append("data_gap")
    doubtful = any(stay.unusable and (not stay.enough or stay.hole(gap_us)) for stay in best)
    # A late or stale number says nothing of now, but where it shows gas nobody may say "clear".
    if doubtful or any(
        _is_gas(late, one, pack) for one in order.of("gas") for late in _of(one, record.untimely)
    ):
        reasons.append("unusable")
    begin_us = min((stay.good_us[0] for stay in best if stay.good_us), default=None)
    expires_us = NEVER if begin_us is None else begin_us + us(pack.work.span_s) + 1
    if not reasons:
        ruling = Ruling("PASS", [], settles_us=AT_ONCE)
        ruling.decided_us = max(stay.good_us[-1] for stay in best)
        return ruling
    done = "points" not in reasons and all(stay.enough for stay in best)
    return inconclusive(*reasons, settles_us=AT_ONCE if done else expires_us)


def _points_lacking(
    order: TestOrder, stays: dict[str, list[Stay]], needed: list[str], pack: RulePack
) -> bool:
    """Too few points, a role without a point, a point without a row, or too long in all."""
    if len(needed) < pack.work.points.value or any(name not in stays for name in needed):
        return True
    if order.points and not set(ROLES) <= set(order.points.values()):
        return True
    times = [at for name in needed for stay in stays[name] for at in stay.good_us]
    return bool(times) and max(times) - min(times) > us(pack.work.span_s)


def best_stay(stays: Sequence[Stay], gap_us: int) -> Stay:
    """A point counts with the instrument that stayed there properly, if any did."""
    return max(stays, key=lambda stay: (stay.enough and not stay.hole(gap_us), stay.dwell_us))


def find_stays(order: TestOrder, record: Record, pack: RulePack) -> dict[str, list[Stay]]:
    """By point, one stay for each instrument with rows there; rows without a point are no stay."""
    stays: dict[str, list[Stay]] = {}
    for one in order.of("gas"):
        readings = record.readings[one.name]
        period = period_us(order, [reading.at_us for reading in readings], pack)
        t90_s = pack.work.t90_s.value if one.t90_s is None else one.t90_s
        need_s = max(pack.work.dwell_s.value, pack.work.dwell_t90.value * t90_s)
        by_point: dict[str, list[Reading]] = {}
        for reading in readings:
            if reading.point:
                by_point.setdefault(reading.point, []).append(reading)
        for name, some in by_point.items():
            good = [reading.at_us for reading in some if reading.value is not None]
            stay = Stay(good, len(some) - len(good), need_s * US, period)
            stays.setdefault(name, []).append(stay)
    return stays


def _figures(order: TestOrder, record: Record, pack: RulePack) -> dict[str, object]:
    """The largest value of each point, in the unit it was sent in."""
    largest: dict[str, dict[str, Decimal]] = {"%LEL": {}, "%vol": {}}
    for reading in _gas_readings(order, record):
        if reading.value is None:
            continue
        points = largest[reading.unit]
        points[reading.point] = max(reading.value, points.get(reading.point, reading.value))
    figures: dict[str, object] = {}
    for unit, key in (("%LEL", "max_pct_lel"), ("%vol", "max_pct_vol")):
        if largest[unit]:
            figures[key] = {point: text_of(value) for point, value in largest[unit].items()}
    figures["attention"] = _attention(largest, pack)
    if unusable := _unusable(order, record):
        figures["unusable"] = unusable
    return figures


def _unusable(order: TestOrder, record: Record) -> dict[str, int]:
    """By point, how many readings of the detectors said nothing; over range says a lot."""
    silent = (r for r in _gas_readings(order, record) if r.value is None)
    return dict(Counter(r.point for r in silent if r.quality != "over_range"))


def _attention(largest: dict[str, dict[str, Decimal]], pack: RulePack) -> bool:
    """At or over the attention band: ventilate and go on watching."""
    work = pack.work
    lel: Sequence[Decimal] = list(largest["%LEL"].values())
    vol: Sequence[Decimal] = list(largest["%vol"].values())
    band = work.attention_pct_lel.value
    band_vol = band * work.gas_lel_pct_vol.value
    return any(value >= band for value in lel) or any(value * 100 >= band_vol for value in vol)
