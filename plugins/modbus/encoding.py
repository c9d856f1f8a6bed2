"""Numbers into registers, for the simulator: the other way than `numbers.py`, and without it."""

import struct
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from plugins.modbus.profile import Kind, Measurand, Place


@dataclass
class Memory:
    """The registers of a slave: (function, address) -> 16 bits."""

    words: dict[tuple[int, int], int] = field(default_factory=dict)

    def put(self, place: Place, value: Decimal | int) -> None:
        self.put_raw(place, encoded(Decimal(value), place.type))

    def put_raw(self, place: Place, high_first: bytes) -> None:
        at = (place.function, place.first)
        if place.byte:
            both = bytearray(self.words.get(at, 0).to_bytes(2))
            both[0 if place.byte == "high" else 1] = high_first[-1]
            self.words[at] = int.from_bytes(both)
            return
        if place.count == 2:
            by_letter = dict(zip("ABCD", high_first, strict=True))
            high_first = bytes(by_letter[letter] for letter in place.order)
        for i in range(place.count):
            word = int.from_bytes(high_first[2 * i : 2 * i + 2])
            self.words[place.function, place.first + i] = word


def encoded(value: Decimal, kind: Kind) -> bytes:
    """High byte first; an integer that does not fit stays just inside its range."""
    if kind == "float32":
        return struct.pack(">f", value)
    whole = int(value.to_integral_value(ROUND_HALF_EVEN))
    if kind == "bcd16":
        return bytes.fromhex(f"{min(max(whole, 0), 9999):04d}")
    bits = int(kind.removeprefix("u").removeprefix("int"))
    signed = not kind.startswith("u")
    most = (1 << (bits - signed)) - 2
    least = -most if signed else 0
    return min(max(whole, least), most).to_bytes(bits // 8, signed=signed)


def no_value(wanted: Measurand) -> bytes:
    """Its sentinel; where it has none, what an instrument of its kind sends for "no value"."""
    if wanted.sentinels:
        return wanted.sentinels[0].to_bytes(2 * wanted.count)
    by_kind = {"float32": "7fc00000", "bcd16": "ffff", "int16": "8000", "int32": "80000000"}
    return bytes.fromhex(by_kind.get(wanted.type, "ff" * 2 * wanted.count))
