"""Listen to a Winsen MH-Z9041A (DFRobot SEN0654): one ASCII line a second, always 44 bytes.

Wire (DFRobot wiki, SEN0654, "UART protocol"): "A", methane in %LEL as sign and 3.2 digits, blank,
ambient temperature in degC, blank, three reserved fields, error code, blank, XOR of the bytes
before it in two hex digits, CR LF. Firmwares differ in whether the XOR covers the blank before
it (bytes 0 to 39) or not (0 to 38); both have been seen. As a blank changes the XOR by 0x20 only
one of the two can fit a line, so a line tells which kind of sensor sent it.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from hub import (
    BadFrame,
    Clock,
    Confirm,
    FixedFramer,
    Intake,
    Kept,
    Noise,
    Port,
    Reading,
    Site,
    measure,
    xor8,
)
from plugins.winsen_mhz9041a.settings import MhZ9041aSettings

LISTEN_S: Final = 0.05
LENGTH: Final = 44
SPANS: Final = {"0..38": 39, "0..39": 40}
LEARN_AFTER: Final = 3
FORGET_AFTER: Final = 10

_LAYOUT: Final = re.compile(
    rb"A(?P<gas_pct_lel>[+-]\d{3}\.\d0)"
    rb" (?P<ambient_c>[+-]\d{2}\.\d)"
    rb" (?P<sensor_c>[+\-\d]\d{3}\.\d{2})"
    rb" (?P<signal>[+\-\d]\d{2}\.\d)"
    rb" B(?P<fit>[+\-\d]\d{3}\.\d)"
    rb" (?P<error>[0-9A-F]{2})"
    rb" (?P<check>[0-9A-F]{2})\r\n"
)


class Sample(NamedTuple):
    """One line. Numbers are text as sent; `error` is its two characters; `covers` is in bytes."""

    gas_pct_lel: str
    ambient_c: str
    sensor_c: str
    signal: str
    fit: str
    error: str
    covers: int


def shaped(frame: bytes) -> bool:
    """True if *frame* has the documented layout to the byte; its checksum is another matter."""
    return _LAYOUT.fullmatch(frame) is not None


def decode(frame: bytes, covers: int | None = None) -> Sample:
    """Read one line, CR LF included.

    covers  bytes that the checksum covers, 39 or 40; None takes either, and the answer says which
    raises  BadFrame when layout or checksum is wrong
    """
    fields = _LAYOUT.fullmatch(frame)
    if fields is None:
        raise BadFrame(f"expected the 44 bytes of an MH-Z9041A line, got {frame[:60]!r}")
    fits = next((n for n in SPANS.values() if xor8(frame[:n]) == int(fields["check"], 16)), None)
    if fits is None or covers not in (None, fits):
        raise BadFrame(
            f"checksum is {fields['check'].decode()}, the bytes give {xor8(frame[:39]):02X} "
            f"without and {xor8(frame[:40]):02X} with the blank: {frame!r}"
        )
    said = {name: field.decode("ascii") for name, field in fields.groupdict().items()}
    return Sample(
        said["gas_pct_lel"],
        said["ambient_c"],
        said["sensor_c"],
        said["signal"],
        said["fit"],
        said["error"],
        fits,
    )


class Covers:
    """Which bytes this sensor's checksum covers: learned from three lines in a row, then kept.

    Taking either for ever would let a flip of bit 5 through, which is just their difference.
    Ten lines in a row of the other kind are another sensor.
    """

    def __init__(self, known: int | None) -> None:
        self._known = known
        self._kept = known
        self._last: int | None = None
        self._run = 0

    def reset(self) -> None:
        self._kept, self._last, self._run = self._known, None, 0

    def admits(self, covers: int) -> bool:
        """Take one intact line's span into account; False when it is not this sensor's."""
        self._run = self._run + 1 if covers == self._last else 1
        self._last = covers
        enough = LEARN_AFTER if self._kept is None else FORGET_AFTER
        if self._known is None and self._run >= enough:
            self._kept = covers
        return self._kept in (None, covers)


class MhZ9041a:
    """One sensor that streams."""

    by_memory: frozenset[str] = frozenset()

    def __init__(self, name: str, settings: MhZ9041aSettings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._framer = FixedFramer(LENGTH, b"A", shaped)
        self._covers = Covers(SPANS.get(settings.checksum_covers))
        self._confirm = Confirm(settings.confirm_over)
        self._noise = Noise(name, self._framer)

    @property
    def poll_every_s(self) -> float | None:
        return None

    @property
    def stale_after_s(self) -> float:
        return self._settings.stale_after_s

    def reset(self) -> None:
        """Another sensor may be on the line: nothing learned from the last one holds."""
        self._framer.reset()
        self._covers.reset()
        self._confirm.reset()
        self._noise.reset()

    def read(self, port: Port) -> Sequence[Intake]:
        """One intake for each line that has come, and one for noise between lines."""
        frames = self._framer.feed(port.read(LISTEN_S))
        at_us = self._clock.now_us()
        return self._noise.told(at_us) + [self._intake(frame, at_us) for frame in frames]

    def _intake(self, frame: bytes, at_us: int) -> Intake:
        try:
            sample = decode(frame)
        except BadFrame:
            return Intake(self.name, frame, at_us, dropped="bad_frame")
        if not self._covers.admits(sample.covers):
            return Intake(self.name, frame, at_us, dropped="other_checksum")
        reading = self._reading(sample, at_us)
        if not self._confirm.believes(reading.canonical):
            return Intake(self.name, frame, at_us, dropped="unconfirmed")
        return Intake(self.name, frame, at_us, (reading,))

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """What a recorded line says; by which bytes its checksum goes, the lines before it told."""
        return (self._reading(decode(kept.frame), kept.at_us),)

    def _reading(self, sample: Sample, at_us: int) -> Reading:
        quality = self.quality(sample)
        return measure(
            instrument=self.name,
            serial=self._settings.serial,
            quantity="gas",
            value=sample.gas_pct_lel if quality == "good" else "",
            unit="%LEL",
            at_us=at_us,
            quality=quality,
        )

    def quality(self, sample: Sample) -> str:
        """What the sensor says of its own reading, worst first.

        Wiki table and driver of the board disagree about the bits of the error code, and about
        its radix: any error is a fault.
        """
        if sample.error != "00":
            return "fault"
        gas_pct_lel = Decimal(sample.gas_pct_lel)
        if gas_pct_lel > self._settings.most_pct_lel:
            return "over_range"
        if gas_pct_lel < self._settings.least_pct_lel:
            return "under_range"
        return "good"


def build(name: str, settings: MhZ9041aSettings, site: Site) -> MhZ9041a:
    """Make the driver."""
    return MhZ9041a(name, settings, site.clock)
