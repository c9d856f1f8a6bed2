"""Bent and random bytes by the million: does any become a number that the checksum did not owe?

Every driver hears its own simulator through a port that bends seven of ten messages (ways and
their names: bench/bending.py). Whenever a good reading says something else than was sensed, or
another serial number, it is false. Then the checksum of its very bytes is worked out again,
independently of the driver: where that fits, chance let it through, as it may; where it does not,
the driver did, and that must never be. Counted are, per protocol:

    bytes, messages     what was sent bent; `ways` has the same by way
    checksum_fits       bent messages that fit the checksum all the same
    false               good readings that are false; of so many messages the checksum's own odds,
                        one in 2 to its bits, and five standard deviations allow `false_allowed`
    beyond_step         those that are farther off than the step taken without a second look
    unowed              false readings whose bytes do not fit the checksum: none is allowed
    rewritten_within_odds   random bytes behind a right start fit no oftener than these odds
    planted_unowed      the same of a copy of one driver that ignores the check: must not be 0
    alive               a right reading came once the line was sound again

A protocol without a checksum owes nothing and is owed nothing. What protects it is stated, and
false readings beyond the step are held against the odds that its simulator declares.

    python bench/fuzz.py --bytes 10000000 [--only keller] [--json FILE]
"""

import argparse
import importlib
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any, NamedTuple

import fuzz_mqtt
from bending import WAYS, BentPort
from rich.console import Console
from rich.progress import Progress
from rig import report

from hub.conformance.subject import Options, subjects
from hub.conformance.truth import Truth
from hub.errors import Fault
from hub.model import Reading
from hub.simulate.instrument import instrument_from

_HOLD = 50  # reads for which one value is sensed
_ALIVE_WITHIN = 100
_SIGMAS = 5
_PLANTED_BYTES = 20_000


def _crc16(body: bytes) -> int:
    """Polynomial A001, seed FFFF, bit by bit."""
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _crc_low_first(frame: bytes) -> bool:
    return len(frame) > 2 and _crc16(frame[:-2]) == frame[-2] | frame[-1] << 8


def _crc_high_first(frame: bytes) -> bool:
    return len(frame) > 2 and _crc16(frame[:-2]) == frame[-2] << 8 | frame[-1]


def _hex_is(total: int, digits: bytes) -> bool:
    return digits.upper() == b"%02X" % total


def _nmea(frame: bytes) -> bool:
    body, star, digits = frame.lstrip(b"$").rstrip(b"\r\n").rpartition(b"*")
    return bool(star) and _hex_is(reduce(xor, body, 0), digits)


def _two_spans(frame: bytes) -> bool:
    """Fits with or without the blank before the digits: twice the odds, until one is learned."""
    text = frame.rstrip(b"\r\n")
    body, digits = text[:-2], text[-2:]
    return any(_hex_is(reduce(xor, span, 0), digits) for span in (body, body[:-1]))


def _zero_sum(frame: bytes) -> bool:
    return frame[-1:] == b"}" and sum(frame[:-1]) % 256 == 0


def _sum_behind_first(frame: bytes) -> bool:
    return len(frame) > 2 and sum(frame[1:]) % 256 == 0


def _xor_cr(frame: bytes) -> bool:
    return frame[-1:] == b"\r" and reduce(xor, frame[:-1], 0) == 0


class Protocol(NamedTuple):
    """`specimen` are the facts of the simulator, one of those its `fitting` lists."""

    name: str
    plugin: str
    specimen: str
    checksum: str
    bits: int
    fits: Callable[[bytes], bool] | None
    guarded_by: str


_LOOK = "a step is believed only when the next message agrees"
_LOOKS = "strict form, listed units, and two messages that agree before anything is believed"
PROTOCOLS = (
    Protocol("modbus", "modbus", "profile=hk_dpt_dual_mod", "CRC-16", 16, _crc_low_first,
             "address, function and length are those of the request"),
    Protocol("modbus_long", "modbus", "", "CRC-16", 16, _crc_low_first,
             "as modbus; a block of 23 registers"),
    Protocol("keller", "keller", "", "CRC-16", 16, _crc_high_first,
             "address, function and length are those of the request; range"),
    Protocol("boreal", "boreal", "", "8-bit XOR", 8, _nmea,
             "form and range of every field; a lone step goes out without its number"),
    Protocol("hesai_dm100", "hesai_dm100", "end=crlf", "8-bit XOR", 8, _nmea,
             "67 fixed places; a lone step goes out without its number"),
    Protocol("winsen_mhz9041a", "winsen_mhz9041a", "", "8-bit XOR, one of two spans", 7,
             _two_spans, f"44 fixed places; the span is learned; {_LOOK}"),
    Protocol("axetris_lgd", "axetris_lgd", "unit=ppm", "8-bit sum", 8, _zero_sum,
             f"kind, size and end are fixed, padding is zero; range; {_LOOK}"),
    Protocol("winsen_9byte", "winsen_9byte", "", "8-bit sum", 8, _sum_behind_first,
             f"start and command are fixed; range; {_LOOK}"),
    Protocol("mipex_datae", "mipex", "serial=10000002", "8-bit XOR", 8, _xor_cr,
             f"length, end and status bits; range; {_LOOK}"),
    Protocol("mipex_data", "mipex", "", "none", 0, None, _LOOKS),
    Protocol("const_additel", "const_additel", "", "none", 0, None, _LOOKS),
    Protocol("crystal_xp2i", "crystal_xp2i", "", "none", 0, None, _LOOKS),
    Protocol("fluke_val", "fluke_val", "", "none", 0, None, _LOOKS),
)  # fmt: skip


class Judge:
    """Tells false readings from true ones, and those that chance owes from the others."""

    def __init__(self, protocol: Protocol, truth: Truth, step: Decimal) -> None:
        self._fits = protocol.fits
        self._truth = truth
        self._step = step
        self._serials: set[str] = set()
        self.knows_serial = False
        self.good = self.false = self.beyond_step = self.unowed = 0
        self.examples: list[str] = []

    def take(self, frame: bytes, reading: Reading, sensed: Decimal) -> bool:
        """Count one good reading; True if it is right."""
        self.good += 1
        if not self.knows_serial:
            self._serials |= {"", reading.serial}
        stranger = self.knows_serial and reading.serial not in self._serials
        if not (stranger or self._truth.error(reading, sensed)):
            return True
        self.false += 1
        self.beyond_step += bool(self._truth.error(reading, sensed, self._step))
        if self._fits is not None and not self._fits(frame):
            self.unowed += 1
            self.examples.append(f"{frame!r} became {reading.value} {reading.unit}")
        return False


def _step(settings: Any) -> Decimal:
    """What the driver takes without a second look, in the canonical unit."""
    over: Decimal | None = getattr(settings, "confirm_over", None)
    believed = getattr(settings, "believed", None)
    return over if over is not None else believed.step if believed else Decimal(0)


def fuzz(protocol: Protocol, count: int, seed: int) -> dict[str, object]:
    """Send at least *count* bent bytes; the figures of the module's docstring."""
    began_s = time.monotonic()
    (subject,) = subjects(protocol.plugin, Options())
    settings = subject.simulator.fitting[protocol.specimen]
    device = instrument_from(subject.simulator, protocol.specimen, 0).device
    driver = subject.build(**settings)
    truth = Truth(device)
    judge = Judge(protocol, truth, _step(subject.settings(**settings)))
    port = BentPort(device, protocol.fits, seed)
    raised: list[str] = []

    def listen(reads: int) -> bool:
        """Whether the last good reading of so many reads was right."""
        right = False
        for _ in range(reads):
            try:
                intakes = driver.read(port)
            except Fault:
                continue
            except Exception as bug:  # noqa: BLE001 - counted, and the run goes on
                raised.append(repr(bug))
                continue
            for intake in intakes:
                for reading in intake.readings:
                    if reading.quality == "good" and truth.concerns(reading):
                        right = judge.take(intake.frame, reading, port.sensed)
        return right

    port.sensed = truth.points[1]
    port.whole_only = True
    sound = listen(_ALIVE_WITHIN)
    judge.knows_serial = True
    port.whole_only = False
    dice = random.Random(seed)
    while port.bytes < count:
        port.forget()
        driver.reset()
        port.sensed = dice.choice(truth.points)
        listen(_HOLD)
    port.forget()
    port.whole_only = True
    port.sensed = truth.points[2]
    alive = sound and listen(_ALIVE_WITHIN)
    return {
        **_figures(protocol, port, judge, subject.simulator.odds),
        "raised": len(raised),
        "alive": alive,
        "examples": judge.examples[:3] + raised[:3],
        "seconds": round(time.monotonic() - began_s, 1),
    }


def _figures(
    protocol: Protocol, port: BentPort, judge: Judge, declared: float
) -> dict[str, object]:
    messages, owed = port.tried.total(), port.owed.total()
    figures: dict[str, object] = {
        "checksum": protocol.checksum,
        "guarded_by": protocol.guarded_by,
        "bytes": port.bytes,
        "messages": messages,
        "good": judge.good,
        "false": judge.false,
        "false_one_in": round(messages / judge.false) if judge.false else None,
        "beyond_step": judge.beyond_step,
        "unowed": judge.unowed,
    }
    if protocol.fits is None:
        limit = _most(messages * declared)
        beyond = max(0, judge.beyond_step - limit)
        odds = {"declared": declared, "beyond_step_allowed": limit}
        return figures | {"odds": odds, "beyond_odds": beyond}
    one_in: int = 2**protocol.bits
    limit = _most(messages / one_in)
    fitting = port.owed["rewritten"]
    return figures | {
        "odds": {"one_in": one_in, "false_allowed": limit},
        "checksum_fits": owed,
        "ways": {
            way: {"messages": port.tried[way], "checksum_fits": port.owed[way]} for way in WAYS
        },
        "rewritten_within_odds": fitting <= _most(port.tried["rewritten"] / one_in),
        "beyond_odds": judge.unowed + max(0, judge.false - limit),
    }


def _most(expected: float) -> int:
    """What chance alone may make of an expected count."""
    return round(expected + _SIGMAS * expected**0.5) + 1


def _job(job: tuple[str, int, int]) -> tuple[str, dict[str, object]]:
    name, count, seed = job
    for protocol in PROTOCOLS:
        if protocol.name == name:
            return name, fuzz(protocol, count, seed)
    return name, fuzz_mqtt.fuzz(name, count, seed)


def planted(count: int, seed: int) -> dict[str, object]:
    """The same of a Winsen driver that looks at no check: its false readings must be found."""
    module = importlib.import_module("plugins.winsen_9byte.driver")
    sound = module.intact
    vars(module)["intact"] = lambda frame: len(frame) == module.LENGTH
    try:
        (protocol,) = (each for each in PROTOCOLS if each.plugin == "winsen_9byte")
        return fuzz(protocol, count, seed)
    finally:
        vars(module)["intact"] = sound


def summary(count: int, found: Mapping[str, dict[str, Any]]) -> dict[str, object]:
    """The totals that are compared with targets, and the figures of every protocol."""
    lame = [
        name
        for name, each in found.items()
        if not each["alive"] or not each.get("rewritten_within_odds", True)
    ]
    beyond = sum(each["beyond_odds"] for each in found.values())
    raised = sum(each["raised"] for each in found.values())
    least = min(each["bytes"] for each in found.values())
    return {
        "bench": "fuzz",
        "bytes_per_protocol_at_least": least,
        "false_beyond_the_odds": beyond,
        "raised": raised,
        "not_alive_or_not_by_chance": lame,
        "protocols": found,
        "ok": not (beyond or raised or lame) and least >= count,
    }


def main() -> int:
    names = [protocol.name for protocol in PROTOCOLS] + fuzz_mqtt.names()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bytes", type=int, default=10_000_000, help="bent bytes per protocol")
    parser.add_argument("--only", action="append", default=[], choices=names)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    jobs = [(name, options.bytes, options.seed) for name in options.only or names]
    began_s = time.monotonic()
    found: dict[str, dict[str, Any]] = {}
    context = multiprocessing.get_context("spawn")
    with (
        context.Pool() as pool,
        Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress,
    ):
        task = progress.add_task("bent bytes", total=len(jobs))
        for name, figures in pool.imap_unordered(_job, jobs):
            found[name] = figures
            progress.advance(task)
    figures = summary(options.bytes, {name: found[name] for name in options.only or names})
    figures["planted_unowed"] = planted(_PLANTED_BYTES, options.seed)["unowed"]
    figures["ok"] = bool(figures["ok"] and figures["planted_unowed"])
    figures["seconds"] = round(time.monotonic() - began_s, 1)
    report(figures, options.json)
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
