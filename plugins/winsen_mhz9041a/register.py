"""Requests of the DFRobot board's register mode, to know them when they are on the wire.

Wire (the board's public driver, cdjq/DFRobot_MHZ9041A): AA 55 00, register (bit 7 set to write),
count and bytes of what is written (0 and none to read), CRC-16/MODBUS from the third byte on,
high byte first, CR LF. No answer of a board has been published, so the hub asks none: it listens
to the lines that the board sends in its other mode.
"""

from typing import Final, NamedTuple

from hub import BadFrame, crc16_modbus

START: Final = b"\xaa\x55\x00"
END: Final = b"\r\n"
WRITE: Final = 0x80


class Request(NamedTuple):
    """What a master asks of the board; `written` is empty when it reads."""

    op: str
    register: int
    written: bytes


def decode_request(frame: bytes) -> Request:
    """Read one request, CR LF included. raises BadFrame"""
    body, check = frame[2:-4], frame[-4:-2]
    if len(frame) < 9 or not frame.startswith(START) or not frame.endswith(END):
        raise BadFrame(f"expected AA 55 00 ... 0D 0A, got {frame.hex(' ')}")
    crc = crc16_modbus(body)[::-1]
    if check != crc:
        raise BadFrame(f"CRC is {check.hex(' ')}, the bytes give {crc.hex(' ')}: {frame.hex(' ')}")
    register, count, written = body[1], body[2], body[3:]
    op = "write" if register & WRITE else "read"
    if count != len(written) or (op == "write") != bool(written):
        raise BadFrame(f"a {op} with {count} bytes announced, {len(written)} there: {frame.hex()}")
    return Request(op, register & ~WRITE, written)
