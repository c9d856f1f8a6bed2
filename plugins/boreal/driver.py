"""Listen to a Boreal GasFinder2, FC, MC or 3.

Wire (GasFinder2 manual of 17 July 2017, p. 4.2; GasFinderFC manual, p. 4.3): one ASCII line after
every scan, "$GFDTA," concentration in ppm·m, R2, distance in m, light, date and time, serial,
status in hex, "*", XOR of all between "$" and "*" in two hex digits, CR LF. A GasFinderMC puts
its channel, 1 to 8, behind the header. "$GFDTB" is the second gas of a two-gas instrument.

The checksum is one byte, and misses two flipped bits in about a tenth of all frames: so every
field must also have the form and the range the manual gives it.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from hub import (
    BadFrame,
    Clock,
    ConfigError,
    Intake,
    Kept,
    LineFramer,
    Noise,
    Peaks,
    Port,
    Reading,
    Site,
    measure,
    xor8,
)
from plugins.boreal.settings import BorealSettings

LISTEN_S: Final = 0.05
LONGEST: Final = 120
NORMAL: Final = 1

# Blanks may pad a field on the left, or on the right; they count for the checksum.
_FIELDS: Final = (
    r"(?:(?P<channel> *[1-8]),)?",
    r"(?P<ppm_m> *\d{1,8}(?:\.\d{1,6})?) *,",
    r" *(?P<r2>\d{1,2}) *,",
    r" *(?P<distance_m>\d{1,4}(?:\.\d{1,3})?) *,",
    r" *(?P<light>\d{1,5}) *,",
    r" *(?P<device_time>\d{4}/[01]\d/[0-3]\d [0-2]\d:[0-5]\d:[0-5]\d) *,",
    r" *(?P<serial>[A-Za-z0-9][A-Za-z0-9._/-]{0,9}) *,",
    r" *(?P<status>[0-9A-Fa-f]{1,4}) *",
)
_BODY: Final = re.compile(r"(?P<header>GFDT[AB])," + "".join(_FIELDS), re.ASCII)


class Scan(NamedTuple):
    """One `$GFDTA` or `$GFDTB` line. `ppm_m` and `device_time` are text, as sent, unpadded."""

    header: str
    channel: int | None
    ppm_m: str
    r2: int
    distance_m: str
    light: int
    device_time: str
    serial: str
    status: int


def decode(frame: bytes) -> Scan | None:
    """Read one line, CR LF included; None for a sentence that is intact but carries no gas.

    raises  BadFrame when checksum, form or range is wrong
    """
    body, star, check = frame[1:-2].rpartition(b"*")
    if not star or frame[:1] != b"$" or frame[-2:] != b"\r\n":
        raise BadFrame(f"expected $...*hh CR LF, got {frame!r}")
    if not re.fullmatch(rb"[0-9A-Fa-f]{2}", check) or int(check, 16) != xor8(body):
        raise BadFrame(f"checksum is {check!r}, the bytes give {xor8(body):02X}: {frame!r}")
    if not body.startswith((b"GFDTA,", b"GFDTB,")):
        return None
    fields = _BODY.fullmatch(body.decode("ascii", "replace"))
    if fields is None:
        raise BadFrame(f"the fields are not those of the manual: {frame!r}")
    channel = fields["channel"]
    scan = Scan(
        fields["header"],
        int(channel) if channel else None,
        fields["ppm_m"].strip(),
        int(fields["r2"]),
        fields["distance_m"],
        int(fields["light"]),
        fields["device_time"],
        fields["serial"],
        int(fields["status"], 16),
    )
    if scan.light > 16384 or scan.status == 0 or Decimal(scan.distance_m) < 1:
        raise BadFrame(f"light, status or distance is out of the manual's range: {frame!r}")
    return scan


class GasFinder:
    """One laser that streams. Without a channel its readings bear its name; with one NAME/1..8."""

    by_memory = Peaks.BY_MEMORY

    def __init__(self, name: str, settings: BorealSettings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._framer = LineFramer(b"\r\n", b"$", LONGEST)
        self._peaks: dict[str, Peaks] = {}
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
        for peaks in self._peaks.values():
            self._late += peaks.flush()
        self._peaks.clear()
        self._noise.reset()

    def read(self, port: Port) -> Sequence[Intake]:
        """One intake for each line that has come, and one for noise between lines."""
        frames = self._framer.feed(port.read(LISTEN_S))
        at_us = self._clock.now_us()
        intakes, self._late = self._late, []
        intakes += self._noise.told(at_us)
        for frame in frames:
            intake = self._intake(frame, at_us)
            intakes += self._looked_at(intake) if intake.readings else [intake]
        for peaks in self._peaks.values():
            intakes += peaks.flush(at_us - round(self.stale_after_s * 1e6))
        return intakes

    def _looked_at(self, intake: Intake) -> list[Intake]:
        """What goes out now that *intake* has come; each channel is a series of its own."""
        name = intake.readings[0].instrument
        peaks = self._peaks.setdefault(name, Peaks(self._settings.confirm_over))
        return peaks.take(intake)

    def _intake(self, frame: bytes, at_us: int) -> Intake:
        try:
            scan = decode(frame)
        except BadFrame:
            return Intake(self.name, frame, at_us, dropped="bad_frame")
        if scan is None or scan.header != self._settings.sentence:
            return Intake(self.name, frame, at_us, dropped="other_sentence")
        if self._settings.gas == "by_serial" and not scan.serial.upper().startswith("CH4"):
            return Intake(self.name, frame, at_us, dropped="other_gas")
        if self._settings.serial not in ("", scan.serial):
            return Intake(self.name, frame, at_us, dropped="other_instrument")
        return Intake(self.name, frame, at_us, (self._reading(scan, at_us),))

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """What a recorded line says by itself."""
        return self._intake(kept.frame, kept.at_us).readings

    def _reading(self, scan: Scan, at_us: int) -> Reading:
        quality = self.quality(scan)
        return measure(
            instrument=f"{self.name}/{scan.channel}" if scan.channel else self.name,
            serial=scan.serial,
            quantity="gas_path",
            value=scan.ppm_m if quality == "good" else "",
            unit="ppm.m",
            at_us=at_us,
            quality=quality,
            device_time=scan.device_time,
        )

    def quality(self, scan: Scan) -> str:
        """What the instrument says of its own reading, worst first."""
        settings = self._settings
        if scan.status != NORMAL:
            return "fault"
        if scan.light < settings.light_least:
            return "bad"
        if scan.light > settings.light_most:
            return "over_range"
        if scan.r2 < settings.r2_least:
            return "bad"
        if settings.most_ppm_m is not None and Decimal(scan.ppm_m) > settings.most_ppm_m:
            return "over_range"
        return "good"


def build(name: str, settings: BorealSettings, site: Site) -> GasFinder:
    """Make the driver; raises ConfigError for a second gas that nobody vouches for."""
    if settings.sentence == "GFDTB" and settings.gas == "by_serial":
        raise ConfigError(
            f"{name}: sentence GFDTB is a second gas, and the serial does not say which; set "
            'gas = "CH4" if it is methane'
        )
    return GasFinder(name, settings, site.clock)
