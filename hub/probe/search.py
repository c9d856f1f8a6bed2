"""`gashub probe`: find out what is at the end of a cable, without changing anything there.

What there is to try, the plugins say (`Probe`). First it is only listened, at each speed at which
some instrument sends by itself; then instruments are asked, those first whose requests carry a
checksum. The search ends at the first speed at which a reading comes; whoever understood a
checked request need not hear the plain ones. Where somebody sends by itself all the time and
nobody here understands it, nothing is asked: it may be a line that has its master.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple

from hub.adapter import device_of, present
from hub.clock import HandClock, HubClock
from hub.config import load_config
from hub.control import call
from hub.credentials import secret
from hub.errors import BadFrame, CommandRefused, ConfigError, Fault, PortGone
from hub.frames.capture import Part
from hub.frames.playback import PlaybackPort, listen
from hub.model import Intake, LineDriver, LineDriverKind, Probe, Reading, Site
from hub.port import Port, PortSettings
from hub.registry import import_plugin
from hub.samples import kinds_of

TRIES: Final = 5
LONGEST_PAUSE_S: Final = 2.0
SAMPLE_BYTES: Final = 64
NOT_ITS_WORDS: Final = frozenset({"bad_frame", "noise", "silent"})
"""Drops that do not show that anybody spoke the driver's protocol."""

Tell = Callable[[str], object]


class Try(NamedTuple):
    """One kind with one of its probes, at one speed."""

    plugin: str
    kind: LineDriverKind[Any]
    probe: Probe
    baud: int

    @property
    def line(self) -> dict[str, Any]:
        """Settings of the port, without its name."""
        return {"baud": self.baud, "parity": self.probe.parity, "stop_bits": self.probe.stop_bits}

    @property
    def sends_anything(self) -> bool:
        return self.probe.sends != "nothing"

    @property
    def speed(self) -> str:
        return f"{self.baud} 8{self.probe.parity}{self.probe.stop_bits}"

    def driver(self, site: Site) -> LineDriver:
        """Raises ConfigError when the probe's settings do not fit the kind: a plugin's mistake"""
        given = {**self.probe.settings, **self.probe.trying}
        try:
            settings = self.kind.settings.model_validate(given)
        except ValueError as wrong:
            raise ConfigError(f"{self.plugin}: its probe does not fit: {wrong}") from wrong
        driver: LineDriver = self.kind.build(self.kind.name, settings, site)
        return driver


@dataclass(slots=True)
class Outcome:
    """What one try heard. `words`: what the instrument said that is no reading, by drop."""

    tried: Try
    readings: list[Reading] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    sent: list[bytes] = field(default_factory=list)
    heard: bytes = b""

    @property
    def understood(self) -> bool:
        return bool(self.readings) or any(word not in NOT_ITS_WORDS for word in self.words)

    def take(self, intakes: Sequence[Intake]) -> None:
        for intake in intakes:
            self.readings += intake.readings
            if word := intake.dropped or (intake.dead and f"dead letter: {intake.dead}"):
                self.words[word] += 1


class _NotedPort(Port):
    """Keeps what was sent, and the beginning of what was heard, of the try that goes on."""

    outcome: Outcome

    def write(self, sent: bytes) -> None:
        self.outcome.sent.append(sent)
        super().write(sent)

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        heard = super().read(within_s, at_most)
        self.outcome.heard = (self.outcome.heard + heard)[:SAMPLE_BYTES]
        return heard


def tries(
    plugins: Sequence[str],
    skipped: dict[str, str],
    bauds: Sequence[int] = (),
    addresses: Sequence[int] = (),
) -> Iterator[Sequence[Try]]:
    """Groups of tries that share a port setting, in the order in which to go through them.

    skipped    filled with plugins that cannot be used, and why
    bauds      instead of the speeds that the plugins name
    addresses  instead of those as delivered, for kinds that have an address
    """
    offered = [
        (plugin, kind, each)
        for plugin, kind, probe in _offers(plugins, skipped)
        for each in _addressed(probe, addresses)
    ]
    for sends in ("nothing", "checked", "plain"):
        groups: dict[tuple[int, str, int], list[Try]] = {}
        here = [offer for offer in offered if offer[2].sends == sends]
        most = max((len(bauds or probe.bauds) for _, _, probe in here), default=0)
        for rank in range(most):  # every kind's likeliest speed comes before anybody's second
            for plugin, kind, probe in here:
                speeds = tuple(bauds) or probe.bauds
                if rank < len(speeds):
                    key = (speeds[rank], probe.parity, probe.stop_bits)
                    groups.setdefault(key, []).append(Try(plugin, kind, probe, speeds[rank]))
        yield from groups.values()


def _addressed(probe: Probe, addresses: Sequence[int]) -> list[Probe]:
    if not addresses or "address" not in probe.settings:
        return [probe]
    return [
        probe._replace(settings={**probe.settings, "address": address}) for address in addresses
    ]


def _offers(
    plugins: Sequence[str], skipped: dict[str, str]
) -> Iterator[tuple[str, LineDriverKind[Any], Probe]]:
    for plugin in plugins:
        try:
            kinds = kinds_of(import_plugin(plugin))
        except Exception as wrong:  # noqa: BLE001 - a stranger's code; the others are still tried
            skipped[plugin] = f"{type(wrong).__name__}: {wrong}"
            continue
        for kind in kinds:
            for probe in kind.probes if isinstance(kind, LineDriverKind) else ():
                try:
                    Try(plugin, kind, probe, 0).driver(Site("probe", HandClock(), secret))
                except ConfigError as wrong:
                    skipped[plugin] = str(wrong)
                    continue
                yield plugin, kind, probe


def search(
    port: str,
    groups: Iterator[Sequence[Try]],
    listen_s: float,
    tell: Tell,
    *,
    ask_anyway: bool = False,
) -> list[Outcome]:
    """Go through *groups* until there is a reading; every try that was made.

    ask_anyway  also where somebody sends all the time
    raises      CommandRefused when the port is missing, busy or forbidden: with the holder's pid
    """
    outcomes: list[Outcome] = []
    for group in groups:
        first = group[0]
        if first.sends_anything and not ask_anyway and never_silent(outcomes):
            tell("somebody sends all the time; nothing is asked (--ask does so all the same)")
            break
        if any(one.understood and one.tried.probe.sends != first.probe.sends for one in outcomes):
            break
        names = ", ".join(dict.fromkeys(one.kind.name for one in group))
        tell(f"{'asking' if first.sends_anything else 'listening'} at {first.speed} for {names}")
        try:
            settings = PortSettings(port=port, **first.line)
            made = (
                _asked(settings, group)
                if first.sends_anything
                else _heard(settings, group, listen_s)
            )
        except PortGone as gone:
            raise CommandRefused(str(gone)) from gone
        except ValueError as wrong:
            raise CommandRefused(f"{port}: {wrong}") from wrong
        outcomes += made
        if any(outcome.readings for outcome in made):
            break
    return outcomes


def never_silent(outcomes: Sequence[Outcome]) -> bool:
    """Whether bytes came at most of the speeds at which it was only listened."""
    heard = {one.tried.speed: bool(one.heard) for one in outcomes if not one.tried.sends_anything}
    return sum(heard.values()) * 2 > len(heard)


def _heard(settings: PortSettings, group: Sequence[Try], listen_s: float) -> list[Outcome]:
    """Listen once, then let each driver read what came, from a port that cannot send."""
    clock, begun_us = HubClock(), HubClock().now_us()
    parts: list[Part] = []
    with Port(settings) as port:
        until_s = monotonic() + listen_s
        while (left_s := until_s - monotonic()) > 0:
            if data := port.read(left_s):
                parts.append(Part("device", data, clock.now_us()))
    heard = b"".join(part.data for part in parts)[:SAMPLE_BYTES]
    outcomes = []
    for one in group:
        hand = HandClock(begun_us)
        played = listen(one.driver(Site("probe", hand, secret)), PlaybackPort(parts, hand))
        words = Counter({w: n for w, n in played.dropped.items() if not w.startswith("driver_")})
        outcomes.append(Outcome(one, played.readings, words, [], heard))
    return outcomes


def _asked(settings: PortSettings, group: Sequence[Try]) -> list[Outcome]:
    """Ask for one kind after the other, on a port that is opened once: its DTR may be a reset."""
    outcomes: list[Outcome] = []
    with _NotedPort(settings, awaits_late=False) as port:
        for one in group:
            port.outcome = Outcome(one)
            outcomes.append(port.outcome)
            _ask(port, one)
            if port.outcome.understood and one.probe.sends == "plain":
                break
    return outcomes


def _ask(port: _NotedPort, one: Try) -> None:
    """A few turns, as a line's thread would take them; silence ends them after the second."""
    outcome, never = port.outcome, threading.Event()
    driver = one.driver(Site("probe", HubClock(), secret))
    driver.reset()
    pause_s = min(driver.poll_every_s or 0.0, LONGEST_PAUSE_S)
    for turn in range(TRIES):
        try:
            outcome.take(driver.read(port))
        except BadFrame:
            outcome.words["bad_frame"] += 1
            continue
        except PortGone:
            raise
        except Fault:
            if turn:
                return
            continue
        if outcome.readings:
            return
        never.wait(pause_s)


def refuse_if_held(config: Path, port: str) -> None:
    """Raises CommandRefused when a running hub of *config* has *port*, naming pid and line."""
    if not config.exists():
        return
    settings = load_config(config)
    try:
        pid = call(settings.socket, "status")["pid"]
        ours = {line.name: device_of(line.port) for line in settings.line if present(line.port)}
        device = device_of(port)
    except (ConnectionError, PortGone):
        return
    for name, theirs in ours.items():
        if theirs == device:
            raise CommandRefused(
                f"{port}: the running hub (pid {pid}) has it as line {name}; look at it with "
                f"`gashub frames tail {name}`, or stop the hub first"
            )
