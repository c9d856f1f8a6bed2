"""K4, outdoor laser screen: an anomaly over the background at the openings of a dwelling.

Points: `background`, and NAME#k for sweep k of opening NAME. `no_anomaly` says that no anomaly
was found outdoors; it is never an inspection.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Final

from hub.procedures.case import Instrument, TestOrder
from hub.procedures.gate import calibration_fault
from hub.procedures.hold_spec import us
from hub.procedures.ruling import AT_ONCE, Ruling, with_abort
from hub.procedures.series import Reading, Record
from hub.procedures.verdict import Word, text_of
from hub.procedures.windows import mean_of
from hub.rulepack import RulePack

BACKGROUND: Final = "background"
_SWEEP: Final = re.compile(r"(.+)#(\d+)", re.ASCII | re.DOTALL)
_BLIND_WEATHER: Final = frozenset({"rain", "fog"})
_BLIND_REFLECTOR: Final = "glass_head_on"
# A row that says the beam saw too much, or the device was failing: what it swept is unknown.
_SPOILS: Final = frozenset({"over_range", "low_battery"})
_WORST_FIRST: Final = ("strong_anomaly", "anomaly", "invalid", "no_anomaly")
_VERDICT_OF: Final[Mapping[str, Word]] = {
    "strong_anomaly": "FAIL",
    "anomaly": "FAIL",
    "invalid": "INCONCLUSIVE",
    "no_anomaly": "PASS",
}


@dataclass(slots=True)
class Opening:
    """Largest value of each sweep with enough good rows, and of those with too few.

    spoiled  one sweep cannot be used
    A sweep with too few rows proves nothing clean, but what it saw was there.
    """

    maxima: list[Decimal] = field(default_factory=list)
    short: list[Decimal] = field(default_factory=list)
    spoiled: bool = False


@dataclass(frozen=True, slots=True)
class Background:
    mean: Fraction
    variance: Fraction

    def exceeded(self, value: Decimal, pack: RulePack) -> bool:
        """Value - mean > max(limit, factor * sd), without a root."""
        excess = Fraction(value) - self.mean
        factor = Fraction(pack.laser.sd_factor.value)
        over = excess > Fraction(pack.laser.excess_ppm_m.value)
        return over and excess * excess > factor * factor * self.variance


def judge_laser(order: TestOrder, record: Record, pack: RulePack) -> Ruling:
    """The worst opening decides. Instrument and clock faults make the screen invalid."""
    doubts, faults = _doubts(order, record)
    by_point = _by_point(order, record, pack)
    background = _background(by_point.get(BACKGROUND, []), pack)
    misfits = _misfit_points(order, record)
    openings = _openings({**{point: [] for point in misfits}, **by_point}, misfits, pack)
    if BACKGROUND in misfits:
        background = None
    outcome = "invalid"
    if not doubts and background is not None and openings and not _blind(order):
        outcomes = {_outcome(opening, background, pack) for opening in openings.values()}
        outcome = next(word for word in _WORST_FIRST if word in outcomes)
    ruling = Ruling(_VERDICT_OF[outcome], [*doubts, outcome], outcome=outcome, details=faults)
    ruling.settles_us = AT_ONCE if doubts or _blind(order) else ruling.settles_us
    ruling.figures = _figures(order, background, openings)
    ruling.limits = {
        "excess_ppm_m": pack.laser.excess_ppm_m,
        "sd_factor": pack.laser.sd_factor,
        "strong_ppm_m": pack.laser.strong_ppm_m,
    }
    ruling.not_checked = _not_checked(order, record)
    readings = [one for some in by_point.values() for one in some]
    if readings:
        newest = max(readings, key=lambda reading: reading.at_us)
        ruling.stage, ruling.since_us = "sampling", min(reading.at_us for reading in readings)
        ruling.latest = None if newest.value is None else (newest.value, newest.unit)
    return with_abort(ruling, record.events)


def _doubts(order: TestOrder, record: Record) -> tuple[list[str], list[str]]:
    lasers = order.of("gas_path")
    faults = [] if lasers else ["detector_absent"]
    for one in lasers:
        readings = record.readings[one.name]
        fault = calibration_fault(one, readings[0].at_us if readings else None)
        if fault is not None:
            faults.append(fault)
        if one.lel_basis_pct_vol is not None and one.lel_basis_pct_vol <= 0:
            faults.append("lel_basis")
    doubts = ["instrument"] if faults else []
    doubts += ["clock"] if record.clock else []
    doubts += ["conflict"] if record.conflict else []
    return doubts, faults


def _blind(order: TestOrder) -> bool:
    """Nothing can be seen, or not from a known distance."""
    return (
        order.distance_m is None
        or order.distance_m <= 0
        or order.weather in _BLIND_WEATHER
        or order.reflector == _BLIND_REFLECTOR
    )


def _by_point(order: TestOrder, record: Record, pack: RulePack) -> dict[str, list[Reading]]:
    """Rows by point, in ppm.m; rows without a point are the way between two openings."""
    by_point: dict[str, list[Reading]] = {}
    for one in order.of("gas_path"):
        for reading in record.readings[one.name]:
            if reading.point:
                by_point.setdefault(reading.point, []).append(_in_ppm_m(one, reading, pack))
    return by_point


def _misfit_points(order: TestOrder, record: Record) -> set[str]:
    """Points at which a laser sent another quantity or unit: what was swept there is unknown."""
    lasers = {one.name for one in order.of("gas_path")}
    return {row.point for row in record.misfits if row.instrument in lasers and row.point}


def _in_ppm_m(one: Instrument, reading: Reading, pack: RulePack) -> Reading:
    """LEL.m on the declared basis; without one on the basis that gives the larger value."""
    if reading.value is None or reading.unit != "LEL.m":
        return reading
    basis = one.lel_basis_pct_vol or pack.work.unknown_basis_pct_vol.value
    return reading._replace(value=reading.value * basis * 10_000, unit="ppm.m")


def _background(readings: list[Reading], pack: RulePack) -> Background | None:
    """Mean and sample variance; None when there are too few good rows, or spoiled ones."""
    good = [(one.at_us, one.value) for one in readings if one.value is not None]
    if any(one.quality in _SPOILS for one in readings) or len(good) < 2:
        return None
    times = [at_us for at_us, _ in good]
    long_enough = max(times) - min(times) >= us(pack.laser.background_s)
    if len(good) < pack.laser.background_rows.value and not long_enough:
        return None
    values = [value for _, value in good]
    mean = mean_of(values)
    squares = [(Fraction(value) - mean) ** 2 for value in values]
    return Background(mean, Fraction(sum(squares)) / (len(values) - 1))


def _openings(
    by_point: Mapping[str, list[Reading]], misfits: set[str], pack: RulePack
) -> dict[str, Opening]:
    """By name. A point that is neither background nor NAME#k is an opening without a sweep."""
    openings: dict[str, Opening] = {}
    for point, readings in by_point.items():
        if point == BACKGROUND:
            continue
        named = _SWEEP.fullmatch(point)
        opening = openings.setdefault(named[1] if named else point, Opening())
        good = [one.value for one in readings if one.value is not None]
        spoilt = point in misfits or any(one.quality in _SPOILS for one in readings)
        if named is None or not good or spoilt:
            opening.spoiled = True
        elif len(good) >= pack.laser.sweep_rows.value:
            opening.maxima.append(max(good))
        else:
            opening.short.append(max(good))
    return openings


def _outcome(opening: Opening, background: Background, pack: RulePack) -> str:
    rules = pack.laser
    if opening.spoiled or len(opening.maxima) < rules.sweeps.value:
        return "invalid"
    seen = [*opening.maxima, *opening.short]
    over = [value for value in seen if background.exceeded(value, pack)]
    least = background.mean + Fraction(rules.strong_ppm_m.value)
    strong = [value for value in seen if Fraction(value) > least]
    if len(strong) >= rules.sweeps_over.value:
        return "strong_anomaly"
    return "anomaly" if len(over) >= rules.sweeps_over.value else "no_anomaly"


def _figures(
    order: TestOrder, background: Background | None, openings: Mapping[str, Opening]
) -> dict[str, object]:
    figures: dict[str, object] = {}
    if order.distance_m is not None:
        figures["distance_m"] = text_of(order.distance_m)
    if background is not None:
        figures["background_ppm_m"] = text_of(background.mean)
        figures["excess_ppm_m"] = {
            name: text_of(Fraction(max(opening.maxima)) - background.mean)
            for name, opening in openings.items()
            if opening.maxima
        }
    return figures


def _not_checked(order: TestOrder, record: Record) -> list[str]:
    absent = [name for name in ("reflector", "weather") if getattr(order, name) is None]
    if not record.times("self_test_ok"):
        absent.append("self_test")
    return absent
