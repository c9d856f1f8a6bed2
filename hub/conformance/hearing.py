"""A driver listening to its simulator over a real pty, as the hub's line would have it listen."""

import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from hub.clock import HubClock
from hub.conformance.subject import Subject, Unmet
from hub.conformance.truth import Truth, unconfirmed
from hub.errors import Fault, PortGone
from hub.model import Intake, LineDriver, Reading
from hub.port import Port
from hub.simulate.wired import Wire, on_the_wire

PERIOD_S = 0.05  # of a stream, hurried
_SLACK_S = 0.3
_RECOVERS_WITHIN = 40
_LEAST_BUDGET_S = 1.0
_STUCK_S = 10.0
"""Real time in one read that no loaded machine explains."""


class _TimedPort(Port):
    """Counts how long the driver waits here by its own wish.

    Real time would also count every moment that a loaded machine gives to others.
    """

    waited_s = 0.0

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        began_s = time.monotonic()
        try:
            return super().read(within_s, at_most)
        finally:
            self.waited_s += min(max(within_s, 0.0), time.monotonic() - began_s)

    def write(self, sent: bytes) -> None:
        most_s = self.settings.write_within_s + len(sent) * self.settings.character_s
        began_s = time.monotonic()
        try:
            super().write(sent)
        finally:
            self.waited_s += min(most_s, time.monotonic() - began_s)


class Hearing:
    """One driver, its simulator, and the cable between. A context: leave it and all is closed.

    facts     of the specimen, as words
    settings  of the driver, over those of its sample
    """

    def __init__(self, subject: Subject, facts: str, settings: Any) -> None:
        simulator = subject.simulator
        self._named = f" ({facts})" if facts else ""
        every_s = simulator.every_s
        hurry = max(1.0, every_s / PERIOD_S) if every_s else 1.0
        self._context = on_the_wire(simulator, facts, hurry=hurry)
        self.driver: LineDriver = subject.build(**settings)
        self.unconfirmed = unconfirmed(subject.settings(**settings))
        """How far off a bent message may be taken, in the canonical unit."""
        self._clock = HubClock()
        self._since_us = 0
        self._longest_s = 0.0
        self.strange: list[str] = []
        """What came in place of good readings since the last look, by name."""

    def __enter__(self) -> Self:
        self.wire: Wire = self._context.__enter__()
        self.port = self._opened()
        self.driver.reset()
        self.truth = Truth(self.wire.instruments[0].device)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.port.close()
        self._context.__exit__(kind, error, trace)

    def _opened(self) -> _TimedPort:
        port = _TimedPort(self.wire.settings(), awaits_late=False)
        port.open()
        return port

    def replug(self, *actions: str) -> None:
        """Pull the cable, do *actions*, plug it in and open it, as the hub would."""
        self.wire.do("unplug")
        self.port.close()
        self.wire.do(*actions, "plug")
        self.port = self._opened()
        self.driver.reset()
        self._since_us = self._clock.now_us()

    def read(self) -> Sequence[Intake]:
        """One turn. A Fault is noted; anything else that is raised is Unmet.

        raises  PortGone, OSError
        """
        self.port.waited_s = 0.0
        began_s = time.monotonic()
        try:
            intakes = self.driver.read(self.port)
        except PortGone:
            raise
        except Fault as fault:
            self.strange.append(type(fault).__name__)
            return ()
        except OSError:
            raise
        except Exception as bug:
            raise Unmet(f"the driver raised {type(bug).__name__}: {bug}") from bug
        finally:
            real_s = time.monotonic() - began_s
            took_s = real_s if real_s > _STUCK_S else self.port.waited_s
            self._longest_s = max(self._longest_s, took_s)
        for intake in intakes:
            if word := intake.dropped or intake.dead:
                self.strange.append(word)
            self.strange += [r.quality for r in intake.readings if r.quality != "good"]
        return intakes

    def in_time(self, when: str) -> None:
        """Raises Unmet when a read waited longer than its period leaves for it."""
        most_s = max(self.driver.poll_every_s or 0.0, _LEAST_BUDGET_S)
        if self._longest_s > most_s:
            raise Unmet(
                f"{when}{self._named} a read waited {self._longest_s:.1f} s, and {most_s:.1f} s "
                "is its budget: others wait on the same line; wait once, for as long as `answer_"
                "within_s`, and return"
            )

    def good(self, messages: int) -> Iterator[Reading]:
        """Every good reading of so many polls, or of the time that so many messages take."""
        until_s = time.monotonic() + messages * PERIOD_S + _SLACK_S
        while messages > 0:
            for intake in self.read():
                for reading in intake.readings:
                    if reading.quality == "good" and self.truth.concerns(reading):
                        yield reading
            if self.driver.poll_every_s is not None:
                messages -= 1
            elif time.monotonic() > until_s:
                return

    def settles_on(self, value: Decimal, after: str, *, after_replug: bool = False) -> Reading:
        """The first reading that says *value*, which is sensed from now on.

        after_replug  it was sensed already when the cable came back: no other value may come
        raises        Unmet when none does within some forty messages
        """
        self.wire.do(f"set {value}")
        self.strange.clear()
        error = ""
        for reading in self.good(_RECOVERS_WITHIN):
            error = self.truth.error(reading, value)
            if not error:
                return reading
            if after_replug and reading.at_us >= self._since_us:
                raise Unmet(f"{after}{self._named} {error}: an old value; `reset` forgets it")
        came = f"nothing but {', '.join(dict.fromkeys(self.strange)) or 'silence'}"
        if error:
            came = f"{error}: driver.py or simulator.py is not as the document has it"
        wanted = self.truth.sensed(value)
        raise Unmet(f"{after}{self._named}: no right reading of {wanted}; {came}")
