"""How fast readings become durable, against a client that only counts; how soon an alarm does.

Drain: the same mosquitto, the same queue of QoS 1 messages in a persistent session, in turn for a
bare paho client (bench/bare_client.py) and for a whole hub process with a procedure open on one of
the 50 instruments. The hub's rate is taken from its ledger: all readings, over the time from the
first block's first intake to the last block's commit. The ratio of the two is the figure.

Alarm: live gas readings at a steady rate; now and then one is over the work limit. Measured from
just before its bytes go to the broker to the moment the hub's news hook runs after the commit
that holds the alarm (bench/witness/alarms.py says why so). Every such reading must have its alarm
in the ledger, or the run fails.

    python bench/ingest.py [--count 50000] [--rounds 3] [--alarm-s 20] [--json OUT]
"""

import argparse
import array
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import feed
import psutil
from rich.progress import track
from rig import NEVER, PYTHON, Hub, report, wait_for

from hub.control import call
from hub.ledger import LedgerReader
from hub.simulate.mosquitto import Mosquitto

BENCH = Path(__file__).parent
TOPIC = "instruments/+/reading"
INSTRUMENTS = 50
SPIKE_EVERY = 51
"""Not a multiple of the instruments, so that the alarm wanders and is back below by the next."""
RATES = (100, 1000)
WATCHED = "pm-0007"
ALARM_LIMIT_MS = 20


def gateway(state_dir: Path, port: int, *, witness: bool = False) -> str:
    """A gateway at its shipped commit settings."""
    plugins = '"mqtt", "witness.alarms"' if witness else '"mqtt"'
    calibrated = date.today() + timedelta(days=365)  # noqa: DTZ011 - any day in the future will do
    return f"""
[hub]
gateway = "bench"
state_dir = "{state_dir}"
plugins = [{plugins}]

[log]
form = "console"
level = "warning"

[[instrument]]
name = "{WATCHED}"
quantity = "pressure"
range_pa = 10000
resolution_pa = 1
calibrated_until = {calibrated}

[[link]]
name = "broker"
kind = "mqtt"
host = "127.0.0.1"
port = {port}
client_id = "bench"
late_after_s = 3600  # the queue was filled beforehand, on purpose

[[link.topics]]
filter = "{TOPIC}"
decoder = "plain_json"
seq_step = 0  # one count runs through all instruments
"""


class Drain:
    """One queue drained by one of the two, in a folder and with a broker of its own."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count

    def bare(self) -> dict[str, float]:
        with Mosquitto(self._folder) as broker:
            self._fill(broker.port)
            ran = subprocess.run(
                [PYTHON, str(BENCH / "bare_client.py"), str(broker.port), str(self._count)],
                capture_output=True, text=True, check=True, timeout=300,
            )  # fmt: skip
        figures: dict[str, float] = json.loads(ran.stdout)
        return figures

    def hub(self) -> dict[str, float]:
        with Mosquitto(self._folder) as broker:
            config = gateway(self._folder / "state", broker.port)
            with Hub(self._folder, config) as hub:
                hub.start()
                hub.wait_ready()
                starting_s = busy_s(psutil.Process(hub.pid()))
                self._open_procedure(hub)
                hub.stop()
                self._fill(broker.port)
                hub.start()
                # The open attempt has been taken up again when the hub is ready.
                hub.wait_ready()
                process = psutil.Process(hub.pid())
                wait_for(lambda: self._recorded(hub) >= self._count, "the queue to drain", 300)
                drained_s = busy_s(process) - starting_s
                rss = process.memory_info().rss
                hub.stop()
            return {
                "per_s": round(self._rate(self._folder / "state")),
                "cpu_us": round(drained_s / self._count * 1e6, 1),
                "rss_mib": round(rss / 2**20, 1),
            }

    def _fill(self, port: int) -> None:
        feed.keep_session(port, "bench", TOPIC)
        command = [PYTHON, str(BENCH / "feed.py"), "--port", str(port)]
        subprocess.run([*command, "--count", str(self._count)], check=True, timeout=300)

    def _open_procedure(self, hub: Hub) -> None:
        order = {
            "number": "BENCH-1",
            "procedure": "riser_hold",
            "p_design_pa": 5000,
            "instruments": [{"name": WATCHED, "quantity": "pressure"}],
        }
        file = self._folder / "order.json"
        file.write_text(json.dumps(order))
        for words in (
            ["order", "add", str(file)],
            ["order", "open", "BENCH-1"],
            ["order", "event", "BENCH-1", "pump_on"],
        ):
            done = hub.gashub(*words)
            if done.returncode != 0:
                raise SystemExit(f"{words}: {done.stderr or done.stdout}")

    def _recorded(self, hub: Hub) -> int:
        # Over the socket from here: a `gashub status` would take a core for half a second.
        NEVER.wait(0.1)
        status = call(hub.state_dir / "hub.sock", "status")
        if status["attempts"] != 1:
            raise SystemExit("the procedure is not open any more; the figure would not count")
        return int(status["counts"]["readings"])

    def _rate(self, state_dir: Path) -> float:
        first_us = last_us = count = 0
        with LedgerReader(state_dir) as reader:
            for entry in reader.entries():
                if entry.kind != "readings":
                    continue
                block = entry.block()
                first_us = first_us or block.at_us
                last_us = entry.at_us
                count += len(block.readings)
        if count != self._count:
            raise SystemExit(f"{count} readings in the ledger, {self._count} were published")
        return count / ((last_us - first_us) / 1e6)


def alarms(folder: Path, rate: int, for_s: float) -> dict[str, float]:
    """Milliseconds from publish to the durable alarm at *rate* readings a second."""
    stamps, times = folder / "stamps", folder / "times"
    os.environ["GASHUB_BENCH_STAMPS"] = str(stamps)
    count = round(rate * for_s)
    with Mosquitto(folder) as broker:
        config = gateway(folder / "state", broker.port, witness=True)
        with Hub(folder, config, python_path=BENCH) as hub:
            hub.start()
            hub.wait_ready()
            NEVER.wait(2)
            process = psutil.Process(hub.pid())
            before_s = busy_s(process)
            subprocess.run(
                [
                    PYTHON, str(BENCH / "feed.py"), "--port", str(broker.port),
                    "--rate", str(rate), "--count", str(count),
                    "--spike-every", str(SPIKE_EVERY), "--times", str(times),
                ],
                check=True, timeout=for_s + 60,
            )  # fmt: skip
            spikes = range(SPIKE_EVERY - 1, count, SPIKE_EVERY)
            wait_for(lambda: len(stamped(stamps)) >= len(spikes), "the last alarm")
            after_s = busy_s(process)
            hub.stop()
    sent = array.array("q")
    sent.frombytes(times.read_bytes())
    durable = stamped(stamps)
    missing = set(spikes) - alarms_in(folder / "state")
    if missing:
        raise SystemExit(f"{len(missing)} readings over the limit have no alarm in the ledger")
    late_ms = sorted((durable[k] - sent[k]) / 1e6 for k in spikes)
    return {
        "alarms": len(late_ms),
        "p50_ms": round(statistics.median(late_ms), 2),
        "p99_ms": round(late_ms[min(len(late_ms) - 1, int(0.99 * len(late_ms)))], 2),
        "max_ms": round(late_ms[-1], 2),
        "cpu_us_per_reading": round((after_s - before_s) / count * 1e6, 1),
    }


def busy_s(process: psutil.Process) -> float:
    """Processor seconds it has taken so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def stamped(file: Path) -> dict[int, int]:
    if not file.exists():
        return {}
    lines = file.read_text().splitlines()
    return {int(seq): int(ns) for seq, ns in (line.split() for line in lines if " " in line)}


def alarms_in(state_dir: Path) -> set[int]:
    """Sequence numbers of the readings that raised an alarm, from the ledger."""
    with LedgerReader(state_dir) as reader:
        bodies = [json.loads(e.body) for e in reader.entries() if e.kind == "alarm" and e.body]
    return {int(body["seq"]) for body in bodies if body["state"] == "raised"}


def medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(r[key] for r in rounds), 3) for key in rounds[0]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=50_000, help="messages in the queue")
    parser.add_argument("--rounds", type=int, default=3, help="drains of each kind, in turn")
    parser.add_argument("--alarm-s", type=float, default=20, help="seconds at each rate")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rounds: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="gashub-ingest-") as folder:
        for number in track(range(options.rounds), "drains"):
            place = Path(folder) / f"round-{number}"
            drains = []
            for kind in ("bare", "hub"):
                (place / kind).mkdir(parents=True)
                drains.append(Drain(place / kind, options.count))
            bare, hub = drains[0].bare(), drains[1].hub()
            ratio = round(hub["per_s"] / bare["per_s"], 3)
            rounds.append({"bare": bare, "hub": hub, "ratio": ratio})
        late: dict[str, Any] = {}
        for rate in track(RATES, "alarms"):
            place = Path(folder) / f"alarm-{rate}"
            place.mkdir()
            late[f"at_{rate}_per_s"] = alarms(
                place, rate, options.alarm_s * (3 if rate < 500 else 1)
            )
    figures = {
        "count": options.count,
        "ratio": round(statistics.median(r["ratio"] for r in rounds), 3),
        "bare": medians([r["bare"] for r in rounds]),
        "hub": medians([r["hub"] for r in rounds]),
        "rounds": rounds,
        "alarm": late,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    report(figures, options.json)
    good = figures["ratio"] >= 0.65 and late["at_1000_per_s"]["p99_ms"] < ALARM_LIMIT_MS
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
