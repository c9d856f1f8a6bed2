"""A block: everything one commit took in, as one canonical JSON body.

    {"at_us": <time of the first intake>,
     "dead":    [[source, dt_us, reason, raw, form, length, sha256], …],
     "drops":   [[source, name, times], …],
     "frames":  [[source, dt_us, raw, form], …],
     "readings":[[frame, sensor, value, canonical, dt_us, seq, device_time], …],
     "sensors": [[instrument, serial, quantity, unit, canonical_unit, quality, lel_basis], …],
     "sources": ["…", …],
     "v": 1}

`source`, `frame` and `sensor` are positions in the lists of that name. A frame's `dt_us` counts
from the block's `at_us`, a reading's from its frame's time. `raw` is text where the bytes are
printable UTF-8 and hex otherwise; `form` is "t" or "x". `canonical` is decimal text or null.
A dead letter keeps its first 4 KiB, its full length and the SHA-256 of all of it.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from hub.errors import BadFrame
from hub.model import Intake, Reading

DEAD_LETTER_BYTES = 4096
BLOCK_VERSION = 1
_SENSOR = itemgetter(0, 1, 2, 4, 6, 8, 11)  # of a Reading, in the order of "sensors" above
_TEXT = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*")


class Frame(NamedTuple):
    source: str
    at_us: int
    raw: bytes


class DeadLetter(NamedTuple):
    """Bytes that could not be read. `raw` is at most the first 4 KiB of `length` bytes."""

    source: str
    at_us: int
    reason: str
    raw: bytes
    length: int
    sha256: str


class Drop(NamedTuple):
    source: str
    name: str
    times: int


class Block(NamedTuple):
    """`links[n]` is the position in `frames` of the bytes that `readings[n]` came from."""

    at_us: int = 0
    readings: tuple[Reading, ...] = ()
    links: tuple[int, ...] = ()
    frames: tuple[Frame, ...] = ()
    dead: tuple[DeadLetter, ...] = ()
    drops: tuple[Drop, ...] = ()

    def records(self) -> list[Mapping[str, str | int]]:
        """The readings as flat mappings of Reading's fields, empty fields left out."""
        return [_record(reading) for reading in self.readings]


def encode_block(intakes: Sequence[Intake]) -> bytes:
    """The body of a `readings` entry: canonical JSON of everything in *intakes*.

    raises  BadFrame when a text in a reading cannot be written as UTF-8 (lone surrogates)
    """
    at_us = intakes[0].at_us if intakes else 0
    sources: dict[str, int] = {}
    sensors: dict[tuple[Any, ...], int] = {}
    frames: list[tuple[int, int, str, str]] = []
    readings: list[tuple[int, int, str, str | None, int, str, str]] = []
    dead: list[tuple[int, int, str, str, str, int, str]] = []
    drops: dict[tuple[int, str], int] = {}
    for name, raw, intake_us, measured, reason, dropped, _ in intakes:
        source = sources.setdefault(name, len(sources))
        if reason:
            raw_text, form = _write_raw(raw[:DEAD_LETTER_BYTES])
            digest = sha256(raw).hexdigest()
            dead.append((source, intake_us - at_us, reason, raw_text, form, len(raw), digest))
        if dropped:
            drops[source, dropped] = drops.get((source, dropped), 0) + 1
        if measured or not (reason or dropped):
            frame = len(frames)
            frames.append((source, intake_us - at_us, *_write_raw(raw)))
            for reading in measured:
                number = reading[5]
                readings.append(
                    (
                        frame,
                        sensors.setdefault(_SENSOR(reading), len(sensors)),
                        reading[3],
                        None if number is None else str(number),
                        reading[7] - intake_us,
                        reading[9],
                        reading[10],
                    )
                )
    # The keys stand in canonical order; orjson writes the rest as RFC 8785 does.
    body = {
        "at_us": at_us,
        "dead": dead,
        "drops": [(*key, times) for key, times in drops.items()],
        "frames": frames,
        "readings": readings,
        "sensors": list(sensors),
        "sources": list(sources),
        "v": BLOCK_VERSION,
    }
    try:
        return orjson.dumps(body, option=orjson.OPT_STRICT_INTEGER)
    except TypeError as e:
        names = ", ".join(sorted({repr(intake.source) for intake in intakes}))
        raise BadFrame(f"a block from {names} cannot be written down: {e}") from e


def decode_block(body: bytes) -> Block:
    """Raises ValueError when *body* is not a block"""
    try:
        stored = _open(body)
        base: int = stored["at_us"]
        sources: list[str] = stored["sources"]
        frames = tuple(
            Frame(sources[source], base + dt, _read_raw(raw, form))
            for source, dt, raw, form in stored["frames"]
        )
        sensors: list[tuple[str, ...]] = stored["sensors"]
        readings, links = [], []
        for frame, sensor, value, number, dt, seq, device_time in stored["readings"]:
            instrument, serial, quantity, unit, canonical_unit, quality, basis = sensors[sensor]
            canonical = None if number is None else Decimal(number)
            at_us = frames[frame].at_us + dt
            readings.append(
                Reading(
                    instrument, serial, quantity, value, unit, canonical, canonical_unit, at_us,
                    quality, seq, device_time, basis,
                )
            )  # fmt: skip
            links.append(frame)
        dead = tuple(
            DeadLetter(sources[source], base + dt, reason, _read_raw(raw, form), length, digest)
            for source, dt, reason, raw, form, length, digest in stored["dead"]
        )
        drops = tuple(Drop(sources[source], name, times) for source, name, times in stored["drops"])
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as e:
        raise ValueError(f"not a block: {type(e).__name__}: {e}") from None
    return Block(base, tuple(readings), tuple(links), frames, dead, drops)


def _open(body: bytes) -> dict[str, Any]:
    stored: dict[str, Any] = orjson.loads(body)
    if stored["v"] != BLOCK_VERSION:
        raise ValueError(f"block of version {stored['v']!r}, this program knows {BLOCK_VERSION}")
    return stored


def _write_raw(raw: bytes) -> tuple[str, str]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return raw.hex(), "x"
    if text.isprintable() or _TEXT.fullmatch(text):
        return text, "t"
    return raw.hex(), "x"


def _read_raw(raw: str, form: str) -> bytes:
    return raw.encode() if form == "t" else bytes.fromhex(raw)


def _record(reading: Reading) -> Mapping[str, str | int]:
    record: dict[str, str | int] = {}
    for key, fact in zip(Reading._fields, reading, strict=True):
        if isinstance(fact, Decimal):
            record[key] = str(fact)
        elif fact not in ("", None):
            record[key] = fact
    return record
