"""The work limit as alarm watch and procedures ask for it, and a figure as answers list it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from hub.rulepack.entries import Figure
from hub.rulepack.pack import RulePack


class PointReading(Protocol):
    """What the alarm watch needs of a point-gas reading; `hub.model.Reading` has it."""

    @property
    def quantity(self) -> str: ...
    @property
    def canonical(self) -> Decimal | None: ...
    @property
    def canonical_unit(self) -> str: ...
    @property
    def quality(self) -> str: ...
    @property
    def lel_basis_pct_vol(self) -> str: ...


def at_or_over_work_limit(value: Decimal, unit: str, pack: RulePack, basis_declared: bool) -> bool:
    """True if a point-gas value is at or over the work limit (clause of safe-to-work).

    value, unit      canonical: %LEL or %vol
    basis_declared   whether the instrument says what its 100 %LEL stands for; if not, the
                     display is taken on the unfavourable basis
    """
    work = pack.work
    if unit != "%LEL":
        return value * 100 >= work.limit_pct_lel.value * work.gas_lel_pct_vol.value
    if basis_declared:
        return value >= work.limit_pct_lel.value
    return (
        value * work.unknown_basis_pct_vol.value
        >= work.limit_pct_lel.value * work.gas_lel_pct_vol.value
    )


def over_work_limit(reading: PointReading, pack: RulePack) -> bool | None:
    """Whether a point-gas reading is at or over the work limit; None when it has no value.

    An over_range reading is over, whatever value came with it.
    """
    if reading.quality != "good":
        return True if reading.quality == "over_range" else None
    if reading.canonical is None:
        return None
    return at_or_over_work_limit(
        reading.canonical, reading.canonical_unit, pack, bool(reading.lel_basis_pct_vol)
    )


def over_limit(reading: PointReading, word: str, pack: RulePack) -> bool:
    """Whether a reading must stop a job that looks for *word*.

    gas_over      a point-gas reading over `work.stop_pct_lel`, or over range
    pressure_off  a pressure outside `purge.pressure`
    """
    if word == "gas_over":
        return reading.quantity == "gas" and _over_stop(reading, pack)
    band, pascal = pack.purge.pressure, reading.canonical
    if reading.quantity != "pressure" or reading.quality != "good" or pascal is None:
        return False
    too_low = band.low_pa is not None and pascal < band.low_pa.value
    return too_low or (band.high_pa is not None and pascal > band.high_pa.value)


def _over_stop(reading: PointReading, pack: RulePack) -> bool:
    stop, work, value = pack.work.stop_pct_lel, pack.work, reading.canonical
    if stop is None:
        return False
    if reading.quality == "over_range":
        return True
    if reading.quality != "good" or value is None:
        return False
    if reading.canonical_unit != "%LEL":
        return value * 100 > stop.value * work.gas_lel_pct_vol.value
    if reading.lel_basis_pct_vol:
        return value > stop.value
    return value * work.unknown_basis_pct_vol.value > stop.value * work.gas_lel_pct_vol.value


def as_limit(figure: Figure) -> Mapping[str, str]:
    """A figure as the answer lists it: value, unit, clause, source, mark."""
    return {
        "value": f"{figure.value.normalize():f}",
        "unit": figure.unit,
        "clause": figure.clause,
        "source": figure.source,
        "mark": figure.mark,
    }
