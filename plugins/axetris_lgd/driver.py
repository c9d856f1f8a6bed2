"""Listen to an Axetris LGD: a packet a second, unasked; one version packet after power-up.

The packets do not say the gas or its unit: both were fixed when the module was ordered, so both
are settings. They say who sends only in the version packet, which is therefore asked for once
the module is heard.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from hub import (
    BadFrame,
    Clock,
    Confirm,
    Intake,
    Kept,
    LengthFramer,
    Noise,
    Port,
    Presence,
    Reading,
    Site,
    float32_text,
    measure,
)
from plugins.axetris_lgd.packet import (
    ASK_VERSION,
    LONGEST,
    Packet,
    decode,
    measured,
    size_of,
    version,
    whole,
)
from plugins.axetris_lgd.settings import AxetrisSettings

LISTEN_S: Final = 0.05
ASK_AT_MOST: Final = 3
"""A module that does not answer so many times goes on under the serial of the settings."""
NEGLIGIBLE: Final = 0x3F
"""The manual calls all flags but the upper two negligible."""


class Place(NamedTuple):
    """Which of how many gases."""

    at: int
    of: int


PLACES: Final = {"only": Place(0, 1), "first": Place(0, 2), "second": Place(1, 2)}


class AxetrisLgd:
    """One module that streams."""

    by_memory: frozenset[str] = frozenset()

    def __init__(self, name: str, settings: AxetrisSettings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._framer = LengthFramer(size_of, b"{", LONGEST, whole)
        self._confirm = Confirm(settings.believed.step)
        self._serial = ""
        self._plate = settings.serial
        self._presence = Presence(clock)
        self._asks_left = ASK_AT_MOST
        self._ask_now = False
        self._noise = Noise(name, self._framer)

    @property
    def poll_every_s(self) -> float | None:
        return None

    @property
    def stale_after_s(self) -> float:
        return self._settings.stale_after_s

    def reset(self) -> None:
        """Another module may be on the line: it is asked who it is."""
        self._framer.reset()
        self._noise.reset()
        self._forget()

    def _forget(self) -> None:
        self._confirm.reset()
        self._serial = ""
        self._asks_left = ASK_AT_MOST
        self._ask_now = False

    def read(self, port: Port) -> Sequence[Intake]:
        """One intake for each packet that has come, and one for noise between packets."""
        if self._ask_now:
            self._ask_now = False
            port.write(ASK_VERSION)
        frames = self._framer.feed(port.read(LISTEN_S))
        at_us = self._clock.now_us()
        if frames:
            if self._presence.lapsed:
                self._forget()  # who speaks after a silence may be another module
            self._presence.seen()
        return self._noise.told(at_us) + [self._intake(frame, at_us) for frame in frames]

    def _intake(self, frame: bytes, at_us: int) -> Intake:
        try:
            outcome = self._outcome(decode(frame), at_us)
        except BadFrame:
            outcome = "bad_frame"
        if isinstance(outcome, str):
            return Intake(self.name, frame, at_us, dropped=outcome)
        return Intake(self.name, frame, at_us, (outcome,))

    def _outcome(self, packet: Packet, at_us: int) -> Reading | str:
        """The reading that *packet* is, or the name of its drop."""
        if packet.kind == "V":
            return self._introduced(packet)
        serial = self._serial or self._plate
        found = self._measured(packet, at_us, serial)
        if isinstance(found, str):
            return found
        if drop := self._stranger():
            return drop
        return found if self._confirm.believes(found.canonical) else "unconfirmed"

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """What a recorded packet says."""
        found = self._measured(decode(kept.frame), kept.at_us, kept.serial)
        return () if isinstance(found, str) else (found,)

    def _measured(self, packet: Packet, at_us: int, serial: str) -> Reading | str:
        """The reading that *packet* is by itself, or the name of its drop."""
        if packet.kind not in "MEF":
            return "other_packet"
        number: float | None = None
        if packet.kind == "M":
            found = measured(packet)
            if found is None:
                return "acknowledgement"
            place = PLACES[self._settings.methane_is]
            if len(found.gases) != place.of:
                return "other_model"
            number = found.gases[place.at]
        quality = self.quality(packet, number)
        return measure(
            instrument=self.name,
            serial=serial,
            quantity="gas",
            value=float32_text(number) if number is not None and quality == "good" else "",
            unit=self._settings.unit,
            at_us=at_us,
            quality=quality,
        )

    def _introduced(self, packet: Packet) -> str:
        """A module said who it is: after power-up, or because it was asked."""
        said = version(packet)
        if said is None:
            return "echo"
        if said.serial != self._serial:
            self._confirm.reset()
        self._serial = said.serial
        self._plate = ""  # no longer speaks for it: who cannot tell from now on is another
        return "version"

    def _stranger(self) -> str:
        """The name of the drop while it is unknown who speaks, or it is another; "" when it may."""
        if not self._serial and self._settings.ask_serial and self._asks_left:
            self._asks_left -= 1
            self._ask_now = True
            return "unidentified"
        if self._serial and self._settings.serial not in ("", self._serial):
            return "other_instrument"
        return ""

    def quality(self, packet: Packet, number: float | None) -> str:
        """What the module says of its own reading, worst first; *number* is None for E and F.

        The lists of codes are not public: any flag or code means that the number is not used.
        """
        if packet.kind == "F":
            return "fault"
        if number is None or packet.flags & ~NEGLIGIBLE or packet.code:
            return "bad"
        if not math.isfinite(number):
            return "fault"
        if Decimal(number) > self._settings.believed.most:
            return "over_range"
        if Decimal(number) < self._settings.believed.least:
            return "under_range"
        return "good"


def build(name: str, settings: AxetrisSettings, site: Site) -> AxetrisLgd:
    """Make the driver."""
    return AxetrisLgd(name, settings, site.clock)
