"""One technician of the demo: works one order through the hub's control socket, by hub time."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from hub.clock import Clock
from hub.control import call
from hub.demo.processes import DemoFailed, Simulator

_LOOK_EVERY_S = 5.0


class Stopped(Exception):
    """The demo is being ended; the work is left as it stands."""


class Operator:
    """What a technician can do: exactly the commands of `gashub order`, and hands on the pipe.

    All waiting is hub time. While a command is under way the shared clock waits for this thread,
    so that an operator on a slow machine is never late by more than the clock's lead.
    """

    def __init__(
        self,
        number: str,
        socket: Path,
        clock: Clock,
        instruments: Mapping[str, Simulator],
        stop: threading.Event,
    ) -> None:
        self.number = number
        self._socket = socket
        self._clock = clock
        self._instruments = instruments
        self._stop = stop
        # The name that time waits for: this person's, whatever order is worked at the moment.
        self._loop = f"demo:{number}"

    def add(self, order: Mapping[str, Any]) -> None:
        """`gashub order add`."""
        text = orjson.dumps({"number": self.number, **order}).decode()
        self._call("order.add", text=text)

    def open(self) -> None:
        """`gashub order open`: an attempt begins."""
        self._call("order.open", number=self.number)

    def event(self, word: str, instrument: str = "", point: str = "") -> None:
        """`gashub order event`."""
        self._call(
            "order.event",
            number=self.number,
            word=word,
            instrument=instrument,
            point=point,
        )

    def progress(self) -> Mapping[str, Any] | None:
        """Where the open attempt stands; None when none is open."""
        found = self._call("order.progress", number=self.number)
        return found[0] if found else None

    def hands(self, simulator: str, action: str) -> None:
        """Do something to the pipe, the probe or the cable."""
        self._instruments[simulator].tell(action)

    def wait(self, s: float) -> None:
        """Let *s* seconds of hub time pass."""
        self._clock.beat(self._loop)
        if self._clock.wait(self._stop, s):
            raise Stopped

    def until_stage(self, stage: str, within_s: float) -> None:
        """Wait until the open attempt has come to *stage*."""
        for _ in self._looks(within_s, f"stage {stage}"):
            now = self.progress()
            if now is None or now["stage"] == stage:
                return

    def until_decided(self, within_s: float) -> None:
        """Wait until the open attempt has its verdict."""
        for _ in self._looks(within_s, "a verdict"):
            if self.progress() is None:
                return

    def leave(self) -> None:
        """The work is done; time need not wait for this thread any more."""
        self._clock.forget(self._loop)

    def _call(self, do: str, **arguments: Any) -> Any:
        return call(self._socket, do, **arguments)

    def _looks(self, within_s: float, what: str) -> Any:
        for _ in range(round(within_s / _LOOK_EVERY_S)):
            yield
            self.wait(_LOOK_EVERY_S)
        raise DemoFailed(f"{self.number}: no {what} within {within_s:.0f} s of hub time")
