"""A Keller Series 30 transmitter as its protocol description has it (pp. 15-26).

It answers to its own address and to 250, initialised or not; until function 48 has come after
power-up, all other functions are exception 32. A function it does not have is exception 1, a
message of the wrong length exception 3.
"""

import struct
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from hub.simulate import Device, Sense

_LONGEST = 12
_TRANSPARENT = 250
_DATA = {48: 0, 69: 0, 73: 1}
_P1_BAD, _POWER_UP = 0x02, 0x80


@dataclass(frozen=True)
class TransmitterFacts:
    """serial as printed on its plate; firmware is class, group, year and week."""

    address: int = 1
    serial: int = 127_812
    firmware: tuple[int, int, int, int] = (5, 20, 5, 50)


class Simulator(Device):
    sense: ClassVar[Sense] = "pressure"
    own_faults: ClassVar[tuple[str, ...]] = (
        "warming_up", "fault", "sentinel", "identity", "model", "restart",
    )  # fmt: skip
    Facts = TransmitterFacts

    def __init__(self, facts: TransmitterFacts) -> None:
        super().__init__(facts)
        self._heard = b""
        self._released = False
        self._restarted = False

    def hear(self, received: bytes, sensed: Decimal) -> bytes:
        self._heard += received
        answers = b""
        while found := self._request():
            answers += self._answer(*found, sensed)
        self._heard = self._heard[-_LONGEST:]
        return answers

    def silence(self) -> None:
        self._heard = b""

    def _request(self) -> tuple[int, int, bytes] | None:
        """The next whole message that is for us, taken off what was heard."""
        for start in range(len(self._heard) - 3):
            if self._heard[start] not in (self.facts.address, _TRANSPARENT):
                continue
            for end in range(start + 4, min(start + _LONGEST, len(self._heard)) + 1):
                body, check = self._heard[start : end - 2], self._heard[end - 2 : end]
                if _crc(body) == check:
                    self._heard = self._heard[end:]
                    return body[0], body[1], body[2:]
        return None

    def _answer(self, address: int, function: int, data: bytes, sensed: Decimal) -> bytes:
        if "restart" in self.faults and not self._restarted:
            self._released = False
        self._restarted = "restart" in self.faults
        if function not in _DATA:
            return _message(address, function | 0x80, b"\x01")
        if len(data) != _DATA[function]:
            return _message(address, function | 0x80, b"\x03")
        if function == 48:
            first, self._released = not self._released, True
            firmware = (10, *self.facts.firmware[1:]) if "model" in self.faults else (
                self.facts.firmware
            )  # fmt: skip
            return _message(address, function, bytes((*firmware, 10, 0 if first else 1)))
        if not self._released:
            return _message(address, function | 0x80, b"\x20")
        if function == 69:
            serial = self.facts.serial + ("identity" in self.faults)
            return _message(address, function, serial.to_bytes(4, "big"))
        if data not in (b"\x01", b"\x04"):
            return _message(address, function | 0x80, b"\x02")
        return _message(address, function, self._channel(data[0], sensed))

    def _channel(self, channel: int, sensed: Decimal) -> bytes:
        status = 0
        number = float(sensed) / 100_000 if channel == 1 else 25.21484
        if "fault" in self.faults:
            status, number = _P1_BAD, 0.0
        if "warming_up" in self.faults:
            status, number = _POWER_UP, 0.0
        if "sentinel" in self.faults:
            number = float("nan")
        return struct.pack(">f", number) + bytes((status,))


def _message(address: int, function: int, data: bytes) -> bytes:
    body = bytes((address, function)) + data
    return body + _crc(body)


def _crc(body: bytes) -> bytes:
    """Appendix of the description: polynomial A001, seed FFFF, bit by bit, high byte first."""
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "big")
