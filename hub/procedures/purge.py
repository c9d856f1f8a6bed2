"""K2, purge complete (gas replaces air: high is good), and K3, de-gassing (low is good).

COLLECT(n): a good sample counts when it comes late enough after the last bad or counted one;
a bad one starts again at any time; three counted samples complete the series.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from hub.procedures.case import Instrument, TestOrder
from hub.procedures.gate import calibration_fault
from hub.procedures.hold_spec import us
from hub.procedures.ruling import AT_ONCE, NEVER, Ruling, inconclusive, with_abort
from hub.procedures.series import Reading, Record
from hub.procedures.verdict import text_of
from hub.rulepack import Figure, RulePack

_WORST_FIRST: Final = ("FAIL", "INCONCLUSIVE", "PASS")

Qualify = Callable[[Reading], bool | None]
"""Whether a row is a good sample; None when it is no sample at all."""


@dataclass(slots=True)
class Series:
    """Where the state machine stands after the last row.

    good     good samples since the last bad one, whether they came early or not
    counted  times of the counted ones, at most three
    ended    whether the last sample was good; None: there was none
    """

    counted: list[int] = field(default_factory=list)
    good: int = 0
    ended: bool | None = None
    last_us: int | None = None
    place: tuple[str, str] | None = None
    samples: list[dict[str, object]] = field(default_factory=list)

    def restart(self) -> None:
        self.counted, self.good, self.last_us = [], 0, None


def collect(
    readings: Sequence[Reading], changes_us: Sequence[int], qualify: Qualify, pack: RulePack
) -> Series:
    """Run the samples, in time order, up to the third counted one.

    changes_us  when the vent was opened or closed: what was counted before no longer counts
    """
    rules, series = pack.purge, Series()
    changes = sorted(changes_us)
    for reading in readings:
        good = qualify(reading)
        while changes and changes[0] <= reading.at_us:
            changes.pop(0)
            series.restart()
        if good is None:
            continue
        place = (reading.instrument, reading.point)
        if series.place != place:
            series.restart()
            series.place = place
        state = _take(series, reading.at_us, good, us(rules.spacing_s))
        series.samples.append(_sample(reading, state))
        if len(series.counted) >= rules.samples.value:
            break
    return series


def _take(series: Series, at_us: int, good: bool, spacing_us: int) -> str:
    series.ended = good
    if not good:
        series.restart()
        series.last_us = at_us
        return "bad"
    series.good += 1
    if series.last_us is not None and at_us - series.last_us < spacing_us:
        return "early"
    series.counted.append(at_us)
    series.last_us = at_us
    return "counted"


def _sample(reading: Reading, state: str) -> dict[str, object]:
    return {
        "at_us": reading.at_us,
        "instrument": reading.instrument,
        "point": reading.point,
        "value": None if reading.value is None else text_of(reading.value),
        "unit": reading.unit,
        "state": state,
    }


def judge_purge(order: TestOrder, record: Record, pack: RulePack) -> Ruling:
    """K2. With nitrogen an oxygen instrument replaces the gas criterion."""
    by_oxygen = order.medium == "nitrogen" and bool(order.of("oxygen"))
    used = order.of("oxygen") if by_oxygen else order.of("gas")
    faults = _faults(order, record, used)
    # %LEL is the instrument's fault (it cannot certify K2), not a slip of the unit.
    foreign = _foreign(record, used, {"%vol", "%LEL"})
    rules = pack.purge
    if by_oxygen:
        criterion = rules.oxygen_below_pct_vol
    else:
        criterion = rules.gas_min_pct_vol
        faults += _lel_instruments(record, used)
    if any(one.range_pct_vol is not None and one.range_pct_vol < criterion.value for one in used):
        faults.append("range_small")

    def qualify(reading: Reading) -> bool | None:
        if reading.value is None:
            return None
        if by_oxygen:
            return reading.value < criterion.value
        return reading.value >= criterion.value

    ruling = _judge(order, record, pack, [(used, qualify)], faults, foreign)
    ruling.limits |= {"criterion": criterion}
    if not by_oxygen and any(one.range_pct_vol is None for one in used):
        ruling.not_checked.append("range_pct_vol")
    return with_abort(ruling, record.events)


def judge_degas(order: TestOrder, record: Record, pack: RulePack) -> Ruling:
    """K3. With nitrogen the oxygen must be back; gas and oxygen are two series of their own."""
    gas, oxygen = order.of("gas"), order.of("oxygen")
    nitrogen = order.medium == "nitrogen"
    rules, work = pack.purge, pack.work
    basis = {one.name for one in gas if (one.lel_basis_pct_vol or Decimal(0)) > 0}

    def gas_low(reading: Reading) -> bool | None:
        if reading.quality == "over_range":
            return False
        if reading.value is None:
            return None
        limit = rules.degas_max_pct_lel.value
        if reading.unit != "%LEL":
            return reading.value * 100 <= limit * work.gas_lel_pct_vol.value
        if reading.instrument in basis:
            return reading.value <= limit
        return (
            reading.value * work.unknown_basis_pct_vol.value <= limit * work.gas_lel_pct_vol.value
        )

    def oxygen_back(reading: Reading) -> bool | None:
        if reading.quality == "over_range":
            return False
        return None if reading.value is None else reading.value >= rules.oxygen_min_pct_vol.value

    wanted: list[tuple[Sequence[Instrument], Qualify]] = []
    if gas:
        wanted.append((gas, gas_low))
    if nitrogen and oxygen:
        wanted.append((oxygen, oxygen_back))
    used = [one for some, _ in wanted for one in some]
    faults = _faults(order, record, used)
    if nitrogen and not oxygen:
        faults.append("oxygen_absent")
    faults += _degas_ranges(gas, oxygen if nitrogen else (), pack)
    foreign = _foreign(record, used, {"%LEL", "%vol"})
    ruling = _judge(order, record, pack, wanted, faults, foreign)
    ruling.limits |= {
        "criterion": rules.degas_max_pct_lel,
        "gas_lel_pct_vol": work.gas_lel_pct_vol,
        "unknown_basis_pct_vol": work.unknown_basis_pct_vol,
    }
    if nitrogen:
        ruling.limits |= {"oxygen": rules.oxygen_min_pct_vol}
        if not gas:
            ruling.not_checked.append("gas")
    return with_abort(ruling, record.events)


def _degas_ranges(
    gas: Sequence[Instrument], oxygen: Sequence[Instrument], pack: RulePack
) -> list[str]:
    limit = pack.purge.degas_max_pct_lel.value
    limit_vol = limit * pack.work.gas_lel_pct_vol.value
    small = any(
        (one.range_pct_lel is not None and one.range_pct_lel < limit)
        or (one.range_pct_vol is not None and one.range_pct_vol * 100 < limit_vol)
        for one in gas
    ) or any(
        one.range_pct_vol is not None and one.range_pct_vol < pack.purge.oxygen_min_pct_vol.value
        for one in oxygen
    )
    return ["range_small"] if small else []


def _faults(order: TestOrder, record: Record, used: Sequence[Instrument]) -> list[str]:
    """Calibration and basis of the instruments that are used; of all if none fits."""
    faults = []
    for one in used or order.instruments:
        readings = record.readings[one.name]
        fault = calibration_fault(one, readings[0].at_us if readings else None)
        if fault is not None:
            faults.append(fault)
        if one.lel_basis_pct_vol is not None and one.lel_basis_pct_vol <= 0:
            faults.append("lel_basis")
    return faults


def _lel_instruments(record: Record, used: Sequence[Instrument]) -> list[str]:
    """A %LEL sensor folds back in rich gas: it can never say that gas has replaced the air."""
    for one in used:
        only_lel = one.range_pct_lel is not None and one.range_pct_vol is None
        sent_lel = any(reading.unit == "%LEL" for reading in record.readings[one.name])
        if one.unit == "%LEL" or only_lel or sent_lel:
            return ["lel_instrument"]
    return []


def _foreign(record: Record, used: Sequence[Instrument], allowed: set[str]) -> bool:
    """Samples came in a unit or quantity that this procedure does not take."""
    names = {one.name for one in used}
    sent = {one.sent_unit for name in names for one in record.readings[name] if one.sent_unit}
    slips = any(row.instrument in names for row in record.misfits)
    return not used or slips or not sent <= allowed


def _judge(
    order: TestOrder,
    record: Record,
    pack: RulePack,
    wanted: Sequence[tuple[Sequence[Instrument], Qualify]],
    faults: list[str],
    foreign: bool,
) -> Ruling:
    changes_us = record.times("vent_open", "vent_closed")
    all_series = []
    for instruments, qualify in wanted:
        rows = [reading for one in instruments for reading in record.readings[one.name]]
        # Of samples at one moment the bad ones come first: a good one never outruns them.
        rows.sort(key=lambda row, good=qualify: (row.at_us, good(row) is not False))  # type: ignore[misc]
        all_series.append(collect(rows, changes_us, qualify, pack))
    reasons = ["instrument"] if faults else []
    reasons += ["clock"] if record.clock else []
    reasons += ["conflict"] if record.conflict else []
    reasons += ["unit"] if foreign else []
    if reasons:
        ruling = inconclusive(*reasons, settles_us=AT_ONCE)
        ruling.details = faults
    else:
        ruling = _worst([_series_ruling(series, pack) for series in all_series])
    samples = [sample for series in all_series for sample in series.samples]
    ruling.figures = {"samples": samples}
    ruling.not_checked.append("flushing")
    if order.medium is None:
        ruling.not_checked.append("medium")
    ruling.limits = _common_limits(pack)
    used = [r for some, _ in wanted for one in some for r in record.readings[one.name]]
    known = [(r.at_us, r.value, r.unit) for r in used if r.value is not None]
    if known:
        at_us, value, unit = max(known)
        ruling.latest, ruling.since_us, ruling.stage = (value, unit), at_us, "sampling"
    return ruling


def _common_limits(pack: RulePack) -> dict[str, Figure]:
    rules = pack.purge
    return {"samples": rules.samples, "spacing_s": rules.spacing_s, "span_s": rules.span_s}


def _worst(rulings: Sequence[Ruling]) -> Ruling:
    """All must pass; a failed series says more than an incomplete one."""
    worst = min(rulings, key=lambda ruling: _WORST_FIRST.index(ruling.verdict))
    if worst.verdict == "PASS":
        worst.decided_us = max(ruling.decided_us for ruling in rulings)
    return worst


def _series_ruling(series: Series, pack: RulePack) -> Ruling:
    rules = pack.purge
    if len(series.counted) >= rules.samples.value:
        whole = series.counted[-1] - series.counted[0] <= us(rules.span_s)
        ruling = Ruling("PASS", []) if whole else inconclusive("expired")
        ruling.decided_us, ruling.settles_us = series.counted[-1], AT_ONCE
        return ruling
    if series.ended is False:
        return Ruling("FAIL", ["not_reached"])
    expires_us = series.counted[0] + us(rules.span_s) + 1 if series.counted else NEVER
    if series.good >= rules.samples.value:
        return inconclusive("spacing", "not_reached", settles_us=expires_us)
    return inconclusive("not_reached", settles_us=expires_us)
