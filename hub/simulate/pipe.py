"""A closed pipe with air in it, seen through a pressure gauge. Pure; hub time moves it.

Ideal gas in a rigid volume (domain part b.4): pumping heats the gas, which then cools towards
its surroundings; a leak takes gas in proportion to the gauge pressure; the gauge shows the gas
against the barometer, and adds its own noise, zero offset and resolution.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

from hub.simulate.noise import draw

_KELVIN = 273.15
_STANDARD_PA = 101_325.0
_HEATING = 0.4 / 1.4  # (gamma - 1) / gamma for air: dT/T of a compression is this times dp/p
_STEP_S = 0.05  # longest step of the integration
_VENT_S = 0.5  # time constant of letting off through an open valve
_UPDATE_US = 125_000  # the gauge's own averaging: one new value per 0.125 s


@dataclass(frozen=True, slots=True)
class PipeFacts:
    """What a pipe and its gauge are like. Every figure is the simulator's, none is judged by."""

    volume_l: float = 30.0
    leak_l_h: float = 0.0
    """Loss at standard pressure, at a gauge pressure of 5 kPa."""
    pump_pa_s: float = 250.0
    cooling_s: float = 25.0
    """Time constant with which pumped gas returns to the temperature around it."""
    gas_degc: float = 20.0
    warming_k_h: float = 0.0
    barometer_pa: float = 101_325.0
    barometer_pa_h: float = 0.0
    noise_pa: float = 0.5
    zero_pa: float = 0.0
    resolution_pa: Decimal = Decimal(1)
    seed: int = 1


class Pipe:
    """One section under test. Commands change what is done to it; `advance` lets time pass."""

    def __init__(self, facts: PipeFacts, now_us: int) -> None:
        self._facts = facts
        self._now_us = now_us
        self._ambient_k = facts.gas_degc + _KELVIN
        self._gas_k = self._ambient_k
        self._barometer_pa = facts.barometer_pa
        self._amount = self._barometer_pa / self._gas_k  # p/T: the gas in it, volume left out
        self._target_pa: float | None = None
        self._vented = True
        self._leak_l_h = facts.leak_l_h

    @property
    def gauge_pa(self) -> float:
        """True gauge pressure: gas inside against the barometer outside."""
        return self._amount * self._gas_k - self._barometer_pa

    @property
    def gas_degc(self) -> float:
        return self._gas_k - _KELVIN

    @property
    def barometer_pa(self) -> float:
        return self._barometer_pa

    @property
    def pumping(self) -> bool:
        return self._target_pa is not None

    def pump(self, target_pa: float) -> None:
        """Close the vent, pump up to *target_pa* and keep it there until `pump_off`."""
        self._vented = False
        self._target_pa = target_pa

    def pump_off(self) -> None:
        """Disconnect the pump: what is in stays in, but for the leak."""
        self._target_pa = None

    def vent(self) -> None:
        """Open the valve to the air: within seconds the gauge is at rest at zero."""
        self._target_pa = None
        self._vented = True

    def leak(self, l_h: float) -> None:
        """From now on the pipe loses *l_h* at 5 kPa."""
        self._leak_l_h = l_h

    def advance(self, now_us: int) -> None:
        """Let time pass up to *now_us*; an earlier instant changes nothing."""
        left_s = (now_us - self._now_us) / 1e6
        while left_s > 0:
            step_s = min(left_s, _STEP_S)
            self._step(step_s)
            left_s -= step_s
        self._now_us = max(self._now_us, now_us)

    def shown_pa(self) -> Decimal:
        """What the gauge shows now: the same value until its next update, 0.125 s on."""
        facts = self._facts
        dice = draw(facts.seed, self._now_us, _UPDATE_US)
        seen_pa = self.gauge_pa + facts.zero_pa + dice.gauss(0, facts.noise_pa)
        steps = round(seen_pa / float(facts.resolution_pa))
        return steps * facts.resolution_pa

    def _step(self, s: float) -> None:
        facts = self._facts
        self._ambient_k += facts.warming_k_h * s / 3600
        self._barometer_pa += facts.barometer_pa_h * s / 3600
        cooled = math.exp(-s / facts.cooling_s)
        self._gas_k = self._ambient_k + (self._gas_k - self._ambient_k) * cooled
        if self._vented:
            rest = self._barometer_pa / self._gas_k
            self._amount = rest + (self._amount - rest) * math.exp(-s / _VENT_S)
            return
        self._pump(s)
        lost_l = self._leak_l_h * s / 3600 * self.gauge_pa / 5000
        self._amount -= lost_l / facts.volume_l * _STANDARD_PA / self._ambient_k

    def _pump(self, s: float) -> None:
        if self._target_pa is None:
            return
        rise_pa = min(self._facts.pump_pa_s * s, max(0.0, self._target_pa - self.gauge_pa))
        absolute_pa = self._amount * self._gas_k
        self._gas_k *= 1 + _HEATING * rise_pa / absolute_pa
        self._amount = (absolute_pa + rise_pa) / self._gas_k
