"""What the hub costs a small box: memory, time to the first reading, bytes written per reading.

Memory: resident set of a gateway with all built-in plugins of the spine, idle, and after a queue
of readings has been drained at full speed. Start: from the spawn of the process to the commit of
the first reading, while a publisher sends 50 a second. Writing: `write_bytes` of /proc/PID/io per
reading at 1 and at 50 readings a second and the shipped commit settings. There the measurement
runs from one restart of SQLite's write-ahead log to a later one, so that the share of the
checkpoints is in it exactly; `checkpoints` says how many, 0 that time was too short for that.

    python bench/footprint.py [--starts 5] [--wear-s 400] [--json OUT]
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from rich.progress import Progress, TaskID
from rig import NEVER, PYTHON, Hub, report, wait_for

from hub.ledger import LedgerReader
from hub.simulate.mosquitto import Mosquitto

BENCH = Path(__file__).parent
TOPIC = "instruments/+/reading"
IDLE_RSS_MB = 60
START_S = 1.5
BYTES_AT_50 = 1.2 * 1024
QUEUE = 20_000
RATES = (1, 50)
LOOK_S = 0.2
ROUNDS = 3
"""Rounds of the write-ahead log that are enough."""


def gateway(folder: Path, port: int) -> str:
    """The plugins of a real gateway; the CRM and the platform are away, so nothing is sent."""
    return f"""
[hub]
gateway = "bench"
state_dir = "{folder / "state"}"
plugins = ["modbus", "boreal", "mqtt", "crm", "gov_filing", "telemetry_mqtt"]

[log]
form = "console"
level = "warning"

[[link]]
name = "broker"
kind = "mqtt"
host = "127.0.0.1"
port = {port}
client_id = "bench"

[[link.topics]]
filter = "{TOPIC}"
decoder = "plain_json"
seq_step = 0

[[sink]]
name = "filing"
kind = "gov_filing"
folder = "{folder / "filing"}"
company = "Bench"
credit_code = "91110000101623741K"
division_code = "110105"

[[sink]]
name = "platform"
kind = "telemetry_mqtt"
host = "127.0.0.1"
port = {port}
topic = "platform/readings"
"""


@contextlib.contextmanager
def running(folder: Path) -> Iterator[tuple[Hub, Mosquitto]]:
    """A broker, and a hub that is not yet started."""
    folder.mkdir(parents=True)
    with Mosquitto(folder) as broker, Hub(folder, gateway(folder, broker.port)) as hub:
        yield hub, broker


def publisher(port: int, rate: float, count: int) -> "subprocess.Popen[bytes]":
    command = [PYTHON, str(BENCH / "feed.py"), "--port", str(port)]
    return subprocess.Popen([*command, "--rate", str(rate), "--count", str(count)])


def start_s(folder: Path) -> float:
    """Seconds from spawn to the commit of the first reading, on a fresh state folder."""
    with running(folder) as (hub, broker):
        load = publisher(broker.port, 50, 2000)
        try:
            NEVER.wait(0.5)
            spawned_us = time.time_ns() // 1000
            hub.start()
            hub.wait_ready()
            state = folder / "state"
            wait_for(lambda: first_reading_us(state) > 0, "the first reading")
            return (first_reading_us(state) - spawned_us) / 1e6
        finally:
            load.kill()
            load.wait()


def first_reading_us(state: Path) -> int:
    with LedgerReader(state) as reader:
        return next((e.at_us for e in reader.entries() if e.kind == "readings"), 0)


def memory(folder: Path) -> dict[str, float]:
    with running(folder) as (hub, broker):
        hub.start()
        hub.wait_ready()
        NEVER.wait(3)
        process = psutil.Process(hub.pid())
        idle = process.memory_full_info()
        cpu = process.cpu_times()
        NEVER.wait(5)
        idle_cpu = process.cpu_times()
        load = publisher(broker.port, 0, QUEUE)
        load.wait(120)
        wait_for(lambda: recorded(folder / "state") >= QUEUE, "the readings")
        NEVER.wait(3)
        loaded = process.memory_full_info()
        busy_s = idle_cpu.user + idle_cpu.system - cpu.user - cpu.system
        return {
            "idle_rss_mb": round(idle.rss / 1e6, 1),
            "idle_private_mb": round(idle.uss / 1e6, 1),
            "loaded_rss_mb": round(loaded.rss / 1e6, 1),
            "loaded_private_mb": round(loaded.uss / 1e6, 1),
            "idle_cpu_pct": round(busy_s / 5 * 100, 1),
            "threads": process.num_threads(),
        }


def recorded(state: Path) -> int:
    with LedgerReader(state) as reader:
        return sum(len(e.block().readings) for e in reader.entries() if e.kind == "readings")


class Wear:
    """Bytes to disk per reading, over whole rounds of the write-ahead log where time allows."""

    def __init__(self, folder: Path, rate: float, longest_s: float) -> None:
        self._folder = folder
        self._rate = rate
        self._longest_s = longest_s

    def run(self, progress: Progress) -> dict[str, float]:
        task = progress.add_task(f"writing at {self._rate:g}/s", total=self._longest_s)
        with running(self._folder) as (hub, broker):
            hub.start()
            hub.wait_ready()
            load = publisher(broker.port, self._rate, round(self._rate * self._longest_s) + 100)
            try:
                rounds, marks = self._watch(hub, progress, task)
            finally:
                load.kill()
                load.wait()
        (from_bytes, from_count), (to_bytes, to_count) = marks[0], marks[-1]
        return {
            "bytes_per_reading": round((to_bytes - from_bytes) / (to_count - from_count)),
            "readings": to_count - from_count,
            "checkpoints": rounds,
        }

    def _watch(
        self, hub: Hub, progress: Progress, task: TaskID
    ) -> tuple[int, list[tuple[int, int]]]:
        """Whole rounds seen, and (bytes written, readings recorded) at each restart of the log.

        When there was no whole round: 0, and the same at the beginning and at the end.
        """
        wal = self._folder / "state" / "ledger.db-wal"
        begin_s = time.monotonic()
        begin, restarts, salt = self._mark(hub), [], _salt(wal)
        while time.monotonic() - begin_s < self._longest_s and len(restarts) <= ROUNDS:
            NEVER.wait(LOOK_S)
            progress.update(task, completed=time.monotonic() - begin_s)
            if (now := _salt(wal)) != salt:
                salt = now
                restarts.append(self._mark(hub))
        progress.update(task, completed=self._longest_s)
        if len(restarts) > 1:
            return len(restarts) - 1, restarts
        return 0, [begin, self._mark(hub)]

    def _mark(self, hub: Hub) -> tuple[int, int]:
        written = psutil.Process(hub.pid()).io_counters().write_bytes
        return written, recorded(self._folder / "state")


def _salt(wal: Path) -> bytes:
    """The first salt of the log's header, which changes whenever the log starts anew."""
    with contextlib.suppress(FileNotFoundError), wal.open("rb") as file:
        return file.read(24)[16:24]
    return b""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--wear-s", type=float, default=400, help="longest time at each rate")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gashub-footprint-") as name, Progress() as progress:
        folder = Path(name)
        starts = [start_s(folder / f"start-{n}") for n in range(options.starts)]
        figures: dict[str, Any] = {
            "start_to_first_reading_s": round(statistics.median(starts), 2),
            "starts_s": [round(s, 2) for s in starts],
            **memory(folder / "memory"),
            "writing": {
                f"at_{rate}_per_s": Wear(folder / f"wear-{rate}", rate, options.wear_s).run(
                    progress
                )
                for rate in RATES
            },
        }
    report(figures, options.json)
    return 0 if good(figures) else 1


def good(figures: dict[str, Any]) -> bool:
    return bool(
        figures["idle_rss_mb"] < IDLE_RSS_MB
        and figures["start_to_first_reading_s"] < START_S
        and figures["writing"]["at_50_per_s"]["bytes_per_reading"] < BYTES_AT_50
    )


if __name__ == "__main__":
    sys.exit(main())
