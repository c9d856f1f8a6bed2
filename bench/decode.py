"""What it costs a driver to make a reading, and how that compares with the bare library.

    decode   the plugin's public `decode`, on the frames of its golden cases that become readings
    read     the whole of `read`: request, framing, decode, units, the reading itself; the port
             gives the simulator's answer at once
    bare     the same frames through the library that others use: pymodbus' framer, and Keller's
             own keller-protocol (MIT; last release 1.0.22 of 2024), each on bytes that have come

Best of several rounds, since everything else on the machine only adds. keller-protocol is not
among what gashub needs, so that ratio is there only where it can be imported; `--peers DIR` is
where else to look (pip install --no-deps --target build/peers keller-protocol==1.0.22). What
comes over MQTT is compared with a bare client by bench/ingest.py.

    python bench/decode.py [--rounds 7] [--peers build/peers] [--json OUT]
"""

import argparse
import importlib
import math
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pymodbus.framer.rtu import FramerRTU
from pymodbus.pdu import DecodePDU
from rig import report

from hub import Fault, Port
from hub.conformance.subject import Options, Subject, subjects
from hub.conformance.truth import Truth
from hub.golden import Case, golden_cases
from hub.port import PortSettings
from hub.simulate.device import Device
from hub.simulate.instrument import instrument_from
from plugins.keller import driver as keller
from plugins.mipex import wire as mipex
from plugins.modbus import wire as modbus

PLUGINS = (
    "modbus", "keller", "const_additel", "crystal_xp2i", "fluke_val", "boreal", "hesai_dm100",
    "winsen_mhz9041a", "axetris_lgd", "mipex", "winsen_9byte",
)  # fmt: skip
_ROUND_S = 0.05
_WARM = 50
_SPECIMEN = {"hesai_dm100": "end=crlf", "axetris_lgd": "unit=ppm"}

Exchange = tuple[bytes, bytes]
Job = Callable[[], object]


def best_us(jobs: Sequence[Job], rounds: int) -> float:
    """Microseconds of one of *jobs*, all of them done in turn; the best of so many rounds."""
    best_s = math.inf
    for _ in range(rounds):
        done, began_s = 0, time.perf_counter()
        while (spent_s := time.perf_counter() - began_s) < _ROUND_S:
            for job in jobs:
                job()
            done += len(jobs)
        best_s = min(best_s, spent_s / done)
    return best_s * 1e6


class PromptPort(Port):
    """A port whose device answers at once, and from memory, so that only the driver costs."""

    def __init__(self, device: Device, sensed: Decimal) -> None:
        super().__init__(PortSettings(port="prompt"))
        self._device = device
        self._sensed = sensed
        self._known: dict[bytes, bytes] = {}
        self._coming = b""
        device.speak(sensed, 0)  # some say first who they are
        self._spoken = device.speak(sensed, 1_000_000)

    def write(self, sent: bytes) -> None:
        if sent not in self._known:
            self._known[sent] = self._device.hear(sent, self._sensed)
        self._coming = self._known[sent]

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        part, self._coming = self._coming or self._spoken, b""
        return part

    def discard(self) -> int:
        self._coming = b""
        return 0


def read_us(subject: Subject, rounds: int) -> float:
    """One whole `read` of a driver that is past its first contact, each giving a good reading."""
    fitting = subject.simulator.fitting
    facts = _SPECIMEN.get(subject.plugin, "")
    device = instrument_from(subject.simulator, facts, 0).device
    port = PromptPort(device, Truth(device).points[1])
    driver = subject.build(**fitting[facts])
    for _ in range(_WARM):
        intakes = driver.read(port)
    if not any(reading.quality == "good" for intake in intakes for reading in intake.readings):
        raise SystemExit(f"{subject.plugin}: no good reading, but {intakes}")
    return best_us([lambda: driver.read(port)], rounds)


def exchanges(subject: Subject) -> list[tuple[Case, Exchange]]:
    """The last request (b"" for a stream) and answer of each golden case that is to be taken."""
    found = []
    for case in golden_cases(subject.folder):
        if "readings" not in case["expect"]:
            continue
        asked, answer = b"", b""
        for item in case["exchange"]:
            who, data = _item(item)
            asked, answer = (data, b"") if who == "hub" else (asked, answer + data)
        found.append((case, (asked, answer)))
    return found


def _item(item: Any) -> tuple[str, bytes]:
    ((who, text),) = ((key, value) for key, value in item.items() if key != "at_s")
    data = text.encode("latin-1") if who.endswith("_text") else bytes.fromhex(text)
    return who.removesuffix("_text"), data


def decoder(plugin: str, case: Case, exchange: Exchange) -> Job:
    """One call of the plugin's public decode."""
    asked, frame = exchange
    if plugin == "modbus":
        request = _request(asked)
        return lambda: modbus.decode(frame, request)
    if plugin == "mipex":
        query = str(case.get("settings", {}).get("query", "DATA"))
        address = case.get("settings", {}).get("address")
        return lambda: mipex.decode(frame, query, address)
    decode = importlib.import_module(f"plugins.{plugin}.driver").decode
    return lambda: decode(frame)


def _request(asked: bytes) -> modbus.Request:
    return modbus.Request(
        asked[0], asked[1], int.from_bytes(asked[2:4]), int.from_bytes(asked[4:6])
    )


def _works(job: Job) -> bool:
    try:
        job()
    except Fault:
        return False
    return True


def against_pymodbus(found: Sequence[Exchange], rounds: int) -> dict[str, object]:
    """Find an answer and check it: our `find` and `decode`, their framer with its decoder."""
    theirs = FramerRTU(DecodePDU(False))
    pairs = [(_request(asked), frame) for asked, frame in found]

    def our(request: modbus.Request, frame: bytes) -> Job:
        def job() -> object:
            heard = modbus.find(frame, request)
            assert heard is not None, "an answer to this very request"
            return modbus.decode(heard, request)

        return job

    def their(frame: bytes) -> Job:
        return lambda: theirs.handleFrame(frame, frame[0], 0)

    for request, frame in pairs:
        _, pdu = theirs.handleFrame(frame, frame[0], 0)
        words = b"".join(word.to_bytes(2) for word in pdu.registers) if pdu else b""
        if words != our(request, frame)():
            raise SystemExit(f"pymodbus reads {frame.hex(' ')} as {words.hex(' ')}")
    ours_us = best_us([our(*pair) for pair in pairs], rounds)
    theirs_us = best_us([their(frame) for _, frame in pairs], rounds)
    return _compared("pymodbus FramerRTU", ours_us, theirs_us)


class _Answering:
    """The serial port that keller-protocol is given: it answers at once."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def open(self) -> None: ...
    def close(self) -> None: ...
    def reset_input_buffer(self) -> None: ...
    def write(self, sent: bytes) -> None: ...
    def read(self, count: int) -> bytes:
        return self._answer


def against_keller(found: Sequence[Exchange], rounds: int) -> dict[str, object] | None:
    """Ask for channel 1 and read the float: request, CRCs and value on both sides."""
    if find_spec("keller_protocol") is None:
        return None
    library = importlib.import_module("keller_protocol.keller_protocol").KellerProtocol

    def our(asked: bytes, frame: bytes) -> Job:
        def job() -> str | None:
            sent = keller.request(asked[0], asked[1], asked[2:-2])
            (heard,) = keller.framer(sent).feed(frame)
            return keller.decode(heard).value

        return job

    def their(asked: bytes, frame: bytes) -> Job:
        peer = object.__new__(library)  # its constructor opens a device
        peer.serial, peer.echo = _Answering(frame), False
        return lambda: peer.f73(asked[0], asked[2])

    pairs = [
        pair for pair in found if pair[0][1] == keller.READ_CHANNEL and our(*pair)() is not None
    ]
    for pair in pairs:
        value = our(*pair)()
        if abs(float(str(value)) - float(their(*pair)())) > 1e-6:  # type: ignore[arg-type]
            raise SystemExit(f"keller-protocol reads {pair[1].hex(' ')} otherwise than {value}")
    ours_us = best_us([our(*pair) for pair in pairs], rounds)
    theirs_us = best_us([their(*pair) for pair in pairs], rounds)
    return _compared("keller-protocol 1.0.22, f73", ours_us, theirs_us)


def _compared(library: str, ours_us: float, theirs_us: float) -> dict[str, object]:
    return {
        "library": library,
        "ours_us": round(ours_us, 2),
        "theirs_us": round(theirs_us, 2),
        "ratio": round(ours_us / theirs_us, 3),
    }


def figures(rounds: int) -> dict[str, object]:
    drivers: dict[str, dict[str, object]] = {}
    bare: dict[str, object] = {}
    slowest_us = 0.0
    for plugin in PLUGINS:
        (subject,) = subjects(plugin, Options())
        found = [
            (case, pair) for case, pair in exchanges(subject) if _works(decoder(plugin, case, pair))
        ]
        jobs = [decoder(plugin, case, pair) for case, pair in found]
        decode, read = best_us(jobs, rounds), read_us(subject, rounds)
        slowest_us = max(slowest_us, read)
        drivers[plugin] = {
            "golden_frames": len(jobs),
            "decode_us": round(decode, 2),
            "decode_frames_per_s": round(1e6 / decode),
            "read_us": round(read, 1),
            "read_frames_per_s": round(1e6 / read),
        }
        pairs = [pair for _, pair in found]
        if plugin == "modbus":
            bare[plugin] = against_pymodbus(pairs, rounds)
        elif plugin == "keller":
            bare[plugin] = against_keller(pairs, rounds) or {"missing": "keller-protocol"}
    return {
        "bench": "decode",
        "rounds": rounds,
        "drivers": drivers,
        "slowest_read_us": round(slowest_us, 1),
        "bare": bare,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", type=Path, default=Path("build/peers"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sys.path.append(str(options.peers))
    report(figures(options.rounds), options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
