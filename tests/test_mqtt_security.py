"""Who we are to the broker and whom we trust: refused is refused, and the text says what to do."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from hub import ConfigError
from hub.simulate.mosquitto import Mosquitto
from tests.mqtt_rig import LinkRig, Speaker, body

PASSWORD_HASHER = "mosquitto_passwd"


class Certificates(NamedTuple):
    authority: trustme.CA
    ca: Path
    other_ca: Path
    server_cert: Path
    server_key: Path
    client_cert: Path
    client_key: Path
    stranger_cert: Path
    stranger_key: Path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Two authorities; the server's and one client's certificate are from the first."""
    folder = tmp_path_factory.mktemp("certificates")
    ours, theirs = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(folder / "ca.pem")
    theirs.cert_pem.write_to_path(folder / "other.pem")
    for name, authority, subject in (
        ("server", ours, "localhost"),
        ("client", ours, "gw-test"),
        ("stranger", theirs, "gw-test"),
    ):
        made = authority.issue_cert(subject)
        made.private_key_pem.write_to_path(folder / f"{name}.key")
        made.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    return Certificates(
        ours,
        folder / "ca.pem",
        folder / "other.pem",
        folder / "server.pem",
        folder / "server.key",
        folder / "client.pem",
        folder / "client.key",
        folder / "stranger.pem",
        folder / "stranger.key",
    )


def tls_lines(certificates: Certificates, *, clients: bool) -> list[str]:
    return [
        "allow_anonymous true",
        f"cafile {certificates.ca}",
        f"certfile {certificates.server_cert}",
        f"keyfile {certificates.server_key}",
        f"require_certificate {'true' if clients else 'false'}",
    ]


@pytest.fixture
def tls_broker(tmp_path: Path, certificates: Certificates) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path, tls_lines(certificates, clients=False)) as started:
        yield started


@pytest.fixture
def strict_broker(tmp_path: Path, certificates: Certificates) -> Iterator[Mosquitto]:
    """Takes clients with a certificate only."""
    with Mosquitto(tmp_path, tls_lines(certificates, clients=True)) as started:
        yield started


@pytest.fixture
def login_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Knows the user "hub" with the password "correct", who may read gas/# only."""
    passwords, access = tmp_path / "passwords", tmp_path / "access"
    subprocess.run(
        [PASSWORD_HASHER, "-b", "-c", str(passwords), "hub", "correct"],
        check=True,
        capture_output=True,
    )
    access.write_text("user hub\ntopic readwrite gas/#\n")
    lines = ["allow_anonymous false", f"password_file {passwords}", f"acl_file {access}"]
    with Mosquitto(tmp_path, lines) as started:
        yield started


def test_a_trusted_broker_is_read_over_tls(
    tls_broker: Mosquitto, certificates: Certificates
) -> None:
    """More than one TLS record of messages, so that none is left behind in a buffer."""
    with LinkRig(
        tls_broker.port, host="localhost", tls=True, ca_file=str(certificates.ca)
    ).subscribed() as link:
        link.driver.close()
        publisher = LinkRig(
            tls_broker.port, host="localhost", tls=True, ca_file=str(certificates.ca), client_id="p"
        )
        with publisher.subscribed():
            client = publisher.driver._link.client
            for seq in range(1, 501):
                client.publish("gas/g-1", body(seq), qos=1)
            publisher.run_until(lambda: len(publisher.readings) == 500)

    assert publisher.seqs == list(range(1, 501))


def test_a_broker_of_another_authority_is_refused(
    tls_broker: Mosquitto, certificates: Certificates
) -> None:
    """No connection, no reading; the text names the setting to look at."""
    with LinkRig(
        tls_broker.port, host="localhost", tls=True, ca_file=str(certificates.other_ca)
    ) as link:
        link.run_until(lambda: link.said("link_refused"))
        link.run_quiet(30)

    assert "ca_file" in link.detail("link_refused")
    assert "not trusted" in link.detail("link_refused")
    assert not link.said("session_new")


def test_a_broker_of_another_name_is_refused(
    tls_broker: Mosquitto, certificates: Certificates
) -> None:
    """Its certificate is for localhost; we asked for 127.0.0.1."""
    with LinkRig(tls_broker.port, tls=True, ca_file=str(certificates.ca)) as link:
        link.run_until(lambda: link.said("link_refused"))

    assert "host name" in link.detail("link_refused")


def test_a_broker_whose_certificate_has_expired_is_refused(
    tmp_path: Path, certificates: Certificates
) -> None:
    """The right authority, but yesterday."""
    expired = certificates.authority.issue_cert(
        "localhost", not_after=datetime.now(UTC) - timedelta(days=1)
    )
    expired.private_key_pem.write_to_path(tmp_path / "expired.key")
    expired.cert_chain_pems[0].write_to_path(tmp_path / "expired.pem")
    lines = tls_lines(
        certificates._replace(
            server_cert=tmp_path / "expired.pem", server_key=tmp_path / "expired.key"
        ),
        clients=False,
    )
    with (
        Mosquitto(tmp_path, lines) as broker,
        LinkRig(broker.port, host="localhost", tls=True, ca_file=str(certificates.ca)) as link,
    ):
        link.run_until(lambda: link.said("link_refused"))

    assert "expired" in link.detail("link_refused")


def test_a_client_certificate_lets_us_in(
    strict_broker: Mosquitto, certificates: Certificates
) -> None:
    """The broker requires one and we have it."""
    with LinkRig(
        strict_broker.port,
        host="localhost",
        tls=True,
        ca_file=str(certificates.ca),
        cert_file=str(certificates.client_cert),
        key_file=str(certificates.client_key),
    ).subscribed() as link:
        assert link.said("session_new")


@pytest.mark.parametrize("whose", ["none", "a_strangers"])
def test_without_the_right_client_certificate_nothing_is_read(
    strict_broker: Mosquitto, certificates: Certificates, whose: str
) -> None:
    """The broker ends the connection; we say so and never get a session."""
    more = {}
    if whose == "a_strangers":
        more = {
            "cert_file": str(certificates.stranger_cert),
            "key_file": str(certificates.stranger_key),
        }
    with LinkRig(
        strict_broker.port, host="localhost", tls=True, ca_file=str(certificates.ca), **more
    ) as link:
        link.run_until(lambda: link.said("link_refused") or link.said("link_lost"))
        link.run_quiet(30)

    assert not link.said("session_new")


def test_a_certificate_file_that_is_missing_is_named(tmp_path: Path) -> None:
    """At open, before anything is sent."""
    link = LinkRig(1, host="localhost", tls=True, ca_file=str(tmp_path / "absent.pem"))

    with pytest.raises(ConfigError, match=r"absent\.pem"):
        link.driver.open()


def test_the_right_password_is_taken_from_the_secret(login_broker: Mosquitto) -> None:
    """The config has its name only."""
    with (
        LinkRig(
            login_broker.port, secrets={"mq": "correct"}, user="hub", password_secret="mq"
        ).subscribed() as link,
        Speaker(login_broker.port, user="hub", password="correct") as speaker,
    ):
        speaker.say(body(1))
        link.run_until(lambda: link.seqs == [1])


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_wrong_password_is_refused_with_the_remedy(
    login_broker: Mosquitto, protocol: str
) -> None:
    """Said once, however often it is tried; the password itself is never said."""
    with LinkRig(
        login_broker.port,
        secrets={"mq": "wr0ng"},
        user="hub",
        password_secret="mq",
        protocol=protocol,
    ) as link:
        link.run_until(lambda: link.said("link_refused"))
        link.run_quiet(60)

    assert [notice.what for notice in link.notices] == ["link_refused"]
    assert "password_secret" in link.detail("link_refused")
    assert "wr0ng" not in str(link.notices)
