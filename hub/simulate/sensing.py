"""What a simulated instrument stands in: a pipe, air with gas in it, a laser's path.

Each has actions of its own, and `set VALUE`, which holds an exact value until another of its
actions moves it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from hub.simulate.device import Sense
from hub.simulate.pipe import Pipe, PipeFacts
from hub.simulate.plume import Mix, MixFacts, Path, PathFacts
from hub.simulate.script import Action


class Surroundings(ABC):
    """Hub time moves it, actions change it; what is sensed there is one number.

    Facts    what it is like, a dataclass
    unit     of the number
    actions  verb -> the number it wants, in words; "" for none, in brackets if it may be left out
    """

    Facts: ClassVar[type[Any]]
    unit: ClassVar[str]
    actions: ClassVar[Mapping[str, str]]

    def __init__(self) -> None:
        self._held: Decimal | None = None

    def perform(self, action: Action, at_us: int) -> bool:
        """Do *action* at *at_us*; False if it is none of this place.

        raises  ValueError when its number is missing
        """
        wants = "VALUE" if action.verb == "set" else self.actions.get(action.verb)
        if wants is None:
            return False
        if action.number is None and wants and not wants.startswith("["):
            raise ValueError(f"{action.verb} needs a number: {action.verb} {wants}")
        self._advance(at_us)
        if action.verb == "set":
            self._held = Decimal(str(action.number))
            return True
        self._held = None
        self._act(action.verb, action.number or 0.0)
        return True

    def sensed(self, at_us: int) -> Decimal:
        """What is to be measured at *at_us*."""
        self._advance(at_us)
        return self._shown() if self._held is None else self._held

    @abstractmethod
    def _advance(self, at_us: int) -> None: ...
    @abstractmethod
    def _act(self, verb: str, number: float) -> None: ...
    @abstractmethod
    def _shown(self) -> Decimal: ...


class InPipe(Surroundings):
    """Gauge pressure of a section under test."""

    Facts = PipeFacts
    unit = "Pa"
    actions: ClassVar = {"pump": "PASCAL", "pump_off": "", "vent": "", "leak": "LITRE_PER_HOUR"}

    def __init__(self, facts: PipeFacts, now_us: int) -> None:
        super().__init__()
        self._pipe = Pipe(facts, now_us)

    def _advance(self, at_us: int) -> None:
        self._pipe.advance(at_us)

    def _act(self, verb: str, number: float) -> None:
        match verb:
            case "pump":
                self._pipe.pump(number)
            case "leak":
                self._pipe.leak(number)
            case "pump_off":
                self._pipe.pump_off()
            case _:
                self._pipe.vent()

    def _shown(self) -> Decimal:
        return self._pipe.shown_pa()


class InAir(Surroundings):
    """Gas at one sampling point."""

    Facts = MixFacts
    unit = "%vol"
    actions: ClassVar = {"settle": "PCT_VOL", "jump": "PCT_VOL"}

    def __init__(self, facts: MixFacts, now_us: int) -> None:
        super().__init__()
        self._mix = Mix(facts, now_us)

    def _advance(self, at_us: int) -> None:
        self._mix.advance(at_us)

    def _act(self, verb: str, number: float) -> None:
        move = self._mix.settle if verb == "settle" else self._mix.jump
        move(number)

    def _shown(self) -> Decimal:
        return Decimal(f"{self._mix.shown_pct_vol():.4f}")


class InBeam(Surroundings):
    """Gas along a laser's path."""

    Facts = PathFacts
    unit = "ppm.m"
    actions: ClassVar = {"aim": "[PPM_M]"}

    def __init__(self, facts: PathFacts, now_us: int) -> None:
        super().__init__()
        self._path = Path(facts, now_us)

    def _advance(self, at_us: int) -> None:
        self._path.advance(at_us)

    def _act(self, verb: str, number: float) -> None:
        self._path.aim(number)

    def _shown(self) -> Decimal:
        return Decimal(f"{self._path.shown_ppm_m():.2f}")


SURROUNDINGS: Mapping[Sense, type[InPipe | InAir | InBeam]] = {
    "pressure": InPipe,
    "gas": InAir,
    "gas_path": InBeam,
}
