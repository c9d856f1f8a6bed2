"""Gas in the air: a room that is ventilated, a vent pipe being purged, a laser's path. Pure.

Concentrations are fractions of gas in air. A methane detector in %LEL divides by its basis; a
path laser integrates along the beam (domain part b.5), so its ppm·m is no concentration.
"""

import math
from dataclasses import dataclass

from hub.simulate.noise import draw

_UPDATE_US = 250_000


@dataclass(frozen=True, slots=True)
class MixFacts:
    """A well mixed space: what flows in pushes out what was there."""

    start_pct_vol: float = 0.0
    towards_pct_vol: float = 0.0
    """Where the concentration settles as things stand."""
    change_s: float = 60.0
    """Time constant of getting there."""
    noise_pct_vol: float = 0.002
    seed: int = 1


class Mix:
    """One sampling point: a room being ventilated, or a vent through which gas replaces air."""

    def __init__(self, facts: MixFacts, now_us: int) -> None:
        self._facts = facts
        self._now_us = now_us
        self._pct_vol = facts.start_pct_vol
        self._towards_pct_vol = facts.towards_pct_vol
        self._change_s = facts.change_s

    @property
    def pct_vol(self) -> float:
        return self._pct_vol

    def settle(self, towards_pct_vol: float, change_s: float | None = None) -> None:
        """A window is opened, a source found, purging begun: another end, perhaps faster."""
        self._towards_pct_vol = towards_pct_vol
        self._change_s = self._change_s if change_s is None else change_s

    def jump(self, pct_vol: float) -> None:
        """Carry the probe elsewhere: another concentration at once, and settled there."""
        self._pct_vol = self._towards_pct_vol = pct_vol

    def advance(self, now_us: int) -> None:
        s = max(0, now_us - self._now_us) / 1e6
        kept = math.exp(-s / self._change_s)
        self._pct_vol = self._towards_pct_vol + (self._pct_vol - self._towards_pct_vol) * kept
        self._now_us = max(self._now_us, now_us)

    def shown_pct_vol(self) -> float:
        """What a detector there sees now, never below zero nor above pure gas."""
        dice = draw(self._facts.seed, self._now_us, _UPDATE_US)
        return min(100.0, max(0.0, self._pct_vol + dice.gauss(0, self._facts.noise_pct_vol)))


@dataclass(frozen=True, slots=True)
class PathFacts:
    """A laser's view: clean air up to the target, and perhaps gas at one place on the way."""

    distance_m: float = 30.0
    air_ppm: float = 1.95
    noise_ppm_m: float = 2.0
    sweep_s: float = 6.0
    """Time of one slow sweep across an opening; the plume is crossed in its middle."""
    seed: int = 1


class Path:
    """What the beam crosses now: clean air, or sweeps over an opening with a plume in it."""

    def __init__(self, facts: PathFacts, now_us: int) -> None:
        self._facts = facts
        self._now_us = now_us
        self._plume_ppm_m = 0.0
        self._swept_from_us = now_us

    def aim(self, plume_ppm_m: float) -> None:
        """Begin to sweep an opening whose plume is *plume_ppm_m* thick in its middle; 0: none."""
        self._plume_ppm_m = plume_ppm_m
        self._swept_from_us = self._now_us

    def advance(self, now_us: int) -> None:
        self._now_us = max(self._now_us, now_us)

    def shown_ppm_m(self) -> float:
        facts = self._facts
        dice = draw(facts.seed, self._now_us, _UPDATE_US)
        background = facts.air_ppm * facts.distance_m + dice.gauss(0, facts.noise_ppm_m)
        return max(0.0, background + self._plume_ppm_m * self._crossing())

    def _crossing(self) -> float:
        """How much of the plume the beam meets now, 0 to 1: a bell over each sweep."""
        s = (self._now_us - self._swept_from_us) / 1e6 % self._facts.sweep_s
        off = (s / self._facts.sweep_s - 0.5) / 0.25
        return math.exp(-off * off)


def climate(at_us: int, seed: int = 1) -> tuple[float, float]:
    """A calm day: gas temperature in degC and barometer in Pa, with a good sensor's noise."""
    dice = draw(seed, at_us, _UPDATE_US)
    return 20.0 + dice.gauss(0, 0.003), 101_325.0 + dice.gauss(0, 2.0)
