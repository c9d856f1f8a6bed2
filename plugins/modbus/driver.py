"""Poll one Modbus slave by its profile: requests in a row, then all values with their status.

The registers a poll needs are joined into as few requests as the profile allows, so that a
status register speaks for the values beside it. A slave that refuses a joined request because
registers in between do not exist is asked in pieces from then on.
"""

import time
from collections.abc import Sequence

from hub import (
    BadFrame,
    Clock,
    ConfigError,
    InstrumentSilent,
    Intake,
    Port,
    Reading,
    Site,
    measure,
)
from plugins.modbus.profile import Place, Profile, load, spans
from plugins.modbus.settings import ModbusSettings
from plugins.modbus.wire import ILLEGAL_ADDRESS, LONGEST, Refused, Request, decode, find


class ModbusInstrument:
    """One slave. Reads only; asks no more often than its line's thread calls `read`."""

    def __init__(self, name: str, settings: ModbusSettings, profile: Profile, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._status = profile.status
        self._fields = profile.chosen(settings.publish)
        self._clock = clock
        self._requests = self._plan(profile.bridge)

    @property
    def poll_every_s(self) -> float | None:
        return self._settings.poll_every_s

    @property
    def stale_after_s(self) -> float:
        return self._settings.lost_after_s

    def reset(self) -> None:
        """Nothing is kept between two polls."""

    def read(self, port: Port) -> Sequence[Intake]:
        """One poll: one intake with a reading for each published field.

        raises  InstrumentSilent, BadFrame
        """
        registers: dict[tuple[int, int], int] = {}
        frames = b""
        for request in self._requests:
            try:
                frame, values = self._ask(port, request)
            except Refused as refused:
                pieces = self._plan(0)
                if refused.code == ILLEGAL_ADDRESS and pieces != self._requests:
                    self._requests = pieces
                drop = f"modbus_{refused.word}"
                return [Intake(self.name, refused.frame, self._clock.now_us(), dropped=drop)]
            frames += frame
            for at, register in enumerate(values, request.start):
                registers[request.function, at] = register
        at_us = self._clock.now_us()
        said = (status.quality(registers) for status in self._status)
        quality = next((word for word in said if word), None)
        readings = []
        for field in self._fields:
            value, own = field.value(registers)
            text, word = ("", quality) if quality else (value, own)
            readings.append(self._reading(field.quantity, text, field.unit, at_us, word))
        return [Intake(self.name, frames, at_us, tuple(readings))]

    def _reading(self, quantity: str, value: str, unit: str, at_us: int, quality: str) -> Reading:
        return measure(
            instrument=self.name,
            serial=self._settings.serial,
            quantity=quantity,
            value=value,
            unit=unit,
            at_us=at_us,
            quality=quality,
        )

    def _plan(self, bridge: int) -> list[Request]:
        places: list[Place] = [*self._fields, *self._status]
        address = self._settings.address
        return [Request(address, *span) for span in spans(places, bridge)]

    def _ask(self, port: Port, asked: Request) -> tuple[bytes, tuple[int, ...]]:
        port.discard()
        port.write(asked.frame)
        until_s = time.monotonic() + self._settings.answer_within_s
        heard = b""
        while len(heard) < 2 * LONGEST:
            part = port.read(max(until_s - time.monotonic(), 0.0))
            if not part:
                break
            heard += part
            if (frame := find(heard, asked)) is not None:
                return frame, decode(frame, asked)
        if not heard.removeprefix(asked.frame):
            raise InstrumentSilent(
                f"{self.name} on {port.name}: {asked}: no answer in "
                f"{self._settings.answer_within_s} s; check power, wiring (A and B), address, "
                "speed and parity"
            )
        decode(heard.removeprefix(asked.frame), asked)
        raise BadFrame(f"{asked}: the answer looks like our own request: {heard.hex(' ')}")


def build(name: str, settings: ModbusSettings, site: Site) -> ModbusInstrument:
    """Make the driver; raises ConfigError for a profile that cannot be used."""
    profile = load(settings.profile)
    try:
        instrument = ModbusInstrument(name, settings, profile, site.clock)
        for field in profile.chosen(settings.publish):
            measure(instrument=name, quantity=field.quantity, value="0", unit=field.unit, at_us=0)
    except (ValueError, BadFrame) as wrong:
        raise ConfigError(f"{name}: profile {settings.profile}: {wrong}") from None
    return instrument
