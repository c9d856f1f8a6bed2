"""A Fluke 3130 as its users manual describes the remote interface.

Commands end in CR or LF, in capitals or not; control characters are thrown away. `VAL?` shows the
upper display, the lower one and the current, each with its unit; the pressures have an exponent
without a plus sign, the current one with it, as in the manual's example.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from hub.simulate import Device, Sense

_PASCALS = {"KPA": Decimal(1000), "BAR": Decimal(100_000)}
_ENDS = {"cr": "\r", "crlf": "\r\n"}


@dataclass(frozen=True)
class CalibratorFacts:
    """pairs: how many displays an answer tells of, 1 to 3; the pressure is in the first."""

    serial: str = "1234567"
    pairs: int = 3
    end: Literal["cr", "crlf"] = "crlf"


class Simulator(Device):
    sense: ClassVar[Sense] = "pressure"
    own_faults: ClassVar[tuple[str, ...]] = ("unit", "identity", "model")
    Facts = CalibratorFacts
    fitting: ClassVar[Mapping[str, Mapping[str, object]]] = {"": {}, "pairs=1 end=cr": {}}
    odds: ClassVar[float] = 5e-5  # two looks bent alike; see the README

    def __init__(self, facts: CalibratorFacts) -> None:
        super().__init__(facts)
        self._heard = b""

    def hear(self, received: bytes, sensed: Decimal) -> bytes:
        self._heard += received.replace(b"\n", b"\r")
        *commands, self._heard = self._heard.split(b"\r")
        clean = ("".join(chr(byte) for byte in command if byte >= 32) for command in commands)
        return "".join(self._answer(command.upper(), sensed) for command in clean).encode()

    def silence(self) -> None:
        self._heard = b""

    def _answer(self, command: str, sensed: Decimal) -> str:
        stranger = "model" in self.faults
        if command == "*IDN?":
            serial = self.facts.serial
            serial = serial[::-1] if "identity" in self.faults else serial
            model = "8846A" if stranger else "3130"
            return f"FLUKE,{model},{serial},1.00{_ENDS[self.facts.end]}"
        if command != "VAL?":
            return ""
        unit = "BAR" if "unit" in self.faults else "KPA"
        value = f"{float(sensed / _PASCALS[unit]):.6E}".replace("E+", "E")
        shown = ((value, "V" if stranger else unit), ("0.000000E00", "PSI"), ("0.000000E+00", "A"))
        pairs = shown[: self.facts.pairs]
        return ",".join(field for pair in pairs for field in pair) + _ENDS[self.facts.end]
