"""Forwarding to the data platform: everything, in order, and only what was acknowledged is done."""

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hub import Fault, SinkPaused, SinkUnavailable, Site
from hub.clock import HubClock
from hub.model import Recorded
from hub.simulate.mosquitto import Mosquitto
from hub.testing import wait_until
from plugins.telemetry_mqtt.follower import TelemetryFollower
from plugins.telemetry_mqtt.settings import TelemetrySettings
from tests.mqtt_rig import Listener

TOPIC = "gashub/gw-test/readings"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path, durable=True) as started:
        yield started


def follower(port: int, **settings: Any) -> TelemetryFollower:
    given = {"host": "127.0.0.1", "port": port, "ack_within_s": 20, "retry_at_most_s": 1}
    return TelemetryFollower(
        "platform",
        TelemetrySettings.model_validate({**given, **settings}),
        Site("gw-test", HubClock(), lambda _name: "secret"),
    )


def blocks(first: int, count: int, readings: int = 3) -> list[Recorded]:
    """Ledger entries *first* and on; seq counts through all of them."""
    return [
        Recorded(
            index,
            [
                {
                    "instrument": "pm-1", "quantity": "pressure", "value": "1.5", "unit": "Pa",
                    "canonical": "1.5", "canonical_unit": "Pa", "quality": "good",
                    "at_us": 1_790_000_000_000_000, "seq": str(index * readings + n),
                }
                for n in range(readings)
            ],
        )
        for index in range(first, first + count)
    ]  # fmt: skip


def seqs(heard: Sequence[bytes]) -> list[int]:
    return [reading["seq"] for payload in heard for reading in json.loads(payload)["readings"]]


def test_everything_arrives_in_order_and_is_acknowledged(broker: Mosquitto) -> None:
    """More messages than the window holds, cut into parts."""
    with Listener(broker.port, TOPIC) as listener:
        sink = follower(broker.port, window=7, batch_max=2)
        sink.open()
        sink.forward(blocks(0, 50))
        sink.close()
        wait_until(lambda: len(seqs(listener.heard)) >= 150)

    assert seqs(listener.heard) == list(range(150))


def test_a_broker_that_is_away_is_waited_for_and_then_named(broker: Mosquitto) -> None:
    """Bounded: the hub keeps the readings and comes back."""
    broker.stop()
    sink = follower(broker.port, ack_within_s=0.5)

    with pytest.raises(SinkUnavailable, match=f"127.0.0.1:{broker.port}"):
        sink.open()
    sink.close()


def test_an_outage_in_between_loses_nothing_and_keeps_the_order(broker: Mosquitto) -> None:
    """The broker goes away under fire and comes back: first arrivals are complete and in order."""
    with Listener(broker.port, TOPIC) as listener:
        sink = follower(broker.port, window=20)
        sink.open()
        gone = threading.Event()

        def outage() -> None:
            wait_until(lambda: len(listener.heard) > 300)
            broker.stop()
            gone.set()
            gone.wait()
            broker.start()

        breaker = threading.Thread(target=outage)
        breaker.start()
        for first in range(0, 2000, 50):
            sink.forward(blocks(first, 50, readings=1))
        breaker.join()
        sink.close()
        wait_until(lambda: len(set(seqs(listener.heard))) >= 2000, within_s=60)

    heard = seqs(listener.heard)
    firsts = list(dict.fromkeys(heard))
    assert gone.is_set()
    assert firsts == list(range(2000))
    assert len(heard) - 2000 <= 20, "more came twice than were under way"


def test_what_was_answered_before_a_failure_is_not_sent_again(broker: Mosquitto) -> None:
    """The hub comes back with the same blocks; the messages that had arrived are left out."""
    with Listener(broker.port, TOPIC) as listener:
        sink = follower(broker.port, window=1, ack_within_s=0.5)
        sink.open()
        first = blocks(0, 400, readings=1)

        def cut() -> None:
            wait_until(lambda: len(listener.heard) >= 30)
            broker.stop()

        breaker = threading.Thread(target=cut)
        breaker.start()
        with pytest.raises(Fault):
            sink.forward(first)
        breaker.join()
        sink.close()
        broker.start()
        sink.open()
        sink.forward(first)
        sink.close()
        wait_until(lambda: len(set(seqs(listener.heard))) >= 400, within_s=60)

    heard = seqs(listener.heard)
    assert list(dict.fromkeys(heard)) == list(range(400))
    assert len(heard) <= 402


def test_a_new_round_after_a_finished_one_leaves_nothing_out(broker: Mosquitto) -> None:
    """An operator may set the cursor back: everything goes again."""
    with Listener(broker.port, TOPIC) as listener:
        sink = follower(broker.port)
        sink.open()
        sink.forward(blocks(5, 3, readings=1))
        sink.forward(blocks(0, 8, readings=1))
        sink.close()
        wait_until(lambda: len(listener.heard) >= 11)

    assert seqs(listener.heard) == [5, 6, 7, *range(8)]


def test_a_connection_that_died_while_idle_is_mended_before_the_next_block(
    broker: Mosquitto,
) -> None:
    """Nobody serves the line between two blocks; the next one finds out and connects again."""
    sink = follower(broker.port)
    sink.open()
    broker.stop()
    broker.start()
    sink.forward(blocks(0, 2))
    sink.close()


def test_a_platform_that_refuses_us_pauses_the_way(tmp_path: Path) -> None:
    """Wrong credentials: trying harder does not help, and the text says what to look at."""
    with Mosquitto(tmp_path, ["allow_anonymous false"]) as strict:
        sink = follower(strict.port, user="hub", password_secret="mq")
        with pytest.raises(SinkPaused, match="password_secret"):
            sink.open()
        sink.close()


def test_a_topic_we_may_not_write_pauses_the_way(tmp_path: Path) -> None:
    """The broker takes the message and says that it goes nowhere (MQTT 5)."""
    access = tmp_path / "access"
    access.write_text("topic read #\n")
    with Mosquitto(tmp_path, ["allow_anonymous true", f"acl_file {access}"]) as strict:
        sink = follower(strict.port)
        sink.open()
        with pytest.raises(SinkPaused, match=TOPIC):
            sink.forward(blocks(0, 1))
        sink.close()


def test_credentials_that_were_mended_at_the_platform_are_found_out(tmp_path: Path) -> None:
    """Refused once is not refused for ever: the next opening asks again."""
    passwords = tmp_path / "passwords"
    make = ["mosquitto_passwd", "-b", "-c", str(passwords), "hub"]
    subprocess.run([*make, "another"], check=True, capture_output=True)
    lines = ["allow_anonymous false", f"password_file {passwords}"]
    with Mosquitto(tmp_path, lines) as strict:
        sink = follower(strict.port, user="hub", password_secret="mq")
        with pytest.raises(SinkPaused):
            sink.open()
        sink.close()
        strict.stop()
        subprocess.run([*make, "secret"], check=True, capture_output=True)
        strict.start()
        sink.open()
        sink.forward(blocks(0, 1))
        sink.close()
