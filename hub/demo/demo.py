"""The demo from start to end: everything up, the orders worked through, the outcome checked."""

import base64
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from hub.control import call
from hub.demo.broker import listens, start_broker
from hub.demo.operator import Operator, Stopped
from hub.demo.processes import DemoFailed, Fleet, Simulator, wait_until
from hub.demo.report import gather, missing, print_files, print_table
from hub.demo.scenarios import SCENARIOS, Scenario
from hub.demo.screen import Screen
from hub.demo.site import start_instruments, write_config
from hub.demo.watch import Watch
from hub.demo.words import Lang
from hub.errors import CommandRefused, Fault
from hub.ledger import LedgerReader, verify
from hub.simulate.mosquitto import free_port
from hub.simulate.receiver import heads
from hub.simulate.shared_clock import ENV, Pacer, SharedClock

_LOOK_S = 0.25
_DELIVERED_WITHIN_S = 60.0
_SLOW_AFTER_S = 5.0
_PLAIN_COLUMNS = 132
_LONGEST_SOCKET_PATH = 100  # Linux takes 107 bytes


def run_demo(
    out: Path,
    *,
    factor: float = 24.0,
    keep: bool = False,
    lang: str = "zh",
    embedded_broker: bool = False,
    scenarios: Sequence[Scenario] = SCENARIOS,
) -> int:
    """Run it all under *out*, each run in a folder of its own; progress goes to stdout.

    factor  how many times as fast as real the hub's clock runs; no threshold is changed
    keep    leave everything running afterwards, until Ctrl-C
    returns 0 when every verdict came as expected, with its CRM receipt, in a filing batch and in
            a ledger that verifies; 1 otherwise, after saying what is missing
    """
    if lang not in ("zh", "en"):
        raise CommandRefused(f"lang {lang!r}: zh or en")
    console = Console(width=None if sys.stdout.isatty() else _PLAIN_COLUMNS)
    words: Lang = "en" if lang == "en" else "zh"
    stop = threading.Event()
    with on_signals(stop), Screen(console, words) as screen:
        try:
            demo = _Demo(new_folder(out), factor, words, screen, stop, scenarios)
            return demo.run(console, keep, embedded_broker)
        except Stopped:
            screen.say("stopped")
        except (DemoFailed, Fault, OSError) as failed:
            screen.say("broken", why=failed)
        return 1


class _Demo:
    """What one run holds."""

    def __init__(
        self,
        folder: Path,
        factor: float,
        lang: Lang,
        screen: Screen,
        stop: threading.Event,
        scenarios: Sequence[Scenario],
    ) -> None:
        self._folder = folder
        self._lang = lang
        self._screen = screen
        self._stop = stop
        self._scenarios = scenarios
        self._state = folder / "state"
        self._socket = self._state / "hub.sock"
        self._clock = SharedClock.create(folder / "clock", time.time_ns() // 1000, factor)
        self._pacer = Pacer(self._clock)
        self._factor = factor
        self._failed: list[str] = []

    def run(self, console: Console, keep: bool, embedded_broker: bool) -> int:
        """Everything; the processes end in any case."""
        began_s = time.monotonic()
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        env = {ENV: str(self._clock.path), "GASHUB_SECRET_CRM_SIGNING": f"whsec_{key}"}
        with ExitStack() as house:
            house.callback(self._clock.close)
            fleet = house.enter_context(Fleet(self._folder / "log", env))
            config, instruments = self._start(fleet, embedded_broker)
            self._pacer.start()
            # Ended first: with time at a stand everybody still ends, nobody waits for hub time.
            house.callback(self._pacer.stop)
            wait_until("every instrument's first reading", self._all_heard, fleet, self._stop)
            self._work(fleet, instruments)
            lines = gather(self._scenarios, self._state, self._folder / "filing")
            print_table(console, lines, self._lang)
            wrong = [*self._failed, *missing(self._scenarios, lines), *self._verify()]
            for what in wrong:
                self._screen.say("missing", what=what)
            print_files(console, self._folder, self._lang)
            if not wrong:
                real_s = time.monotonic() - began_s
                self._screen.say("all_well", verdicts=len(lines), real_s=real_s)
            if keep:
                self._screen.say("kept", config=config)
                while not self._stop.wait(_LOOK_S):
                    fleet.check()
        return 1 if wrong else 0

    def _start(self, fleet: Fleet, embedded_broker: bool) -> tuple[Path, Mapping[str, Simulator]]:
        """Bring everything up, with time standing still: nobody is late for anything."""
        for name in ("state", "filing"):
            (self._folder / name).mkdir()
        kind, broker = start_broker(fleet, self._folder, self._stop, embedded_broker)
        crm = free_port()
        # amqtt has no MQTT 5 and leaves a client that tries it without an answer.
        protocol = "3.1.1" if kind == "amqtt" else "auto"
        config = write_config(self._folder, broker, crm, self._lang, protocol)
        kept = str(self._folder / "crm.jsonl")
        receiver = ["-m", "hub.simulate.receiver", "--file", kept, "--port", str(crm)]
        fleet.start("crm", [sys.executable, *receiver])
        instruments = start_instruments(fleet, self._folder, broker)
        self._screen.say("starting", broker=kind, simulators=len(instruments))
        wait_until("the CRM receiver", lambda: listens(crm), fleet, self._stop)
        hub = fleet.start("hub", [sys.executable, "-m", "hub", "run", str(config)])
        wait_until("the hub", self._answers, fleet, self._stop)
        self._screen.say("running", pid=hub.popen.pid, factor=self._factor)
        return config, instruments

    def _answers(self) -> bool:
        try:
            call(self._socket, "status")
        except ConnectionError:
            return False
        return True

    def _all_heard(self) -> bool:
        """Whether each instrument that an order needs has a reading in the record."""
        needed = {i["name"] for one in self._scenarios for i in one.order["instruments"]}
        with LedgerReader(self._state) as reader:
            for entry in reader.entries(0, None, kinds=("readings",)):
                needed -= {reading.instrument for reading in entry.block().readings}
        return not needed

    def _work(self, fleet: Fleet, instruments: Mapping[str, Simulator]) -> None:
        """Work all orders at the same time, one thread each, and wait for the deliveries."""
        threads = []
        for scenario in self._scenarios:
            op = Operator(scenario.number, self._socket, self._clock, instruments, self._stop)
            thread = threading.Thread(
                target=self._work_one, args=(scenario, op), name=f"operator:{scenario.number}"
            )
            thread.start()
            threads.append(thread)
        try:
            self._follow(fleet, threads)
        finally:
            if any(thread.is_alive() for thread in threads):
                self._stop.set()
            for thread in threads:
                thread.join()

    def _work_one(self, scenario: Scenario, op: Operator) -> None:
        try:
            op.add(scenario.order)
            scenario.work(op)
        except Stopped:
            return
        except (DemoFailed, Fault, OSError) as failed:
            self._failed.append(f"{scenario.number}: {failed}")
        finally:
            op.leave()

    def _follow(self, fleet: Fleet, threads: Sequence[threading.Thread]) -> None:
        watch = Watch(self._scenarios, self._socket, self._state, self._clock)
        held_since_s = time.monotonic()
        delivering = False
        until_s = 0.0
        while True:
            fleet.check()
            try:
                watch.look()
            except OSError:
                # A hub that has died is better told by name than by the call that failed.
                self._stop.wait(_LOOK_S)
                fleet.check()
                raise
            self._screen.show(watch.standings.values(), self._clock.now_us())
            if not any(thread.is_alive() for thread in threads):
                if not delivering:
                    delivering, until_s = True, time.monotonic() + _DELIVERED_WITHIN_S
                    self._screen.say("delivering")
                if self._all_delivered() or time.monotonic() > until_s:
                    return
            if not self._pacer.held_by:
                held_since_s = time.monotonic()
            elif time.monotonic() - held_since_s > _SLOW_AFTER_S:
                self._screen.say("slow", loop=self._pacer.held_by)
                held_since_s = time.monotonic()
            if self._stop.wait(_LOOK_S):
                raise Stopped

    def _all_delivered(self) -> bool:
        lines = gather(self._scenarios, self._state, self._folder / "filing")
        return all(line.receipt and line.batch for line in lines)

    def _verify(self) -> list[str]:
        """Check the ledger against the heads that have left the box with the events."""
        held = heads(self._folder / "crm.jsonl")
        report = verify(self._state, held)
        if not report.ok:
            return [f"ledger: {report.first_bad}"]
        self._screen.say("ledger", size=report.head.size, heads=len(held))
        return []


def new_folder(out: Path) -> Path:
    """A folder of this run's own under *out*, and the link `latest` to it."""
    out = out.resolve()
    started = time.strftime("%Y%m%d-%H%M%S")
    folder = out / started
    number = 1
    while folder.exists():
        number += 1
        folder = out / f"{started}-{number}"
    if len(os.fsencode(folder / "state" / "hub.sock")) > _LONGEST_SOCKET_PATH:
        raise DemoFailed(f"{folder}: path too long for a Unix socket; give a shorter --out")
    folder.mkdir(parents=True)
    fresh = out / f".latest.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(folder.name)
    fresh.replace(out / "latest")
    return folder


@contextmanager
def on_signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM set *stop*. On another thread than the main one nothing is changed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        which: signal.signal(which, lambda *_: stop.set())
        for which in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
