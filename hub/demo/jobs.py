"""The demo of the jobs: the five kinds of the regulations, from their orders to their evidence.

Three days of hub time. On the first day three jobs and the hazard that one of them finds are
worked at the same time; a fourth is visited on all three days.
"""

import base64
import re
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson
from rich.console import Console

from hub.control import call
from hub.demo.broker import listens, start_broker
from hub.demo.demo import new_folder, on_signals
from hub.demo.job_scenarios import (
    ABSENT,
    JOBS,
    STAFF,
    ZONE,
    JobScenario,
    absent_screen,
    absent_visit,
)
from hub.demo.operator import Stopped
from hub.demo.processes import DemoFailed, Fleet, Simulator, wait_until
from hub.demo.worker import Before, Worker
from hub.errors import CommandRefused, Fault
from hub.ledger import LedgerReader, verify
from hub.looking import jobs
from hub.simulate.mosquitto import free_port
from hub.simulate.receiver import stored
from hub.simulate.shared_clock import ENV, Pacer, SharedClock
from hub.tables import rows

_TEMPLATE: Final = Path(__file__).with_name("jobs.toml")
_PLAIN_COLUMNS: Final = 120
_LOOK_S: Final = 0.25
_MORNING: Final = 9
_DELIVERED_WITHIN_S: Final = 60.0
_PIPE: Final = "cooling_s=15 pump_pa_s=80 noise_pa=0.6"
_SERIAL: Final[Mapping[str, tuple[str, list[str]]]] = {
    "rs485-a": (
        "modbus",
        [
            *("--instrument", f"address=1 volume_l=30 seed=1 {_PIPE}"),
            *("--instrument", f"address=2 volume_l=2 seed=2 {_PIPE}"),
        ],
    ),
    "rs485-b": (
        "modbus",
        [
            *("--instrument", f"address=1 volume_l=60 seed=3 {_PIPE}"),
            *("--instrument", f"address=2 volume_l=2 seed=4 {_PIPE}"),
        ],
    ),
    "laser": ("boreal", ["--instrument", "serial=CH4-1047 distance_m=30 sweep_s=7"]),
}
_ANALYSER: Final = "start_pct_vol=0.5 towards_pct_vol=0.5 change_s=60 noise_pct_vol=0.05"
_MQTT: Final = {
    "detector-1": (
        "name=detector-1 serial=GD-0001 topic=gas/detector-1 show=pct_lel",
        "start_pct_vol=0 change_s=40",
    ),
    "analyser-1": ("name=analyser-1 dialect=thingsboard show=pct_vol", _ANALYSER),
    "analyser-2": ("name=analyser-2 dialect=thingsboard show=pct_vol", _ANALYSER),
    "sky": ("name=sky dialect=thingsboard show=climate", ""),
}


def run_jobs(
    out: Path,
    *,
    factor: float = 24.0,
    lang: str = "zh",
    embedded_broker: bool = False,
    before: Before = lambda *_: None,
) -> int:
    """Run it all under *out*, in a folder of its own; progress goes to stdout.

    factor  how many times as fast as real the hub's clock runs; no threshold is changed
    before  called before each step: where the tests try what is forbidden
    returns 0 when every job has ended as it should, with its events at the CRM, and the ledger
            verifies; 1 otherwise, after saying what is missing
    """
    if lang not in ("zh", "en"):
        raise CommandRefused(f"lang {lang!r}: zh or en")
    console = Console(width=None if sys.stdout.isatty() else _PLAIN_COLUMNS)
    stop = threading.Event()
    with on_signals(stop):
        try:
            return _Jobs(new_folder(out), factor, lang, console, stop, before).run(embedded_broker)
        except Stopped:
            console.print("stopped")
        except (DemoFailed, Fault, OSError) as failed:
            console.print(f"broken off: {failed}")
        return 1


class _Jobs:
    """What one run holds."""

    def __init__(
        self,
        folder: Path,
        factor: float,
        lang: str,
        console: Console,
        stop: threading.Event,
        before: Before,
    ) -> None:
        self._folder = folder
        self._lang = lang
        self._console = console
        self._stop = stop
        self._before = before
        self._state = folder / "state"
        self._socket = self._state / "hub.sock"
        today = datetime.now(ZONE).replace(hour=_MORNING, minute=0, second=0, microsecond=0)
        self._clock = SharedClock.create(
            folder / "clock", int(today.timestamp()) * 1_000_000, factor
        )
        self._pacer = Pacer(self._clock)
        self._failed: list[str] = []

    def run(self, embedded_broker: bool) -> int:
        began_s = time.monotonic()
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        env = {ENV: str(self._clock.path), "GASHUB_SECRET_CRM_SIGNING": f"whsec_{key}"}
        with ExitStack() as house:
            house.callback(self._clock.close)
            fleet = house.enter_context(Fleet(self._folder / "log", env))
            broker = self._start(fleet, embedded_broker)
            house.callback(self._halt)
            self._pacer.start()
            for one in STAFF:
                call(self._socket, "staff.put", text=orjson.dumps(one).decode())
            with Fleet(self._folder / "log", env) as van:
                self._first_day(fleet, self._instruments(van, broker))
            self._visit(absent_visit)
            self._visit(absent_visit)
            with Fleet(self._folder / "log", env) as van:
                simulators = self._instruments(van, broker)
                self._guarded(self._worker(ABSENT, simulators), absent_screen)
            wrong = [*self._failed, *self._ended(), *self._delivered(), *self._verified()]
            for what in wrong:
                self._console.print(f"missing: {what}", style="red")
            if not wrong:
                real_s = time.monotonic() - began_s
                self._console.print(f"all jobs ended as they should; {real_s:.0f} s")
        return 1 if wrong else 0

    def _start(self, fleet: Fleet, embedded_broker: bool) -> int:
        """Broker, CRM and hub; the broker's port."""
        for name in ("state", "dev"):
            (self._folder / name).mkdir()
        kind, broker = start_broker(fleet, self._folder, self._stop, embedded_broker)
        crm = free_port()
        protocol = "3.1.1" if kind == "amqtt" else "auto"
        config = self._config(broker, crm, protocol)
        kept = str(self._folder / "crm.jsonl")
        receiver = ["-m", "hub.simulate.receiver", "--file", kept, "--port", str(crm)]
        fleet.start("crm", [sys.executable, *receiver])
        wait_until("the CRM receiver", lambda: listens(crm), fleet, self._stop)
        fleet.start("hub", [sys.executable, "-m", "hub", "run", str(config)])
        wait_until("the hub", self._answers, fleet, self._stop)
        self._console.print(f"hub running; broker {kind}")
        return broker

    def _instruments(self, van: Fleet, broker: int) -> dict[str, Simulator]:
        """Every instrument, switched on and heard by the hub."""
        since = self._head()
        program = [sys.executable, "-m", "hub.simulate"]
        started = {}
        for name, (kind, facts) in _SERIAL.items():
            argv = [*program, kind, "--attended", "--port-link", str(self._folder / "dev" / name)]
            started[name] = van.simulate(name, [*argv, *facts])
        for name, (detector, mix) in _MQTT.items():
            argv = [*program, "mqtt-gas", "--attended", "--broker", f"127.0.0.1:{broker}"]
            argv += ["--detector", detector, "--mix", mix]
            started[name] = van.simulate(name, argv)
        for simulator in started.values():
            simulator.ready()
        wait_until("every reading", lambda: self._all_heard(since), van, self._stop)
        return started

    def _config(self, broker: int, crm: int, protocol: str) -> Path:
        text = _TEMPLATE.read_text(encoding="utf-8")
        for old, new in (
            ("demo-out", str(self._folder)),
            ("18831", str(broker)),
            ("18832", str(crm)),
            ('language = "zh"', f'language = "{self._lang}"'),
            ('protocol = "auto"', f'protocol = "{protocol}"'),
        ):
            text = text.replace(old, new)
        next_year = (datetime.now(ZONE) + timedelta(days=365)).date().isoformat()
        text = re.sub(r"(?<=calibrated_until = )[\d-]+", next_year, text)
        path = self._folder / "gateway.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def _answers(self) -> bool:
        try:
            call(self._socket, "status")
        except ConnectionError:
            return False
        return True

    def _head(self) -> int:
        with LedgerReader(self._state) as reader:
            return reader.size()

    def _all_heard(self, since: int) -> bool:
        needed = {"pm-1", "pm-2", "pm-3", "pm-4", "analyser-1", "analyser-2", "detector-1"}
        with LedgerReader(self._state) as reader:
            for entry in reader.entries(since, None, kinds=("readings",)):
                needed -= {reading.instrument for reading in entry.block().readings}
        return not needed

    def _worker(self, one: JobScenario, simulators: Mapping[str, Simulator]) -> Worker:
        return Worker(
            one.number,
            self._socket,
            self._clock,
            simulators,
            self._stop,
            "T-17",
            self._before,
            self._say,
        )

    def _say(self, number: str, text: Mapping[str, str], clause: str) -> None:
        now = datetime.fromtimestamp(self._clock.now_us() // 1_000_000, ZONE)
        self._console.print(
            f"{now:%m-%d %H:%M:%S}  {number:8}{text[self._lang]}  [{clause}]",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )

    def _first_day(self, fleet: Fleet, simulators: Mapping[str, Simulator]) -> None:
        """Three jobs at the same time, a thread each; and the first visit of the fourth."""
        threads = []
        for one in JOBS:
            worker = self._worker(one, simulators)
            worker.order(one.order(self._clock.now_us()))
            threads.append(
                threading.Thread(target=self._guarded, args=(worker, one.work), name=one.number)
            )
        absent = self._worker(ABSENT, simulators)
        absent.order(ABSENT.order(self._clock.now_us()))
        for thread in threads:
            thread.start()
        self._guarded(absent, absent_visit)
        try:
            while any(thread.is_alive() for thread in threads):
                fleet.check()
                if self._stop.wait(_LOOK_S):
                    raise Stopped
        finally:
            if any(thread.is_alive() for thread in threads):
                self._stop.set()
            for thread in threads:
                thread.join()

    def _visit(self, work: Callable[[Worker], None]) -> None:
        """The next morning, without an instrument."""
        now = datetime.fromtimestamp(self._clock.now_us() // 1_000_000, ZONE)
        morning = (now + timedelta(days=1)).replace(hour=_MORNING, minute=0, second=0)
        self._halt()
        self._clock.move_to(int(morning.timestamp()) * 1_000_000)
        self._pacer = Pacer(self._clock)
        self._pacer.start()
        self._guarded(self._worker(ABSENT, {}), work)

    def _halt(self) -> None:
        self._pacer.stop()

    def _guarded(self, worker: Worker, work: Callable[[Worker], None]) -> None:
        try:
            work(worker)
        except Stopped:
            return
        except (DemoFailed, Fault, OSError) as failed:
            self._failed.append(f"{worker.number}: {failed}")
        finally:
            worker.leave()

    def _ended(self) -> list[str]:
        """Every job with the word it should have ended with."""
        wanted = {one.number: one.ended for one in (*JOBS, ABSENT)} | {"J-3-H1": "closed"}
        found = jobs(self._state)
        rows(self._console, found)
        ended = {one["job"]: one["phase"] for one in found}
        return [
            f"{number} is {ended.get(number, 'not there')}, expected {word}"
            for number, word in wanted.items()
            if ended.get(number) != word
        ]

    def _delivered(self) -> list[str]:
        """The CRM has heard of the end of each job."""
        until_s = time.monotonic() + _DELIVERED_WITHIN_S
        heard: set[str] = set()
        wanted = {one.number for one in (*JOBS, ABSENT)} | {"J-3-H1"}
        while time.monotonic() < until_s:
            told = [orjson.loads(one.body) for one in stored(self._folder / "crm.jsonl")]
            heard = {
                one["subject"]
                for one in told
                if one["type"] == "gashub.job.v1" and one["data"].get("ended")
            }
            if wanted <= heard:
                return []
            if self._stop.wait(_LOOK_S):
                raise Stopped
        return [f"the CRM has not heard of the end of {', '.join(sorted(wanted - heard))}"]

    def _verified(self) -> list[str]:
        heads = [
            orjson.loads(request.body)["data"]["ledger"]["checkpoint"]
            for request in stored(self._folder / "crm.jsonl")
        ]
        report = verify(self._state, heads)
        return [] if report.ok else [f"ledger: {report.first_bad}"]
