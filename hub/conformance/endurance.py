"""Gold, for instruments: many bent messages, and a long time among faults.

Both are made only when they are asked for, and are then made and told whatever else is missing:
the figures of a simulator's `odds` and of a README are counted with them.
"""

import random
import threading
import time
from decimal import Decimal

from hub.conformance.contract import descriptors
from hub.conformance.hearing import Hearing
from hub.conformance.subject import Subject, Unmet
from hub.conformance.truth import Truth, unconfirmed
from hub.conformance.wire import NUMBERLESS
from hub.errors import Fault
from hub.port import Port, PortSettings
from hub.simulate.device import Device
from hub.simulate.faults import WIRE_FAULTS
from hub.simulate.instrument import instrument_from

_WHOLE = 0.3  # share of messages that are left whole, so that there is something to be misled from
_HOLD = 20  # messages for which one value is sensed
_LEAST_FUZZ = 10_000
_LEAST_SOAK_S = 10.0
_MOST_GROWTH = 2


def fuzzed(subject: Subject) -> str:
    """Of --fuzz bent messages no more become a false number than the check's own odds allow."""
    count, odds = subject.options.fuzz, subject.simulator.odds
    if count <= 0:
        raise Unmet(f"not fuzzed: ask for it with --fuzz N, from {_LEAST_FUZZ}")
    bent, false = _fuzz(subject, count)
    allowed = count * odds
    told = f"{false} of {bent} bent messages became false readings; odds of {odds:g} "
    if false > allowed + 3 * allowed**0.5:
        raise Unmet(f"{told}expect {allowed:.1f}: find out why, or correct odds and README")
    if count < _LEAST_FUZZ:
        raise Unmet(f"{told}expect {allowed:.1f}; gold asks for {_LEAST_FUZZ} messages")
    return f"{told}expect {allowed:.1f}"


def _fuzz(subject: Subject, count: int) -> tuple[int, int]:
    """How many messages were bent, at least *count*, and how many false readings came of them.

    False is a good reading that is off by more than its resolution and what its driver takes
    without a second look.
    raises  Unmet when the driver raises anything but a Fault, or lets no message come
    """
    (facts, settings), *_ = subject.simulator.fitting.items()
    instrument = instrument_from(subject.simulator, facts, 0)
    truth, leeway = Truth(instrument.device), unconfirmed(subject.settings(**settings))
    driver = subject.build(**settings)
    port = BentPort(instrument.device)
    false = 0
    dice = random.Random(1)
    while port.bent < count:
        before, port.sensed = port.bent, dice.choice(truth.points)
        for _ in range(_HOLD):
            try:
                intakes = driver.read(port)
            except Fault:
                continue
            except Exception as bug:
                raise Unmet(f"a bent message made it raise {type(bug).__name__}: {bug}") from bug
            for reading in (r for intake in intakes for r in intake.readings):
                if reading.quality == "good" and truth.concerns(reading):
                    false += bool(truth.error(reading, port.sensed, leeway))
        if port.bent == before:
            raise Unmet(f"in {_HOLD} reads no message came that could be bent")
        port.forget()
        driver.reset()
    return port.bent, false


class BentPort(Port):
    """A port whose device's messages are bent on the way.

    A message is one answer, or one that is sent unasked. Three of ten stay whole. In each other
    one, one to four times, at any place: a bit is flipped, or a byte is another one, is lost, or
    comes twice; all four alike often.

    bent  how many were
    """

    def __init__(self, device: Device) -> None:
        super().__init__(PortSettings(port="bent"))
        self._device = device
        self._dice = random.Random(2)
        self._coming = b""
        self._at_us = 0
        self.sensed = Decimal(0)
        self.bent = 0

    def open(self) -> None:
        return

    def close(self) -> None:
        return

    def forget(self) -> None:
        """Nothing of an old value stays on the way."""
        self._coming = b""
        self._device.silence()

    def write(self, sent: bytes) -> None:
        self._coming += self._bend(self._device.hear(sent, self.sensed))

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        every_s = self._device.every_s
        if not self._coming and every_s is not None:
            self._at_us += round(every_s * 1e6)
            self._coming = self._bend(self._device.speak(self.sensed, self._at_us))
        part, self._coming = self._coming[:at_most], self._coming[at_most:]
        return part

    def discard(self) -> int:
        count, self._coming = len(self._coming), b""
        return count

    def _bend(self, message: bytes) -> bytes:
        if not message or self._dice.random() < _WHOLE:
            return message
        self.bent += 1
        bent = bytearray(message)
        for _ in range(self._dice.randint(1, 4)):
            at = self._dice.randrange(len(bent))
            match self._dice.randrange(4):
                case 0:
                    bent[at] ^= 1 << self._dice.randrange(8)
                case 1:
                    bent[at] = self._dice.randrange(256)
                case 2 if len(bent) > 1:
                    del bent[at]
                case _:
                    bent.insert(at, bent[at])
        return bytes(bent)


def soaked(subject: Subject) -> str:
    """For --soak-s seconds faults come and go: nothing false, nothing left behind, alive after."""
    soak_s = subject.options.soak_s
    if soak_s <= 0:
        raise Unmet(f"not soaked: ask for it with --soak-s SECONDS, from {_LEAST_SOAK_S:.0f}")
    count = 0
    (facts, settings), *_ = subject.simulator.fitting.items()
    dice = random.Random(3)
    until_s = time.monotonic() + soak_s
    with Hearing(subject, facts, settings) as hearing:
        value = hearing.truth.points[1]
        hearing.settles_on(value, "before the soak")
        before = _held()
        every = (*WIRE_FAULTS, *hearing.truth.device.own_faults)
        faults = [name for name in every if name not in ("frozen", "identity", "model")]
        while time.monotonic() < until_s:
            hearing.wire.do("clear")
            value = dice.choice([point for point in hearing.truth.points if point != value])
            hearing.settles_on(value, "during the soak")
            fault = dice.choice(faults)
            hearing.wire.do(fault)
            count += 1
            for reading in hearing.good(dice.randint(1, 4)):
                leeway = hearing.unconfirmed if fault == "garbage" else Decimal(0)
                error = hearing.truth.error(reading, value, leeway)
                if error or fault in NUMBERLESS:
                    raise Unmet(f"in the soak, under {fault}: {error or reading.value}")
            if dice.random() < 1 / 4:
                hearing.replug()
        hearing.wire.do("clear")
        hearing.settles_on(value, "after the soak")
        after = _held()
    if max(now - then for now, then in zip(after, before, strict=True)) > _MOST_GROWTH:
        raise Unmet(f"descriptors and threads grew from {before} to {after}")
    told = f"{count} faults in {soak_s:g} s: no false reading, nothing left behind"
    if soak_s < _LEAST_SOAK_S:
        raise Unmet(f"{told}; gold asks for {_LEAST_SOAK_S:.0f} s")
    return told


def _held() -> tuple[int, int]:
    """Open descriptors and threads of this process."""
    return descriptors(), threading.active_count()
