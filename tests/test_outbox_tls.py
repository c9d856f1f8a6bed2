"""The CRM over TLS: the certificate is always checked, ours is shown where it is asked for."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from hub.errors import SinkUnavailable
from hub.simulate.receiver import Receiver, stored
from plugins.crm.sink import Crm
from tests.outbox_rig import crm, deliver


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(ca: trustme.CA, tmp_path: Path) -> Iterator[tuple[Receiver, Path]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    with Receiver(tmp_path / "tls.jsonl", tls=context) as made:
        yield made, ca_file


def test_https_with_the_companys_own_ca(tls: tuple[Receiver, Path]) -> None:
    """The certificate is checked against the file named in the settings."""
    receiver, ca_file = tls

    assert deliver(crm(receiver.url, ca_file=ca_file)[0]).taken == {"P1": "CRM-000001"}


def test_a_certificate_nobody_vouches_for_gets_nothing(tls: tuple[Receiver, Path]) -> None:
    """Not a byte of the event goes out."""
    receiver, _ = tls
    with pytest.raises(SinkUnavailable, match=r"(?i)certificate verify failed"):
        deliver(crm(receiver.url)[0])

    assert list(stored(receiver.file)) == []


def test_a_certificate_for_another_name_gets_nothing(tls: tuple[Receiver, Path]) -> None:
    """A vouched-for certificate of somebody else is somebody else's."""
    receiver, ca_file = tls
    url = receiver.url.replace("localhost", "127.0.0.1")
    with pytest.raises(SinkUnavailable, match=r"(?i)certificate|127\.0\.0\.1"):
        deliver(crm(url, ca_file=ca_file)[0])

    assert list(stored(receiver.file)) == []


def test_a_client_certificate_is_shown_where_it_is_asked_for(
    ca: trustme.CA, tmp_path: Path
) -> None:
    """With it the event is taken, without it there is no channel."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    ca.issue_cert("localhost").configure_cert(context)
    ca.configure_trust(context)
    ca_file, ours = tmp_path / "ca.pem", tmp_path / "client.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    ca.issue_cert("gw@gas.example").private_key_and_cert_chain_pem.write_to_path(str(ours))
    with Receiver(tmp_path / "mtls.jsonl", tls=context) as receiver:
        assert "P1" in deliver(crm(receiver.url, ca_file=ca_file, cert_file=ours)[0]).taken
        assert taken_at_all(crm(receiver.url, ca_file=ca_file)[0]) == {}
        assert sum(request.accepted for request in stored(receiver.file)) == 1


def taken_at_all(sink: Crm) -> dict[str, str]:
    """In TLS 1.3 a missing certificate shows after the handshake, as an alert or as a cut."""
    try:
        return dict(deliver(sink).taken)
    except SinkUnavailable:
        return {}
