"""For links to a broker: messages that mean nothing, and documented ones, through a real mosquitto.

A link's golden.json differs from an instrument's in its exchange only:
`{"topic": "...", "payload_text": "..."}`, or `"payload": "hex"`.
"""

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from hub.conformance.again import read_again
from hub.conformance.frames import sound_cases
from hub.conformance.subject import Subject, Unmet
from hub.golden import Case, differences
from hub.model import Driver, Intake
from hub.simulate.mosquitto import Mosquitto

_BODIES = (
    b"", b" ", b"{}", b"[]", b"null", b"true", b"12", b"nan", b'""', b'{"value": NaN}',
    b'{"value": 1e999, "unit": "Pa"}', b'{"a": 1, "a": 2}', b'{"value": "12"', b"[" * 20_000,
    b'{"value": 5}', b'{"instrument": "x", "quantity": "pressure", "value": 5}', b"\xff\xfe{}",
)  # fmt: skip
_RANDOM = 200
_WITHIN_S = 15.0

Message = tuple[str, bytes]


def rubbish_messages(subject: Subject) -> None:
    """Each ends as a dead letter or a drop: no reading, no exception, none without an end."""
    dice = random.Random(6)
    bodies = [*_BODIES, *(dice.randbytes(dice.randint(1, 300)) for _ in range(_RANDOM))]
    topics = _topics(subject)
    messages = [(topics[n % len(topics)], body) for n, body in enumerate(bodies)]
    with _link(subject, {}) as (driver, port):
        for intake in _sent(driver, port, messages):
            if intake.readings:
                raise Unmet(f"rubbish became a reading: {intake.frame[:40]!r}: {intake.readings}")


def golden_published(subject: Subject) -> None:
    """golden.json has messages to take and messages to refuse, and each comes out as it says.

    What is taken gives the same readings again from the record alone, where it can (`read_again`).
    """
    for case in sound_cases(subject):
        _published(subject, case)


def _published(subject: Subject, case: Case) -> None:
    messages = [(item["topic"], _payload(item)) for item in case["exchange"]]
    with _link(subject, case.get("settings", {})) as (driver, port):
        intakes = _sent(driver, port, messages)
    read_again(subject, case.get("settings", {}), intakes, f"golden case {case['id']}")
    readings = [reading for intake in intakes for reading in intake.readings]
    wanted = case["expect"].get("readings", ())
    if "refused" in case["expect"]:
        if good := [reading for reading in readings if reading.quality == "good"]:
            raise Unmet(f"golden case {case['id']} is to be refused, got {good}")
    elif len(readings) != len(wanted):
        raise Unmet(f"golden case {case['id']}: expected {len(wanted)} reading(s), got {readings}")
    for got, expected in zip(readings, wanted, strict=False):
        if differs := differences(got, expected):
            raise Unmet(f"golden case {case['id']}: {'; '.join(differs)}")


def _payload(item: Any) -> bytes:
    text = item.get("payload_text")
    return bytes.fromhex(item["payload"]) if text is None else str(text).encode()


def _topics(subject: Subject) -> list[str]:
    """A topic for each filter of its sample."""
    settings = subject.settings()
    filters = [entry.filter for entry in getattr(settings, "topics", ())]
    filters = filters or [name for name in [getattr(settings, "topic", "")] if name]
    if not filters:
        raise Unmet("its settings have neither topics nor a topic, so nothing can be tried")
    return [name.replace("+", "x").replace("#", "x") for name in filters]


@contextmanager
def _link(subject: Subject, given: Any) -> Iterator[tuple[Driver, int]]:
    """The driver, connected to a broker of its own; and that broker's port."""
    with tempfile.TemporaryDirectory(prefix="gashub-conformance-") as folder:
        try:
            broker = Mosquitto(Path(folder))
            broker.start()
        except (OSError, ChildProcessError) as missing:
            raise Unmet(f"it was not tried: {missing}") from missing
        driver = None
        try:
            driver = subject.build(**{**given, "host": "127.0.0.1", "port": broker.port})
            driver.open()
            _until_subscribed(driver)
            yield driver, broker.port
        finally:
            if driver is not None:
                driver.close()
                driver.close()
            broker.stop()


def _until_subscribed(driver: Driver) -> None:
    """A few turns without news: connected, subscribed, quiet."""
    until_s, quiet = time.monotonic() + _WITHIN_S, 0
    while quiet < 5 and time.monotonic() < until_s:
        quiet = 0 if driver.read(0.05) else quiet + 1


def _sent(driver: Driver, port: int, messages: Sequence[Message]) -> list[Intake]:
    """Publish, and read until every message has come to an end.

    raises  Unmet when one has not in time, or the driver raises
    """
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="conformance")
    client.connect("127.0.0.1", port)
    client.loop_start()
    intakes: list[Intake] = []
    ended = 0
    until_s = time.monotonic() + _WITHIN_S
    try:
        for topic, payload in messages:
            client.publish(topic, payload, qos=1)
        while ended < len(messages):
            try:
                news = driver.read(0.05)
            except Exception as bug:
                raise Unmet(f"a message made it raise {type(bug).__name__}: {bug}") from bug
            fresh = [item for item in news if isinstance(item, Intake)]
            receipts = [item.receipt for item in fresh if item.receipt is not None]
            driver.settle(receipts)
            intakes += fresh
            ended += len(receipts)
            if time.monotonic() > until_s:
                raise Unmet(f"of {len(messages)} messages only {ended} came to an end")
    finally:
        client.disconnect()
        client.loop_stop()
    return intakes
