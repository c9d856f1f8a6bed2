"""Play an exchange through a driver again, without a port: the same bytes, the same readings.

The driver is a fresh one. Each read of it is given what one read of the real port gave; what it
sends must be what was sent then. Hub time stands at each part's own time, so that whatever a
driver does by the clock it does again.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hub.clock import HandClock
from hub.errors import BadFrame, ConfigError, Fault, PortGone
from hub.frames.capture import Case, Part
from hub.measuring import facts_of
from hub.model import LineDriver, LineDriverKind, Reading, Site
from hub.port import Port, PortSettings

IDLE_TURNS: Final = 50
"""A driver that neither reads nor asks for so long will not do it any more."""


class Diverged(PortGone):
    """The driver sends something else than was sent then."""


class PlaybackPort(Port):
    """A port that plays *exchange* and never waits; *clock* is moved to each part's time."""

    def __init__(self, exchange: Sequence[Part], clock: HandClock) -> None:
        super().__init__(PortSettings(port="playback"))
        self._coming = deque(exchange)
        self._clock = clock

    @property
    def left(self) -> int:
        """Parts that were not played yet."""
        return len(self._coming)

    def open(self) -> None:
        return

    def close(self) -> None:
        return

    def write(self, sent: bytes) -> None:
        """Raises Diverged when *sent* is not what was sent then, PortGone at the end"""
        if not self._coming:
            raise PortGone("the exchange ends here")
        then = self._coming[0]
        if then.who != "hub" or then.data != sent:
            was = then.data.hex(" ") if then.who == "hub" else "nothing"
            raise Diverged(f"the driver sends {sent.hex(' ')}, and then it sent {was}")
        self._arrive(self._coming.popleft())

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        if not self._coming or self._coming[0].who == "hub":
            return b""
        part = self._coming.popleft()
        self._arrive(part)
        if rest := part.data[at_most:]:
            self._coming.appendleft(Part("device", rest, part.at_us))
        return part.data[:at_most]

    def discard(self) -> int:
        count = 0
        while self._coming and self._coming[0].who == "device":
            count += len(self._coming.popleft().data)
        return count

    def _arrive(self, part: Part) -> None:
        self._clock.move(max(0, part.at_us - self._clock.now_us()) / 1e6)


@dataclass(slots=True)
class Played:
    """What a driver made of an exchange. `diverged` says where it did something else, or ""."""

    readings: list[Reading] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    diverged: str = ""

    def differences(self, case: Case) -> list[str]:
        """How this is not what *case* expects, a sentence each; nothing when it is identical."""
        found = [self.diverged] if self.diverged else []
        if case.expected is None:
            good = [reading for reading in self.readings if reading.quality == "good"]
            return found + [f"{facts_of(one)}, where nothing is to come of it" for one in good]
        got = [facts_of(reading) for reading in self.readings]
        if len(got) != len(case.expected):
            found.append(f"{len(got)} reading(s), expected {len(case.expected)}")
        for at, (now, then) in enumerate(zip(got, case.expected, strict=False), 1):
            keys = sorted({key for key in {*now, *then} if now.get(key) != then.get(key)})
            found += [
                f"reading {at}: {key} is {now.get(key, '')!r}, expected {then.get(key, '')!r}"
                for key in keys
            ]
        return found


def play(kind: LineDriverKind[Any], case: Case) -> Played:
    """Play *case* through a fresh driver of *kind*.

    raises  ConfigError when the driver cannot be built from the case's settings
    """
    clock = HandClock(case.started_us)
    try:
        settings = kind.settings.model_validate(dict(case.settings))
    except ValueError as wrong:
        raise ConfigError(f"case {case.id}: settings of kind {kind.name}: {wrong}") from wrong
    driver = kind.build(case.name, settings, Site("playback", clock, _no_secret))
    driver.reset()
    return listen(driver, PlaybackPort(case.exchange, clock))


def listen(driver: LineDriver, port: PlaybackPort) -> Played:
    """Let *driver* read until all is played, or nothing of it moves any more."""
    played = Played()
    idle = 0
    while port.left and idle < IDLE_TURNS:
        before = port.left
        _turn(driver, port, played)
        if played.diverged:
            return played
        idle = idle + 1 if port.left == before else 0
    if port.left:
        played.diverged = f"the driver leaves {port.left} part(s) of the exchange unread"
    return played


def _turn(driver: LineDriver, port: PlaybackPort, played: Played) -> None:
    """As a line's thread has it: a fault or a bug costs this turn."""
    try:
        intakes = driver.read(port)
    except Diverged as otherwise:
        played.diverged = str(otherwise)
    except BadFrame:
        played.dropped["bad_frame"] += 1
    except Fault:
        played.dropped["silent"] += 1
    except Exception as bug:  # noqa: BLE001 - a driver's bug may be what was captured
        played.dropped[f"driver_failed: {type(bug).__name__}: {bug}"] += 1
    else:
        for intake in intakes:
            played.readings += intake.readings
            if why := intake.dropped or (intake.dead and "dead"):
                played.dropped[why] += 1


def _no_secret(name: str) -> str:
    raise ConfigError(f'an exchange is played without secrets, and the driver wants "{name}"')
