"""One thread owns one serial line: it asks the instruments in turn and says what became of them.

What goes wrong is answered at the smallest scope: a frame (dropped, counted), an instrument
(lost, once; back, once), the port (closed, opened again with back-off). A bug in a driver stops
that instrument alone. Every change of state is one notice for the record and one log line.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import NamedTuple

import structlog

from hub.adapter import present
from hub.clock import Clock
from hub.errors import BadFrame, ConfigError, Fault, PortGone
from hub.model import Addressed, Intake, LineDriver, Notice
from hub.port import Port, PortSettings
from hub.schedule import Schedule
from hub.tapping import Tap

log = structlog.get_logger()

Item = Intake | Notice
REOPEN_FIRST_S, REOPEN_MOST_S = 0.2, 5.0
REST_FIRST_S, REST_MOST_S = 30.0, 600.0
_SLICE_S = 1.0  # the longest wait without a beat
_KERNEL_BUFFER = 4096
_LATEST_S = 2.0


class InstrumentStatus(NamedTuple):
    """What `gashub status` shows of one instrument.

    `state` is starting, ok, lost or failed; `drops` counts by name of drop, and under "silent"
    the turns without an answer.
    """

    state: str
    heard_us: int
    reason: str
    readings: int
    drops: Mapping[str, int]


@dataclass(slots=True)
class _Instrument:
    driver: LineDriver
    heard_us: int
    lost: bool = False
    failed: bool = False
    reason: str = ""
    readings: int = 0
    rest_s: float = REST_FIRST_S
    drops: Counter[str] = field(default_factory=Counter)

    def heard(self, now_us: int, readings: int) -> None:
        self.heard_us = now_us
        self.readings += readings
        self.lost, self.rest_s = False, REST_FIRST_S


class Line:
    """The instruments of one line, by name, in the order of the configuration.

    put        takes intakes and notices, and `stop`; may block while the bus is full
    overrun_s  a streaming instrument's input is no longer trusted after `put` has blocked for
               longer; absent: what fills the kernel's buffer at the line's speed, at most 2 s,
               because what waits in the buffer is stamped when it is read
    raises     ConfigError when an instrument that streams shares its line, or one whose answers
               could be taken for another's
    """

    def __init__(
        self,
        name: str,
        settings: PortSettings,
        drivers: Mapping[str, LineDriver],
        put: Callable[[Sequence[Item], Event], object],
        clock: Clock,
        *,
        overrun_s: float | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        streams = [who for who, driver in drivers.items() if driver.poll_every_s is None]
        if streams and len(drivers) > 1:
            raise ConfigError(
                f"line {name}: {streams[0]} sends by itself and shares the line with "
                f"{', '.join(who for who in drivers if who != streams[0])}; they would speak at "
                "once: give it a line of its own"
            )
        if len(drivers) > 1:
            _told_apart(name, drivers)
        self.name = name
        self._beat = f"line:{name}"
        self._settings = settings
        self._stop = Event()
        self.tap = Tap(clock)
        self._port = Port(settings, self._stop, self.tap)
        self._put = put
        self._clock = clock
        self._jitter = jitter
        self._streaming = bool(streams)
        buffer_s = min(_LATEST_S, _KERNEL_BUFFER * settings.character_s)
        self._overrun_s = buffer_s if overrun_s is None else overrun_s
        now_us = clock.now_us()
        self._instruments = {who: _Instrument(driver, now_us) for who, driver in drivers.items()}
        self._schedule = self._new_schedule()
        self._serials: dict[str, str] = {}
        self._port_state = "starting"
        self._reopen_s = REOPEN_FIRST_S

    def run(self, stop: Event) -> None:
        """The body of the line's thread; returns within a second of *stop*."""
        self._stop = stop
        self._port = Port(self._settings, stop, self.tap)
        now_us = self._clock.now_us()
        for instrument in self._instruments.values():
            instrument.heard_us = now_us
        try:
            while not self._stop.is_set():
                self._clock.beat(self._beat)
                try:
                    self._port.open()
                    self._serve()
                except (PortGone, OSError) as gone:
                    self._port_lost(str(gone))
                finally:
                    self._port.close()
                self._wait_to_reopen()
        finally:
            self._clock.forget(self._beat)

    def status(self) -> dict[str, InstrumentStatus]:
        """A snapshot, by instrument; for any thread."""
        snapshot = {}
        for who, i in self._instruments.items():
            fine = "ok" if i.readings else "starting"
            state = "failed" if i.failed else "lost" if i.lost else fine
            drops = dict(i.drops)
            snapshot[who] = InstrumentStatus(state, i.heard_us, i.reason, i.readings, drops)
        return snapshot

    # ------------------------------------------------------------------ the port is open

    def _serve(self) -> None:
        self._schedule = self._new_schedule()
        self._begin_anew()
        while not self._stop.is_set():
            self._clock.beat(self._beat)
            if self.tap.fresh.is_set():
                self._begin_anew()
            turn, wait_us = self._schedule.pick(self._clock.now_us())
            if turn is None:
                self._clock.wait(self._stop, min(wait_us / 1e6, _SLICE_S))
            else:
                self._take_turn(turn)
            self._emit(self._stale())

    def _begin_anew(self) -> None:
        self.tap.fresh.clear()
        for who in self._instruments:
            self._reset(who)

    def _new_schedule(self) -> Schedule:
        periods_s = {who: i.driver.poll_every_s or 0.0 for who, i in self._instruments.items()}
        return Schedule(periods_s, self._clock.now_us())

    def _take_turn(self, who: str) -> None:
        instrument = self._instruments[who]
        if instrument.failed and not self._reset(who):
            return
        self.tap.instrument = who
        asked_us = self._clock.now_us()
        intakes: Sequence[Intake] = ()
        reason = ""
        try:
            intakes = instrument.driver.read(self._port)
        except BadFrame as bad:
            reason = str(bad)
            intakes = [Intake(who, b"", self._clock.now_us(), dropped="bad_frame")]
        except (PortGone, OSError):
            raise
        except Fault as silent:
            reason = str(silent)
            instrument.drops["silent"] += 1
        except Exception as bug:  # noqa: BLE001 - a driver's bug must cost this instrument alone
            self._driver_failed(who, bug)
            return
        if late := self._port.take_late(who):  # it came before what was asked in this turn
            intakes = [Intake(who, late, asked_us, dropped="late"), *intakes]
            reason += "; its last answer came too late: raise answer_within_s" if reason else ""
        instrument.failed = False
        self._port_back()
        if intakes or self.tap.moved:
            self.tap.note("made", made=intakes, text=reason)
        now_us = self._clock.now_us()
        if any(intake.readings for intake in intakes):
            self._schedule.answered(who, now_us)
        else:
            self._schedule.missed(who, now_us, now_us - asked_us)
        if owed_s := self._port.owed_s(who):  # asked before, it would keep the others waiting
            self._schedule.rest(who, now_us, round(owed_s * 1e6))
        changes = self._account(who, intakes, now_us)
        instrument.reason = reason or instrument.reason
        self._emit([*changes, *intakes])

    def _account(self, who: str, intakes: Sequence[Intake], now_us: int) -> list[Item]:
        """Count the intakes; the notices that must stand before them in the record."""
        instrument = self._instruments[who]
        changes: list[Item] = []
        for intake in intakes:
            if intake.readings:  # what comes after it in the same turn is said of it, and stays
                instrument.reason = ""
            if dropped := intake.dropped or (intake.dead and "dead"):
                instrument.drops[dropped] += 1
                instrument.reason = (
                    f"what it sends is dropped as {dropped}; check the instrument, model and speed"
                )
            for reading in intake.readings:
                known = self._serials.get(reading.instrument)
                if reading.serial and known and reading.serial != known:
                    what = f"serial {known} before, {reading.serial} now"
                    changes.append(self._notice(reading.instrument, "identity_changed", what))
                if reading.serial:
                    self._serials[reading.instrument] = reading.serial
        readings = sum(len(intake.readings) for intake in intakes)
        if readings:
            if instrument.lost:
                away_s = (now_us - instrument.heard_us) / 1e6
                what = f"first reading after {away_s:.1f} s"
                changes.insert(0, self._notice(who, "instrument_back", what))
            instrument.heard(now_us, readings)
            self._reopen_s = REOPEN_FIRST_S
        return changes

    def _emit(self, items: Sequence[Item]) -> None:
        """Hand over; when that took so long that the kernel's buffer may have run over, say so."""
        while items and not self._stop.is_set():
            put_us = self._clock.now_us()
            self._put(items, self._stop)
            blocked_s = (self._clock.now_us() - put_us) / 1e6
            if not self._streaming or blocked_s <= self._overrun_s:
                return
            items = self._overrun(blocked_s)

    def _overrun(self, blocked_s: float) -> list[Item]:
        (who,) = self._instruments
        count = self._port.discard()
        self._reset(who)
        self._instruments[who].drops["overrun"] += 1
        what = (
            f"the hub was busy for {blocked_s:.1f} s; {count} bytes discarded, a gap in the series"
        )
        return [
            self._notice(who, "overrun", what),
            Intake(who, b"", self._clock.now_us(), dropped="overrun"),
        ]

    # ------------------------------------------------------------------ what goes wrong

    def _stale(self) -> list[Item]:
        """A notice for each instrument whose last reading has just become too old."""
        now_us = self._clock.now_us()
        lost: list[Item] = []
        for who, instrument in self._instruments.items():
            silent_us = now_us - instrument.heard_us
            if instrument.lost or silent_us < instrument.driver.stale_after_s * 1e6:
                continue
            if self._port_state == "ok" and self._schedule.owed(who, now_us):
                continue
            instrument.lost = True
            why = instrument.reason or "nothing received; check cable, power and speed"
            what = f"no reading for {silent_us / 1e6:.1f} s: {why}"
            lost.append(self._notice(who, "instrument_lost", what))
        return lost

    def _driver_failed(self, who: str, bug: Exception) -> None:
        instrument = self._instruments[who]
        instrument.reason = f"its driver failed: {type(bug).__name__}: {bug}"
        self.tap.note("made", text=instrument.reason)
        self._schedule.rest(who, self._clock.now_us(), round(instrument.rest_s * 1e6))
        what = f"{instrument.reason}; tried again in {instrument.rest_s:.0f} s"
        instrument.rest_s = min(instrument.rest_s * 2, REST_MOST_S)
        if not instrument.failed:
            instrument.failed = True
            log.error("driver_traceback", instrument=who, line=self.name, exc_info=bug)
            self._emit([self._notice(who, "driver_failed", what)])

    def _reset(self, who: str) -> bool:
        """Have the driver forget half-received bytes; False when even that fails."""
        if self._streaming:
            self._port.discard()
        try:
            self._instruments[who].driver.reset()
        except Exception as bug:  # noqa: BLE001 - as in a turn: this instrument alone
            self._driver_failed(who, bug)
            return False
        self.tap.instrument = who
        self.tap.note("reset")
        return True

    def _port_lost(self, why: str) -> None:
        for instrument in self._instruments.values():
            instrument.reason = f"line {self.name} is down: {why}"
        if self._port_state != "lost":
            self._port_state = "lost"
            self._put([self._notice(self.name, "port_lost", why)], self._stop)

    def _port_back(self) -> None:
        if self._port_state == "lost":
            self._emit([self._notice(self.name, "port_back", self._port.name)])
        self._port_state = "ok"

    def _wait_to_reopen(self) -> None:
        wait_s = self._reopen_s * (0.5 + self._jitter() / 2)
        self._reopen_s = min(self._reopen_s * 2, REOPEN_MOST_S)
        until_us = self._clock.now_us() + round(wait_s * 1e6)
        missing = not present(self._port.name)
        while not self._stop.is_set() and (left_us := until_us - self._clock.now_us()) > 0:
            self._clock.beat(self._beat)
            self._clock.wait(self._stop, min(left_us / 1e6, _SLICE_S))
            if late := self._stale():
                self._put(late, self._stop)
            if missing and present(self._port.name):
                return

    def _notice(self, subject: str, what: str, detail: str) -> Notice:
        tell = log.info if what.endswith("_back") else log.warning
        tell(what, subject=subject, line=self.name, detail=detail)
        self.tap.note("notice", text=f"{subject}: {what}: {detail}")
        return Notice(self._clock.now_us(), subject, what, detail)


def _told_apart(line: str, drivers: Mapping[str, LineDriver]) -> None:
    """Refuse a line on which one instrument's late answer would be taken for another's."""
    owners: dict[str, str] = {}
    for who, driver in drivers.items():
        marks = driver.answers_as if isinstance(driver, Addressed) else frozenset()
        if not marks:
            others = ", ".join(other for other in drivers if other != who)
            raise ConfigError(
                f"line {line}: nothing in the answers of {who} says that they are its own, and it "
                f"shares the line with {others}: a late answer of one would be recorded as the "
                f"other's; set an address for {who}, if it has one, or give it a line of its own"
            )
        for mark in sorted(marks):
            if (other := owners.setdefault(mark, who)) != who:
                raise ConfigError(
                    f"line {line}: {other} and {who} are answered alike ({mark}): a late answer "
                    f"of one would be recorded as the other's; give {who} another address, or a "
                    "line of its own"
                )
