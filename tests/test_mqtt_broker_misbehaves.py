"""Brokers that break off, say nothing or refuse: reported, and nothing wrongly acknowledged."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from hub.demo.broker import listens
from hub.simulate.mosquitto import free_port
from hub.testing import wait_until
from tests.mqtt_rig import LONG_S, LinkRig, Speaker, body

CONNACK_5 = bytes([0x20, 3, 0, 0, 0])
SERVER_SHUTTING_DOWN = bytes([0xE0, 2, 0x8B, 0])


def publish_5(packet: int, payload: bytes) -> bytes:
    """A QoS 1 PUBLISH to gas/g-1 with no properties."""
    rest = b"\x00\x07gas/g-1" + packet.to_bytes(2, "big") + b"\x00" + payload
    return bytes([0x32, len(rest)]) + rest


class ScriptedBroker:
    """Plays one script per connection: after the client's CONNECT, what to send; then listens."""

    def __init__(self, *scripts: tuple[bytes, bool]) -> None:
        self._scripts = scripts
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.heard: list[bytes] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="scripted-broker")
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._server.close()
        self._thread.join()

    def _serve(self) -> None:
        self._server.settimeout(0.05)
        for answer, stay in self._scripts:
            self.heard.append(b"")
            line = self._accept()
            if line is None:
                return
            with line:
                line.settimeout(0.05)
                self._hear(line, once=True)
                line.sendall(answer)
                if stay:
                    self._hear(line, once=False)

    def _accept(self) -> socket.socket | None:
        while not self._stop.is_set():
            try:
                return self._server.accept()[0]
            except TimeoutError:
                continue
            except OSError:
                return None
        return None

    def _hear(self, line: socket.socket, *, once: bool) -> None:
        while not self._stop.is_set():
            try:
                data = line.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            self.heard[-1] += data
            if once or not data:
                return


@pytest.fixture
def embedded() -> Iterator[int]:
    """Port of amqtt, which knows nothing of MQTT 5."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "hub.demo.embedded_broker", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: listens(port), "amqtt", LONG_S)
    yield port
    process.terminate()
    process.wait()


def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(embedded: int) -> None:
    """It gives no answer to MQTT 5 at all; the link tries the older one and says so."""
    with LinkRig(embedded, connect_within_s=1).subscribed() as link:
        with Speaker(embedded) as speaker:
            speaker.say(body(1), body(2))
        link.run_until(lambda: link.seqs == [1, 2])
        link.run_quiet()

    assert "3.1.1" in link.detail("protocol_311")


def test_a_broker_that_refuses_mqtt_5_is_spoken_to_in_3_1_1() -> None:
    """CONNACK "unsupported protocol version", then the older connection is taken."""
    refusal, welcome = bytes([0x20, 2, 0, 1]), bytes([0x20, 2, 0, 0])
    broker = ScriptedBroker((refusal, False), (welcome, True))
    try:
        with LinkRig(broker.port) as link:
            link.run_until(lambda: link.said("session_new"))
    finally:
        broker.close()

    assert [heard[8] for heard in broker.heard] == [5, 4]
    assert not link.said("link_lost")


def test_a_fixed_protocol_is_not_exchanged_for_another() -> None:
    """protocol = "5" and a broker without it: refused, with the reason."""
    broker = ScriptedBroker((bytes([0x20, 2, 0, 1]), False), (b"", True))
    try:
        with LinkRig(broker.port, protocol="5") as link:
            link.run_until(lambda: link.said("link_refused"))
            link.run_until(lambda: len(broker.heard) == 2 and bool(broker.heard[1]))
    finally:
        broker.close()

    assert [heard[8] for heard in broker.heard] == [5, 5]
    assert "Unsupported protocol version" in link.detail("link_refused")


def test_a_message_and_a_goodbye_in_one_breath_are_of_the_connection_that_ended() -> None:
    """The receipt is void: on the next connection, packet 7 is somebody else's."""
    first = CONNACK_5 + publish_5(7, body(1)) + SERVER_SHUTTING_DOWN
    broker = ScriptedBroker((first, False), (CONNACK_5, True))
    try:
        with LinkRig(broker.port, settle=False) as link:
            link.run_until(lambda: link.seqs == [1])
            link.run_until(lambda: link.said("link_back"))
            link.settle_all()
            for _ in range(15):
                link.turn()
    finally:
        broker.close()

    puback = bytes([0x40, 2, 0, 7])
    assert puback not in broker.heard[0]
    assert puback not in broker.heard[1]


def test_a_packet_id_used_again_is_another_message() -> None:
    """Without DUP the broker says that it is new; it has neither number nor time of its own."""
    bare = b'{"instrument":"g-1","quantity":"gas","value":12.5,"unit":"%LEL"}'
    broker = ScriptedBroker((CONNACK_5 + publish_5(5, bare) + publish_5(5, bare), True))
    try:
        with LinkRig(broker.port) as link:
            link.run_until(lambda: len(link.readings) == 2)
    finally:
        broker.close()

    assert link.dropped == []


def test_properties_of_a_message_are_skipped_and_its_payload_is_whole() -> None:
    """A user property and a content type stand before the payload."""
    properties = b"\x26\x00\x01a\x00\x01b" + b"\x03\x00\x04json"
    rest = b"\x00\x07gas/g-1\x00\x09" + bytes([len(properties)]) + properties + body(3)
    broker = ScriptedBroker((CONNACK_5 + bytes([0x32, len(rest)]) + rest, True))
    try:
        with LinkRig(broker.port) as link:
            link.run_until(lambda: link.seqs == [3])
    finally:
        broker.close()

    assert link.intakes[0].frame == body(3)


@pytest.mark.parametrize(
    "rest",
    [b"", b"\x00", b"\x00\x07gas", b"\x00\x07gas/g-1", b"\x00\x07gas/g-1\x00\x09\xff\xff\xff\xff"],
    ids=["empty", "half_length", "half_topic", "no_packet_id", "endless_properties"],
)
def test_a_malformed_publish_ends_the_connection_and_nothing_else(rest: bytes) -> None:
    """No reading, no crash; the link comes back by itself."""
    broker = ScriptedBroker(
        (CONNACK_5 + bytes([0x32, len(rest)]) + rest, True),
        (CONNACK_5 + publish_5(1, body(4)), True),
    )
    try:
        with LinkRig(broker.port) as link:
            link.run_until(lambda: link.seqs == [4])
    finally:
        broker.close()

    assert link.said("link_lost")


def test_a_subscription_the_broker_refuses_is_reported_by_its_topic() -> None:
    """SUBACK with "not authorized": the link stays, and the record says what will not come."""
    suback = bytes([0x90, 4, 0, 1, 0, 0x87])
    broker = ScriptedBroker((CONNACK_5 + suback, True))
    try:
        with LinkRig(broker.port) as link:
            link.run_until(lambda: link.said("subscription_refused"))
    finally:
        broker.close()

    assert link.detail("subscription_refused").startswith("gas/+: Not authorized")


def test_another_client_under_our_name_is_reported_with_the_remedy() -> None:
    """The broker ends our connection because somebody else took the session over."""
    taken_over = bytes([0xE0, 2, 0x8E, 0])
    broker = ScriptedBroker((CONNACK_5 + taken_over, False), (CONNACK_5, True))
    try:
        with LinkRig(broker.port) as link:
            link.run_until(lambda: link.said("link_refused"))
    finally:
        broker.close()

    assert "client_id" in link.detail("link_refused")


TAKEN_OVER = bytes([0xE0, 2, 0x8E, 0])


def test_a_session_taken_over_again_and_again_is_said_with_its_count() -> None:
    """MQTT 5 gives the reason: two notices; the state says how often, by whom, what to do."""
    broker = ScriptedBroker(*[(CONNACK_5 + TAKEN_OVER, False)] * 4, (CONNACK_5, True))
    try:
        with LinkRig(broker.port) as link:
            link.run_until(lambda: len(broker.heard) == 5 and link.driver._link.connected)
            state = link.driver.link_state()
    finally:
        broker.close()

    words = [notice.what for notice in link.notices if notice.what.startswith("link_")]
    assert words == ["link_refused", "link_unstable"]
    assert state.state == "connected"
    assert "to another client, 4 times (Session taken over, 0x8E)" in state.why
    assert 'client_id "gashub-gw-test-field"' in state.why
    assert "give each gateway its own client_id" in state.why


@pytest.mark.parametrize(
    ("answer", "what", "text"),
    [
        (bytes([0xE0, 2, 0x8B, 0]), "link_lost", "Server shutting down (0x8B); it is tried again"),
        (bytes([0xE0, 2, 0x95, 0]), "link_refused", "Packet too large (0x95); the broker takes no"),
        (bytes([0xE0, 2, 0x80, 0]), "link_lost", "Unspecified error (0x80)"),
        (b"\xe0\x09\x98\x07\x1f\x00\x04bye!", "link_refused", '(0x98), it says "bye!"; somebody'),
        (b"\xe0\x02\x77\x00", "link_lost", "it sent what is no MQTT"),
        (b"", "link_lost", "the connection was closed or broke"),
    ],
    ids=["shutting_down", "too_large", "unspecified", "own_words", "unknown_code", "no_word"],
)
def test_how_a_broker_ends_a_connection_is_said_in_words(
    answer: bytes, what: str, text: str
) -> None:
    """The reason's name and number, the broker's own words, and what to do where that is known."""
    broker = ScriptedBroker((CONNACK_5 + answer, False))
    try:
        with LinkRig(broker.port) as link:
            link.run_until(lambda: link.said(what))
    finally:
        broker.close()

    assert text in link.detail(what)


@pytest.mark.parametrize(
    ("protocol", "answer", "what", "text"),
    [
        ("5", b"\x20\x03\x00\x8a\x00", "link_refused", "Banned (0x8A); the broker's owner has"),
        ("5", b"\x20\x03\x00\x89\x00", "link_lost", "Server busy (0x89); it is tried again"),
        ("5", b"\x20\x03\x00\x80\x00", "link_refused", "(0x80); ask the broker's owner"),
        ("5", b"\x20\x03\x00\x77\x00", "link_lost", "cannot be read"),
        ("3.1.1", b"\x20\x02\x00\x02", "link_refused", "Client identifier not valid (0x85); give"),
        ("3.1.1", b"\x20\x02\x00\x03", "link_lost", "Server unavailable (0x88); it is tried"),
        ("3.1.1", b"\x20\x02\x00\x01", "link_lost", "refuses this version of MQTT"),
    ],
)
def test_how_a_broker_turns_us_away_is_said_in_words(
    protocol: str, answer: bytes, what: str, text: str
) -> None:
    """What passes by itself is a lost link; what somebody must act on is a refused one."""
    broker = ScriptedBroker((answer, False))
    try:
        with LinkRig(broker.port, protocol=protocol) as link:
            link.run_until(lambda: link.said(what))
    finally:
        broker.close()

    assert text in link.detail(what)
    assert link.driver.link_state().why == link.detail(what)


def test_a_broker_that_says_nothing_leaves_the_link_connecting_then_down() -> None:
    """First nothing is known; then there is a reason, and the moment it began."""
    broker = ScriptedBroker((b"", True))
    try:
        with LinkRig(broker.port, protocol="5", connect_within_s=0.5) as link:
            link.run_until(lambda: bool(broker.heard and broker.heard[0]))
            first = link.driver.link_state()
            link.run_until(lambda: link.said("link_lost"))
            then = link.driver.link_state()
    finally:
        broker.close()

    assert (first.state, first.why, first.session_present) == ("connecting", "", None)
    assert (then.state, then.session_present) == ("down", None)
    assert "did not answer within 0.5 s" in then.why
    assert then.since_us > first.since_us
