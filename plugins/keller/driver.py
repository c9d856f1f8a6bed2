"""Ask a Keller transmitter for its pressure, in bar, over the Keller bus.

Wire (Keller, Communication protocol Serie30, pp. 17-26): address, function, data, CRC-16 as in
Modbus but with the high byte first. Function 48 must come first after every power-up and tells
class, group and firmware; 69 the serial number, four bytes; 73 one channel as a float32, high
byte first, and a status byte. An exception is the function with bit 7 set and a code; 32 says
that the power was gone and 48 is due. The functions that write (31, 33, 66, 95) are not here.
"""

import math
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from hub import (
    BadFrame,
    Clock,
    InstrumentSilent,
    Intake,
    Kept,
    LengthFramer,
    Port,
    Presence,
    Reading,
    Site,
    ask,
    crc16_modbus,
    float32_text,
    measure,
)
from plugins.keller.settings import KellerSettings

ANY_ADDRESS: Final = 250
INITIALISE, READ_SERIAL, READ_CHANNEL = 48, 69, 73
DATA_BYTES: Final = {INITIALISE: 6, READ_SERIAL: 4, READ_CHANNEL: 5}
LONGEST: Final = 4 + max(DATA_BYTES.values())
NOT_IMPLEMENTED, NOT_INITIALISED = 1, 32
EXCEPTIONS: Final = {
    NOT_IMPLEMENTED: "not_implemented",
    2: "wrong_parameter",
    3: "wrong_length",
    4: "no_valid_data",
    NOT_INITIALISED: "not_initialised",
}
POWER_UP: Final = 0x80
CHANNELS: Final = {"P1": (1, 0b0001_0010), "P2": (2, 0b0010_0100)}
"""Channel number, and the status bits of its pressure sensor and of that sensor's temperature."""


class Answer(NamedTuple):
    """One answer; `data` is empty for an exception, and `exception` is 0 for all else."""

    address: int
    function: int
    data: bytes = b""
    exception: int = 0

    @property
    def device_class(self) -> int:
        """Of function 48: 5 is Series 30 and 40."""
        return self.data[0]

    @property
    def serial(self) -> str:
        """Of function 69."""
        return str(int.from_bytes(self.data))

    @property
    def value(self) -> str | None:
        """Of function 73: decimal text; None for a float that is no finite number."""
        (number,) = struct.unpack(">f", self.data[:4])
        return float32_text(number) if math.isfinite(number) else None

    @property
    def status(self) -> int:
        """Of function 73: power-up, analogue output, TOB2, TOB1, T, P2, P1, CH0; bits 7 to 0."""
        return self.data[4]


def decode(frame: bytes) -> Answer:
    """Read one answer to function 48, 69 or 73, or an exception.

    raises  BadFrame when CRC, function or length is wrong
    """
    body, check = frame[:-2], frame[-2:]
    if len(frame) < 5 or check != _crc(body):
        raise BadFrame(f"no frame of the Keller bus, or its CRC is wrong: {frame.hex(' ')}")
    address, function, data = body[0], body[1], body[2:]
    if function & 0x80:
        if len(data) != 1:
            raise BadFrame(f"an exception of {len(data)} bytes: {frame.hex(' ')}")
        return Answer(address, function & 0x7F, exception=data[0])
    if len(data) != DATA_BYTES.get(function):
        raise BadFrame(f"function {function} with {len(data)} data bytes: {frame.hex(' ')}")
    return Answer(address, function, data)


def request(address: int, function: int, data: bytes = b"") -> bytes:
    body = bytes((address, function)) + data
    return body + _crc(body)


def framer(asked: bytes) -> LengthFramer:
    """Finds the answer to *asked*, and *asked* itself where it is echoed.

    The echo must be known for what it is: at some addresses the echo and the first bytes of the
    true answer together carry a right CRC, and read as a pressure of nearly nothing.
    """
    address, function = asked[0], asked[1]

    def length(head: bytes) -> int | None:
        if asked.startswith(head[: len(asked)]):
            return len(asked) if len(head) >= len(asked) else None
        if head[1] == function | 0x80:
            return 5
        return 4 + DATA_BYTES[function] if head[1] == function else 0

    return LengthFramer(
        length, bytes((address,)), LONGEST, lambda frame: frame[-2:] == _crc(frame[:-2])
    )


def _crc(body: bytes) -> bytes:
    return crc16_modbus(body)[::-1]


class Keller:
    """One transmitter. Initialised and identified at first contact, after every silence, and when
    it was not heard for so long that it could have been exchanged.
    """

    by_memory: frozenset[str] = frozenset()

    def __init__(self, name: str, settings: KellerSettings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._channel, self._sensor_bits = CHANNELS[settings.channel]
        self._serial: str | None = None
        self._plate = settings.serial
        self._presence = Presence(clock)

    @property
    def poll_every_s(self) -> float | None:
        return self._settings.poll_every_s

    @property
    def stale_after_s(self) -> float:
        return self._settings.lost_after_s

    @property
    def answers_as(self) -> frozenset[str]:
        """By its address alone: an answer does not say of which channel it is."""
        address = self._settings.address
        return frozenset([f"Keller {address}"] if address != ANY_ADDRESS else [])

    def reset(self) -> None:
        """Another transmitter may be on the line."""
        self._serial = None

    def read(self, port: Port) -> Sequence[Intake]:
        """One poll: an intake with a reading, or with what became of the answer.

        After a power cut two: the exception, a drop, and what came once it was initialised.
        raises  InstrumentSilent, BadFrame
        """
        try:
            intakes = [self._poll(port)]
        except InstrumentSilent:
            self.reset()  # who answers next may be another transmitter
            raise
        if intakes[0].dropped == _drop(NOT_INITIALISED):
            # Should this fail, the drop stands, and the next poll says what is wrong.
            with suppress(BadFrame, InstrumentSilent):
                intakes.append(self._poll(port))
        return intakes

    def _poll(self, port: Port) -> Intake:
        unknown = self._serial is None or self._presence.lapsed
        if unknown and (stranger := self._meet(port)):
            return stranger
        frame, answer = self._ask(port, READ_CHANNEL, bytes((self._channel,)))
        self._presence.seen()
        if answer.exception:
            if answer.exception == NOT_INITIALISED:
                self.reset()
            return self._dropped(frame, _drop(answer.exception))
        reading = self._reading(answer, self._clock.now_us(), self._serial or "")
        return Intake(self.name, frame, reading.at_us, (reading,))

    def _meet(self, port: Port) -> Intake | None:
        """Initialise, and learn the serial number; an intake when it is not the right one."""
        wanted = self._settings.serial
        self._serial = None
        frame, answer = self._ask(port, INITIALISE)
        if answer.exception:
            return self._dropped(frame, _drop(answer.exception))
        if answer.device_class not in self._settings.device_classes:
            return self._dropped(frame, "other_model")
        told = ""
        if self._settings.ask_serial:
            frame, answer = self._ask(port, READ_SERIAL)
            if answer.exception not in (0, NOT_IMPLEMENTED):
                return self._dropped(frame, _drop(answer.exception))
            told = "" if answer.exception else answer.serial
        if told and wanted and told != wanted:
            return self._dropped(frame, "other_instrument")
        if told:
            self._plate = ""  # no longer speaks for it: who cannot tell from now on is another
        self._serial = told or self._plate
        self._presence.seen()
        return None

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """What a recorded answer to function 73 says; an exception says nothing."""
        answer = decode(kept.frame)
        if answer.exception or answer.function != READ_CHANNEL:
            return ()
        return (self._reading(answer, kept.at_us, kept.serial),)

    def _reading(self, answer: Answer, at_us: int, serial: str) -> Reading:
        settings = self._settings
        value = answer.value
        quality = "good"
        if answer.status & POWER_UP:
            quality = "warming_up"
        elif answer.status & self._sensor_bits or value is None:
            quality = "fault"
        reading = measure(
            instrument=self.name,
            serial=serial,
            quantity=settings.quantity,
            value=value if value is not None and quality == "good" else "",
            unit="bar",
            at_us=at_us,
            quality=quality,
        )
        pascal = reading.canonical
        if pascal is None or settings.least_pa <= pascal <= settings.most_pa:
            return reading
        quality = "over_range" if pascal > settings.most_pa else "under_range"
        return reading._replace(value="", canonical=None, canonical_unit="", quality=quality)

    def _ask(self, port: Port, function: int, data: bytes = b"") -> tuple[bytes, Answer]:
        asked = request(self._settings.address, function, data)
        frame = ask(self.name, port, asked, framer(asked), self._settings.answer_within_s)
        return frame, decode(frame)

    def _dropped(self, frame: bytes, name: str) -> Intake:
        return Intake(self.name, frame, self._clock.now_us(), dropped=name)


def _drop(exception: int) -> str:
    return f"keller_{EXCEPTIONS.get(exception, f'exception_{exception}')}"


def build(name: str, settings: KellerSettings, site: Site) -> Keller:
    """Make the driver."""
    return Keller(name, settings, site.clock)
