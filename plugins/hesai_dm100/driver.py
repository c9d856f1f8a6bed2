"""Listen to a HESAI DM100: one ASCII line after another, unasked.

Wire (DM100 user manual, p. 7, table 3): "$", eight fields of five characters, four of three,
separated by commas, "*" and two hex digits. The first field is methane in ppm·m. That the digits
are the XOR of what stands between "$" and "*", and which of the other fields is which, follows
from one printed line only, in which the XOR is wrong by one bit: so all of it waits for a capture.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from hub import (
    BadFrame,
    Clock,
    FixedFramer,
    Intake,
    Kept,
    Noise,
    Peaks,
    Port,
    Reading,
    Site,
    measure,
    xor8,
)
from plugins.hesai_dm100.settings import Dm100Settings

LISTEN_S: Final = 0.05
LENGTH: Final = 67
ENDS: Final = b"\r\n"
"""The manual names no terminator: either, both or none may follow a line."""

_FIVE: Final = rb"(?:\d{5}|-\d{4})"
_LINE: Final = re.compile(
    rb"\$(" + rb",".join([_FIVE] * 8 + [rb"\d{3}"] * 4) + rb")\*([0-9A-F]{2})"
)


class Scan(NamedTuple):
    """One line. `ppm_m` and `version` are text as sent; `others` are the fields nobody explains.

    Only methane's place is certain; light, relevancy, version and error are taken from the order
    of the manual's table.
    """

    ppm_m: str
    light: int
    relevancy_milli: int
    version: str
    error_code: int
    others: tuple[int, ...]


def shaped(frame: bytes) -> bool:
    """True if *frame* has the form of a line; its checksum is another matter."""
    return _LINE.fullmatch(frame) is not None


def decode(frame: bytes) -> Scan:
    """Read one line, with or without CR or LF behind it.

    raises  BadFrame when form or checksum is wrong
    """
    line = _LINE.fullmatch(frame.rstrip(ENDS))
    if line is None:
        raise BadFrame(f"expected the 67 bytes of a DM100 line, got {frame[:80]!r}")
    body, check = line.groups()
    if int(check, 16) != xor8(body):
        raise BadFrame(f"checksum is {check.decode()}, the bytes give {xor8(body):02X}: {frame!r}")
    fields = body.decode("ascii").split(",")
    others = tuple(int(fields[at]) for at in (2, 4, 5, 6, 7, 8, 9))
    return Scan(fields[0], int(fields[1]), int(fields[3]), fields[10], int(fields[11]), others)


class Dm100:
    """One laser that streams."""

    by_memory = Peaks.BY_MEMORY

    def __init__(self, name: str, settings: Dm100Settings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._framer = FixedFramer(LENGTH, b"$", shaped)
        self._peaks = Peaks(settings.confirm_over)
        self._late: list[Intake] = []
        self._noise = Noise(name, self._framer)

    @property
    def poll_every_s(self) -> float | None:
        return None

    @property
    def stale_after_s(self) -> float:
        return self._settings.stale_after_s

    def reset(self) -> None:
        """Half a line from before must not meet the end of another; no value holds any longer."""
        self._framer.reset()
        self._late += self._peaks.flush()
        self._peaks = Peaks(self._settings.confirm_over)
        self._noise.reset()

    def read(self, port: Port) -> Sequence[Intake]:
        """One intake for each line that has come, and one for noise between lines."""
        frames = self._framer.feed(port.read(LISTEN_S).translate(None, ENDS))
        at_us = self._clock.now_us()
        intakes, self._late = self._late, []
        intakes += self._noise.told(at_us)
        for frame in frames:
            intake = self._intake(frame, at_us)
            intakes += self._peaks.take(intake) if intake.readings else [intake]
        return intakes + self._peaks.flush(at_us - round(self.stale_after_s * 1e6))

    def _intake(self, frame: bytes, at_us: int) -> Intake:
        try:
            scan = decode(frame)
        except BadFrame:
            return Intake(self.name, frame, at_us, dropped="bad_frame")
        if self._settings.unproved == "refuse":
            return Intake(self.name, frame, at_us, dropped="unproved")
        return Intake(self.name, frame, at_us, (self._reading(scan, at_us),))

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """What a recorded line says by itself."""
        return self._intake(kept.frame, kept.at_us).readings

    def _reading(self, scan: Scan, at_us: int) -> Reading:
        quality = self.quality(scan)
        return measure(
            instrument=self.name,
            serial=self._settings.serial,
            quantity="gas_path",
            value=scan.ppm_m if quality == "good" else "",
            unit="ppm.m",
            at_us=at_us,
            quality=quality,
        )

    def quality(self, scan: Scan) -> str:
        """What the laser says of its own reading, worst first."""
        settings = self._settings
        if scan.error_code:
            return "fault"
        if scan.relevancy_milli < settings.relevancy_least:
            return "bad"
        if Decimal(scan.ppm_m) > settings.most_ppm_m:
            return "over_range"
        if Decimal(scan.ppm_m) < settings.least_ppm_m:
            return "under_range"
        return "good"


def build(name: str, settings: Dm100Settings, site: Site) -> Dm100:
    """Make the driver."""
    return Dm100(name, settings, site.clock)
