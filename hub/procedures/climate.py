"""Gas temperature and barometer: the corrected drop and its uncertainty."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hub.procedures.case import Instrument, TestOrder
from hub.procedures.hold_spec import us
from hub.procedures.series import US, Reading, Record
from hub.procedures.windows import mean_of
from hub.rulepack import RulePack
from hub.units import KELVIN_AT_0_DEGC, UnknownUnit, canonical_span


@dataclass(frozen=True, slots=True)
class Air:
    """Temperature in degC and barometer in Pa at one window; None: no sensor, taken constant."""

    deg_c: Fraction | None
    pa: Fraction | None


class Climate:
    """The order's temperature and barometer instruments, and what they said."""

    def __init__(self, order: TestOrder, record: Record, pack: RulePack) -> None:
        self._pack = pack
        self._sparse_us = us(pack.hold.evidence.sparse_s)
        self.temperature = next(iter(order.of("gas_temperature")), None)
        self.barometer = next(iter(order.of("barometer")), None)
        self.instruments = (*order.of("gas_temperature"), *order.of("barometer"))
        self._series = {
            one.name: [
                reading
                for reading in record.readings[one.name]
                if reading.value is not None and _possible(one, reading.value)
            ]
            for one in self.instruments
        }

    @property
    def both(self) -> bool:
        return self.temperature is not None and self.barometer is not None

    def lacking(self, from_us: int, to_us: int) -> list[Instrument]:
        """Declared instruments without a usable reading for a window."""
        return [one for one in self.instruments if self._mean(one, from_us, to_us) is None]

    def at(self, from_us: int, to_us: int) -> Air | None:
        """Both values for a window; None when a declared one has no reading for it."""
        if self.lacking(from_us, to_us):
            return None
        return Air(
            self._mean(self.temperature, from_us, to_us),
            self._mean(self.barometer, from_us, to_us),
        )

    def _mean(self, one: Instrument | None, from_us: int, to_us: int) -> Fraction | None:
        """Mean over a window, or the nearest readings where the series is sparser."""
        if one is None:
            return None
        series = self._series[one.name]
        inside = [r.value for r in series if r.value is not None and from_us <= r.at_us <= to_us]
        if inside:
            return mean_of(inside)

        def away_us(reading: Reading) -> int:
            return max(from_us - reading.at_us, reading.at_us - to_us)

        near = [r for r in series if away_us(r) <= self._sparse_us]
        if not near:
            return None
        nearest_us = min(away_us(r) for r in near)
        return mean_of([r.value for r in near if r.value is not None and away_us(r) == nearest_us])

    def corrected_drop(self, p1: Fraction, first: Air, p2: Fraction, last: Air) -> Fraction:
        """drop_corr, Pa, before scaling (form of CJJ 33-2005 12.4.5). One absent is constant."""
        b1, b2 = self._pressures(first, last)
        return p1 + b1 - (p2 + b2) * self._ratio(first, last)

    def expanded_variance(self, p1: Fraction, first: Air, up2: Fraction) -> Fraction:
        """Square of U_corr (k = 2), Pa²; up2 is the square of the gauge's own uncertainty."""
        rules = self._pack.hold.instrument
        b1, _ = self._pressures(first, first)
        variance = 2 * up2
        if self.temperature is not None and first.deg_c is not None:
            u_t = _uncertainty(self.temperature, rules.u_temperature_k.value)
            kelvin = first.deg_c + Fraction(KELVIN_AT_0_DEGC)
            variance += 2 * (u_t * (b1 + p1) / kelvin) ** 2
        if self.barometer is not None:
            variance += 2 * _uncertainty(self.barometer, rules.u_barometer_pa.value) ** 2
        return 4 * variance

    def _pressures(self, first: Air, last: Air) -> tuple[Fraction, Fraction]:
        if first.pa is None or last.pa is None:
            constant = Fraction(self._pack.hold.drop.atmosphere_pa.value)
            return constant, constant
        return first.pa, last.pa

    def _ratio(self, first: Air, last: Air) -> Fraction:
        if first.deg_c is None or last.deg_c is None:
            return Fraction(1)
        zero = Fraction(KELVIN_AT_0_DEGC)
        return (zero + first.deg_c) / (zero + last.deg_c)


def _possible(one: Instrument, value: Decimal) -> bool:
    """No gas is at or below absolute zero, and no air is without pressure."""
    return value > (-KELVIN_AT_0_DEGC if one.quantity == "gas_temperature" else 0)


def _uncertainty(one: Instrument, default: Decimal) -> Fraction:
    return Fraction(default if one.u is None else span_of(one, one.u))


def span_of(one: Instrument, span: Decimal) -> Decimal:
    """A declared difference in the canonical unit; without a unit degC and Pa are meant.

    The gate refuses a pressure difference without a unit before it comes here.
    """
    if one.unit is None:
        return span
    try:
        return canonical_span(one.quantity, span, one.unit)
    except UnknownUnit:
        return span


def leak_l_h(volume_l: Decimal, drop_pa: Fraction, hold_us: int, pack: RulePack) -> Fraction:
    """Leak rate from the drop, l/h of air at standard pressure; diagnostic only."""
    hours = Fraction(hold_us, US * 3600)
    return Fraction(volume_l) * drop_pa / Fraction(pack.hold.drop.atmosphere_pa.value) / hours


def leak_at_operating_l_h(
    volume_l: Decimal,
    hold_us: int,
    barometer_pa: Fraction,
    p1: Fraction,
    p2: Fraction,
    p_operating_pa: Decimal,
) -> Fraction:
    """Leak rate at operating pressure, l/h, as pressure instruments print it; diagnostic only.

    source  ecom EN2 manual p. 49, gas factor 1
    """
    hours = Fraction(hold_us, US * 3600)
    rise = (barometer_pa + p1) / (barometer_pa + p2) - 1
    return Fraction(volume_l) / hours * rise * Fraction(p_operating_pa) / p1
