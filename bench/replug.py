"""Adapters pulled out and plugged in again, amid a frame: what it costs until the hub reads on.

One hub, several ports, on each a laser that sends 20 lines a second, every line with a number of
its own. In each cycle the cable is pulled in the middle of a line; after the replug the rest of
that very line comes first, half of the times only once the hub has the port open again. Put
together the halves would be a whole line with a right checksum: if such a number is ever recorded,
the hub glued them. A planted copy that forgets to forget must be seen to glue. The time counted is
from the plug to the first reading, by the hub's own time of arrival; descriptors and threads are
counted before and after.

    python bench/replug.py --cycles 1000 [--ports 10] [--json OUT]
"""

import argparse
import contextlib
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.progress import Progress
from rig import NEVER, Hub, planted, report, until, wait_for

from hub import xor8
from hub.ledger import LedgerReader
from hub.testing import PtyPair

EVERY_S = 0.05
GIVE_UP_S = 20.0
SPLIT = 50_000_000
"""Numbers from here on are of lines that were cut in two; none of them may be recorded.

They are a step that the driver would look at twice and then drop; its second look is therefore
turned off here, else it would hide that halves were glued.
"""


def line(number: int) -> bytes:
    body = f"GFDTA,{number},98,3.0,5527,2026/01/22 16:04:58,CH4AB-1047,1".encode()
    return b"$" + body + f"*{xor8(body):02X}\r\n".encode()


class Ledger:
    """Follows the ledger: when each port was last heard, and what was recorded that must not be."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._next = 0
        self._lock = threading.Lock()
        self._heard_us: dict[str, list[int]] = {}
        self.readings = 0
        self.glued: list[str] = []
        self.unsent: list[str] = []

    def read_on(self) -> None:
        with self._lock, LedgerReader(self._state_dir) as reader:
            for entry in reader.entries(self._next, kinds={"readings"}):
                self._next = entry.index + 1
                for reading in entry.block().readings:
                    self.readings += 1
                    self._heard_us.setdefault(reading.instrument, []).append(reading.at_us)
                    if reading.quality != "good" or int(reading.value) < 1:
                        self.unsent.append(f"{reading.instrument} {reading.value}")
                    elif int(reading.value) >= SPLIT:
                        self.glued.append(f"{reading.instrument} {reading.value}")

    def first_after(self, instrument: str, at_us: int) -> int | None:
        """Time of the first reading that arrived after *at_us*; forgets what came before."""
        with self._lock:
            times = self._heard_us.get(instrument, [])
            while times and times[0] <= at_us:
                times.pop(0)
            return times[0] if times else None


class Laser:
    """One instrument and its cable. `pull` and `plug` may be called from another thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cable = PtyPair()
        self._lock = threading.Lock()
        self._number = 0
        self._halved: bytes = b""

    def send(self) -> None:
        with self._lock, contextlib.suppress(AssertionError, BlockingIOError):
            self._number += 1
            self.cable.send(line(self._number))

    def pull(self, dice: random.Random) -> None:
        with self._lock:
            whole = line(SPLIT + self._number)
            cut = dice.randrange(1, len(whole) - 1)
            with contextlib.suppress(BlockingIOError):
                self.cable.send(whole[:cut])
            self._halved = whole[cut:]
            self.cable.unplug()

    def plug(self, wait: bool) -> int:
        """Plug in, and send the rest of the line that was cut; returns when it was plugged.

        wait  until the hub has the port open
        Microseconds since 1970.
        """
        with self._lock:
            self.cable.replug()
            at_us = time.time_ns() // 1000
            if wait:
                until(self.cable.opened, GIVE_UP_S, every_s=0.001)
            self.cable.send(self._halved)
            return at_us


def stream(lasers: Sequence[Laser], stop: threading.Event) -> None:
    while not stop.wait(EVERY_S):
        for laser in lasers:
            laser.send()


def cycles_of(
    laser: Laser, count: int, ledger: Ledger, seed: int, took_s: list[float], late: list[str]
) -> None:
    """Pull and plug one cable *count* times; each time wait until its readings go on."""
    dice = random.Random(seed)
    for _ in range(count):
        laser.pull(dice)
        NEVER.wait(dice.uniform(0, 0.5))
        at_us = laser.plug(wait=dice.random() < 0.5)
        end_s = time.monotonic() + GIVE_UP_S
        while (heard_us := ledger.first_after(laser.name, at_us)) is None:
            if time.monotonic() > end_s:
                late.append(f"{laser.name}: no reading within {GIVE_UP_S} s")
                return
            NEVER.wait(0.05)
        took_s.append((heard_us - at_us) / 1e6)


def follow(ledger: Ledger, stop: threading.Event) -> None:
    while not stop.wait(0.1):
        ledger.read_on()


def held(pid: int) -> tuple[int, int]:
    """Descriptors and threads of a process."""
    proc = Path(f"/proc/{pid}")
    return len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir()))


def config(state_dir: Path, lasers: Sequence[Laser]) -> str:
    text = f"""
[hub]
gateway = "bench"
state_dir = "{state_dir}"
plugins = ["boreal"]

[log]
form = "json"
level = "error"
"""
    for laser in lasers:
        text += f"""
[[line]]
name = "{laser.name}"
port = "{laser.cable.path}"

[[line.instrument]]
name = "{laser.name}"
kind = "boreal"
confirm_over = {SPLIT * 2}
"""
    return text


# The driver keeps its half line over an unplug.
FORGETFUL = {
    "hub/line.py": [
        ("        for who in self._instruments:\n            self._reset(who)\n", ""),
    ]
}


def run(
    cycles: int, ports: int, seed: int, faults: Mapping[str, Sequence[tuple[str, str]]]
) -> dict[str, object]:
    each = -(-cycles // ports)
    lasers = [Laser(f"laser-{n}") for n in range(1, ports + 1)]
    took_s: list[float] = []
    late: list[str] = []
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gashub-replug-") as name, contextlib.ExitStack() as on:
        folder = Path(name)
        for laser in lasers:
            on.callback(laser.cable.close)
        program = planted(folder, faults) if faults else None
        hub = Hub(folder, config(folder / "state", lasers), python_path=program)
        on.enter_context(hub)
        hub.start()
        hub.wait_ready()
        ledger = Ledger(hub.state_dir)
        stop = threading.Event()
        helpers = [
            threading.Thread(target=stream, args=(lasers, stop)),
            threading.Thread(target=follow, args=(ledger, stop)),
        ]
        for helper in helpers:
            helper.start()
        on.callback(stop.set)
        wait_for(lambda: all(ledger.first_after(one.name, 0) for one in lasers), "first readings")
        pid = hub.pid()
        before = held(pid)
        pullers = [
            threading.Thread(target=cycles_of, args=(one, each, ledger, seed + n, took_s, late))
            for n, one in enumerate(lasers)
        ]
        for puller in pullers:
            puller.start()
        with Progress(disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("unplug and replug", total=each * ports)
            while any(puller.is_alive() for puller in pullers):
                NEVER.wait(0.2)
                progress.update(task, completed=len(took_s))
        for puller in pullers:
            puller.join()
        after = held(pid)
        same = hub.pid() == pid and hub.child is not None and hub.child.poll() is None
        stop.set()
        for helper in helpers:
            helper.join()
        code = hub.stop()
        ledger.read_on()
    took_s.sort()
    figures: dict[str, object] = {
        "bench": "replug",
        "cycles": len(took_s),
        "ports": ports,
        "seed": seed,
        "readings": ledger.readings,
        "glued_from_halves": len(ledger.glued),
        "not_as_sent": len(ledger.unsent),
        "reconnect_p50_s": round(statistics.median(took_s), 3) if took_s else None,
        "reconnect_p99_s": round(took_s[int(0.99 * (len(took_s) - 1))], 3) if took_s else None,
        "reconnect_most_s": round(took_s[-1], 3) if took_s else None,
        "given_up": len(late),
        "restarted": not same,
        "descriptors_more": after[0] - before[0],
        "threads_more": after[1] - before[1],
        "exit_code": code,
        "seconds": round(time.monotonic() - began_s, 1),
        "examples": {"late": late[:3], "glued": ledger.glued[:3], "unsent": ledger.unsent[:3]},
    }
    figures["ok"] = (
        len(took_s) == each * ports
        and not (late or ledger.glued or ledger.unsent or code)
        and same
        and after[0] <= before[0]
        and after[1] <= before[1]
    )
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--planted-cycles", type=int, default=60, help="of the planted copy")
    parser.add_argument("--ports", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = run(options.cycles, options.ports, options.seed, {})
    glued = run(options.planted_cycles, options.ports, options.seed, FORGETFUL)
    figures["planted"] = {"cycles": glued["cycles"], "glued": glued["glued_from_halves"]}
    figures["ok"] = bool(figures["ok"] and glued["glued_from_halves"])
    report(figures, options.json)
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
