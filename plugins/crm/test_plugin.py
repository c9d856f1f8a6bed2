"""The CRM sink: what is sent is signed as the standard says, and every answer has a meaning."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from hub import ConfigError, Parcel, SinkPaused, SinkUnavailable, Site
from hub.testing import HandClock
from plugins.crm.answers import LONGEST_REST_S, RECEIPT_MAX, meaning, retry_after_s
from plugins.crm.settings import CrmSettings
from plugins.crm.signature import key_of, signature
from plugins.crm.sink import Crm

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
KEY = "01JD000000000000000000000A-crm"
URL = "https://crm.example.com/hook"
PARCEL = Parcel("P1", "crm", KEY, "2026-1184", "verdict", '{"压":1}'.encode(), 0)


def means(status: int, body: object = None, **headers: str) -> tuple[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    word, text = meaning(status, named, raw, KEY, URL, 1_790_000_000.0)
    return word, text


# -- answers


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_2xx_is_taken(status: int) -> None:
    """With the receipt the CRM names, or an empty one."""
    assert means(status, {"receipt": "CRM-7"}) == ("taken", "CRM-7")
    assert means(status, b"") == ("taken", "")


@pytest.mark.parametrize(
    ("body", "receipt"),
    [
        ({"receipt": "R", "id": "I"}, "R"),
        ({"id": 17}, "17"),
        ({"id": True}, ""),
        ({"receipt": {"deep": 1}}, ""),
        ([1, 2], ""),
        (b"\xff\xfe not json", ""),
        (b"[" * 100_000, ""),
        ({"receipt": "line\nbreak"}, "line?break"),
        ({"receipt": "x" * 5000}, "x" * RECEIPT_MAX),
    ],
)
def test_a_receipt_is_short_text_on_one_line(body: object, receipt: str) -> None:
    """Whatever the far side sends, the record gets something fit to print."""
    assert means(200, body) == ("taken", receipt)


def test_a_web_page_is_no_receipt() -> None:
    """A login page or a portal answers 200 too, and has taken nothing."""
    word, why = means(200, b"<html>", content_type="text/html; charset=utf-8")

    assert word == "waiting"
    assert "web page" in why


@pytest.mark.parametrize("status", [400, 404, 405, 410, 412, 413, 415, 418, 422])
def test_a_refusal_is_final_and_quotes_only_a_code(status: int) -> None:
    """What the CRM says in words may name a customer, so it is not kept."""
    word, why = means(status, {"code": "unknown_order", "message": "张三 13800000000"})

    assert word == "refused"
    assert why == f"{URL} answered {status} (unknown_order)"


@pytest.mark.parametrize("status", [100, 408, 425, 500, 502, 503, 504, 599, 600])
def test_what_may_pass_is_tried_again(status: int) -> None:
    """Nothing is lost to a server that is ill."""
    assert means(status)[0] == "waiting"


def test_a_conflict_is_taken_only_when_it_names_our_key() -> None:
    """409 is also what a CRM says that is still at work on the first attempt."""
    assert means(409, {"key": KEY, "receipt": "R"}) == ("taken", "R")
    assert means(409, idempotency_key=KEY) == ("taken", "")
    assert means(409, {"key": "another"})[0] == "waiting"
    assert means(409, b"locked")[0] == "waiting"


@pytest.mark.parametrize("status", [401, 403, 407])
def test_refused_credentials_pause_the_channel(status: int) -> None:
    """The fault is ours or theirs, but not the parcel's."""
    with pytest.raises(SinkPaused, match=r"credentials.*outbox retry"):
        means(status)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_pauses_the_channel_and_names_the_place(status: int) -> None:
    """It is never followed: the place could be inside our own network."""
    with pytest.raises(SinkPaused, match=r"http://10\.0\.0\.1/.*set url"):
        means(status, location="http://10.0.0.1/")


def test_a_busy_crm_says_how_long_to_wait() -> None:
    """In seconds or as a date; a rest without an end is cut to an hour."""
    with pytest.raises(SinkUnavailable) as busy:
        means(429, retry_after="17")
    assert busy.value.retry_after_s == 17
    with pytest.raises(SinkUnavailable) as busy:
        means(503, retry_after="9")
    assert busy.value.retry_after_s == 9
    with pytest.raises(SinkUnavailable) as busy:
        means(429)
    assert busy.value.retry_after_s == 0
    now = datetime(2026, 11, 23, 8, tzinfo=UTC)
    later = (now + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert retry_after_s(later, now.timestamp()) == 90
    assert retry_after_s(later, now.timestamp() + 1000) == 0
    assert retry_after_s("99999999", 0) == LONGEST_REST_S
    wrong = ("", "soon", "-5", "1e9", "²", "Mon, 1 Jan 99999999999 00:00:00 GMT")
    assert [retry_after_s(text, 0) for text in wrong] == [0] * len(wrong)
    assert retry_after_s("Mon, 01 Jan 2026 00:00:00 +99999999999999", 0) == 0


# -- signature


def test_the_standards_own_library_accepts_our_signature() -> None:
    """For any body, Chinese text and empty ones included."""
    at_s = int(datetime.now(UTC).timestamp())
    for body in (PARCEL.body, b"", b'{"a":1}'):
        headers = signed(body, at_s, SECRET)
        Webhook(SECRET).verify(body, headers, json_parse=False)


def test_a_changed_byte_id_or_time_breaks_the_signature() -> None:
    """None of the three can be altered or replayed under another id."""
    at_s = int(datetime.now(UTC).timestamp())
    headers = signed(PARCEL.body, at_s, SECRET)
    for changed, body in (
        (headers, PARCEL.body + b" "),
        ({**headers, "webhook-id": "other"}, PARCEL.body),
        ({**headers, "webhook-timestamp": str(at_s + 1)}, PARCEL.body),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, changed, json_parse=False)


def test_two_secrets_give_two_signatures_that_each_side_can_use() -> None:
    """While a key is changed, the old and the new receiver both accept."""
    headers = signed(PARCEL.body, int(datetime.now(UTC).timestamp()), SECRET, OTHER)

    Webhook(SECRET).verify(PARCEL.body, headers, json_parse=False)
    Webhook(OTHER).verify(PARCEL.body, headers, json_parse=False)


def signed(body: bytes, at_s: int, *secrets: str) -> dict[str, str]:
    return {
        "webhook-id": KEY,
        "webhook-timestamp": str(at_s),
        "webhook-signature": signature([key_of(s) for s in secrets], KEY, at_s, body),
    }


@pytest.mark.parametrize(
    "secret", ["", "hunter2", "whsec_", "whsec_!!!!", "whsec_" + base64.b64encode(b"s").decode()]
)
def test_a_secret_that_is_none_pauses_the_channel_without_showing_it(secret: str) -> None:
    """The text says what is wrong with it and never what it is."""
    sink = Crm("crm", CrmSettings(url=URL, secrets=("sign",)), site({"sign": secret}))

    with pytest.raises(SinkPaused, match='secret "sign"') as told:
        sink.open()
    assert not secret or secret.removeprefix("whsec_") not in str(told.value) or secret == "whsec_"


def test_a_missing_secret_pauses_the_channel() -> None:
    """With the hub's own advice where to put it."""
    sink = Crm("crm", CrmSettings(url=URL, secrets=("sign",)), site({}))

    with pytest.raises(SinkPaused, match="sign"):
        sink.open()


# -- settings


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": "http://crm/"}, "allow_plain_http"),
        ({"url": "ftp://crm/"}, "https://"),
        ({"url": "https:///hook"}, "no host"),
        ({"url": "https://user:pw@crm/"}, "user or password"),
        ({"url": "https://crm/#top"}, "fragment"),
        ({"secrets": ()}, "secrets"),
        ({"secrets": ("a", "b", "c")}, "secrets"),
        ({"key_file": "/k"}, "cert_file"),
        ({"verify": False}, "verify"),
    ],
)
def test_settings_that_would_be_unsafe_are_refused(given: Mapping[str, Any], why: str) -> None:
    """There is no switch that turns the check of certificates off."""
    with pytest.raises(ValidationError, match=why):
        CrmSettings.model_validate({"url": URL, "secrets": ("sign",), **given})


# -- on the wire


class _Crm(BaseHTTPRequestHandler):
    seen: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def crm() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    seen: list[tuple[dict[str, str], bytes]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (_Crm,), {"seen": seen}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook?site=7", seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_stored_bytes_go_out_as_they_are(
    crm: tuple[str, list[tuple[dict[str, str], bytes]]],
) -> None:
    """Body verbatim, key in both headers, token as bearer, signature true."""
    url, seen = crm
    settings = CrmSettings(
        url=url, secrets=("sign",), token="tok", allow_plain_http=True, lan=("127.0.0.0/8",)
    )
    sink = Crm("crm", settings, site({"sign": SECRET, "tok": "t-1"}))
    sink.open()
    delivery = sink.deliver([PARCEL], "P1")
    sink.close()

    ((headers, body),) = seen
    assert delivery.taken == {"P1": ""}
    assert body == PARCEL.body
    assert headers["idempotency-key"] == headers["webhook-id"] == KEY
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["authorization"] == "Bearer t-1"
    Webhook(SECRET).verify(body, headers, json_parse=False)


def test_close_is_safe_twice_and_before_open() -> None:
    """The channel closes whatever happened before."""
    sink = Crm("crm", CrmSettings(url=URL, secrets=("sign",)), site({}))
    sink.close()
    sink.close()


def site(secrets: Mapping[str, str]) -> Site:
    def secret(name: str) -> str:
        if name not in secrets:
            raise ConfigError(f'secret "{name}" is nowhere')
        return secrets[name]

    return Site("gw-1", HandClock(), secret)
