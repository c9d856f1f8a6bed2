"""The way out: nothing but what may be reached is reached, and nothing holds a channel for long.

Row O10 of the fault table: whatever a far side's address is spelt like, and whatever its name
comes to mean, connections to an address of ours that is not listed: 0.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self

import pytest
import trustme

from hub.addresses import against, lan_of
from hub.clock import HubClock
from hub.dialling import AddressRefused, dial, resolved
from hub.egress import Answer, Egress, Limits, NoAnswer, Trust
from hub.errors import SinkPaused, SinkUnavailable
from hub.model import Site
from hub.mqtt import wire
from hub.mqtt.link import BrokerLink
from hub.mqtt.settings import BrokerSettings
from hub.testing import wait_until

LAN = lan_of(["127.0.0.0/8", "::1/128"])
LIMITS = Limits(connect_within_s=2, answer_within_s=0.5, answer_max_bytes=4096)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

SPELLINGS = (
    *("127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001"),
    *("2130706433", "017700000001", "0x7f.1", "localhost", "0.0.0.0", "0", "0x0", "[::1]", "[::]"),  # noqa: S104
    *("[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::7f00:1]"),
    *("[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]"),
    *("[2002:7f00:0001::1]", "[2001:0:7f00:1::]", "[2001::1]", "[fe80::1]", "[fec0::1]"),
    *("169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.1.1"),
    *("[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]"),
    "[2002:a9fe:a9fe::]",
    *("[fd00:ec2::254]", "[fd20:ce::254]", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "0300.0250.0.1"),
    *("3232235521", "[::ffff:10.0.0.1]", "[fd00::1]", "[fc00::1]", "100.64.0.1", "100.127.255.254"),
    *("192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1", "192.88.99.1", "240.0.0.1"),
    *("255.255.255.255", "224.0.0.1", "239.255.255.250", "[ff02::1]", "[ff0e::1]"),
    *("[2001:db8::1]", "[3fff::1]", "[100::1]", "[5f00::1]", "[2001:10::1]"),
)  # fmt: skip


class Speaker:
    """A real server on loopback that does as the test says with each connection."""

    def __init__(self, talk: Callable[[socket.socket], None], host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, 0), family=family)
        self.port = int(self._socket.getsockname()[1])
        self.connects = 0
        self.done = threading.Event()
        self._talk = talk
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self.connects += 1
            with client:
                client.settimeout(5)
                try:
                    self._talk(client)
                except OSError:
                    continue


def asked(client: socket.socket) -> bytes:
    """Read a request up to the end of its body, which is "{}"."""
    seen = b""
    while not seen.endswith(b"{}"):
        piece = client.recv(65536)
        if not piece:
            return seen
        seen += piece
    return seen


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    def talk(client: socket.socket) -> None:
        if asked(client):
            client.sendall(answer)

    return talk


def post(port: int, host: str = "127.0.0.1", scheme: str = "http", **given: object) -> Answer:
    way = Egress(f"{scheme}://{host}:{port}/x", **{"limits": LIMITS, "lan": LAN, **given})  # type: ignore[arg-type]
    try:
        return way.send("POST", {"content-type": "application/json"}, b"{}")
    finally:
        way.close()


# -- addresses


def test_O10_no_spelling_of_an_inner_address_is_connected_to() -> None:
    """Sixty spellings and more: refused at dial time, connects 0."""
    with Speaker(answering(OK)) as inner, Speaker(answering(OK), "::1") as inner6:
        for host in SPELLINGS:
            for port in (inner.port, inner6.port):
                with pytest.raises((AddressRefused, SinkUnavailable)) as told:
                    post(port, host, lan=())
                # What the resolver itself does not know is no address either.
                assert isinstance(told.value, AddressRefused) or "gaierror" in str(told.value), host
        assert (inner.connects, inner6.connects) == (0, 0)
    assert len(SPELLINGS) >= 60


def test_O10_a_name_that_changes_its_meaning_is_looked_at_each_time() -> None:
    """DNS says a global address first, and ours when it is asked again: nothing is connected to,
    because what was looked at is what is dialled.
    """
    answers = [["127.0.0.1"], ["93.184.215.14"]]
    seen: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        seen.append(host)
        return answers[len(seen) % 2]

    with Speaker(answering(OK)) as inner:
        outer = [dialled(rebinding, inner.port) for _ in range(4)]
        assert inner.connects == 0
    assert outer.count("refused") == 2
    assert len(seen) == 4, "one look for each connection"


def dialled(resolve: Callable[[str, int], list[str]], port: int) -> str:
    try:
        dial("crm.example", port, 0.05, (), resolve).close()
    except AddressRefused:
        return "refused"
    except OSError:
        return "away"
    return "connected"


def test_O10_of_several_addresses_only_those_that_may_be_are_tried() -> None:
    with Speaker(answering(OK)) as inner, Speaker(answering(OK), "::1") as other:
        lan = lan_of(["127.0.0.0/8"])
        sock = dial("crm", inner.port, 2, lan, lambda _h, _p: ["::1", "10.0.0.1", "127.0.0.1"])
        assert sock.getpeername()[0] == "127.0.0.1"
        sock.close()
        assert other.connects == 0


def test_O10_a_redirect_is_an_answer_and_no_way() -> None:
    with Speaker(answering(OK)) as inner:
        where = f"HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:{inner.port}/\r\n\r\n".encode()
        with Speaker(answering(where)) as outer:
            assert post(outer.port).status == 307
        assert inner.connects == 0


BROKERS: Final = {
    "127.0.0.1": "", "::1": "", "10.0.0.1": "", "192.168.7.4": "", "fd00::1": "", "8.8.8.8": "",
    "64:ff9b::808:808": "",
    "0.0.0.0": "unspecified", "::": "unspecified", "::ffff:0.0.0.0": "unspecified",  # noqa: S104
    "169.254.1.1": "link-local", "fe80::1": "link-local", "::ffff:169.254.9.9": "link-local",
    "169.254.169.254": "a cloud's metadata service",
    "100.100.100.200": "a cloud's metadata service",
    "fd00:ec2::254": "a cloud's metadata service", "::ffff:a9fe:a9fe": "a cloud's metadata service",
    "2002:a9fe:a9fe::": "a cloud's metadata service", "2002:e000:1::": "multicast",
    "64:ff9b::a9fe:a9fe": "a cloud's metadata service", "224.0.0.1": "multicast",
    "ff02::1": "multicast",
}  # fmt: skip


@pytest.mark.parametrize("network", ["64:ff9b::/96", "2002::/16"])
def test_O10_a_way_to_everywhere_is_no_network_of_ones_own(network: str) -> None:
    with pytest.raises(ValueError, match="leave it out"):
        lan_of([network])
    inner = ip_address("64:ff9b::a9fe:a9fe")
    assert against(inner, lan_of(["64:ff9b::a800:0/103"])) == "a cloud's metadata service"


@pytest.mark.parametrize("address", BROKERS)
def test_O10_a_broker_may_be_near_and_never_what_is_no_broker(address: str) -> None:
    """Its place is the plant's own network; what can be no far side is refused there, too."""
    assert against(ip_address(address), None) == BROKERS[address]


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "0", "::", "::ffff:0.0.0.0", "169.254.169.254", "fe80::1", "224.0.0.1"],  # noqa: S104
)
def test_O10_mqtt_dials_no_address_that_cannot_be_a_brokers(host: str) -> None:
    """Of these, the unspecified ones would lead to the listener here: connects 0."""
    with Speaker(answering(OK)) as inner, Speaker(answering(OK), "::1") as inner6:
        for port in (inner.port, inner6.port):
            link = broker_at(host, port)
            link.open()
            link.turn(0)
            assert link.refused
            assert "give the broker's own address" in link.why
            link.close()
        assert (inner.connects, inner6.connects) == (0, 0)


def test_O10_mqtt_dials_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that means a broker first and a metadata service then: looked at each time, and what
    is dialled is what was looked at.
    """
    seen: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        seen.append(host)
        return ["127.0.0.1"] if len(seen) % 2 else ["169.254.169.254"]

    monkeypatch.setattr(wire, "dial", partial(dial, resolve=rebinding))
    with Speaker(lambda _client: None) as inner:
        link = broker_at("broker.lan", inner.port)
        refused = []
        for _ in range(4):
            link.open()
            link._due_s = 0.0
            link.turn(0)
            refused.append(link.refused)
            link.close()
        assert refused == [False, True, False, True]
        assert "metadata" in link.why
        wait_until(lambda: inner.connects == 2)
    assert len(seen) == 4, "one look for each connection"


def broker_at(host: str, port: int) -> BrokerLink:
    settings = BrokerSettings(host=host, port=port, connect_within_s=1)
    return BrokerLink("x", settings, Site("gw", HubClock(), str))


def test_a_refusal_says_what_to_do() -> None:
    with pytest.raises(SinkPaused, match=r"127\.0\.0\.1 is no address of the public.*`lan`"):
        post(1, lan=())


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "1.1.1.1"]
)
def test_global_addresses_may_be_reached(address: str) -> None:
    assert against(ip_address(address), ()) == ""


@pytest.mark.parametrize(
    ("network", "why"),
    [
        ("10.0.0.0/7", "too wide"),
        ("0.0.0.0/0", "too wide"),
        ("::/0", "too wide"),
        ("169.254.0.0/16", "metadata|link-local"),
        ("fe80::/16", "link-local"),
        ("224.0.0.0/8", "multicast"),
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.1/8", "no network"),
        ("erp.local", "no network"),
    ],
)
def test_what_is_never_a_far_side_cannot_be_listed(network: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        lan_of([network])


def test_a_listed_network_lets_in_its_own_and_no_more() -> None:
    lan = lan_of(["10.20.0.0/16", "100.64.0.0/10"])

    assert against(ip_address("10.20.3.4"), lan) == ""
    assert against(ip_address("::ffff:10.20.3.4"), lan) == ""
    assert against(ip_address("10.21.0.1"), lan) != ""
    assert against(ip_address("100.100.100.200"), lan) == "a cloud's metadata service"


def test_a_name_that_no_server_could_know_is_unavailable() -> None:
    with pytest.raises(OSError, match="no host name"):
        resolved("a" * 70 + ".example", 80)


# -- answers


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(b"", "head", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{", "Incomplete", id="cut"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "Incomplete|broken",
            id="chunk",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", "head", id="cut in a header"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", "head", id="cut after the status"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", "BadStatusLine|SSH", id="not HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n", "headers", id="headers"),
    ],
)  # fmt: skip
def test_half_an_answer_is_none(answer: bytes, said: str) -> None:
    """Whether it was taken only the far side knows."""
    with Speaker(answering(answer)) as far, pytest.raises(NoAnswer, match=said):
        post(far.port)


def test_a_web_page_comes_as_what_it_is() -> None:
    page = b"<html>Log in</html>"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
    with Speaker(answering(head + page)) as far:
        answer = post(far.port)

    assert (answer.headers["content-type"], answer.body) == ("text/html", page)


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    """As HTTP/1.0 has it, and many a small server still."""
    with Speaker(answering(b'HTTP/1.0 200 OK\r\n\r\n{"receipt": "R-1"}')) as far:
        assert post(far.port).body == b'{"receipt": "R-1"}'


def test_O4_a_huge_answer_is_cut_at_the_limit() -> None:
    """The body is read so far and no further; the rest stays on the wire."""
    sent = 0

    def huge(client: socket.socket) -> None:
        nonlocal sent
        asked(client)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while sent < 64_000_000:
            sent += client.send(b"x" * 65536)

    with Speaker(huge) as far:
        assert len(post(far.port).body) == LIMITS.answer_max_bytes
    assert sent < 64_000_000


@pytest.mark.parametrize("drip", [b"HTTP/1.1 200 OK\r\nx-drip: ", b"", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_O4_a_slow_loris_is_left_at_the_limit(drip: bytes) -> None:
    """In the status, in a header, in the body: the limit is for the whole answer."""

    def loris(client: socket.socket) -> None:
        asked(client)
        client.sendall(drip)
        while not far.done.wait(0.05):
            client.sendall(b".")

    with Speaker(loris) as far:
        began_s = time.monotonic()
        with pytest.raises(NoAnswer):
            post(far.port)
        assert time.monotonic() - began_s < 4 * LIMITS.answer_within_s


def test_O4_a_far_side_that_never_finishes_the_handshake_is_left() -> None:
    """A byte of TLS now and then does not hold the channel."""

    def loris(client: socket.socket) -> None:
        client.sendall(b"\x16\x03\x03\x40\x00")
        while not far.done.wait(0.05):
            client.sendall(b"\x02")

    with Speaker(loris) as far:
        began_s = time.monotonic()
        with pytest.raises((SinkUnavailable, NoAnswer)):
            post(far.port, scheme="https", limits=LIMITS._replace(connect_within_s=0.5))
        assert time.monotonic() - began_s < 3


def test_nobody_there_is_told_from_no_answer() -> None:
    """A closed port: nothing was sent, so nothing can have been taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(SinkUnavailable, match="refused"):
            post(taken.getsockname()[1])


def test_it_speaks_ipv6() -> None:
    with Speaker(answering(OK), "::1") as far:
        assert post(far.port, "[::1]").status == 200


# -- TLS


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def dressed(ca: trustme.CA, *names: str) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names).configure_cert(context)

    def talk(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as inside:
            answering(OK)(inside)

    return talk


@pytest.fixture
def trust(ca: trustme.CA, tmp_path: Path) -> Trust:
    file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    return Trust(ca_file=file)


def named(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def test_the_address_is_pinned_and_the_certificate_is_the_names(
    ca: trustme.CA, trust: Trust
) -> None:
    """The name is asked for in the handshake and is what the certificate must be for."""
    with Speaker(dressed(ca, "crm.example")) as far:
        given = {"scheme": "https", "trust": trust, "resolve": named}
        assert post(far.port, "crm.example", **given).status == 200
        with pytest.raises(SinkUnavailable, match=r"(?i)certificate"):
            post(far.port, "other.example", **given)


def test_a_certificate_of_nobody_is_refused(ca: trustme.CA) -> None:
    """There is no setting that would take it."""
    with (
        Speaker(dressed(ca, "crm.example")) as far,
        pytest.raises(SinkUnavailable, match=r"(?i)certificate verify failed"),
    ):
        post(far.port, "crm.example", scheme="https", resolve=named)
    assert set(Trust._fields) == {"ca_file", "cert_file", "key_file"}


def test_an_expired_certificate_is_refused(ca: trustme.CA, trust: Trust) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    past = datetime(2020, 1, 1, tzinfo=UTC)
    ca.issue_cert("crm.example", not_before=past, not_after=past).configure_cert(context)

    def talk(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as inside:
            answering(OK)(inside)

    with Speaker(talk) as far, pytest.raises(SinkUnavailable, match=r"(?i)expired"):
        post(far.port, "crm.example", scheme="https", trust=trust, resolve=named)
