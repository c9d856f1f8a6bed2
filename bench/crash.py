"""kill -9 at random, again and again: nothing acknowledged may be missing, nothing twice.

A publisher numbers its readings and keeps account of what the broker took; the broker keeps them
for the hub's session until the hub acknowledges. After the last kill the hub drains the queue;
then every reading that the broker ever took must stand in the ledger exactly once. A message the
hub acknowledged too early would be gone from the broker and from the ledger: missing. A pressure
transmitter on a pty is polled all along. After every kill `gashub ledger verify` must be clean.

So that the bench is known to see what it looks for, it is also run on two planted copies of the
program: one acknowledges before the commit (must lose), one forgets what it has recorded (must
record twice).

    python bench/crash.py --cycles 200 [--planted-cycles 12] [--json OUT]
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.progress import track
from rig import (
    GASHUB,
    NEVER,
    Hub,
    Load,
    broker,
    gateway_toml,
    planted,
    process,
    report,
    until,
    wait_for,
)

from hub.ledger import LedgerReader
from hub.model import Reading

MOMENTS = {"in_the_first_second": 25, "at_a_commit": 40, "at_any_time": 35}
"""When the hub is killed, and how often of a hundred. `at_a_commit`: within 3 ms of a write to
the WAL, because between the commit and the acknowledgement it can go wrong in both ways."""
LONGEST_LIFE_S = 1.5
COMMIT_S = 0.003
QUIET_S = 5.0


class Account:
    """How often each numbered reading stands in the ledger; read on from where it was left."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._next = 0
        self.numbered: Counter[tuple[str, str]] = Counter()
        self.serial = 0

    def read_on(self) -> None:
        with LedgerReader(self._state_dir) as reader:
            for entry in reader.entries(self._next):
                self._next = entry.index + 1
                if entry.kind == "readings":
                    self._count(entry.block().readings)

    def _count(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            if reading.instrument.startswith("g-"):
                self.numbered[reading.instrument, reading.seq] += 1
            else:
                self.serial += 1

    def drained(self, wanted: set[tuple[str, str]]) -> bool:
        """Read on until everything wanted is there; False when nothing new came for a while."""
        end_s = time.monotonic() + QUIET_S
        while not wanted <= self.numbered.keys():
            before = self.numbered.total()
            self.read_on()
            if self.numbered.total() > before:
                end_s = time.monotonic() + QUIET_S
            elif time.monotonic() > end_s:
                return False
            NEVER.wait(0.1)
        return True


def wait_for_moment(moment: str, hub: Hub, chance: random.Random) -> None:
    if moment == "in_the_first_second":
        NEVER.wait(chance.uniform(0, 1.0))
        return
    hub.wait_ready()
    NEVER.wait(chance.uniform(0, LONGEST_LIFE_S))
    if moment == "at_a_commit":
        wal = hub.state_dir / "ledger.db-wal"
        before = wal.stat().st_mtime_ns
        until(lambda: wal.stat().st_mtime_ns != before, 5.0, every_s=0.0)
        NEVER.wait(chance.uniform(0, COMMIT_S))


def verify(hub: Hub, faults: list[str]) -> None:
    said = hub.gashub("ledger", "verify", "--json")
    if said.returncode != 0:
        faults.append((said.stdout + said.stderr)[:2000])


EARLY = {
    "hub/judging.py": [
        ("        self._settling.settle(intakes)\n", ""),
        ("self._desk.observe(intakes)", "self._settling.settle(intakes)"),
    ]
}
FORGETFUL = {"hub/priming.py": [("driver.prime(recent)", "driver.prime([])")]}


def kill_loop(
    cycles: int,
    per_s: float,
    seed: int,
    faults: Mapping[str, Sequence[tuple[str, str]]],
    when: Mapping[str, int] = MOMENTS,
) -> dict[str, object]:
    chance = random.Random(seed)
    unclean: list[str] = []
    moments = Counter(dict.fromkeys(when, 0))
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gashub-crash-") as name:
        folder = Path(name)
        riser = folder / "riser"
        simulator = [
            GASHUB, "simulate", "modbus", "--port-link", str(riser), "--instrument", "address=1",
        ]  # fmt: skip
        with broker(folder) as port, process(simulator, folder / "simulator.log"):
            wait_for(riser.exists, "the simulated transmitter")
            program = planted(folder, faults) if faults else None
            hub = Hub(folder, gateway_toml(folder / "state", port, riser), python_path=program)
            with hub:
                hub.start()
                hub.wait_ready()  # once in peace, so that the broker knows the session
                with Load(port, per_s) as load:
                    for _ in track(range(cycles), "kill -9", disable=not sys.stderr.isatty()):
                        if hub.child is None:
                            hub.start()
                        (moment,) = chance.choices(list(when), list(when.values()))
                        moments[moment] += 1
                        wait_for_moment(moment, hub, chance)
                        hub.kill()
                        verify(hub, unclean)
                    hub.start()
                    hub.wait_ready()
                    load.finish()
                account = Account(hub.state_dir)
                account.drained(load.taken)
                code = hub.stop()
                verify(hub, unclean)
            account.read_on()
            counts, serial = account.numbered, account.serial
            missing = sorted(load.taken - counts.keys())
            doubled = sorted(key for key, times in counts.items() if times > 1)
            unknown = sorted(counts.keys() - load.taken)
    return {
        "cycles": cycles,
        "kills": dict(moments),
        "seed": seed,
        "readings_taken_by_broker": len(load.taken),
        "readings_in_ledger": sum(counts.values()),
        "serial_readings_in_ledger": serial,
        "acknowledged_but_missing": len(missing),
        "duplicates_in_ledger": len(doubled),
        "in_ledger_but_never_sent": len(unknown),
        "verify_not_clean": len(unclean),
        "exit_code_of_last_stop": code,
        "seconds": round(time.monotonic() - began_s, 1),
        "examples": {"missing": missing[:5], "doubled": doubled[:5], "verify": unclean[:3]},
        "ok": not (missing or doubled or unknown or unclean or code) and serial > 0,
    }  # fmt: skip


def run(cycles: int, planted_cycles: int, per_s: float, seed: int) -> dict[str, object]:
    product = kill_loop(cycles, per_s, seed, {})
    early = kill_loop(planted_cycles, per_s, seed, EARLY, {"at_any_time": 1})
    forgetful = kill_loop(planted_cycles, per_s, seed, FORGETFUL, {"at_a_commit": 1})
    for name, copy in (("early", early), ("forgetful", forgetful)):
        if not copy["readings_in_ledger"]:
            raise SystemExit(f"the planted copy ({name}) recorded nothing at all: mend the plant")
    seen = {
        "missing_when_acknowledged_early": early["acknowledged_but_missing"],
        "duplicates_when_forgetful": forgetful["duplicates_in_ledger"],
    }
    return {
        "bench": "crash",
        **product,
        "planted": {"cycles": planted_cycles, **seen},
        "ok": product["ok"] and all(seen.values()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--planted-cycles", type=int, default=12, help="of each planted copy")
    parser.add_argument("--per-s", type=float, default=100.0, help="readings published a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = run(options.cycles, options.planted_cycles, options.per_s, options.seed)
    report(figures, options.json)
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
