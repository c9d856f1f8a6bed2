"""One simulated instrument: a plugin's device, what it stands in, and what is wrong with it."""

from decimal import Decimal

from hub.near import guess
from hub.simulate.device import OWN_FAULTS, Device
from hub.simulate.facts import facts_from, names
from hub.simulate.faults import WIRE_FAULTS, Faults, spoilt
from hub.simulate.script import Action
from hub.simulate.sensing import SURROUNDINGS, Surroundings


class Instrument:
    """A device in its surroundings. One thread uses it.

    hurry    how much faster than real it sends unasked; for tests
    next_us  when its next unasked message is due; None for one that only answers
    """

    def __init__(
        self, device: Device, around: Surroundings, now_us: int, hurry: float = 1.0
    ) -> None:
        for word in device.own_faults:
            if word not in OWN_FAULTS:
                where = f"{type(device).__module__}.{type(device).__qualname__}"
                raise ValueError(
                    f"{where}: own fault {word!r} is none of {', '.join(OWN_FAULTS)}"
                    f"{guess(word, OWN_FAULTS)}"
                )
        self.device = device
        self.faults = Faults((*WIRE_FAULTS, *device.own_faults), device.faults)
        self._around = around
        self._hurry = hurry
        self._frozen = Decimal(0)
        self._messages = 0
        self._due_us = now_us

    @property
    def next_us(self) -> int | None:
        return None if self.device.every_s is None else self._due_us

    def perform(self, action: Action, at_us: int) -> None:
        """A fault by its name, `clear`, or an action of the surroundings.

        raises  ValueError, with everything that is known here, for any other
        """
        if action.verb == "frozen" and "frozen" not in self.faults:
            self._frozen = self.sensed(at_us)
        if not (self.faults.take(action) or self._around.perform(action, at_us)):
            known = ["set", *self._around.actions, *self.faults.known, "clear", "unplug", "plug"]
            raise ValueError(f"known here: {', '.join(known)}")

    def sensed(self, at_us: int) -> Decimal:
        """What it measures at *at_us*, exact, in the unit of its surroundings."""
        return self._frozen if "frozen" in self.faults else self._around.sensed(at_us)

    def hear(self, received: bytes, at_us: int) -> bytes:
        """What it answers on the wire; b"" when nothing."""
        return self._spoilt(self.device.hear(received, self.sensed(at_us)))

    def speak(self, now_us: int) -> bytes:
        """Its unasked message, if one is due by *now_us*; b"" when not."""
        every_s = self.device.every_s
        if every_s is None:
            self._due_us = now_us
            return b""
        if self._due_us > now_us:
            return b""
        at_us = self._due_us
        self._due_us += round(every_s * 1e6 / self._hurry)
        return self._spoilt(self.device.speak(self.sensed(at_us), at_us))

    def _spoilt(self, message: bytes) -> bytes:
        self._messages += bool(message)
        return spoilt(message, self.faults, self._messages)


def instrument_from(
    simulator: type[Device], text: str, now_us: int, hurry: float = 1.0
) -> Instrument:
    """One specimen by its facts and those of its surroundings, given together as words.

    raises  ValueError for a fact that neither has, or a value that does not fit
    """
    words = text.split()
    own = [word for word in words if word.partition("=")[0] in names(simulator.Facts)]
    (facts,) = facts_from(" ".join(own), simulator.Facts)
    device = simulator(facts)
    around = SURROUNDINGS[device.sense]
    _, outer = facts_from(text, simulator.Facts, around.Facts)
    return Instrument(device, around(outer, now_us), now_us, hurry)
