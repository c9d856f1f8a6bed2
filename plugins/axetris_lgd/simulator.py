"""An Axetris LGD with one gas, after its manual: version packet, then a packet a second."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from hub.simulate import Device, Sense

_UNITS = ("ppm", "%vol", "%LEL")


@dataclass(frozen=True)
class LgdFacts:
    serial: str = "LGD-10023"
    unit: Literal["ppm", "%vol", "%LEL"] = "ppm"
    lel_pct_vol: Decimal = Decimal(5)


class Simulator(Device):
    sense: ClassVar[Sense] = "gas"
    own_faults: ClassVar[tuple[str, ...]] = ("fault", "sentinel", "identity", "model", "restart")
    every_s = 1.0
    Facts = LgdFacts
    step = Decimal("0.0001")
    fitting: ClassVar[Mapping[str, Mapping[str, object]]] = {
        f"unit={unit}": {"unit": unit} for unit in _UNITS
    }
    odds: ClassVar[float] = 5e-3

    def __init__(self, facts: LgdFacts) -> None:
        super().__init__(facts)
        self._heard = b""
        self._idle = False
        self._said_who = ""
        self._restarted = False

    def hear(self, received: bytes, sensed: Decimal) -> bytes:
        """Commands of eight bytes: version, idle, start. Others are not taken here."""
        self._heard += received
        answer = b""
        while (begin := self._heard.find(b"{")) >= 0 and len(self._heard) - begin >= 8:
            command, self._heard = self._heard[begin : begin + 8], self._heard[begin + 8 :]
            if command == _packet(b"V"):
                answer += self._version()
            elif command == _packet(b"I", b"\x00\xea"):
                self._idle = True
                answer += _packet(b"I")
            elif command == _packet(b"M", b"\x01\xea"):
                self._idle = False
                answer += _packet(b"M")
        return answer

    def speak(self, sensed: Decimal, at_us: int) -> bytes:
        if "restart" in self.faults and not self._restarted:
            self._idle, self._said_who = False, ""
        self._restarted = "restart" in self.faults
        if self._said_who != self._serial:  # whoever is plugged in has just been powered up
            self._said_who = self._serial
            return self._version()
        if self._idle:
            return b""
        if "fault" in self.faults:  # low power on the photodiode
            return _packet(b"E", b"\xce\xf4")
        if "sentinel" in self.faults:
            return _packet(b"M", b"\0\0" + struct.pack("<f", float("nan")))
        gas = float(sensed * self._per_pct_vol)
        if "model" in self.faults:  # two gases and a temperature
            return _packet(b"M", b"\0\0" + struct.pack("<fff", 49.9, gas, 30.6))
        return _packet(b"M", b"\0\0" + struct.pack("<f", gas))

    def silence(self) -> None:
        self._heard = b""

    @property
    def _serial(self) -> str:
        return "LGD-99999" if "identity" in self.faults else str(self.facts.serial)

    @property
    def _per_pct_vol(self) -> Decimal:
        """What 1 %vol of methane is in the module's unit."""
        if self.facts.unit == "%LEL":
            return 100 / Decimal(self.facts.lel_pct_vol)
        return Decimal(10_000) if self.facts.unit == "ppm" else Decimal(1)

    def _version(self) -> bytes:
        texts = b"1.08".ljust(16, b"\0") + self._serial.encode("ascii").ljust(32, b"\0")
        return _packet(b"V", b"\0\0" + texts + bytes(8))


def _packet(kind: bytes, content: bytes = b"\0\0") -> bytes:
    """Status or parameters and data between head and tail, filled up to a multiple of 8."""
    size = -(-(len(content) + 6) // 8) * 8
    packet = b"{" + kind + struct.pack("<H", size) + content.ljust(size - 6, b"\0")
    return packet + bytes([(256 - sum(packet) % 256) % 256]) + b"}"
