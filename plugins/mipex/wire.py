"""What a MIPEX sensor answers, and how it is asked.

Wire (MIPEX-02-3 user manual, 2021, appendix C.2.1; MIPEX-02, revision 3.0, 2017, tables 8 to 13;
MIPEX-02-1, revision 2.0, 2015, table 6): commands are text and CR. DATA is answered by five
characters and CR, hundredths of a percent by volume. DATAE is answered by high and low byte of
the same, a status byte, the XOR of the three, CR; DATAE2 has two status bytes. In all of them
7FFF or 32767 is over range, and a negative number is no gas but a code (8001 or -0001: warming
up). That XOR starts from zero is inferred.
"""

import re
from decimal import Decimal
from typing import Final, NamedTuple

from hub import BadFrame, LengthFramer, LineFramer, xor8

ASK_SERIAL: Final = "SRAL?"
OVER_RANGE: Final = 0x7FFF
NEGATIVE: Final = 0x8000
CODES: Final = {1: "warming_up", 2: "bad", 3: "bad"}
"""Of a negative number: warming up; zero shifts; temperature moves and zero shifts."""

_WARMING: Final = 1 << 0
_BROKEN: Final = 1 << 7 | 1 << 11
"""Firmware failure; technological failure."""
_HARMLESS: Final = 1 << 3 | 1 << 4
"""Reserved, and a temperature that moves slowly: with that alone it is still to specification."""

_DATA: Final = re.compile(rb"(?P<to>#[0-9A-F]{2})?(?P<value>\d{5}|-\d{4})\r")
_SERIAL: Final = re.compile(rb"(?P<to>#[0-9A-F]{2})?(?P<serial>[0-9A-Za-z ]{8})\r")
_LONGEST: Final = 40
_LENGTHS: Final = {"DATAE": 5, "DATAE2": 6}


class Answer(NamedTuple):
    """One measurement. `pct_vol` is decimal text, empty unless quality is good.

    status  the bits of DATAE or DATAE2; 0 with DATA, which has none
    """

    pct_vol: str
    quality: str
    status: int = 0


def prefix(address: int | None) -> bytes:
    """What stands before a question to *address*, and before an answer that bears it."""
    return b"" if address is None else b"#%02X" % address


def request(query: str, address: int | None = None) -> bytes:
    """Ask for *query*, of the sensor with *address* where several hear it."""
    return prefix(address) + f"{query}\r".encode()


def framer(query: str) -> LineFramer | LengthFramer:
    """Whole answers from their first byte on: the tail of another must not look like this one.

    (The text 00198 ends in four bytes that are a perfect answer to DATAE.) Our own question, if
    the adapter repeats it, is a frame of its own.
    """
    if query in ("DATA", ASK_SERIAL):
        return LineFramer(b"\r", b"", _LONGEST)
    asked = request(query)

    def length_of(head: bytes) -> int | None:
        if asked.startswith(head[: len(asked)]):
            return len(asked) if len(head) >= len(asked) else None
        return _LENGTHS[query]

    return LengthFramer(length_of)


def decode(frame: bytes, query: str = "DATA", address: int | None = None) -> Answer:
    """Read one answer to *query*, CR included.

    raises  BadFrame when form, checksum or address is wrong
    """
    if query == "DATA":
        fields = _DATA.fullmatch(frame)
        if fields is None or not _from(address, fields["to"]):
            raise BadFrame(f"expected five characters and CR, got {frame[:_LONGEST]!r}")
        value = fields["value"].decode()
        return _said(abs(int(value)), negative=value.startswith("-"))
    if len(frame) != _LENGTHS[query] or not _checked(frame):
        raise BadFrame(f"expected an answer to {query}, got {frame.hex(' ')}")
    raw = int.from_bytes(frame[:2])
    status = int.from_bytes(frame[2:-2])
    return _said(raw & ~NEGATIVE, negative=bool(raw & NEGATIVE), status=status)


def decode_serial(frame: bytes, address: int | None = None) -> str:
    """Read the answer to SRAL?, without its blanks. raises BadFrame"""
    fields = _SERIAL.fullmatch(frame)
    serial = fields["serial"].decode().strip() if fields else ""
    if fields is None or not serial or not _from(address, fields["to"]):
        raise BadFrame(f"expected a serial number of eight characters, got {frame[:_LONGEST]!r}")
    return serial


def _said(number: int, *, negative: bool, status: int = 0) -> Answer:
    """The worst of what an answer says; *number* without its sign."""
    if negative:
        return Answer("", CODES.get(number, "bad"), status)
    if status & _BROKEN:
        return Answer("", "fault", status)
    if status & _WARMING:
        return Answer("", "warming_up", status)
    if number == OVER_RANGE:
        return Answer("", "over_range", status)
    if status & ~_HARMLESS:
        return Answer("", "bad", status)
    return Answer(str(Decimal(number).scaleb(-2)), "good", status)


def _checked(frame: bytes) -> bool:
    """CR at the end, and before it the XOR of all before that."""
    return frame[-1:] == b"\r" and xor8(frame[:-2]) == frame[-2]


def _from(address: int | None, to: bytes | None) -> bool:
    """Whether an answer with prefix *to* may come from *address*; one without may come from any."""
    return to is None or (address is not None and to == prefix(address))
