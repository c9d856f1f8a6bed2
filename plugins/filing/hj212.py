"""Framing of HJ 212-2017, for a city that asks for it. It is a protocol of environmental
protection: nothing but the frame is taken from it.

    ## LLLL DATA CCCC CR LF       LLLL: bytes of DATA in four digits; CCCC: check of DATA

The check is not Modbus's: each byte goes into the whole shifted register, not into its low half.
Source: HJ 212-2017, annex A.
"""

from typing import Final

from hub import BadFrame

LONGEST: Final = 9999
_HEAD, _TAIL = 6, 6


def check(data: bytes) -> int:
    """The check of the standard, 16 bits."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            odd = register & 1
            register >>= 1
            if odd:
                register ^= 0xA001
    return register


def frame(data: bytes) -> bytes:
    """Raises ValueError for more than four digits of bytes."""
    if len(data) > LONGEST:
        raise ValueError(f"{len(data)} bytes; a frame of HJ 212 holds {LONGEST}")
    return b"##%04d%s%04X\r\n" % (len(data), data, check(data))


def unframe(framed: bytes) -> bytes:
    """The data of one whole frame.

    raises  BadFrame
    """
    data = framed[_HEAD:-_TAIL]
    head, tail = framed[:_HEAD], framed[-_TAIL:]
    if len(framed) < _HEAD + _TAIL or head != b"##%04d" % len(data):
        raise BadFrame("no frame of HJ 212: its head or its length does not fit")
    if tail != b"%04X\r\n" % check(data):
        raise BadFrame("no frame of HJ 212: its check does not fit")
    return data
