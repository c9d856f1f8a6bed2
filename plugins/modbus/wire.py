"""Modbus RTU as a master reads it: requests out, answers checked, nothing written to a device.

Wire (Modbus over serial line V1.02; Modbus application protocol V1.1b3, 6.3, 6.4 and 7): address,
function, data, CRC-16 with the low byte first. A read request is start and count, two bytes each,
high byte first; its answer a byte count and the registers. An exception is the function with bit
7 set, and a code.
"""

from typing import Final

from hub import BadFrame, crc16_modbus

MOST_REGISTERS: Final = 125
LONGEST: Final = 5 + 2 * MOST_REGISTERS
ILLEGAL_ADDRESS: Final = 2
EXCEPTIONS: Final = {
    1: "illegal_function",
    2: "illegal_data_address",
    3: "illegal_data_value",
    4: "device_failure",
    5: "acknowledge",
    6: "device_busy",
    8: "memory_parity_error",
    10: "gateway_path_unavailable",
    11: "gateway_no_response",
}


class Request:
    """Read *count* registers from *start* (the address on the wire, counted from 0).

    frame  the bytes to send; worked out once, since the same is asked all day
    """

    def __init__(self, address: int, function: int, start: int, count: int) -> None:
        self.address = address
        self.function = function
        self.start = start
        self.count = count
        body = bytes((address, function)) + start.to_bytes(2) + count.to_bytes(2)
        self.frame = body + crc16_modbus(body)
        self.answer_head = bytes((address, function, 2 * count))
        self.answer_length = 5 + 2 * count
        self.refusal_head = bytes((address, function | 0x80))

    @property
    def answered_as(self) -> str:
        """What of its answer can be told from other answers."""
        return f"slave {self.address}, function {self.function:02}, {self.count} registers"

    def __str__(self) -> str:
        last = self.start + self.count - 1
        return f"slave {self.address}, function {self.function:02}, registers {self.start}-{last}"


class Refused(BadFrame):
    """The slave answered with an exception: it lives, and will not give this."""

    def __init__(self, asked: Request, code: int, frame: bytes) -> None:
        self.code = code
        self.frame = frame
        self.word = EXCEPTIONS.get(code, f"exception_{code}")
        super().__init__(
            f"{asked}: exception {code} ({self.word.replace('_', ' ')}); "
            "check the profile against the model of the instrument"
        )


def decode(frame: bytes, asked: Request) -> bytes:
    """The registers in *frame*, which must be exactly the answer to *asked*: two bytes each.

    raises  BadFrame for a wrong length, CRC, address or function; Refused for an exception
    """
    if len(frame) < 5:
        raise BadFrame(f"{asked}: {len(frame)} bytes are no answer: {frame.hex(' ')}")
    body, check = frame[:-2], frame[-2:]
    if check != crc16_modbus(body):
        raise BadFrame(
            f"{asked}: CRC is {check.hex(' ')}, the bytes give {crc16_modbus(body).hex(' ')}: "
            f"{frame.hex(' ')}"
        )
    if body[0] != asked.address:
        raise BadFrame(f"{asked}: slave {body[0]} answered: {frame.hex(' ')}")
    if body[1] == asked.function | 0x80 and len(body) == 3:
        raise Refused(asked, body[2], frame)
    if body[1] != asked.function:
        raise BadFrame(f"{asked}: answered with function {body[1]:02}: {frame.hex(' ')}")
    if body[2] != 2 * asked.count or len(frame) != asked.answer_length:
        raise BadFrame(
            f"{asked}: expected {2 * asked.count} data bytes, got {len(body) - 3} and a byte "
            f"count of {body[2]}: {frame.hex(' ')}"
        )
    return body[3:]


def find(heard: bytes, asked: Request) -> bytes | None:
    """The answer to *asked* in what was *heard*; None while it is not there.

    Noise before the answer is passed over: all of the head is known beforehand, so a false start
    must also carry the right CRC. Our own request, echoed, is passed over too. That is more than
    a comfort: from register 512 on there are requests whose first seven bytes are, CRC included,
    a perfect answer to themselves.
    """
    sent = asked.frame
    at = 0
    while at + 5 <= len(heard):
        echo = heard[at : at + len(sent)]
        if sent.startswith(echo):
            at += len(echo)
            continue
        head = heard[at : at + 3]
        length = 0
        if head == asked.answer_head:
            length = asked.answer_length
        elif head[:2] == asked.refusal_head and head[2] in EXCEPTIONS:
            length = 5
        frame = heard[at : at + length]
        if length and len(frame) == length and frame[-2:] == crc16_modbus(frame[:-2]):
            return frame
        at += 1
    return None
