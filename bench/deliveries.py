"""Deliveries per second of each sink, and memory over a long queue.

    python bench/deliveries.py --count 3000 --waiting 100000 --json out.json

Speed: a hub's outbox delivers *count* verdicts to a receiver in a process of its own, each event
durable with its attempts, in order within each of 50 work orders. Then a loop that only posts
sends the same bodies with httpx to the same receiver, in the same run. The receiver syncs each
event to the disk for both. Of three rounds the middle one counts. The filing sink has no such
twin: its records per second are shown.

Queue: *waiting* parcels of 1,000 orders, drained by a sink that takes at once. Memory is that of
the process, before and at its most; order is checked parcel by parcel.
"""

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psutil
from rig import PYTHON, free_port, listening, process, wait_for

from hub.clock import HubClock
from hub.events import Event
from hub.ledger import LedgerReader, Transaction
from hub.model import Delivery, Parcel, Site
from hub.outbox import Consignee, Outbox, Terms, parcels
from hub.simulate.receiver import stored
from hub.simulate.scribe import Scribe
from plugins.crm.settings import CrmSettings
from plugins.crm.sink import Crm
from plugins.gov_filing import register_sinks as filing_kinds

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
ORDERS, CHUNK = 50, 500
WITHIN_S = 1800.0
ROUNDS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=3000, help="verdicts of each speed round")
    parser.add_argument("--waiting", type=int, default=100_000, help="parcels of the long queue")
    parser.add_argument("--json", type=Path, help="write the result there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gashub-deliveries-") as name:
        folder = Path(name)
        rounds = [crm(folder / f"crm-{at}", options.count) for at in range(ROUNDS)]
        result = {
            "crm": sorted(rounds, key=lambda one: one["ratio"])[ROUNDS // 2],
            "crm_rounds": rounds,
            "gov_filing": filing(folder / "filing", options.count),
            "queue": queue(folder / "queue", options.waiting),
        }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result), "utf-8")
    good = result["queue"]["out_of_order"] == 0 and result["queue"]["missing"] == 0
    return 0 if good else 1


def crm(folder: Path, count: int) -> dict[str, Any]:
    """One round: ours and the bare loop, to one receiver."""
    folder.mkdir()
    port = free_port()
    url, file = f"http://127.0.0.1:{port}/events", folder / "crm.jsonl"
    command = [PYTHON, "-m", "hub.simulate.receiver", "--file", str(file), "--port", str(port)]
    settings = CrmSettings(url=url, secrets=("sign",), allow_plain_http=True, lan=("127.0.0.0/8",))
    clock = HubClock()
    sink = Crm("crm", settings, Site("gw-bench", clock, lambda _: SECRET))
    with process(command, folder / "receiver.log"):
        wait_for(lambda: listening(port), "the receiver to listen")
        ours_s = timed(folder / "state", clock, Consignee("crm", sink, settings), count)
        requests = list(stored(file))
        with httpx.Client() as client:
            began_s = time.monotonic()
            for at, one in enumerate(requests):
                headers = {**one.headers, "idempotency-key": f"bare-{at}"}
                client.post(url, content=one.body, headers=headers).raise_for_status()
            bare_s = time.monotonic() - began_s
    return {
        "deliveries_per_s": round(count / ours_s),
        "bare_httpx_posts_per_s": round(len(requests) / bare_s),
        "ratio": round(bare_s / ours_s, 2),
        "missing": count - len({one.key for one in requests if one.accepted}),
    }


def filing(folder: Path, count: int) -> dict[str, Any]:
    """Records per second of the sink that writes batches into a folder."""
    target = folder / "batches"
    target.mkdir(parents=True)
    (kind,) = filing_kinds()
    settings = kind.settings.model_validate(
        {
            "folder": target, "batch_linger_s": 0, "company": "Example Gas",
            "credit_code": "91350100M000100Y43", "division_code": "350102",
        }
    )  # fmt: skip
    clock = HubClock()
    sink = kind.build("filing", settings, Site("gw-bench", clock, lambda _: SECRET))
    took_s = timed(folder / "state", clock, Consignee("filing", sink, settings), count)
    return {"records_per_s": round(count / took_s)}


def timed(state: Path, clock: HubClock, consignee: Consignee, count: int) -> float:
    """Seconds from the start of the channel until the last outcome is durable."""
    with Scribe(state, clock) as scribe:
        outbox = Outbox([consignee], state, scribe.submit, clock)
        scribe.outbox = outbox
        for first in range(0, count, CHUNK):

            def act(tx: Transaction, first: int = first) -> list[Event]:
                numbers = range(first, min(count, first + CHUNK))
                return [scribe.verdict(tx, outbox, f"2026-{n % ORDERS:04d}") for n in numbers]

            scribe.do(act)
        began_s = time.monotonic()
        outbox.start()
        wait_for(lambda: drained(state), "the last delivery", WITHIN_S)
        took_s = time.monotonic() - began_s
        outbox.stop(30)
    return took_s


def drained(state: Path) -> bool:
    """Whether nothing waits any more: one look into an index, so that looking costs nothing."""
    with LedgerReader(state) as reader:
        return not reader.rows("SELECT 1 FROM parcels WHERE state='waiting' LIMIT 1", ())


class Counting:
    """Takes at once, and sees whether every order comes in order."""

    def __init__(self) -> None:
        self.count = self.out_of_order = self.most_bytes = 0
        self._last: dict[str, int] = {}
        self._us = psutil.Process()

    def open(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def deliver(self, given: Sequence[Parcel], batch: str) -> Delivery:
        for parcel in given:
            self.count += 1
            self.out_of_order += parcel.created_us <= self._last.get(parcel.order, -1)
            self._last[parcel.order] = parcel.created_us
        if self.count % 1000 == 0:
            self.most_bytes = max(self.most_bytes, self._us.memory_info().rss)
        return Delivery(taken={parcel.id: "R" for parcel in given})


def queue(folder: Path, waiting: int) -> dict[str, Any]:
    """In a process of its own, whose memory is nobody else's."""
    folder.mkdir()
    command = [PYTHON, __file__, "--drain", str(folder), str(waiting)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def drain(folder: Path, waiting: int) -> dict[str, Any]:
    sink, clock = Counting(), HubClock()
    body = b'{"data":{"ledger":{}},"pad":"' + b"x" * 2000 + b'"}'
    with Scribe(folder / "state", clock) as scribe:
        outbox = Outbox([Consignee("crm", sink, Terms())], folder / "state", scribe.submit, clock)
        scribe.outbox = outbox
        for first in range(0, waiting, 5000):

            def act(tx: Transaction, first: int = first) -> None:
                for n in range(first, min(waiting, first + 5000)):
                    event = Event(f"E{n:07d}", "verdict", f"O{n * 7919 % 1000}", body)
                    parcels.address(tx, event, ["crm"], n)

            scribe.do(act)
        before = psutil.Process().memory_info().rss
        began_s = time.monotonic()
        outbox.start()
        wait_for(lambda: drained(folder / "state"), "the last delivery", WITHIN_S)
        took_s = time.monotonic() - began_s
        outbox.stop(30)
    return {
        "waiting": waiting,
        "missing": waiting - sink.count,
        "out_of_order": sink.out_of_order,
        "drained_per_s": round(sink.count / took_s),
        "rss_mib_before": round(before / 2**20, 1),
        "rss_mib_most_above": round(max(0, sink.most_bytes - before) / 2**20, 1),
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--drain"]:
        print(json.dumps(drain(Path(sys.argv[2]), int(sys.argv[3]))))
        sys.exit(0)
    sys.exit(main())
