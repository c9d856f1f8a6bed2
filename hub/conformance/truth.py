"""Whether a reading says what the simulated instrument sensed, in whatever unit it came."""

from decimal import Decimal
from typing import Any, NamedTuple

from hub.conformance.subject import Unmet
from hub.model import Reading
from hub.simulate.device import Device, Sense
from hub.simulate.sensing import SURROUNDINGS
from hub.units import canonical_span

_QUANTITIES: dict[Sense, str] = {"pressure": "pressure", "gas": "gas", "gas_path": "gas_path"}
POINTS: dict[Sense, tuple[str, ...]] = {
    "pressure": ("0", "800", "2031"),  # Pa
    "gas": ("0", "0.2", "1"),  # %vol
    "gas_path": ("0", "7", "180"),  # ppm.m
}
"""What is sensed where a simulator names no `points` of its own."""
_RELATIVE = Decimal("1e-6")  # float32, there and back
_PPM_OF_PCT = Decimal(10_000)
_BASIS = ("lel_basis_pct_vol", "lel_pct_vol")


class Truth(NamedTuple):
    """Compares readings with what *device* senses."""

    device: Device

    @property
    def points(self) -> tuple[Decimal, ...]:
        """Values to sense: at least three, all different."""
        return self.device.points or tuple(Decimal(text) for text in POINTS[self.device.sense])

    def sensed(self, value: Decimal) -> str:
        """*value* as the device senses it, with its unit."""
        return f"{value} {SURROUNDINGS[self.device.sense].unit}"

    def concerns(self, reading: Reading) -> bool:
        """Whether it is of the quantity that the device senses, and not of one beside it."""
        return reading.quantity == _QUANTITIES[self.device.sense]

    def error(self, reading: Reading, sensed: Decimal, leeway: Decimal = Decimal(0)) -> str:
        """What is wrong with a good *reading*, in words; "" when it is right.

        leeway  how far it may be off besides its resolution, in the canonical unit
        """
        assert reading.canonical is not None, "a good reading has a number"
        shown = self._as_sensed(reading.canonical, reading)
        step = self.device.step
        if step is None:
            exponent = int(Decimal(reading.value).as_tuple().exponent)
            digit = canonical_span(reading.quantity, Decimal(1).scaleb(exponent), reading.unit)
            step = self._as_sensed(digit, reading)
        allowed = step + self._as_sensed(leeway, reading) + abs(sensed) * _RELATIVE
        if abs(shown - sensed) <= allowed:
            return ""
        return f"it says {reading.value} {reading.unit} where {self.sensed(sensed)} is sensed"

    def _as_sensed(self, value: Decimal, reading: Reading) -> Decimal:
        if reading.canonical_unit in ("%LEL", "LEL.m"):
            part = value * self._lel_basis(reading) / 100
            # 1 LEL.m is a hundred %LEL over a metre; a %vol over a metre is 10,000 ppm.m.
            return part if reading.canonical_unit == "%LEL" else part * 100 * _PPM_OF_PCT
        return value

    def _lel_basis(self, reading: Reading) -> Decimal:
        facts: Any = self.device.facts
        told = [reading.lel_basis_pct_vol, *(getattr(facts, name, "") for name in _BASIS)]
        basis = next((text for text in told if text), None)
        if basis is None:
            raise Unmet(
                f"it reads in {reading.unit}, and neither its readings nor the simulator's facts "
                f"({' or '.join(_BASIS)}) say of how much"
            )
        return Decimal(str(basis))


def unconfirmed(settings: Any) -> Decimal:
    """The step that a driver takes without a second look; 0 when it has no such setting."""
    over: Decimal | None = getattr(settings, "confirm_over", None)
    return over or Decimal(0)
