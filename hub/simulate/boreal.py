"""A Boreal GasFinder on a pty: one `$GFDTA` line per second of hub time, unasked.

Wire (GasFinder2 manual of 17 July 2017, p. 4.2): ASCII, comma separated: ppm·m, confidence R2,
distance, returned light (1 to 16384), date and time, serial, status in hex (1 is normal); `*`,
XOR of the bytes between `$` and `*` in two hex digits, CR LF.
"""

from datetime import UTC, datetime
from functools import reduce
from operator import xor
from pathlib import Path

from hub.simulate.plume import Path as LaserPath
from hub.simulate.plume import PathFacts
from hub.simulate.script import Action, Faults
from hub.simulate.stand import Stand
from hub.simulate.wire import Cable

_EVERY_US = 1_000_000
_LIGHT = 5527
_SATURATED = 16384


def frame(ppm_m: float, distance_m: float, light: int, at_us: int, serial: str) -> bytes:
    """One line as the instrument sends it, checksum and line end included."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y/%m/%d %H:%M:%S")
    body = f"GFDTA,{ppm_m:.1f},98,{distance_m:.1f},{light},{at},{serial},1".encode()
    return b"$" + body + f"*{reduce(xor, body):02X}\r\n".encode()


class GasFinder:
    """What the instrument would send now, faults included."""

    def __init__(self, facts: PathFacts, serial: str, now_us: int) -> None:
        self._facts = facts
        self._serial = serial
        self._path = LaserPath(facts, now_us)
        self._faults = Faults()
        self._frozen_ppm_m = 0.0

    def perform(self, action: Action, at_us: int) -> None:
        """`aim PPM_M` sweeps an opening with that plume; `aim` alone looks at clean air."""
        self._path.advance(at_us)
        if self._faults.take(action):
            if action.verb == "frozen":
                self._frozen_ppm_m = self._path.shown_ppm_m()
        elif action.verb == "aim":
            self._path.aim(action.number or 0.0)
        else:
            raise ValueError("known here: aim, the faults, unplug, plug")

    def line(self, at_us: int) -> bytes:
        if self._faults.silence:
            return b""
        self._path.advance(at_us)
        ppm_m = self._frozen_ppm_m if self._faults.frozen else self._path.shown_ppm_m()
        light = _SATURATED if self._faults.over_range else _LIGHT
        sent = frame(ppm_m, self._facts.distance_m, light, at_us, self._serial)
        if self._faults.garbage:  # one digit changed on the way: the checksum must find it
            return sent.replace(b",98,", b",99,", 1)
        return sent


def run(link: Path, facts: PathFacts, serial: str, stand: Stand) -> None:
    """Stream until the stand is stopped."""
    clock = stand.clock
    laser = GasFinder(facts, serial, clock.now_us())
    cable = Cable(link)

    def perform(action: Action, at_us: int) -> None:
        if action.verb == "unplug":
            cable.unplug()
        elif action.verb == "plug":
            cable.plug()
        else:
            laser.perform(action, at_us)

    cable.plug()
    stand.ready(link=str(link))
    next_us = clock.now_us()
    try:
        while not stand.stop.is_set():
            stand.turn(perform)
            if clock.now_us() >= next_us:
                if cable.plugged:
                    cable.write(laser.line(next_us))
                next_us += _EVERY_US
                continue
            stand.rest((next_us - clock.now_us()) / 1e6)
    finally:
        cable.unplug()
