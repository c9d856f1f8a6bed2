"""An ADT681 as appendix I of its manual describes it: asked in ASCII, it answers with a unit.

Fields are separated by colons; an answer bears the gauge's own address and ends in NUL. Errors:
1018 for an instruction it does not know, 1001 for one it does not allow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from hub.simulate import Device, Sense

_ENDS = {"nul": "\0", "crlf": "\r\n"}
_PASCALS = {"kPa": Decimal(1000), "PSI": Decimal("6894.757293168361")}


@dataclass(frozen=True)
class GaugeFacts:
    """address in digits; digits is how many it shows behind the point, in kPa."""

    address: int = 1
    serial: str = "21803001"
    digits: int = 4
    end: Literal["nul", "crlf"] = "nul"


class Simulator(Device):
    sense: ClassVar[Sense] = "pressure"
    own_faults: ClassVar[tuple[str, ...]] = ("unit", "identity", "model")
    Facts = GaugeFacts
    fitting: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "": {},
        "end=crlf": {"request_form": "nul"},
        "address=7": {"request_form": "colon_nul", "address": 7},
    }
    odds = 1e-4  # two looks bent alike; see the README

    def __init__(self, facts: GaugeFacts) -> None:
        super().__init__(facts)
        self._heard = b""

    def hear(self, received: bytes, sensed: Decimal) -> bytes:
        self._heard += received.replace(b"\r", b"\0").replace(b"\n", b"\0")
        *requests, self._heard = self._heard.split(b"\0")
        answers = [self._answer(request.decode("latin-1"), sensed) for request in requests]
        return "".join(answers).encode()

    def silence(self) -> None:
        self._heard = b""

    def _answer(self, request: str, sensed: Decimal) -> str:
        address, _, rest = request.partition(":")
        if address not in ("255", f"{self.facts.address:03d}") or not rest:
            return ""
        access, _, rest = rest.partition(":")
        command = rest.split(":")[0]
        if access != "R":
            return self._said("E", command, "1001")
        if "model" in self.faults:
            return self._said("E", command, "1018")
        if command == "OTYPE":
            serial = self.facts.serial
            return self._said("F", command, serial[::-1] if "identity" in self.faults else serial)
        if command == "MRMD":
            unit = "PSI" if "unit" in self.faults else "kPa"
            shown = sensed / _PASCALS[unit]
            return self._said("F", command, f"{shown:.{self.facts.digits}f}:{unit}")
        return self._said("E", command, "1018")

    def _said(self, kind: str, command: str, data: str) -> str:
        return f"{self.facts.address:03d}:{kind}:{command}:{data}{_ENDS[self.facts.end]}"
