"""A simulated instrument at the other end of a real pty, for tests: served by a thread."""

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from hub.clock import HubClock
from hub.port import Port, PortSettings
from hub.simulate.device import Device
from hub.simulate.instrument import Instrument, instrument_from
from hub.simulate.line import Line
from hub.simulate.script import parse_action

_SLICE_S = 0.01


class Wire:
    """The line as a test sees it: its port, what goes wrong on it, and what is true there."""

    def __init__(self, path: str, line: Line, instruments: Sequence[Instrument]) -> None:
        self.path = path
        self.instruments = instruments
        self._line = line
        self._clock = HubClock()
        self._turn = threading.Lock()
        self._stop = line.stop

    def settings(self, **more: object) -> PortSettings:
        """Settings of a port at the hub's end."""
        return PortSettings.model_validate({"port": self.path, **more})

    def port(self, **more: object) -> Port:
        """The hub's end, open; use it as a context, or close it. Who answers here is never late."""
        port = Port(self.settings(**more), self._stop, awaits_late=False)
        port.open()
        return port

    def do(self, *actions: str) -> None:
        """Carry out actions as `gashub simulate` takes them, no message between them.

        raises  ValueError for one that is not known here
        """
        with self._turn:
            for action in actions:
                self._line.perform(parse_action(action), self._clock.now_us())

    def sensed(self, number: int = 1) -> Decimal:
        """What the instrument of that number measures now, exact."""
        with self._turn:
            return self.instruments[number - 1].sensed(self._clock.now_us())

    def run(self) -> None:
        """Serve until the line is stopped. The body of the thread."""
        while not self._stop.is_set():
            with self._turn:
                self._line.turn(_SLICE_S if self._line.next_us is None else 0.0)
            # A lock that is let go and taken at once never changes hands.
            self._stop.wait(_SLICE_S / 10)


@contextmanager
def on_the_wire(
    simulator: type[Device], *facts: str, hurry: float = 1.0, baud: int | None = None
) -> Iterator[Wire]:
    """Put one instrument on a pty, or one for each of *facts* (`"address=2 noise_pa=0"`).

    hurry  how much faster than real it sends unasked
    baud   paces the bytes as a line of this speed would
    """
    clock = HubClock()
    made = [instrument_from(simulator, text, clock.now_us(), hurry) for text in facts or ("",)]
    with tempfile.TemporaryDirectory(prefix="gashub-wire-") as folder:
        path = Path(folder, "port")
        line = Line(path, made, clock, baud)
        wire = Wire(str(path), line, made)
        line.plug()
        thread = threading.Thread(target=wire.run, name="instrument")
        thread.start()
        try:
            yield wire
        finally:
            line.stop.set()
            thread.join()
            line.unplug()
