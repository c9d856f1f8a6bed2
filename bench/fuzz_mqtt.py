"""The same for what comes over MQTT: every decoder hears its documented messages, bent.

TCP protects these bytes and the payloads have no checksum of their own: a digit that became
another one is a number like any other. So what is asked of a decoder is less, and absolute: it
refuses or reads, and never raises; no good number comes out that does not stand in the payload;
and after all of it the documented messages are read as before.
"""

import json
import random
import re
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

from bending import WAYS

from hub import BadFrame, Reading
from hub.conformance.subject import Options, subjects
from hub.golden import Case, golden_cases
from plugins.mqtt.routes import OneByOne, decoder_of
from plugins.mqtt.settings import Topic

_AT_US = 1_700_000_000_000_000
_NUMBER = re.compile(rb"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|[+-]?\.\d+")
_TOLD_IN_BINARY = "sparkplug_b"

Spoken = tuple[str, bytes]


def names() -> list[str]:
    """The decoders that have documented messages; Sparkplug B only where protobuf is installed."""
    found = {_decoder(case) for case in _cases()}
    if find_spec("google") is None:
        found.discard(_TOLD_IN_BINARY)
    return [f"mqtt:{name}" for name in sorted(found)]


def fuzz(name: str, count: int, seed: int) -> dict[str, object]:
    """Send at least *count* bent bytes to the decoder *name*."""
    began_s = time.monotonic()
    decoder = name.partition(":")[2]
    plays = [(_topic(case), _spoken(case)) for case in _cases() if _decoder(case) == decoder]
    dice = random.Random(seed)
    ways = tuple(WAYS.values())
    sent = messages = good = made_up = 0
    raised: list[str] = []
    before = [_heard(*play) for play in plays]
    while sent < count:
        topic, spoken = dice.choice(plays)
        bent = [(to, dice.choice(ways)(dice, payload or b"0")) for to, payload in spoken]
        sent += sum(len(payload) for _, payload in bent)
        messages += len(bent)
        try:
            readings = _heard(topic, bent)
        except Exception as bug:  # noqa: BLE001 - counted, and the run goes on
            raised.append(repr(bug))
            continue
        numbers = [reading for reading in readings if reading.quality == "good"]
        good += len(numbers)
        if decoder != _TOLD_IN_BINARY and numbers:
            stand = {Decimal(n.decode()) for _, p in bent for n in _NUMBER.findall(p)}
            made_up += sum(Decimal(reading.value) not in stand for reading in numbers)
    return {
        "checksum": "that of TCP",
        "guarded_by": "strict JSON or text, listed keys and units",
        "bytes": sent,
        "messages": messages,
        "good": good,
        "beyond_odds": made_up,
        "raised": len(raised),
        "alive": any(before) and before == [_heard(*play) for play in plays],
        "examples": raised[:3],
        "seconds": round(time.monotonic() - began_s, 1),
    }


def _cases() -> list[Case]:
    (subject,) = subjects("mqtt", Options())
    return [case for case in golden_cases(subject.folder) if "refused" not in case["expect"]]


def _decoder(case: Case) -> str:
    return str(case["settings"]["topics"][0]["decoder"])


def _spoken(case: Case) -> list[Spoken]:
    found = []
    for item in case["exchange"]:
        text = item.get("payload_text")
        payload = bytes.fromhex(item["payload"]) if text is None else str(text).encode()
        found.append((str(item["topic"]), payload))
    return found


def _topic(case: Case) -> Topic:
    settings: Mapping[str, Any] = json.loads(json.dumps(case["settings"], default=str))
    (subject,) = subjects("mqtt", Options())
    topic: Topic = subject.settings(**settings).topics[0]
    return topic


def _heard(mapping: Topic, spoken: Sequence[Spoken]) -> list[Reading]:
    """What a fresh decoder reads in messages; those that it refuses by BadFrame are left out."""
    reader = decoder_of(mapping)
    readings: list[Reading] = []
    for topic, payload in spoken:
        try:
            if isinstance(reader, OneByOne):
                readings += reader.decode(topic, payload, _AT_US)[0]
            else:
                readings += reader.hear(topic, payload, _AT_US, retained=False).readings
        except BadFrame:
            continue
    return readings
