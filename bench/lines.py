"""Full serial lines: how punctual the polls are, and what they cost.

    32 slaves on one RS-485 line at 19,200 baud, 8E1, one register each, asked once a second
    the same line with one slave dead
    16 ports with one slave each, asked ten times a second

The slaves are threads of this process on pseudo-terminals; a pty has no speed, so they wait as
long as request and answer would take on the wire. The hub is a process of its own, and what is
measured is its ledger: the times between a slave's readings. Delay is how much longer than its
period one took. Every call of read(2) that the hub makes while it is measured, for the line or
for anything else, is counted against the readings: an answer of seven bytes that was read byte by
byte would take seven.

    python bench/lines.py [--seconds 30] [--json OUT]
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from rig import NEVER, Hub, report, until

from hub import crc16_modbus
from hub.ledger import LedgerReader
from hub.testing import PtyPair

REQUEST_BYTES = 8
REGISTER_BITS = 11
SLAVES = 32
PORTS = 16


class Slaves:
    """Transmitters on one cable that answer every read of input registers; some are dead."""

    def __init__(self, baud: int, dead: frozenset[int] = frozenset()) -> None:
        self._character_s = REGISTER_BITS / baud
        self._dead = dead
        self._heard = b""

    def answer(self, received: bytes) -> Sequence[bytes]:
        self._heard += received
        answers = []
        while len(self._heard) >= REQUEST_BYTES:
            request, self._heard = self._heard[:REQUEST_BYTES], self._heard[REQUEST_BYTES:]
            if request[-2:] != crc16_modbus(request[:-2]):
                self._heard = b""
                break
            if request[0] in self._dead:
                continue
            count = int.from_bytes(request[4:6])
            registers = b"".join((at * 7 % 100).to_bytes(2) for at in range(count - 1)) + b"\0\0"
            body = bytes((request[0], request[1], 2 * count)) + registers
            answer = body + crc16_modbus(body)
            NEVER.wait((len(request) + len(answer)) * self._character_s)
            answers.append(answer)
        return answers


class Plan(NamedTuple):
    """`lines`: cable name -> addresses of its slaves; every slave is asked each `period_s`."""

    lines: Mapping[str, Sequence[int]]
    period_s: float
    answer_within_s: float
    dead: frozenset[int] = frozenset()


def config(state_dir: Path, plan: Plan, cables: Mapping[str, PtyPair]) -> str:
    text = f"""
[hub]
gateway = "bench"
state_dir = "{state_dir}"
plugins = ["modbus"]

[log]
form = "json"
level = "error"
"""
    for name, addresses in plan.lines.items():
        text += f'\n[[line]]\nname = "{name}"\nport = "{cables[name].path}"\n'
        text += 'baud = 19200\nparity = "E"\n'
        for address in addresses:
            text += f"""
[[line.instrument]]
name = "{name}-{address}"
kind = "modbus"
profile = "plain"
value = {{ register = 4, type = "int16", quantity = "pressure", unit = "Pa" }}
address = {address}
poll_every_s = {plan.period_s}
answer_within_s = {plan.answer_within_s}
"""
    return text


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    for text in Path(f"/proc/{pid}/status").read_text().splitlines():
        if text.startswith("VmRSS:"):
            return round(int(text.split()[1]) / 1024, 1)
    raise ValueError("no VmRSS")


def read_calls(pid: int) -> int:
    """How often a process has called read(2) or a kin, in all its threads and for anything."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("syscr:"))


def times_of(state_dir: Path, from_us: int) -> dict[str, list[int]]:
    """When each instrument's readings arrived, from *from_us* on."""
    times: dict[str, list[int]] = {}
    with LedgerReader(state_dir) as reader:
        for entry in reader.entries(kinds={"readings"}):
            for reading in entry.block().readings:
                if reading.at_us >= from_us:
                    times.setdefault(reading.instrument, []).append(reading.at_us)
    return times


def heard(state_dir: Path) -> int:
    """How many instruments have been heard so far."""
    return len(times_of(state_dir, 0)) if (state_dir / "ledger.db").exists() else 0


def run(plan: Plan, seconds: float) -> dict[str, object]:
    alive = sum(address not in plan.dead for some in plan.lines.values() for address in some)
    with tempfile.TemporaryDirectory(prefix="gashub-lines-") as name, contextlib.ExitStack() as on:
        folder = Path(name)
        cables = {line: on.enter_context(PtyPair()) for line in plan.lines}
        for cable in cables.values():
            on.enter_context(cable.answering(Slaves(19200, plan.dead).answer))
        hub = on.enter_context(Hub(folder, config(folder / "state", plan, cables)))
        hub.start()
        hub.wait_ready()
        if not until(lambda: heard(hub.state_dir) == alive, 30, every_s=0.2):
            raise SystemExit(f"only {heard(hub.state_dir)} of {alive} answered")
        pid = hub.pid()
        from_us, began_s, before_s = time.time_ns() // 1000, time.monotonic(), cpu_s(pid)
        calls = read_calls(pid)
        NEVER.wait(seconds)
        calls = read_calls(pid) - calls
        share = (cpu_s(pid) - before_s) / (time.monotonic() - began_s)
        memory = rss_mb(pid)
        hub.stop()
        times = times_of(hub.state_dir, from_us)
    readings = sum(len(some) for some in times.values())
    periods = {who: [(b - a) / 1e6 for a, b in pairwise(some)] for who, some in times.items()}
    delays_s = sorted(max(0.0, p - plan.period_s) for some in periods.values() for p in some)
    return {
        "slaves": alive,
        "dead": len(plan.dead),
        "readings": readings,
        "reads_per_reading": round(calls / readings, 2),
        "period_s": plan.period_s,
        "period_median_s": round(
            statistics.median(p for some in periods.values() for p in some), 4
        ),
        "slowest_slave_mean_s": round(max(statistics.mean(some) for some in periods.values()), 4),
        "delay_p99_ms": round(1000 * delays_s[int(0.99 * (len(delays_s) - 1))], 1),
        "delay_most_ms": round(1000 * delays_s[-1], 1),
        "cpu_share_pct": round(100 * share, 1),
        "rss_mb": memory,
    }


def figures(seconds: float, show: Callable[[str], object]) -> dict[str, object]:
    full = Plan({"bus": range(1, SLAVES + 1)}, 1.0, 0.3)
    many = Plan({f"port-{n}": [1] for n in range(1, PORTS + 1)}, 0.1, 0.05)
    show("32 slaves on one line")
    whole = run(full, seconds)
    show("31 of 32")
    one_dead = run(full._replace(dead=frozenset({17})), seconds)
    show("16 ports at 10 Hz")
    ports = run(many, seconds)
    ratio = one_dead["slowest_slave_mean_s"] / whole["period_s"]  # type: ignore[operator]
    return {
        "bench": "lines",
        "seconds": seconds,
        "one_line": whole,
        "one_line_one_dead": one_dead,
        "slowest_of_31_to_period": round(ratio, 4),
        "ports_16": ports,
        "ok": ratio <= 1.1 and whole["slaves"] == SLAVES,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = figures(options.seconds, lambda what: print(what, file=sys.stderr, flush=True))
    report(found, options.json)
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
