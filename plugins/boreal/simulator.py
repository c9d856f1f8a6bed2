"""A GasFinder as its manual describes it: a `$GFDTA` line after every scan, once a second here.

Wire (GasFinder2 manual of 17 July 2017, p. 4.2): ppm·m, confidence R2, distance, returned light
(1 to 16384), date and time, serial, status in hex (1 is normal); `*`, XOR of the bytes between `$`
and `*` in two hex digits, CR LF. A GasFinder3 strews `$GFLCA` lines in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from operator import xor
from typing import ClassVar

from hub.simulate import Device, Sense

_SATURATED = 16384


@dataclass(frozen=True)
class LaserFacts:
    """channel of an MC, 1 to 8, or 0 for a laser that has none; chatty as a GasFinder3 is."""

    serial: str = "CH4AB-1047"
    distance_m: Decimal = Decimal("30.0")
    light: int = 5527
    channel: int = 0
    chatty: bool = False


class Simulator(Device):
    sense: ClassVar[Sense] = "gas_path"
    own_faults: ClassVar[tuple[str, ...]] = ("over_range", "fault", "identity", "model")
    every_s = 1.0
    Facts = LaserFacts
    step = Decimal("0.1")
    fitting: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "": {},
        "channel=3": {},
        "chatty=true": {},
    }
    odds: ClassVar[float] = 1e-3

    def speak(self, sensed: Decimal, at_us: int) -> bytes:
        facts = self.facts
        at = datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y/%m/%d %H:%M:%S")
        serial = str(facts.serial)
        if "identity" in self.faults:
            serial = "CH4AB-2001"
        if "model" in self.faults:  # one for hydrogen fluoride: all the same but its serial
            serial = "HFAB-1047"
        fields = [
            "GFDTA",
            *([str(facts.channel)] if facts.channel else []),
            f"{sensed:.1f}",
            "98",
            str(facts.distance_m),
            str(_SATURATED if "over_range" in self.faults else facts.light),
            at,
            serial,
            "2" if "fault" in self.faults else "1",
        ]
        said = _line(",".join(fields))
        return _line(f"GFLCA,1,{at}") + said if facts.chatty else said

    def silence(self) -> None:
        """It never listens."""


def _line(body: str) -> bytes:
    return f"${body}*{reduce(xor, body.encode('ascii')):02X}\r\n".encode("ascii")
