"""Power cuts, replayed: trace the running hub, cut the trace anywhere, rebuild the disk, look.

The whole hub runs under strace with all its threads, fed over MQTT at QoS 1. From its system
calls two things are known at every point of the trace: what a disk would hold if the power went
now (bench/disk.py), and which messages the hub had acknowledged to the broker by then: the PUBACK
packets it wrote, matched with the PUBLISH packets it had read. On every rebuilt image the ledger
must open, verify clean, and hold every reading acknowledged before the cut.

So that the method is known to see a loss, the same is done to a planted copy of the program that
sets SQLite's synchronous to NORMAL: it must lose.

    python bench/powerloss.py --images 200 [--json OUT]
"""

import argparse
import copy
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from disk import Disk
from rich.progress import track
from rig import NEVER, Hub, Load, broker, gateway_toml, planted, report
from tracing import Done, Event, events, strace

from hub.clock import HubClock
from hub.errors import Fault
from hub.ledger import Ledger, LedgerReader, State
from hub.ledger.verify import verify

MODELS = ("drop", "subset")
CONNECT, PUBLISH, PUBACK = 1, 3, 4
Reading = tuple[str, str]


class Wire:
    """Both directions of the hub's broker connections, as MQTT packets."""

    def __init__(self, port: int) -> None:
        self._mark = re.compile(rf"sin6?_port=htons\({port}\)")
        self._received: dict[int, bytearray] = {}
        self._sent: dict[int, bytearray] = {}
        self._of_packet: dict[int, list[Reading]] = {}
        self._version = 5
        self.acknowledged: set[Reading] = set()

    def see(self, event: Event) -> None:
        call = event.call
        if call.name == "connect":
            if isinstance(event, Done) and self._mark.search(call.args):
                self._received[call.fd], self._sent[call.fd] = bytearray(), bytearray()
        elif call.fd not in self._sent:
            return
        elif call.name == "close":
            self._received.pop(call.fd, None)
            self._sent.pop(call.fd, None)
        elif call.name in ("sendto", "write", "sendmsg"):
            self._send(event, b"".join(call.texts()))
        elif call.name in ("recvfrom", "read", "recvmsg") and isinstance(event, Done):
            data = call.texts()
            self._receive(self._received[call.fd], data[0][: call.result] if data else b"")

    def _send(self, event: Event, data: bytes) -> None:
        if isinstance(event, Done):
            if event.call.result != len(data):
                raise ValueError("a send was cut short: this bench does not model that")
            return
        stream = self._sent[event.call.fd]
        stream += data  # from the moment the call begins the broker may have it
        for kind, _, body in packets(stream):
            if kind == CONNECT:
                self._version = body[6]
            elif kind == PUBACK:
                self.acknowledged.update(self._of_packet.pop(int.from_bytes(body[:2]), []))

    def _receive(self, stream: bytearray, data: bytes) -> None:
        stream += data
        for kind, flags, body in packets(stream):
            if kind == PUBLISH and flags & 6:
                self._publish(body)

    def _publish(self, body: bytes) -> None:
        at = 2 + int.from_bytes(body[:2])
        packet = int.from_bytes(body[at : at + 2])
        at += 2
        if self._version == 5:
            properties, width = varint(body, at)
            at += width + properties
        said = json.loads(body[at:])
        self._of_packet[packet] = [(said["instrument"], str(said["seq"]))]


def packets(stream: bytearray) -> Iterator[tuple[int, int, bytes]]:
    """Take the whole MQTT packets off the front of a stream: (type, flags, rest)."""
    while len(stream) >= 2:
        length, width = varint(stream, 1)
        end = 1 + width + length
        if width == 0 or len(stream) < end:
            return
        yield stream[0] >> 4, stream[0] & 15, bytes(stream[1 + width : end])
        del stream[:end]


def varint(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """A variable byte integer and its width; width 0 when it is not all there yet."""
    value = 0
    for n in range(4):
        if at + n >= len(data):
            return 0, 0
        value |= (data[at + n] & 127) << 7 * n
        if data[at + n] < 128:
            return value, n + 1
    raise ValueError("a variable byte integer of more than four bytes")


class Trace(NamedTuple):
    """Disk and wire as they stood when the traced hub was started, and what it did then."""

    disk: Disk
    wire: Wire
    events: list[Event]


NOT_DURABLE = {
    "hub/ledger/store.py": [
        ('"PRAGMA synchronous=FULL"', '"PRAGMA synchronous=NORMAL"'),
        ("_FULL_SYNC = 2", "_FULL_SYNC = 1"),
    ]
}
"""A build whose commits are not durable, and which does not object."""


def trace(folder: Path, seconds: float, per_s: float, program: Path | None) -> Trace:
    """Run the hub under strace for a while, from a start on a whole ledger to an orderly stop."""
    state_dir = folder / "state"
    log = folder / "trace"
    with broker(folder) as port:
        config = gateway_toml(state_dir, port)
        with Hub(folder, config, python_path=program) as hub:  # the first start, untraced
            hub.start()
            hub.wait_ready()
            hub.stop()
        disk = Disk(state_dir)
        with Hub(folder, config, before=strace(log), python_path=program) as hub:
            hub.start()
            hub.wait_ready(120)
            with Load(port, per_s) as load:
                NEVER.wait(seconds)
                load.finish()
            hub.stop()
    with log.open(errors="strict") as lines:
        return Trace(disk, Wire(port), list(events(lines)))


def cut(traced: Trace, images: int, chance: random.Random, folder: Path) -> dict[str, object]:
    """Cut the trace at random points after the first acknowledgement; examine every image."""
    first = first_acknowledgement(traced)
    points = sorted(chance.sample(range(first, len(traced.events)), images))
    tally = {model: Tally() for model in MODELS}
    done = 0
    for point in track(points, "power cut", disable=not sys.stderr.isatty()):
        for event in traced.events[done:point]:
            traced.disk.see(event)
            traced.wire.see(event)
        done = point
        for model in MODELS:
            with tempfile.TemporaryDirectory(dir=folder) as image:
                traced.disk.image(Path(image), model, chance)
                tally[model].add(examine(Path(image)), traced.wire.acknowledged)
    return {
        "images_per_model": images,
        "calls_traced": len(traced.events),
        "writes": traced.disk.writes,
        "syncs": traced.disk.syncs,
        "acknowledged_at_last_cut": len(traced.wire.acknowledged),
        **{model: vars(counted) for model, counted in tally.items()},
    }


def first_acknowledgement(traced: Trace) -> int:
    wire = copy.deepcopy(traced.wire)
    for place, event in enumerate(traced.events):
        wire.see(event)
        if wire.acknowledged:
            return place
    raise SystemExit("the hub acknowledged nothing in the trace; is strace's log complete?")


def examine(image: Path) -> set[Reading] | str:
    """Start on an image as the hub does, verify it, and read what it holds; or what is wrong."""
    try:
        ledger = Ledger.open(image, HubClock(), "bench")
        state, fault = ledger.state, ledger.fault
        ledger.close()
        if state is not State.OK:
            return f"{state}: {fault}"
        checked = verify(image)
        if not checked.ok:
            return f"verify: {checked}"
        with LedgerReader(image) as reader:
            return {
                (reading.instrument, reading.seq)
                for entry in reader.entries(kinds=("readings",))
                for reading in entry.block().readings
            }
    except Fault as fault:
        return f"{type(fault).__name__}: {fault}"


class Tally:
    """What became of the images of one model."""

    def __init__(self) -> None:
        self.images_with_loss = 0
        self.most_acknowledged_lost = 0
        self.images_that_do_not_open = 0
        self.example = ""

    def add(self, found: set[Reading] | str, acknowledged: set[Reading]) -> None:
        if isinstance(found, str):
            self.images_that_do_not_open += 1
            self.example = self.example or found[:500]
            return
        lost = len(acknowledged - found)
        self.images_with_loss += lost > 0
        self.most_acknowledged_lost = max(self.most_acknowledged_lost, lost)


def run(images: int, seconds: float, per_s: float, seed: int) -> dict[str, object]:
    chance = random.Random(seed)
    began_s = time.monotonic()
    builds = {}
    for build in ("product", "planted_synchronous_normal"):
        with tempfile.TemporaryDirectory(prefix="gashub-power-") as name:
            folder = Path(name).resolve()
            program = None if build == "product" else planted(folder, NOT_DURABLE)
            builds[build] = cut(trace(folder, seconds, per_s, program), images, chance, folder)
    sound, unsound = builds["product"], builds["planted_synchronous_normal"]
    clean = all(
        sound[model][fault] == 0
        for model in MODELS
        for fault in ("images_with_loss", "images_that_do_not_open")
    )
    seen = all(
        unsound[model]["images_with_loss"] + unsound[model]["images_that_do_not_open"] > 0
        for model in MODELS
    )
    return {
        "bench": "powerloss",
        "seed": seed,
        **builds,
        "seconds": round(time.monotonic() - began_s, 1),
        "ok": clean and seen,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200, help="cuts per model and build")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of the traced load")
    parser.add_argument("--per-s", type=float, default=150.0, help="readings published a second")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = run(options.images, options.seconds, options.per_s, options.seed)
    report(figures, options.json)
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
