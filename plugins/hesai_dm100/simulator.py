"""A DM100 as table 3 of its manual lays it out: 67 characters, unasked, with or without an end."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from hub.simulate import Device, Sense

_ENDS = {"crlf": "\r\n", "lf": "\n", "none": ""}
_STRANGER = b"$GFDTA,7.2,98,3.0,5527,2019/01/22 16:04:58,CH4AB-1047,1*4F\r\n"
"""What a GasFinder says, which also speaks unasked."""


@dataclass(frozen=True)
class TelemeterFacts:
    """The manual does not say what ends a line."""

    end: Literal["crlf", "lf", "none"] = "crlf"
    version: int = 11
    light: int = 2147


class Simulator(Device):
    sense: ClassVar[Sense] = "gas_path"
    own_faults: ClassVar[tuple[str, ...]] = ("fault", "model")
    every_s = 0.5
    Facts = TelemeterFacts
    step = Decimal(1)
    fitting: ClassVar[Mapping[str, Mapping[str, object]]] = {
        f"end={end}": {"unproved": "accept"} for end in _ENDS
    }
    odds: ClassVar[float] = 1e-3

    def speak(self, sensed: Decimal, at_us: int) -> bytes:
        if "model" in self.faults:
            return _STRANGER
        error = 4 if "fault" in self.faults else 0
        fives = (round(sensed), self.facts.light, 735, 999, 36, 24, -78, 0)
        threes = (3, 0, self.facts.version, error)
        text = ",".join([*(f"{n:05d}" for n in fives), *(f"{n:03d}" for n in threes)])
        total = 0
        for byte in text.encode("ascii"):
            total ^= byte
        return f"${text}*{total:02X}{_ENDS[self.facts.end]}".encode("ascii")

    def silence(self) -> None:
        """It never listens."""
