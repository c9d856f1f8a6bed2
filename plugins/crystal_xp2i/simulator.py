"""A Crystal XP2i as its programming manual describes it.

Commands end in CR, a LF behind it is ignored; capitals only. A pressure is two lines of ten
characters, right-justified, with CR LF. What it does not understand is `N,0`. After a reset it
has forgotten what it heard, and sends its boot signature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from hub.simulate import Device, Sense

_PASCALS = {"mbar": Decimal(100), "kPa": Decimal(1000)}
_BOOT = "=XP2I FW R0204000X=\r"


@dataclass(frozen=True)
class GaugeFacts:
    """digits: how many it shows behind the point, in mbar."""

    serial: str = "826104"
    digits: int = 2


class Simulator(Device):
    sense: ClassVar[Sense] = "pressure"
    own_faults: ClassVar[tuple[str, ...]] = (
        "fault", "low_battery", "unit", "identity", "model", "restart",
    )  # fmt: skip
    Facts = GaugeFacts
    fitting: ClassVar[Mapping[str, Mapping[str, object]]] = {"": {"ask_serial": True}}
    odds: ClassVar[float] = 5e-5  # two looks bent alike; see the README

    def __init__(self, facts: GaugeFacts) -> None:
        super().__init__(facts)
        self._heard = b""

    def hear(self, received: bytes, sensed: Decimal) -> bytes:
        if "restart" in self.faults:
            self.faults.discard("restart")
            self._heard = b""
            return _BOOT.encode()
        self._heard += received.replace(b"\n", b"")
        *commands, self._heard = self._heard.split(b"\r")
        return b"".join(self._answer(command, sensed).encode() for command in commands)

    def silence(self) -> None:
        self._heard = b""

    def _answer(self, command: bytes, sensed: Decimal) -> str:
        if "model" in self.faults:
            return "N,0\r\n"
        match command:
            case b"?P,U":
                unit = "kPa" if "unit" in self.faults else "mbar"
                return _line(self._shown(sensed / _PASCALS[unit])) + _line(unit)
            case b"?SN#":
                serial = self.facts.serial
                return f"{serial[::-1] if 'identity' in self.faults else serial}\r\n"
        return "X,0\r\n" if command.startswith(b"!") else "N,0\r\n"

    def _shown(self, value: Decimal) -> str:
        if "fault" in self.faults:
            return "ERR 1"
        if "low_battery" in self.faults:
            return "BATT"
        shown = f"{value:.{self.facts.digits}f}"
        return shown if "." in shown else f"{shown}."


def _line(text: str) -> str:
    return f"{text:>10}\r\n"
