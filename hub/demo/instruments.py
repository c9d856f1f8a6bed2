"""The demo of the instruments: one of everything that a built-in driver reads, at once and live.

It goes in three parts: until everybody has been read, while things go wrong, until they are well
again. Each takes its share of the time, and as much longer as a busy machine needs, within limits.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console

from hub.control import call
from hub.demo.bench import enliven, start_simulators, write_config
from hub.demo.broker import start_broker
from hub.demo.clerk import Clerk
from hub.demo.demo import new_folder, on_signals
from hub.demo.mishaps import MISHAPS, Course, Mishap
from hub.demo.operator import Stopped
from hub.demo.processes import DemoFailed, Fleet, Simulator, wait_until
from hub.demo.record import Record, Sight
from hub.demo.report import print_files
from hub.demo.roll import Roll, named
from hub.demo.specimens import Assembly, assemble
from hub.demo.words import Lang, word
from hub.errors import CommandRefused, Fault

SECONDS = 36.0
SHORTEST_S = 5.0
GRACE_S = 40.0
_LOOK_S = 0.4
_PLAIN_COLUMNS = 160
_READING, _GOING_WRONG, _WELL_AGAIN = 0.35, 0.4, 0.25


def run_instruments(
    out: Path,
    *,
    seconds: float = SECONDS,
    lang: str = "zh",
    embedded_broker: bool = False,
    assembly: Assembly | None = None,
    mishaps: Sequence[Mishap] = MISHAPS,
    grace_s: float = GRACE_S,
) -> int:
    """Show every driver at work for about *seconds*, in a new folder under *out*.

    assembly  what to show; absent: one of everything that the built-in drivers read
    grace_s   how much longer all of it may take on a machine that is busy
    returns   0 when each gave a good reading, and each mishap was named and overcome; 1 otherwise,
              after saying what is missing
    """
    if lang not in ("zh", "en"):
        raise CommandRefused(f"lang {lang!r}: zh or en")
    if not seconds >= SHORTEST_S:
        raise CommandRefused(f"seconds {seconds:g}: at least {SHORTEST_S:g}, to see anything")
    words: Lang = "en" if lang == "en" else "zh"
    console = Console(width=None if sys.stdout.isatty() else _PLAIN_COLUMNS)
    stop = threading.Event()
    with on_signals(stop), Roll(console, words) as roll:
        try:
            shown = assemble() if assembly is None else assembly
            with ExitStack() as house:
                folder = new_folder(out)
                demo = _Instruments(folder, shown, words, roll, stop, seconds, grace_s)
                wrong = demo.run(house, embedded_broker, mishaps)
            print_files(console, folder, words)
        except Stopped:
            roll.say("stopped")
        except (DemoFailed, Fault, OSError) as failed:
            roll.say("broken", why=failed)
        else:
            return 1 if wrong else 0
        return 1


class _Instruments:
    """What one run holds."""

    def __init__(
        self,
        folder: Path,
        assembly: Assembly,
        lang: Lang,
        roll: Roll,
        stop: threading.Event,
        seconds: float,
        grace_s: float,
    ) -> None:
        self._folder = folder
        self._assembly = assembly
        self._lang = lang
        self._roll = roll
        self._stop = stop
        self._seconds = seconds
        self._grace_s = grace_s
        self._began_s = time.monotonic()
        self._state = folder / "state"
        self._socket = self._state / "hub.sock"

    def run(self, house: ExitStack, embedded_broker: bool, mishaps: Sequence[Mishap]) -> list[str]:
        """All of it; what is missing in the end, in words. *house* ends the processes."""
        fleet = house.enter_context(Fleet(self._folder / "log", {}))
        config, simulators, pid = self._start(fleet, embedded_broker)
        record = house.enter_context(Record(self._state, self._socket, self._assembly.specimens()))
        clerk = house.enter_context(Clerk(self._folder, config, self._assembly.links, self._stop))
        enliven(self._assembly, simulators)
        self._roll.say("instruments_running", pid=pid, s=self._seconds, mishaps=len(mishaps))
        sights = record.sights
        course = Course(mishaps, sights, simulators)
        watch = partial(self._watch, fleet, record)
        watch(_READING, lambda: all(sight.goods for sight in sights.values()))
        course.begin(_now_us())
        what = "; ".join(self._of(mishap, name) for mishap, name in course.planned())
        self._roll.say("mishaps_on", what=what)
        watch(_GOING_WRONG, lambda: not course.unseen())
        course.mend(_now_us())
        self._roll.say("mishaps_off")
        watch(_WELL_AGAIN, lambda: not course.unmended())
        return self._sum_up(record, course, mishaps, clerk.failed)

    def _start(
        self, fleet: Fleet, embedded_broker: bool
    ) -> tuple[Path, Mapping[str, Simulator], int]:
        kind, broker = start_broker(fleet, self._folder, self._stop, embedded_broker)
        protocol = "3.1.1" if kind == "amqtt" else "auto"  # amqtt has no MQTT 5
        self._state.mkdir()
        config = write_config(self._folder, self._assembly, broker, self._lang, protocol)
        self._roll.say(
            "instruments_starting",
            broker=kind,
            lines=len(self._assembly.lines),
            instruments=len([*self._assembly.specimens()]),
        )
        simulators = start_simulators(fleet, self._folder, self._assembly, broker)
        hub = fleet.start("hub", [sys.executable, "-m", "hub", "run", str(config)])
        wait_until("the hub", self._answers, fleet, self._stop)
        return config, simulators, hub.popen.pid

    def _answers(self) -> bool:
        try:
            call(self._socket, "status")
        except ConnectionError:
            return False
        return True

    def _of(self, mishap: Mishap, name: str) -> str:
        return f"{name or mishap.plugin} {named(self._lang, mishap.sign)}"

    def _watch(self, fleet: Fleet, record: Record, share: float, done: Callable[[], bool]) -> None:
        """Show the table for *share* of the time, and until *done*, within the grace for all."""
        enough_s = time.monotonic() + self._seconds * share
        while True:
            fleet.check()
            record.look(_now_us())
            self._show(record)
            now_s = time.monotonic()
            over = now_s - self._began_s > self._seconds + self._grace_s
            if now_s >= enough_s and (over or done()):
                return
            if self._stop.wait(_LOOK_S):
                raise Stopped

    def _show(self, record: Record) -> None:
        self._roll.show([*record.sights.values()], self._assembly.gaps, _now_us())

    def _sum_up(
        self, record: Record, course: Course, mishaps: Sequence[Mishap], failed: Sequence[str]
    ) -> list[str]:
        lang, sights = self._lang, record.sights
        self._roll.print([*sights.values()], self._assembly.gaps, _now_us())
        well = [name for name, sight in sights.items() if sight.goods]
        self._roll.say("read_well", count=len(well), names=", ".join(well))
        unseen = course.unseen()
        for mishap, name in course.planned():
            if (mishap, name) not in unseen:
                self._roll.say("named_well", what=self._of(mishap, name))
        wrong = [f"{gap.plugin} {gap.model}: {gap.why}" for gap in self._assembly.gaps]
        wrong += [self._unread(sight) for sight in sights.values() if not sight.goods]
        wrong += failed
        for mishap, name in unseen:
            key = "not_named" if name else "no_instrument_for"
            wrong.append(word(lang, key, what=self._of(mishap, name)))
        wrong += [word(lang, "not_back", name=name) for name in course.unmended()]
        for what in wrong:
            self._roll.say("missing", what=what)
        if not wrong:
            self._roll.say(
                "instruments_well",
                drivers=len(self._assembly.plugins),
                count=len(well),
                mishaps=len(mishaps),
                real_s=time.monotonic() - self._began_s,
            )
        return wrong

    def _unread(self, sight: Sight) -> str:
        one = sight.specimen
        why = f"{named(self._lang, sight.word)} {sight.reason}".strip()
        facts = {"name": one.name, "plugin": one.plugin, "model": one.model, "why": why}
        return word(self._lang, "no_good_reading", **facts)


def _now_us() -> int:
    return time.time_ns() // 1000
