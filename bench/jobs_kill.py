"""kill -9 at random moments of whole jobs: each goes on where it stood, and nothing is asked twice.

A purge and a repair with the hazard it finds are worked at the same time against simulated
instruments, by technicians who see nothing but the control socket. The hub is killed again and
again: while a step is being recorded, in the middle of a test, at any time. Hub time stands still
while it is down, so that a test may go on. After each start the technician looks first and asks
only for what is not on record, as docs/socket.md tells a client to. Then

    what was on record before the kill is on record after it, answers and all,
    the record has each step and event of the technicians once, in their order: none twice,
    what is not open is refused after the start, and
    each job ends as it does without a kill: a test that lost its readings would not pass.

So that the bench is known to see what it looks for, it is also run on a planted copy of the
program that answers before the commit (must lose).

    python bench/jobs_kill.py --kills 200 [--planted-kills 15] [--json OUT]
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.progress import Progress
from rig import NEVER, planted, report

from hub.control import call
from hub.demo.job_scenarios import JOBS
from hub.demo.job_site import JobSite
from hub.demo.operator import Stopped
from hub.demo.processes import DemoFailed
from hub.demo.worker import Worker
from hub.errors import Fault
from hub.ledger import LedgerReader, verify
from hub.looking import jobs
from hub.simulate.receiver import heads

WORKED = {one.number: one for one in JOBS if one.number in ("J-1", "J-3")}
ENDS = {"J-1": {"": "done"}, "J-3": {"": "done", "-H1": "closed"}}
"""What a job, and the hazard that it opens, must end as."""
FACTOR = 30.0
AT_A_REQUEST = 0.5
"""The share of kills just after a request; of the planted copy all are."""
JUST_AFTER_S = {"product": 0.02, "planted": 0.5}
"""How long after one was sent, at the latest. The planted copy waits 0.2 s with each commit."""
KILLS_A_ROUND = 20
PAUSE_S = 8.0
"""The longest time between two kills, so that a round's kills are spread over its jobs."""
BACK_WITHIN_S = 60.0
EARLY = {
    "hub/judging.py": [
        (
            "                return task.done, task.do(tx), None\n",
            """
                result = task.do(tx)
                task.done.set_result(result)
                threading.Event().wait(0.2)
                return Future(), result, None
""",
        ),
    ]
}


@dataclass
class Account:
    """What came of one run."""

    kills: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    asked: dict[str, list[str]] = field(default_factory=dict)
    """Job -> its steps and events, each noted when it was acknowledged or found on record."""


class Survivor(Worker):
    """A technician whose hub may be killed at any moment."""

    def watched_by(self, account: Account, at_a_request: threading.Event) -> None:
        self._account = account
        self._at_a_request = at_a_request
        self.last: Mapping[str, Mapping[str, Any]] = {}

    def another(self, number: str) -> "Survivor":
        mate = super().another(number)
        assert isinstance(mate, Survivor)
        mate.last = {}
        return mate

    def shown(self) -> Mapping[str, Any]:
        shown = super().shown()
        self.last = {one["step"]: one for one in shown["steps"] if one["state"] == "done"}
        return shown

    def _call(self, do: str, **arguments: Any) -> Any:
        if do == "job.do":
            return self._once(do, arguments, self._standing(arguments["step"]), arguments["step"])
        if do == "order.event":
            word = " ".join(arguments[key] for key in ("word", "instrument", "point"))
            return self._once(do, arguments, self._events(), word)
        return self._again(do, arguments)

    def _again(self, do: str, arguments: Mapping[str, Any]) -> Any:
        """What may be asked as often as one likes: until there is an answer."""
        until_s = time.monotonic() + BACK_WITHIN_S
        while True:
            try:
                return call(self._socket, do, **arguments)
            except ConnectionError:
                if time.monotonic() > until_s or self._stop.is_set():
                    raise
                NEVER.wait(0.02)

    def _once(
        self, do: str, arguments: Mapping[str, Any], look: Callable[[], Any], what: str
    ) -> Any:
        """What may be asked once: without an answer, look whether it is on record."""
        before = look()
        while True:
            self._at_a_request.set()
            try:
                answer = call(self._socket, do, **arguments)
            except ConnectionError:
                if look() != before:
                    answer = {"done": True}
                elif self._stop.is_set():
                    raise
                else:
                    continue
            if answer.get("done", True):
                self._account.asked.setdefault(self.number, []).append(what)
            return answer

    def _standing(self, step: str) -> Callable[[], Any]:
        """When it was last done, and of a test its attempt that is open: it may be done again."""

        def look() -> Any:
            steps = self._again("job.show", {"number": self.number, "by": self._by})["steps"]
            running = self._again("order.progress", {"number": self.number})
            return (
                next(one.get("at") for one in steps if one["step"] == step),
                [one["attempt"] for one in running if one["step"] == step],
            )

        return look

    def _events(self) -> Callable[[], Any]:
        return lambda: self._again("order.progress", {"number": self.number})[0]["events"]


def kill_loop(
    kills: int, seed: int, faults: Mapping[str, Sequence[tuple[str, str]]], progress: Progress
) -> dict[str, Any]:
    chance = random.Random(seed)
    account = Account()
    began_s = time.monotonic()
    rounds = 0
    bar = progress.add_task("kill -9" if not faults else "planted", total=kills)
    with tempfile.TemporaryDirectory(prefix="gashub-jobs-") as name:
        folder = Path(name)
        program = planted(folder, faults) if faults else None
        (folder / "site").mkdir()
        stop = threading.Event()
        site = JobSite(folder / "site", FACTOR, "en", stop, python_path=program)
        with site, site.instruments() as simulators:
            while account.kills.total() < kills and not account.wrong:
                rounds += 1
                _round(site, simulators, rounds, kills, bool(faults), chance, account, stop)
                progress.update(bar, completed=account.kills.total())
            stop.set()
        account.wrong = account.wrong or _compare(site.state, account, rounds)
        found = verify(site.state, heads(site.told))
    return {
        "kills": account.kills.total(),
        "moments": dict(account.kills),
        "rounds": rounds,
        "seed": seed,
        "steps_and_events": sum(map(len, account.asked.values())),
        "wrong": account.wrong[:10],
        "verify_not_clean": not found.ok,
        "seconds": round(time.monotonic() - began_s, 1),
    }


def _round(
    site: JobSite,
    simulators: Mapping[str, Any],
    number: int,
    kills: int,
    is_planted: bool,
    chance: random.Random,
    account: Account,
    stop: threading.Event,
) -> None:
    """Work the jobs once, with some kills on the way."""
    at_a_request = threading.Event()
    threads, survivors = [], []
    for name, one in WORKED.items():
        scenario = replace(one, number=f"{name}-{number}")
        survivor = Survivor(
            scenario.number, site.socket, site.clock, simulators, stop, "T-17",
            lambda *_: None, lambda *_: None,
        )  # fmt: skip
        survivor.watched_by(account, at_a_request)
        survivor.order(scenario.order(site.clock.now_us()))
        survivors.append(survivor)
        threads.append(threading.Thread(target=_work, args=(survivor, scenario.work, account)))
    for thread in threads:
        thread.start()
    this_round = 0
    while any(thread.is_alive() for thread in threads):
        NEVER.wait(chance.uniform(0, PAUSE_S))
        if this_round == KILLS_A_ROUND or account.kills.total() == kills:
            continue
        moment = "at_any_time"
        if is_planted or chance.random() < AT_A_REQUEST:
            at_a_request.clear()
            if at_a_request.wait(PAUSE_S):
                moment = "at_a_request"
                NEVER.wait(chance.uniform(0, JUST_AFTER_S["planted" if is_planted else "product"]))
        this_round += 1
        account.kills[moment] += 1
        lasts = [(survivor.number, survivor.last) for survivor in survivors]
        site.kill_hub()
        site.start_hub()
        for job, last in lasts:
            account.wrong += _resumed(site.socket, job, last)
        account.wrong += _lost(site.state, account)
        if account.wrong:
            stop.set()
            break
    for thread in threads:
        thread.join()
    for simulator, action in (("analyser-1", "jump 0.5"), ("detector-1", "jump 0")):
        simulators[simulator].tell(action)


def _work(survivor: Survivor, work: Callable[[Worker], None], account: Account) -> None:
    try:
        work(survivor)
    except Stopped:
        pass
    except (DemoFailed, Fault, OSError, LookupError) as failed:
        account.wrong.append(f"{survivor.number}: {failed!r}")
    finally:
        survivor.leave()


def _resumed(socket: Path, job: str, last: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Whether all that a job had on record is there after the start, and its end is refused."""
    wrong = []
    shown = call(socket, "job.show", number=job, by="T-17")
    now = {one["step"]: one for one in shown["steps"]}
    for step, was in last.items():
        kept = now[step]
        same = kept.get("at") == was["at"] and kept.get("answers") == was["answers"]
        if not same and kept.get("at", "") <= was["at"]:
            wrong.append(f"{job}: {step} of {was['at']} is gone, or has other answers")
    waiting = [name for name, one in now.items() if one["state"] == "waiting"]
    if len(waiting) > 3:
        with suppress(ConnectionError):
            if call(socket, "job.do", number=job, step=waiting[-1], by="T-17")["done"]:
                wrong.append(f"{job}: {waiting[-1]} was let through after a start")
    return wrong


def _recorded(state_dir: Path) -> dict[str, list[str]]:
    """Job -> its steps and events as the ledger has them."""
    recorded: dict[str, list[str]] = {}
    with LedgerReader(state_dir) as reader:
        for entry in reader.entries(kinds=("event", "job_event")):
            body = entry.record()
            if entry.kind == "event":
                word = " ".join(body.get(key) or "" for key in ("word", "instrument", "point"))
                recorded.setdefault(body["order"], []).append(word)
            elif body["event"]["what"] == "act":
                recorded.setdefault(body["job"], []).append(body["event"]["step"])
    return recorded


def _lost(state_dir: Path, account: Account) -> list[str]:
    """What was acknowledged, and is not on record."""
    asked = {job: Counter(words) for job, words in account.asked.items()}
    recorded = _recorded(state_dir)
    return [
        f"{job}: acknowledged, but not on record: {dict(gone)}"
        for job, words in asked.items()
        if (gone := words - Counter(recorded.get(job, [])))
    ]


def _compare(state_dir: Path, account: Account, rounds: int) -> list[str]:
    """The technicians' own account against the record."""
    recorded = _recorded(state_dir)
    wrong = [
        f"{job}: acknowledged {account.asked.get(job)}, recorded {recorded.get(job)}"
        for job in sorted(account.asked.keys() | recorded.keys())
        if account.asked.get(job) != recorded.get(job)
    ]
    ended = {one["job"]: one["phase"] for one in jobs(state_dir)}
    for number in range(1, rounds + 1):
        for name, ends in ENDS.items():
            for suffix, word in ends.items():
                job = f"{name}-{number}{suffix}"
                if ended.get(job) != word:
                    wrong.append(f"{job} is {ended.get(job, 'not there')}, expected {word}")
    return wrong


def run(kills: int, planted_kills: int, seed: int) -> dict[str, object]:
    with Progress(disable=not sys.stderr.isatty()) as progress:
        product = kill_loop(kills, seed, {}, progress)
        early = kill_loop(planted_kills, seed, EARLY, progress)
    lost = [one for one in early["wrong"] if "acknowledged, but not on record" in one]
    return {
        "bench": "jobs_kill",
        **product,
        "planted": {"kills": early["kills"], "lost": lost},
        "ok": not (product["wrong"] or product["verify_not_clean"]) and bool(lost),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--planted-kills", type=int, default=15, help="of the planted copy")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = run(options.kills, options.planted_kills, options.seed)
    report(figures, options.json)
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
