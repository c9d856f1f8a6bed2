"""Ask a Winsen sensor that speaks nine bytes, beginning with FF.

Wire (MH-441D data sheet, p. 5; MH-Z14 manual, p. 9): the question is FF, sensor number, 86, five
zeros, check; the answer FF, 86, high and low byte of the concentration, four bytes, check. The
check is the two's complement of the sum of bytes 1 to 7. What a count is worth depends on the
model and its range, and the data sheet's own factor gives an impossible value: so it is a setting.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from hub import (
    BadFrame,
    Clock,
    Confirm,
    FixedFramer,
    InstrumentSilent,
    Intake,
    Kept,
    Port,
    Reading,
    Site,
    ask,
    measure,
)
from plugins.winsen_9byte.settings import Winsen9ByteSettings

LENGTH: Final = 9
READ: Final = 0x86
START: Final = bytes((0xFF, READ))
NO_VALUE: Final = 0xFFFF
"""All bits set is what a sensor or a line without a value shows; no range reaches so far."""


class Answer(NamedTuple):
    """One answer: the bare count, and the four bytes whose meaning differs by model."""

    raw: int
    rest: bytes


class Request(NamedTuple):
    """One question."""

    sensor: int
    command: int


def check_of(frame: bytes) -> int:
    """The last byte of *frame* as it should be."""
    return -sum(frame[1:8]) % 256


def intact(frame: bytes) -> bool:
    """True if *frame* has nine bytes, the first one FF, and the right check."""
    return len(frame) == LENGTH and frame[0] == START[0] and frame[8] == check_of(frame)


def request(sensor: int) -> bytes:
    """Ask *sensor* for its concentration; the hub sends nothing else, least of all 87 and 88."""
    body = bytes((START[0], sensor, READ, 0, 0, 0, 0, 0))
    return body + bytes([check_of(body)])


def decode(frame: bytes) -> Answer:
    """Read one answer. raises BadFrame for a wrong length, command or check"""
    if not intact(frame) or not frame.startswith(START):
        raise BadFrame(f"expected FF 86 and seven bytes that sum up, got {frame[:20].hex(' ')}")
    return Answer(int.from_bytes(frame[2:4]), frame[4:8])


def decode_request(frame: bytes) -> Request:
    """Read one question, such as an adapter repeats. raises BadFrame"""
    if not intact(frame) or any(frame[3:8]):
        raise BadFrame(f"expected FF, sensor, command, five zeros, got {frame[:20].hex(' ')}")
    return Request(frame[1], frame[2])


class Winsen9Byte:
    """One sensor that is asked."""

    by_memory = frozenset({"warming_up"})

    def __init__(self, name: str, settings: Winsen9ByteSettings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._framer = FixedFramer(LENGTH, START, intact)
        self._confirm = Confirm(settings.believed.step)
        self._warm_until_us: int | None = None

    @property
    def poll_every_s(self) -> float | None:
        return self._settings.poll_every_s

    @property
    def stale_after_s(self) -> float:
        return self._settings.lost_after_s

    def reset(self) -> None:
        """Another sensor may be on the line, or it was powered up with it."""
        self._confirm.reset()
        self._warm_until_us = None

    def read(self, port: Port) -> Sequence[Intake]:
        """One poll: an intake with a reading; for a doubtful step two, the drop and a second look.

        raises  InstrumentSilent, BadFrame
        """
        try:
            intakes = [self._look(port)]
        except InstrumentSilent:
            self.reset()
            raise
        if intakes[0].dropped:
            # Should the second look fail, the drop stands, and the next poll says what is wrong.
            with suppress(BadFrame, InstrumentSilent):
                intakes.append(self._look(port))
        return intakes

    def _look(self, port: Port) -> Intake:
        settings = self._settings
        asked = request(settings.sensor)
        frame = ask(self.name, port, asked, self._framer, settings.answer_within_s)
        at_us = self._clock.now_us()
        answer = decode(frame)
        reading = self._reading(answer, at_us, self.quality(answer, at_us))
        if not self._confirm.believes(reading.canonical):
            return Intake(self.name, frame, at_us, dropped="unconfirmed")
        return Intake(self.name, frame, at_us, (reading,))

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """What a recorded answer says; whether the sensor was still warming up it does not."""
        answer = decode(kept.frame)
        return (self._reading(answer, kept.at_us, self._said(answer)),)

    def _reading(self, answer: Answer, at_us: int, quality: str) -> Reading:
        value = answer.raw * self._settings.scale
        return measure(
            instrument=self.name,
            serial=self._settings.serial,
            quantity="gas",
            value=f"{value:f}" if quality == "good" else "",
            unit=self._settings.unit,
            at_us=at_us,
            quality=quality,
        )

    def quality(self, answer: Answer, at_us: int) -> str:
        """What is known of a count, worst first; the protocol has no status of its own."""
        if answer.raw == NO_VALUE:
            return "fault"
        if self._warm_until_us is None:
            self._warm_until_us = at_us + round(self._settings.warm_up_s * 1e6)
        return "warming_up" if at_us < self._warm_until_us else self._said(answer)

    def _said(self, answer: Answer) -> str:
        """What one count says by itself."""
        if answer.raw == NO_VALUE:
            return "fault"
        value = answer.raw * self._settings.scale
        return "over_range" if value > self._settings.believed.most else "good"


def build(name: str, settings: Winsen9ByteSettings, site: Site) -> Winsen9Byte:
    """Make the driver."""
    return Winsen9Byte(name, settings, site.clock)
