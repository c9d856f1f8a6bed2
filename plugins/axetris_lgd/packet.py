"""The packets of an Axetris LGD: frame, checksum, and what is in those that the hub can use.

Wire (LGD F200P2 Operating Instructions Rev D, pp. 35-41; LGD Compact Operating & Integration
Instructions Rev D, pp. 27-34): "{", kind, size (two bytes, low first, a multiple of 8), status
flags, status code, data, zeros, a byte that makes the sum of all before "}" zero, "}". All
numbers are little endian. In the table the flags' bits count from the left: E is the highest.
"""

import struct
from typing import Final, NamedTuple

from hub import BadFrame

KINDS: Final = b"SPCMIVDEF"
SHORTEST: Final = 8
LONGEST: Final = 256
"""Bytes. The longest packet seen has 88; a size field beyond this is taken for noise."""
ASK_VERSION: Final = bytes.fromhex("7B 56 08 00 00 00 27 7D")
_ONE_GAS, _TWO_GASES, _VERSION = 16, 24, 64


class Packet(NamedTuple):
    """One packet. In a command of the host `flags` and `code` are its parameters."""

    kind: str
    flags: int
    code: int
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data) + SHORTEST


class Measured(NamedTuple):
    """What an M packet holds: one gas, or two and a temperature. NaN and infinity are possible."""

    gases: tuple[float, ...]
    temperature_c: float | None


class Version(NamedTuple):
    """What a V packet says of the module."""

    firmware: str
    serial: str


def size_of(head: bytes) -> int | None:
    """For the framer: the size of the packet that begins with *head*; 0 when none does."""
    if len(head) < 4:
        return None
    size = int.from_bytes(head[2:4], "little")
    fits = head[1] in KINDS and size % 8 == 0 and SHORTEST <= size <= LONGEST
    return size if fits else 0


def whole(frame: bytes) -> bool:
    """True if *frame* ends in "}" and sums to zero before it."""
    return frame[-1:] == b"}" and sum(frame[:-1]) % 256 == 0


def decode(frame: bytes) -> Packet:
    """Read one packet, braces included, of the module or of a host.

    raises  BadFrame when size, kind, end or checksum is wrong
    """
    if not frame.startswith(b"{") or size_of(frame) != len(frame) or not whole(frame):
        raise BadFrame(f"expected an LGD packet that sums to zero, got {frame[:96].hex(' ')}")
    return Packet(chr(frame[1]), frame[4], frame[5], frame[6:-2])


def measured(packet: Packet) -> Measured | None:
    """The numbers of an M packet; None where it only acknowledges a command.

    raises  BadFrame for a length no module is documented with, or padding that is not zero
    """
    if packet.size == SHORTEST:
        return None
    count = {_ONE_GAS: 1, _TWO_GASES: 3}.get(packet.size)
    if count is None or any(packet.data[4 * count :]):
        raise BadFrame(f"no such measurement packet: {packet}")
    numbers = struct.unpack_from(f"<{count}f", packet.data)
    return Measured(numbers[:2], numbers[2]) if count == 3 else Measured(numbers, None)


def version(packet: Packet) -> Version | None:
    """Firmware and serial number; None for the command that asks for them, echoed.

    raises  BadFrame where they are not plain text
    """
    if packet.size == SHORTEST:
        return None
    firmware, serial = (_text(packet.data[a:b]) for a, b in ((0, 16), (16, 48)))
    if packet.size != _VERSION or not serial:
        raise BadFrame(f"no such version packet: {packet}")
    return Version(firmware, serial)


def _text(field: bytes) -> str:
    """A text field without its padding; "" when there is anything but printable ASCII in it."""
    text = field.split(b"\0")[0].decode("latin-1").strip()
    return text if text.isascii() and text.isprintable() else ""
