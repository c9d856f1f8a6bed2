"""The demo of the jobs: the five kinds of the regulations, from their orders to their evidence.

Three days of hub time. On the first day three jobs and the hazard that one of them finds are
worked at the same time; a fourth is visited on all three days.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson
from rich.console import Console

from hub.bundle import Wanted, export
from hub.bundle import verify as verify_bundle
from hub.control import call
from hub.demo.demo import new_folder, on_signals
from hub.demo.job_scenarios import ABSENT, JOBS, ZONE, JobScenario, absent_screen, absent_visit
from hub.demo.job_site import JobSite
from hub.demo.operator import Stopped
from hub.demo.processes import DemoFailed, Simulator
from hub.demo.worker import Before, Worker
from hub.errors import CommandRefused, Fault
from hub.ledger import PublicKey, verify
from hub.looking import jobs
from hub.simulate.receiver import heads, stored
from hub.tables import rows

_PLAIN_COLUMNS: Final = 120
_LOOK_S: Final = 0.25
_DELIVERED_WITHIN_S: Final = 60.0


def run_jobs(
    out: Path,
    *,
    factor: float = 24.0,
    lang: str = "zh",
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
            site = JobSite(new_folder(out), factor, lang, stop)
            return _Jobs(site, lang, console, stop, before).run()
        except Stopped:
            console.print("stopped")
        except (DemoFailed, Fault, OSError) as failed:
            console.print(f"broken off: {failed}")
        return 1


class _Jobs:
    """What one run holds."""

    def __init__(
        self, site: JobSite, lang: str, console: Console, stop: threading.Event, before: Before
    ) -> None:
        self._site = site
        self._lang = lang
        self._console = console
        self._stop = stop
        self._before = before
        self._failed: list[str] = []

    def run(self) -> int:
        began_s = time.monotonic()
        with self._site as site:
            self._console.print(f"hub running; broker {site.broker_kind}")
            with site.instruments() as simulators:
                self._first_day(simulators)
            for _ in range(2):
                site.next_day()
                self._guarded(self._worker(ABSENT, {}), absent_visit)
            with site.instruments() as simulators:
                self._guarded(self._worker(ABSENT, simulators), absent_screen)
            wrong = [*self._failed, *self._ended(), *self._delivered(), *self._verified()]
            wrong += self._bundled()
            for what in wrong:
                self._console.print(f"missing: {what}", style="red")
            if not wrong:
                real_s = time.monotonic() - began_s
                self._console.print(f"all jobs ended as they should; {real_s:.0f} s")
        return 1 if wrong else 0

    def _worker(self, one: JobScenario, simulators: Mapping[str, Simulator]) -> Worker:
        site = self._site
        return Worker(
            one.number,
            site.socket,
            site.clock,
            simulators,
            self._stop,
            "T-17",
            self._before,
            self._say,
        )

    def _say(self, number: str, text: Mapping[str, str], clause: str) -> None:
        now = datetime.fromtimestamp(self._site.clock.now_us() // 1_000_000, ZONE)
        self._console.print(
            f"{now:%m-%d %H:%M:%S}  {number:8}{text[self._lang]}  [{clause}]",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )

    def _first_day(self, simulators: Mapping[str, Simulator]) -> None:
        """Three jobs at the same time, a thread each; and the first visit of the fourth."""
        clock = self._site.clock
        threads = []
        for one in JOBS:
            worker = self._worker(one, simulators)
            worker.order(one.order(clock.now_us()))
            threads.append(
                threading.Thread(target=self._guarded, args=(worker, one.work), name=one.number)
            )
        absent = self._worker(ABSENT, simulators)
        absent.order(ABSENT.order(clock.now_us()))
        for thread in threads:
            thread.start()
        self._guarded(absent, absent_visit)
        try:
            while any(thread.is_alive() for thread in threads):
                self._site.check()
                if self._stop.wait(_LOOK_S):
                    raise Stopped
        finally:
            if any(thread.is_alive() for thread in threads):
                self._stop.set()
            for thread in threads:
                thread.join()

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
        found = jobs(self._site.state)
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
        wanted = {one.number for one in (*JOBS, ABSENT)} | {"J-3-H1"}
        heard: set[str] = set()
        while time.monotonic() < until_s:
            told = [orjson.loads(one.body) for one in stored(self._site.told)]
            heard = {one["subject"] for one in told if one["data"].get("ended")}
            if wanted <= heard:
                return []
            if self._stop.wait(_LOOK_S):
                raise Stopped
        return [f"the CRM has not heard of the end of {', '.join(sorted(wanted - heard))}"]

    def _verified(self) -> list[str]:
        report = verify(self._site.state, heads(self._site.told))
        return [] if report.ok else [f"ledger: {report.first_bad}"]

    def _bundled(self) -> list[str]:
        """The evidence of each job in one file, checked by nothing but that file, the gateway's
        key and the last head that the CRM holds.
        """
        state, head = self._site.state, heads(self._site.told)[-1:]
        call(self._site.socket, "ledger.checkpoint")
        key = PublicKey.from_line((state / "device.pub").read_text(encoding="ascii"))
        told, wrong = [], []
        for one in (*JOBS, ABSENT):
            path = state.parent / f"{one.number}.zip"
            export(state, path, Wanted(one.number, heads=head), self._site.clock.now_us())
            report = verify_bundle(path, key, head)
            if report.bad is not None:
                wrong.append(f"evidence of {one.number}: {report.bad}")
            told.append({"evidence": path.name, "kB": path.stat().st_size // 1000, **report.counts})
        rows(self._console, told)
        return wrong
