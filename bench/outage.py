"""A CRM that is away for a thousand verdicts, then back, cutting replies after it has accepted.

    python bench/outage.py --count 1000 --kills 5 [--json out.json]

One process holds ledger and outbox, with real transactions and the real `crm` plugin; another is
the receiver, which stores every request before it answers. While the verdicts are decided the
receiver is not running. Then it is, it cuts a share of its replies, and both processes are killed
at random moments and started again. Everything is counted from the receiver's file:

    effects          distinct keys it accepted: one per verdict and no other
    duplicates       verdicts it acted on under more than one key
    changed_bodies   keys whose requests did not all carry the same bytes
    out_of_order     verdicts that were first accepted after a later one of the same work order

Afterwards, without faults, the outbox's deliveries per second are held against a bare loop that
posts the same bodies to the same receiver.
"""

import argparse
import contextlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import urllib3
from rich.progress import Progress
from rig import NEVER, PYTHON, free_port, listening, process, wait_for

from hub.clock import HubClock
from hub.events import Event
from hub.ledger import LedgerReader, Transaction
from hub.model import Site
from hub.outbox import Consignee, Outbox, listing
from hub.simulate.receiver import Request, stored
from hub.simulate.scribe import Scribe
from plugins.crm.settings import CrmSettings
from plugins.crm.sink import Crm

ORDERS = 50
CHUNK = 50
SECRET = "whsec_" + "a2tra2tra2tra2tra2tra2tra2tra2tr"
WITHIN_S = 1800.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="verdicts while the CRM is away")
    parser.add_argument("--cut", type=float, default=0.25, help="share of replies cut")
    parser.add_argument("--kills", type=int, default=5, help="kill -9 of each process on the way")
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--json", type=Path, help="write the result there")
    parser.add_argument("--serve", nargs=2, metavar=("STATE", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(Path(options.serve[0]), options.serve[1], options.count)
        return 0
    with tempfile.TemporaryDirectory(prefix="gashub-outage-") as folder:
        bench = Bench(Path(folder), options)
        result = {
            "count": options.count,
            "cut": options.cut,
            "seed": options.seed,
            **bench.outage(),
            "speed": bench.speed(min(500, options.count)),
        }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result), "utf-8")
    good = result["effects"] == options.count and not any(
        result[fault]
        for fault in ("missing", "foreign", "duplicates", "changed_bodies", "out_of_order")
    )
    return 0 if good else 1


class Bench:
    """Both processes, their files, and what is counted from them."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self._folder = folder
        self._options = options
        self._port = free_port()
        self._url = f"http://localhost:{self._port}/events"
        self._chance = random.Random(options.seed)

    def outage(self) -> dict[str, Any]:
        state, file = self._folder / "state", self._folder / "crm.jsonl"
        count = self._options.count
        with Progress() as progress, contextlib.ExitStack() as stack:
            decided = progress.add_task("decided while the CRM is away", total=count)
            hub = stack.enter_context(self._hub(state, count))
            wait_for(lambda: addressed(state, progress, decided) == count, "verdicts", WITHIN_S)
            waiting_rss = psutil.Process(hub.pid).memory_info().rss
            began_s = time.monotonic()
            receiver = stack.enter_context(self._receiver(file))
            drained = progress.add_task("taken after it is back", total=count)
            kills = self._kill_times(count)
            while (taken := done(state)) < count:
                progress.update(drained, completed=taken)
                if kills and taken >= kills[0]:
                    kills.pop(0)
                    for child in (hub, receiver):
                        child.kill()
                        child.wait()
                    receiver = stack.enter_context(self._receiver(file))
                    hub = stack.enter_context(self._hub(state, 0))
                NEVER.wait(0.05)
                if time.monotonic() - began_s > WITHIN_S:
                    raise SystemExit(f"only {taken} of {count} taken in {WITHIN_S:.0f} s")
            progress.update(drained, completed=count)
            took_s = time.monotonic() - began_s
        return {
            **counted(list(stored(file)), state),
            "kills_of_each": self._options.kills,
            "drain_s": round(took_s, 1),
            "hub_rss_mib_with_all_waiting": round(waiting_rss / 2**20, 1),
        }

    def speed(self, count: int) -> dict[str, Any]:
        """Deliveries per second of the outbox, and of a loop that only posts, in one run."""
        state, file = self._folder / "state-speed", self._folder / "crm-speed.jsonl"
        with self._hub(state, count) as hub:
            wait_for(lambda: addressed(state) == count, "verdicts to be addressed", WITHIN_S)
            with self._receiver(file, cut=0.0):
                hub.send_signal(signal.SIGHUP)  # do not sit out the back-off
                wait_for(lambda: done(state) > 0, "the first delivery")
                first, began_s = done(state), time.monotonic()
                wait_for(lambda: done(state) == count, "the last delivery", WITHIN_S)
                ours = (count - first) / (time.monotonic() - began_s)
                bodies = [request.body for request in stored(file)]
                pool = urllib3.HTTPConnectionPool("localhost", self._port)
                began_s = time.monotonic()
                for at, body in enumerate(bodies):
                    pool.urlopen(
                        "POST", "/events", body=body, headers={"idempotency-key": f"b{at}"}
                    )
                bare = len(bodies) / (time.monotonic() - began_s)
                pool.close()
        return {
            "deliveries_per_s": round(ours),
            "bare_posts_per_s": round(bare),
            "ratio": round(ours / bare, 2),
        }

    def _kill_times(self, count: int) -> list[int]:
        return sorted(self._chance.randrange(1, count) for _ in range(self._options.kills))

    @contextlib.contextmanager
    def _hub(self, state: Path, count: int) -> Iterator["subprocess.Popen[bytes]"]:
        serving = ["--serve", str(state), self._url, "--count", str(count)]
        command = [PYTHON, str(Path(__file__).resolve()), *serving]
        with process(command, self._folder / "hub.log") as child:
            yield child

    @contextlib.contextmanager
    def _receiver(
        self, file: Path, cut: float | None = None
    ) -> Iterator["subprocess.Popen[bytes]"]:
        share = self._options.cut if cut is None else cut
        command = [
            PYTHON, "-m", "hub.simulate.receiver", "--file", str(file), "--port", str(self._port),
            "--cut", str(share), "--seed", str(self._chance.randrange(1 << 30)),
        ]  # fmt: skip
        with process(command, self._folder / "receiver.log") as child:
            wait_for(lambda: listening(self._port), "the receiver to listen")
            yield child


def serve(state: Path, url: str, count: int) -> None:
    """The hub's side: decide *count* verdicts, then deliver until told to stop."""
    stop, hurry = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: hurry.set())
    clock = HubClock()
    settings = CrmSettings(
        url=url,
        secrets=("sign",),
        allow_plain_http=True,
        lan=("127.0.0.0/8",),
        retry_first_s=0.1,
        retry_most_s=2,
    )
    sink = Crm("crm", settings, Site("gw-bench", clock, lambda _: SECRET))
    with Scribe(state, clock) as scribe:
        outbox = Outbox([Consignee("crm", sink, settings)], state, scribe.submit, clock)
        scribe.outbox = outbox
        outbox.start()
        for first in range(0, count, CHUNK):

            def act(tx: Transaction, first: int = first) -> list[Event]:
                numbers = range(first, min(count, first + CHUNK))
                return [scribe.verdict(tx, outbox, f"2026-{n % ORDERS:04d}") for n in numbers]

            scribe.do(act)
        while not stop.wait(0.02):
            if hurry.is_set():
                hurry.clear()
                outbox.hurry()
        outbox.stop(30)


def counted(requests: list[Request], state: Path) -> dict[str, Any]:
    """What the receiver's own file says, against what the ledger says was decided."""
    with LedgerReader(state) as reader:
        keys = [key for (key,) in reader.sql.execute("SELECT key FROM parcels ORDER BY seq")]
    accepted = list(dict.fromkeys(r.key for r in requests if r.accepted))
    events: dict[str, set[str]] = {}
    bodies: dict[str, set[bytes]] = {}
    for request in requests:
        bodies.setdefault(request.key, set()).add(request.body)
        if request.accepted:
            events.setdefault(json.loads(request.body)["id"], set()).add(request.key)
    order = {request.key: request.order for request in requests}
    place = {key: at for at, key in enumerate(keys)}
    newest: dict[str, int] = {}
    out_of_order = 0
    for key in accepted:
        at = place.get(key, -1)
        out_of_order += at < newest.get(order[key], -1)
        newest[order[key]] = max(at, newest.get(order[key], -1))
    times = Counter(r.key for r in requests)
    return {
        "effects": len(accepted),
        "missing": len(set(keys) - set(accepted)),
        "foreign": len(set(accepted) - set(keys)),
        "duplicates": sum(len(under) > 1 for under in events.values()),
        "changed_bodies": sum(len(seen) > 1 for seen in bodies.values()),
        "out_of_order": out_of_order,
        "requests": len(requests),
        "replies_cut": sum(r.cut for r in requests),
        "most_requests_of_one_key": max(times.values(), default=0),
    }


def addressed(state: Path, progress: Progress | None = None, task: Any = None) -> int:
    found = count_of(state, "waiting") + count_of(state, "taken")
    if progress is not None:
        progress.update(task, completed=found)
    return found


def done(state: Path) -> int:
    return count_of(state, "taken")


def count_of(state: Path, word: str) -> int:
    if not (state / "ledger.db").exists():
        return 0
    with LedgerReader(state) as reader:
        return sum(getattr(row, word) for row in listing.sinks(reader.sql))


if __name__ == "__main__":
    sys.exit(main())
