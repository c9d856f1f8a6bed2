"""A MIPEX-02 as its user manual describes it: text commands, answers in text or binary."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from hub.simulate import Device, Sense

_CODES = {"warming_up": 1, "fault": 2, "sentinel": 3}
"""Concentrations that are none, sent with the sign set (INDSIG ON)."""
_BITS = {"warming_up": 0x0001, "fault": 0x0080, "sentinel": 0x0022}


@dataclass(frozen=True)
class MipexFacts:
    """address: answers only what is prefixed by it, and puts the prefix before its own answer.

    signs  INDSIG: shows its state in the concentration as well
    """

    serial: str = "10023456"
    address: int | None = None
    signs: bool = True


class Simulator(Device):
    sense: ClassVar[Sense] = "gas"
    own_faults: ClassVar[tuple[str, ...]] = (
        "warming_up",
        "fault",
        "sentinel",
        "over_range",
        "identity",
        "model",
    )
    Facts = MipexFacts
    step = Decimal("0.01")
    fitting: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "": {"settle_s": 0},
        "address=7": {"settle_s": 0, "address": 7},
        "serial=10000002": {"settle_s": 0, "query": "DATAE"},
        "signs=false": {"settle_s": 0, "query": "DATAE2"},
    }
    odds: ClassVar[float] = 5e-3

    def __init__(self, facts: MipexFacts) -> None:
        super().__init__(facts)
        self._heard = b""

    def hear(self, received: bytes, sensed: Decimal) -> bytes:
        self._heard += received
        *commands, self._heard = self._heard.split(b"\r")
        return b"".join(self._answer(command, sensed) for command in commands)

    def silence(self) -> None:
        self._heard = b""

    def _answer(self, command: bytes, sensed: Decimal) -> bytes:
        address = self.facts.address
        prefix = b"" if address is None else b"#%02X" % address
        if not command.startswith(prefix):
            return b""
        if "model" in self.faults:  # it does not know our commands, and so is silent; not this one
            return b"READY\r"
        match command.removeprefix(prefix):
            case b"SRAL?":
                serial = "99999999" if "identity" in self.faults else str(self.facts.serial)
                return prefix + serial.encode("ascii").rjust(8) + b"\r"
            case b"DATA":
                return prefix + self._text(sensed) + b"\r"
            case b"DATAE":
                return _summed(self._two_bytes(sensed) + bytes([self._status & 0xFF]))
            case b"DATAE2":
                return _summed(self._two_bytes(sensed) + self._status.to_bytes(2, "big"))
        return b""

    @property
    def _code(self) -> int | None:
        return next((_CODES[fault] for fault in _CODES if fault in self.faults), None)

    @property
    def _status(self) -> int:
        return sum(bit for fault, bit in _BITS.items() if fault in self.faults)

    def _number(self, sensed: Decimal) -> int:
        return 32767 if "over_range" in self.faults else round(sensed * 100)

    def _text(self, sensed: Decimal) -> bytes:
        if self._code is not None:
            return b"-%04d" % self._code
        return b"%05d" % self._number(sensed)

    def _two_bytes(self, sensed: Decimal) -> bytes:
        if self._code is not None and self.facts.signs:
            return (0x8000 + self._code).to_bytes(2, "big")
        return self._number(sensed).to_bytes(2, "big")


def _summed(body: bytes) -> bytes:
    total = 0
    for byte in body:
        total ^= byte
    return body + bytes([total]) + b"\r"
