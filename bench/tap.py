"""What it costs a serial port that somebody could look at it.

Reads of 64 bytes from a pseudo-terminal, in turns: without a tap, with a closed one (a hub at which
nobody looks), with an open one (`gashub frames tail` is running). Best of many rounds, since
everything else on the machine only adds.

    python bench/tap.py [--rounds 40] [--json OUT]
"""

import argparse
import json
import os
import time
from pathlib import Path

from hub.clock import HubClock
from hub.port import Port
from hub.tapping import Tap
from hub.testing import PtyPair

READS = 2000
FRAME = b"x" * 64


def per_read_us(port: Port, cable: PtyPair) -> float:
    spent_s = 0.0
    for _ in range(READS):
        cable.send(FRAME)
        begun_s = time.perf_counter()
        heard = port.read(1.0)
        spent_s += time.perf_counter() - begun_s
        assert heard == FRAME
    return spent_s / READS * 1e6


def notes_ns(tap: Tap) -> float:
    begun_s = time.perf_counter()
    for _ in range(200_000):
        tap.note("device", FRAME)
    return (time.perf_counter() - begun_s) / 200_000 * 1e9


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    best: dict[str, float] = {}
    taps = {"none": None, "closed": Tap(HubClock()), "open": Tap(HubClock())}
    with PtyPair() as cable:
        for _ in range(chosen.rounds):
            for name, tap in taps.items():
                if name == "open" and tap is not None:
                    tap.look()
                with Port(cable.settings(), tap=tap) as port:
                    took_us = per_read_us(port, cable)
                best[name] = min(best.get(name, took_us), took_us)
    closed_ns = min(notes_ns(Tap(HubClock())) for _ in range(5))
    result = {
        "read_us": {name: round(us, 3) for name, us in best.items()},
        "closed_over_none": round(best["closed"] / best["none"], 4),
        "open_over_none": round(best["open"] / best["none"], 4),
        "note_on_closed_tap_ns": round(closed_ns, 1),
        "cores": os.cpu_count(),
    }
    text = json.dumps(result, indent=1)
    if chosen.json:
        chosen.json.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
