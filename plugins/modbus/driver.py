"""Poll one Modbus slave by its profile: requests in a row, then all values with their status.

The registers of a poll are joined into as few requests as the profile allows, so that a state
register speaks for the values beside it. What an instrument says of itself decides: another model
or another specimen is dropped by name, and a heartbeat that has stopped makes a fault of whatever
number a hung transmitter goes on to answer.
"""

import time
from collections.abc import Sequence
from decimal import Decimal

from hub import (
    BadFrame,
    Clock,
    ConfigError,
    InstrumentSilent,
    Intake,
    Kept,
    Port,
    Presence,
    Reading,
    Site,
    measure,
)
from plugins.modbus.loading import fields_for, load
from plugins.modbus.numbers import number, raw
from plugins.modbus.profile import Heartbeat, Place, Profile
from plugins.modbus.settings import ModbusSettings
from plugins.modbus.values import Decoder, Said
from plugins.modbus.wire import ILLEGAL_ADDRESS, LONGEST, Refused, Request, decode, find

_OF_LEL = ("%LEL", "LEL.m")


class ModbusInstrument:
    """One slave. Reads only; asks no more often than its line's thread calls `read`.

    raises  ValueError for settings that do not fit the profile
    """

    by_memory = frozenset({"fault"})

    def __init__(self, name: str, settings: ModbusSettings, profile: Profile, clock: Clock) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        fields = fields_for(profile, settings.publish, settings.unit, settings.least, settings.most)
        self._whole = Decoder(profile, fields, settings.address, profile.bridge)
        self._decoder = self._whole
        self._pieces: Decoder | None = None
        if profile.in_pieces:
            self._pieces = Decoder(profile, fields, settings.address, bridge=0)
        self._pulse = _Pulse(profile.heartbeat, settings.heartbeat_within_s)
        self._identity = _Identity(settings, profile.serial)
        self._presence = Presence(clock)
        basis = settings.lel_basis_pct_vol
        self._lel_basis = "" if basis is None else str(basis)

    @property
    def poll_every_s(self) -> float | None:
        return self._settings.poll_every_s

    @property
    def stale_after_s(self) -> float:
        return self._settings.lost_after_s

    @property
    def answers_as(self) -> frozenset[str]:
        """By slave, function and number of registers; which ones they are an answer never says."""
        identity = [self._identity.request] if self._identity.request else []
        pieces = self._pieces.requests if self._pieces else []
        asked = [*self._whole.requests, *pieces, *identity]
        return frozenset(request.answered_as for request in asked)

    def reset(self) -> None:
        """Another instrument may answer now, so it is asked again who it is.

        Its heartbeat is remembered: a hung one must not win time with every replug.
        """
        self._identity.forget()
        self._decoder = self._whole

    def read(self, port: Port) -> Sequence[Intake]:
        """One poll: one intake with a reading for each published field, or a named drop.

        raises  InstrumentSilent, BadFrame
        """
        try:
            return self._poll(port)
        except Refused as refused:
            self._identity.forget()
            if refused.code == ILLEGAL_ADDRESS and self._pieces is not None:
                self._decoder = self._pieces
            return self._dropped(f"modbus_{refused.word}", refused.frame)
        except (BadFrame, InstrumentSilent):
            self._identity.forget()
            raise

    def _poll(self, port: Port) -> Sequence[Intake]:
        if self._presence.lapsed:
            self._identity.forget()
        if not self._identity.known:
            frame = self._ask_identity(port)
            if self._identity.differs:
                self._identity.forget()
                return self._dropped("other_instrument", frame)
        frames, data = b"", b""
        for request in self._decoder.requests:
            frame, registers = self._ask(port, request)
            frames += frame
            data += registers
        self._presence.seen()
        poll = self._decoder.decode(data)
        if poll.dropped:
            self._identity.forget()
            return self._dropped(poll.dropped, frames)
        at_us = self._clock.now_us()
        said = poll.said
        stopped = self._pulse.stopped(poll.beat, at_us)
        if stopped:
            said = tuple([each._replace(value="", quality="fault") for each in said])
        serial = self._identity.serial
        readings = tuple([self._reading(each, at_us, serial) for each in said])
        if any(each.quality == "warming_up" for each in said):
            self._identity.forget()
        intakes = [Intake(self.name, frames, at_us, readings)]
        if stopped:  # the status shows drops by their names, so the reason is told as one
            intakes.append(Intake(self.name, b"", at_us, dropped="heartbeat_stopped"))
        return intakes

    def _ask_identity(self, port: Port) -> bytes:
        request = self._identity.request
        assert request is not None, "what cannot tell its serial is known from the start"
        try:
            frame, registers = self._ask(port, request)
        except Refused as refused:
            if refused.code != ILLEGAL_ADDRESS:
                raise
            self._identity.take(b"")
            return refused.frame
        self._identity.take(registers)
        return frame

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """What the recorded answers of one poll say; whether the heartbeat stood they do not."""
        try:
            said = self._whole.decode_frames(kept.frame).said
        except BadFrame:
            if self._pieces is None:
                raise
            said = self._pieces.decode_frames(kept.frame).said
        return tuple([self._reading(each, kept.at_us, kept.serial) for each in said])

    def settings_to_keep(self) -> ModbusSettings:
        """With the text of a profile that is a file of this gateway, and not where it lies."""
        name = self._settings.profile.rpartition("/")[2]
        return self._settings.model_copy(update={"profile": name})

    def _reading(self, said: Said, at_us: int, serial: str) -> Reading:
        return measure(
            instrument=self.name,
            serial=serial,
            quantity=said.quantity,
            value=said.value,
            unit=said.unit,
            at_us=at_us,
            quality=said.quality,
            lel_basis_pct_vol=self._lel_basis if said.unit in _OF_LEL else "",
        )

    def _dropped(self, name: str, frame: bytes) -> Sequence[Intake]:
        return [Intake(self.name, frame, self._clock.now_us(), dropped=name)]

    def _ask(self, port: Port, asked: Request) -> tuple[bytes, bytes]:
        port.clear_for(self.name)
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
        port.missed(self.name, self._settings.answer_within_s)
        if not heard.removeprefix(asked.frame):
            raise InstrumentSilent(
                f"{self.name} on {port.name}: {asked}: no answer in "
                f"{self._settings.answer_within_s} s; check power, wiring (A and B), address, "
                "speed and parity"
            )
        decode(heard.removeprefix(asked.frame), asked)
        raise BadFrame(f"{asked}: the answer looks like our own request: {heard.hex(' ')}")


class _Pulse:
    """Watches the heartbeat register: it must change within so many seconds of hub time."""

    def __init__(self, heartbeat: Heartbeat | None, within_s: float | None) -> None:
        default_s = heartbeat.within_s if heartbeat else 0.0
        self._within_us = round((within_s or default_s) * 1e6)
        self._beat: int | None = None
        self._changed_us = 0

    def stopped(self, beat: int | None, at_us: int) -> bool:
        if beat is None:
            return False
        if beat != self._beat:
            self._beat, self._changed_us = beat, at_us
        return at_us - self._changed_us > self._within_us


class _Identity:
    """Who answers: the serial that the instrument tells, or else the one of the settings."""

    def __init__(self, settings: ModbusSettings, place: Place | None) -> None:
        self._place = place
        self._set = settings.serial
        self._plate = settings.serial
        self._told: str | None = None if place else ""
        self.request: Request | None = None
        if place is not None:
            self.request = Request(settings.address, place.function, place.first, place.count)

    @property
    def known(self) -> bool:
        return self._told is not None

    @property
    def differs(self) -> bool:
        return bool(self._told and self._set and self._told != self._set)

    @property
    def serial(self) -> str:
        return self._told or self._plate

    def take(self, registers: bytes) -> None:
        """The registers of the serial; b"" from an instrument that has none."""
        self._told = ""
        if registers and self._place is not None:
            place = self._place
            take = raw(place, {(place.function, place.first): 0})
            found = number(take(registers), place.type)
            self._told = format(found, "f") if isinstance(found, Decimal) else ""
        if self._told:
            self._plate = ""  # no longer speaks for it: who cannot tell from now on is another

    def forget(self) -> None:
        """It may be another one by now."""
        self._told = None if self._place else ""


def build(name: str, settings: ModbusSettings, site: Site) -> ModbusInstrument:
    """Make the driver; raises ConfigError for a profile that cannot be used."""
    try:
        settings = settings.with_profile()
        value, text = settings.value, settings.profile_text
        profile = value.profile() if value else load(settings.profile, settings.answers, text)
        return ModbusInstrument(name, settings, profile, site.clock)
    except ValueError as wrong:
        raise ConfigError(f"{name}: profile {settings.profile}: {wrong}") from None
