"""Simulated instruments on one serial line, as the hub finds them behind a port."""

import math
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from hub.clock import Clock
from hub.simulate.device import Device
from hub.simulate.instrument import Instrument
from hub.simulate.script import Action
from hub.simulate.stand import Stand
from hub.simulate.wire import Cable

_SILENCE_S = 0.02
_LOOK_S = 0.05  # how long a request may lie while time is kept for unasked messages
_SPLIT_S = 0.0005
_PIECE_S = 0.001
_BITS = 10  # of one character: start, eight, stop


class Line:
    """One cable and the instruments on it; all of them hear what the hub sends.

    An action's target is an instrument's number on the line, from 1; without one all are meant.

    baud    paces the bytes, both ways, as a real line does; None sends at once, as a pty can
    raises  ValueError for instruments that cannot share a line
    """

    def __init__(
        self,
        link: Path,
        instruments: Sequence[Instrument],
        clock: Clock,
        baud: int | None = None,
    ) -> None:
        _can_share(instruments)
        self._instruments = instruments
        self._clock = clock
        self.stop = threading.Event()
        """Ends every pause for pacing."""
        self._character_s = _BITS / baud if baud else 0.0
        self._cable = Cable(link)
        self._listens = any(type(i.device).hear is not Device.hear for i in instruments)

    @property
    def plugged(self) -> bool:
        return self._cable.plugged

    @property
    def next_us(self) -> int | None:
        """When the next unasked message is due; None when all only answer."""
        due = [i.next_us for i in self._instruments if i.next_us is not None]
        return min(due, default=None)

    def plug(self) -> None:
        """Safe when plugged already."""
        self._cable.plug()

    def unplug(self) -> None:
        """Safe when unplugged already."""
        self._cable.unplug()
        self._fell_silent()

    def perform(self, action: Action, at_us: int) -> None:
        """Raises ValueError for an action or a target that is not known here."""
        if action.verb == "unplug":
            self.unplug()
        elif action.verb == "plug":
            self.plug()
        else:
            for instrument in self._meant(action.target):
                instrument.perform(action, at_us)

    def turn(self, within_s: float) -> None:
        """Send what is due; then hear the hub, for *within_s* of real time at most, and answer."""
        for instrument in self._instruments:
            while message := instrument.speak(self._clock.now_us()):
                self._send(message, "split" in instrument.faults)
                if self.stop.is_set():
                    return
        if not (self._listens and self.plugged):
            return
        received = self._cable.read(within_s)
        if not received:
            self._fell_silent()
            return
        self._until(time.monotonic() + len(received) * self._character_s)
        if any("echo" in i.faults for i in self._instruments):
            self._send(received)
        for instrument in self._instruments:
            answer = instrument.hear(received, self._clock.now_us())
            self._send(answer, "split" in instrument.faults)

    def serve(self, stand: Stand) -> None:
        """Take part until the stand is stopped."""
        self.stop = stand.stop
        self.plug()
        stand.ready(link=str(self._cable.link))
        try:
            while not stand.stop.is_set():
                stand.turn(self.perform)
                next_us = self.next_us
                if next_us is None:  # only asked: the hub's own clock paces it
                    self.turn(_SILENCE_S)
                    if not self.plugged:
                        stand.pause(_SILENCE_S)
                    continue
                self.turn(0.0)
                left_s = (self.next_us or next_us) - self._clock.now_us()
                stand.rest(min(left_s / 1e6, _LOOK_S) if self._listens else left_s / 1e6)
        finally:
            self.unplug()

    def _meant(self, target: str) -> Sequence[Instrument]:
        if not target:
            return self._instruments
        numbers = {str(at): i for at, i in enumerate(self._instruments, 1)}
        if target not in numbers:
            there = ", ".join(f"@{number}" for number in numbers)
            raise ValueError(f"no instrument @{target} on this line; there are {there}")
        return [numbers[target]]

    def _send(self, message: bytes, split: bool = False) -> None:
        if not (message and self.plugged):
            return
        pause_s = max(self._character_s, _SPLIT_S if split else 0.0)
        if not pause_s:
            self._cable.write(message)
            return
        size = 1 if split else max(1, math.ceil(_PIECE_S / pause_s))
        began_s = time.monotonic()
        for at in range(0, len(message), size):
            piece = message[at : at + size]
            self._until(began_s + (at + len(piece)) * pause_s)
            self._cable.write(piece)

    def _until(self, real_s: float) -> None:
        while (left_s := real_s - time.monotonic()) > 0 and not self.stop.wait(left_s):
            continue

    def _fell_silent(self) -> None:
        for instrument in self._instruments:
            instrument.device.silence()


def _can_share(instruments: Sequence[Instrument]) -> None:
    """Two with one address, or one that speaks unasked beside another, would talk at once."""
    if len(instruments) < 2:
        return
    if any(i.device.every_s is not None for i in instruments):
        raise ValueError("an instrument that sends unasked cannot share its line")
    addresses = [getattr(i.device.facts, "address", None) for i in instruments]
    if len(set(addresses)) < len(addresses):
        raise ValueError(f"addresses {addresses} are not all different")
