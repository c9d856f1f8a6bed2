"""Two clients under one client id, on a real broker: named, and not fought over for ever.

mosquitto 2.0 closes the loser's connection without a word, with MQTT 5 as well. Brokers that give
the reason (0x8E) are in test_mqtt_broker_misbehaves.
"""

import socket
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import structlog

from hub.model import Recorded
from hub.mqtt import steady
from hub.mqtt.steady import FIRST_PAUSE_S
from hub.simulate.mosquitto import Mosquitto
from tests.mqtt_rig import LinkRig, Speaker, body
from tests.test_mqtt_telemetry import blocks, follower

NAME = "gashub-gw-test-field"
LEVELS = {"5": 5, "3.1.1": 4}
FOUGHT = ["link_lost", "link_back", "link_lost", "link_unstable"]
"""What becomes news of a link, however long it is fought for."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as started:
        yield started


class Rival:
    """Another client with our name: takes the session over each time it is told to."""

    def __init__(self, port: int, name: str = NAME, protocol: str = "5") -> None:
        five = protocol == "5"
        rest = b"\x00\x04MQTT" + bytes([LEVELS[protocol], 0, 0, 60])
        rest += (b"\x00" if five else b"") + len(name).to_bytes(2, "big") + name.encode()
        self._hello = bytes([0x10, len(rest)]) + rest
        self._port = port
        self._line = socket.socket()

    def strike(self) -> None:
        self._line.close()
        self._line = socket.create_connection(("127.0.0.1", self._port), 5)
        self._line.sendall(self._hello)
        assert self._line.recv(2)[0] == 0x20, "no CONNACK"

    def give_up(self) -> None:
        self._line.close()


def fight(link: LinkRig, rival: Rival, times: int) -> list[float]:
    """Strike as soon as the link is connected, *times* times. Returns the times of its losses."""
    ours, lost_s = link.driver._link, []
    for _ in range(times):
        link.run_until(lambda: ours.connected)
        rival.strike()
        link.run_until(lambda: not ours.connected)
        lost_s.append(time.monotonic())
    return lost_s


def link_words(link: LinkRig) -> list[str]:
    return [notice.what for notice in link.notices if notice.what.startswith("link_")]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_rival_is_named_and_the_pauses_grow(broker: Mosquitto, protocol: str) -> None:
    """Few notices, however long it goes on; the last names client id, likely cause and remedy."""
    rival = Rival(broker.port, protocol=protocol)
    with LinkRig(broker.port, protocol=protocol, retry_at_most_s=30) as link:
        lost_s = fight(link, rival, 5)
        state = link.driver.link_state()
    rival.give_up()

    pauses_s = [later - sooner for sooner, later in pairwise(lost_s)]
    for n, pause_s in enumerate(pauses_s):
        assert pause_s >= FIRST_PAUSE_S * 2**n / 2, pauses_s
    assert link_words(link) == FOUGHT
    for text in (link.detail("link_unstable"), state.why):
        assert f'another client uses client_id "{NAME}"' in text
        assert "give each gateway its own client_id" in text
    assert "ended 3 times in a row within 10 s of connecting" in link.detail("link_unstable")
    assert "ended 5 times" in state.why
    assert (state.state, state.client_id) == ("down", NAME)


def test_the_link_is_back_once_the_rival_is_gone_for_long_enough(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readings come from the first connection on; `link_back` and a clean state come later."""
    monkeypatch.setattr(steady, "LASTS_AFTER_S", 0.5)
    rival = Rival(broker.port)
    with LinkRig(broker.port, retry_at_most_s=1).subscribed() as link:
        fight(link, rival, 3)
        before = link_words(link)
        rival.give_up()
        link.run_until(lambda: link.driver._link.connected)
        link.run_quiet(5)
        assert "client_id" in link.driver.link_state().why
        with Speaker(broker.port) as speaker:
            speaker.say(body(1))
        link.run_until(lambda: link.seqs == [1])
        assert link_words(link) == before == FOUGHT
        link.run_until(lambda: link_words(link) != before)

        state = link.driver.link_state()

    assert link_words(link) == [*FOUGHT, "link_back"]
    assert (state.state, state.why, state.messages) == ("connected", "", 1)


def test_two_links_with_one_name_both_say_so_and_calm_down(broker: Mosquitto) -> None:
    """Each is the other's rival; what both say together stays a handful of notices."""
    with LinkRig(broker.port) as one, LinkRig(broker.port) as other:

        def told() -> bool:
            other.turn()
            return one.said("link_unstable") and other.said("link_unstable")

        one.run_until(told)

    for link in (one, other):
        assert link_words(link) == FOUGHT
        assert sum(notice.what.startswith("session_") for notice in link.notices) <= 2


def test_a_follower_with_a_rival_goes_on_and_names_it_in_the_log(broker: Mosquitto) -> None:
    """Every block is forwarded; the hub is not told of an outage for each of them."""
    rival = Rival(broker.port, "twin")
    sink = follower(broker.port, client_id="twin")
    with structlog.testing.capture_logs() as logs:
        sink.open()
        for index in range(4):
            rival.strike()
            sink.forward([Recorded(index, blocks(index, 1)[0].readings)])
        sink.close()
    rival.give_up()

    assert [(line["event"], line["follower"]) for line in logs] == [("link_unstable", "platform")]
    assert 'client_id "twin"' in logs[0]["detail"]
