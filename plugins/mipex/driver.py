"""Ask a MIPEX sensor: who it is at first contact, then one measurement at each turn.

It bears one command a second at most, so that each turn sends one, and the second look at a
doubtful value is the next turn.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from hub import (
    BadFrame,
    Clock,
    Confirm,
    InstrumentSilent,
    Intake,
    Kept,
    Port,
    Presence,
    Reading,
    Site,
    ask,
    measure,
)
from plugins.mipex.settings import MipexSettings
from plugins.mipex.wire import ASK_SERIAL, Answer, decode, decode_serial, framer, prefix, request

ASK_AT_MOST: Final = 3
"""Turns spent on the serial number; a sensor that does not tell it goes on under its plate's."""


class Mipex:
    """One sensor that is asked."""

    by_memory = frozenset({"warming_up"})

    def __init__(self, name: str, settings: MipexSettings, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        # DATA has no check at all: even its first value needs a second look.
        self._confirm = Confirm(settings.confirm_over, first=settings.query == "DATA")
        self._warm_until_us = 0
        self._serial = ""
        self._doubted_serial = ""
        self._plate = settings.serial
        self._asks_left = 0
        self._presence = Presence(clock)
        self.reset()

    @property
    def poll_every_s(self) -> float | None:
        return self._settings.poll_every_s

    @property
    def stale_after_s(self) -> float:
        return self._settings.lost_after_s

    @property
    def answers_as(self) -> frozenset[str]:
        """By its address, where its answers bear it."""
        settings = self._settings
        return frozenset([f"MIPEX {settings.address}"] if settings.address_in_answers else [])

    def reset(self) -> None:
        """Another sensor may be on the line."""
        self._confirm.reset()
        self._warm_until_us = 0
        self._forget()

    def _forget(self) -> None:
        self._serial = self._doubted_serial = ""
        self._asks_left = ASK_AT_MOST if self._settings.ask_serial else 0

    def read(self, port: Port) -> Sequence[Intake]:
        """One question: one intake, with a reading or with the name of what it was instead.

        raises  InstrumentSilent, BadFrame
        """
        if self._serial and self._presence.lapsed:
            self._forget()  # it could have been exchanged
        if not self._serial and self._asks_left:
            self._asks_left -= 1
            return [self._meet(port)]
        try:
            frame = self._ask(port, self._settings.query)
        except InstrumentSilent:
            self.reset()  # who answers next may be another sensor
            raise
        answer = decode(frame, self._settings.query, self._settings.address)
        self._presence.seen()
        at_us = self._clock.now_us()
        if answer.quality == "warming_up" and at_us >= self._warm_until_us:
            self.reset()  # it was powered up: it may be another one
        quality = self.quality(answer, at_us)
        reading = self._reading(answer, at_us, quality, self._serial or self._plate)
        if not self._confirm.believes(reading.canonical):
            return [Intake(self.name, frame, at_us, dropped="unconfirmed")]
        return [Intake(self.name, frame, at_us, (reading,))]

    def _meet(self, port: Port) -> Intake:
        """Learn the serial number, which has no check: only what is said twice counts."""
        frame = self._ask(port, ASK_SERIAL)
        serial = decode_serial(frame, self._settings.address)
        self._presence.seen()
        before, self._doubted_serial = self._doubted_serial, serial
        drop = "serial_number"
        if serial == before:
            if self._settings.serial in ("", serial):
                self._serial = serial
                self._plate = ""  # no longer speaks for it: who cannot tell later is another
            else:
                drop = "other_instrument"
                self._asks_left = ASK_AT_MOST
        return Intake(self.name, frame, self._clock.now_us(), dropped=drop)

    def _ask(self, port: Port, query: str) -> bytes:
        settings = self._settings
        sent = request(query, settings.address)
        frame = ask(self.name, port, sent, framer(query), settings.answer_within_s)
        if settings.address_in_answers and not frame.startswith(prefix(settings.address)):
            raise BadFrame(f"{self.name}: expected an answer with its address, got {frame[:40]!r}")
        return frame

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """What a recorded answer says; whether the sensor was still warming up it does not."""
        answer = decode(kept.frame, self._settings.query, self._settings.address)
        return (self._reading(answer, kept.at_us, self._said(answer), kept.serial),)

    def _reading(self, answer: Answer, at_us: int, quality: str, serial: str) -> Reading:
        return measure(
            instrument=self.name,
            serial=serial,
            quantity="gas",
            value=answer.pct_vol if quality == "good" else "",
            unit="%vol",
            at_us=at_us,
            quality=quality,
        )

    def quality(self, answer: Answer, at_us: int) -> str:
        """What the sensor says of its own reading; it warms up for longer than it says so."""
        if answer.quality == "warming_up":
            self._warm_until_us = at_us + round(self._settings.settle_s * 1e6)
        warm = answer.quality != "good" or at_us >= self._warm_until_us
        return self._said(answer) if warm else "warming_up"

    def _said(self, answer: Answer) -> str:
        """What one answer says of itself."""
        if answer.quality != "good":
            return answer.quality
        return "over_range" if Decimal(answer.pct_vol) > self._settings.most_pct_vol else "good"


def build(name: str, settings: MipexSettings, site: Site) -> Mipex:
    """Make the driver."""
    return Mipex(name, settings, site.clock)
