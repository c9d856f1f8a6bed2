"""Bronze, for instruments: random bytes give no reading, and nothing but Faults."""

import random
import string

from hub.conformance.subject import Subject, Unmet
from hub.errors import Fault
from hub.port import Port, PortSettings

_READS = 300
_LONGEST = 200
_ENDS = (b"\r\n", b"\r", b"\n", b"\0", b"}")


class RandomPort(Port):
    """A port where every read brings something at once: random bytes, or lines of random text."""

    def __init__(self, seed: int) -> None:
        super().__init__(PortSettings(port="random"))
        self._dice = random.Random(seed)

    def open(self) -> None:
        return

    def close(self) -> None:
        return

    def write(self, sent: bytes) -> None:
        return

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        dice, most = self._dice, min(_LONGEST, at_most)
        if dice.random() < 1 / 2:
            return dice.randbytes(dice.randint(1, most))
        text = "".join(dice.choices(string.printable, k=dice.randrange(most)))
        return (text.encode() + dice.choice(_ENDS))[-most:]

    def discard(self) -> int:
        return 0


def random_bytes(subject: Subject) -> None:
    """Some hundred thousand random bytes and characters; a reset in between."""
    driver = subject.build()
    port = RandomPort(seed=1)
    for number in range(_READS):
        try:
            intakes = driver.read(port)
        except Fault:
            continue
        except Exception as bug:
            raise Unmet(f"random bytes made it raise {type(bug).__name__}: {bug}") from bug
        for intake in intakes:
            if intake.readings:
                raise Unmet(f"random bytes became a reading: {intake.readings[0]}")
            if not (intake.dead or intake.dropped):
                raise Unmet(f"an intake with neither reading, dead letter nor drop: {intake}")
        if number == _READS // 2:
            driver.reset()
