"""What can be told without a Tryton; with a real one: tests/test_tryton.py."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from hub import ConfigError, Fence, NoAnswer, Parcel, SinkPaused, SinkUnavailable, Site
from hub.testing import HandClock
from plugins.tryton.answers import Ailing, Overtaken, Rejected, value
from plugins.tryton.page import verdict_page
from plugins.tryton.rest import binary, data_of
from plugins.tryton.settings import TrytonSettings
from plugins.tryton.sink import Tryton

GOOD = {"url": "https://erp.example.com/gas", "key": "k", "company": "GAS"}


def said(
    status: int, body: object = None, kind: str = "application/json", **headers: str
) -> object:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return value(status, {"content-type": kind, **named}, raw, "GET party.party")


# -- answers


def test_a_good_answer_is_its_json() -> None:
    """And no content is None."""
    assert said(200, [1]) == [1]
    assert said(204, b"") is None


@pytest.mark.parametrize(
    ("status", "body", "kind", "trouble", "why"),
    [
        (200, b"<html>", "text/html", Ailing, "expected JSON"),
        (200, b"[1", "application/json", NoAnswer, "broken JSON"),
        (301, b"", "text/html", SinkPaused, "a redirect"),
        (308, b"", "text/html", SinkPaused, "a redirect"),
        (401, b"", "text/html", SinkPaused, "expired, is revoked"),
        (403, b"", "text/html", SinkPaused, "expired, is revoked"),
        (404, b"", "text/html", SinkPaused, "no such database"),
        (408, b"", "text/html", Ailing, "408"),
        (425, b"", "text/html", Ailing, "425"),
        (400, b"", "text/html", Ailing, "is it a proxy"),
        (413, b"", "text/html", Ailing, "is it a proxy"),
        (500, b"<p>&#39;nmae&#39;</p>", "text/html", Ailing, "it has no 'nmae'"),
        (500, b"<p>'na.me'</p>", "text/html", Ailing, "it has no 'na.me'"),
        (500, "<p>'张三'</p>".encode(), "text/html", Ailing, "500; it needs"),
        (502, b"", "text/html", NoAnswer, "a proxy gave up"),
        (504, b"", "text/html", NoAnswer, "a proxy gave up"),
        (503, b"", "text/html", SinkUnavailable, "503"),
        (429, b"", "text/html", SinkUnavailable, "429"),
    ],
)
def test_each_odd_answer_has_a_name(
    status: int, body: bytes, kind: str, trouble: type[Exception], why: str
) -> None:
    """None of them is taken for a value, and none burns a parcel."""
    with pytest.raises(trouble, match=why):
        said(status, body, kind)


@pytest.mark.parametrize(
    ("message", "trouble", "code"),
    [
        ("The code on party must be unique.", Overtaken, "unique"),
        ('You are not allowed to create records of "X"', SinkPaused, "rights"),
        ('A value is required for field "Name".', Rejected, "missing"),
        ('The value for field "X" is not valid', Rejected, "domain"),
        ('You can not call "process" on "1"', Rejected, "state"),
        ("张三 13800000000", Rejected, "other"),
    ],
)
def test_of_a_user_error_only_its_class_is_kept(
    message: str, trouble: type[Exception], code: str
) -> None:
    """The words may name a customer."""
    with pytest.raises(trouble) as told:
        said(400, {"status": 400, "message": message, "description": ""})
    assert f"({code})" in str(told.value)
    assert message not in str(told.value)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[]", b"{", b'"x"', b'{"message": 7}'])
def test_a_user_error_that_is_none_of_its_forms_is_other(body: bytes) -> None:
    """It is refused, with no words of it."""
    with pytest.raises(Rejected, match=r"\(other\)"):
        said(400, body)


def test_a_rest_that_was_asked_for_is_kept() -> None:
    """As long as it says, an hour at the most."""
    for asked, kept in (("17", 17), ("99999999", 3600), ("soon", 5), ("", 5)):
        with pytest.raises(SinkUnavailable) as told:
            said(503, retry_after=asked)
        assert told.value.retry_after_s == kept


# -- the fence


class Time:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_the_fence_waits_after_a_start_for_what_is_older() -> None:
    """What is newer than the start cannot have been sent before it."""
    time = Time()
    fence = Fence(30, 1000, time)
    with pytest.raises(SinkUnavailable, match="another 30 s"), fence.writing(1000):
        pytest.fail("nothing may be sent")
    with fence.writing(1001):
        pass
    time.now_s = 30
    with fence.writing(1000):
        pass


def test_the_fence_waits_after_a_missing_answer_for_all() -> None:
    """And only after one: a refusal is an answer."""
    time = Time()
    fence = Fence(30, 1000, time)
    with pytest.raises(Rejected), fence.writing(2000):
        raise Rejected("no", "other")
    with pytest.raises(NoAnswer), fence.writing(2000):
        raise NoAnswer("cut")
    time.now_s = 10
    with pytest.raises(SinkUnavailable) as told, fence.writing(2000):
        pytest.fail("nothing may be sent")
    assert told.value.retry_after_s == 20
    time.now_s = 30
    with fence.writing(2000):
        pass


# -- values, page, settings


@pytest.mark.parametrize("data", [b"", b"\x00\xff", "压".encode() * 100])
def test_bytes_survive_trytons_json(data: bytes) -> None:
    """As it sends them, too: with line ends in the base64."""
    assert data_of(json.loads(json.dumps(binary(data)))) == data
    assert data_of({"base64": base64.encodebytes(data).decode()}) == data
    assert data_of(None) == b""


EVENT: Mapping[str, Any] = {
    "id": "01JD",
    "data": {
        "order": "<script>",
        "step": "riser",
        "opened_at": "2026-11-30T08:00:00Z",
        "decided_at": "2026-11-30T08:20:00Z",
        "verdict": {
            "procedure": "riser_hold",
            "verdict": "INCONCLUSIVE",
            "reasons": ["gap"],
            "figures": {"hold_s": "900"},
            "clauses": ["4.4.2", {"clause": "4.4.3"}],
            "rule_pack": {"id": "default", "version": "1"},
            "sentence": {"zh": "不能得出结论。", "en": "Nothing can be concluded."},
        },
        "ledger": {"origin": "gw", "size": 3, "root": "abc="},
    },
}


def test_the_page_has_both_languages_and_no_markup_of_others() -> None:
    """What stands in an order's number is shown, not run."""
    page = verdict_page(EVENT).decode()
    assert "<script" not in page
    for told in ("&lt;script&gt;", "须重做", "to be done again", "不能得出结论", "4.4.2, 4.4.3"):
        assert told in page


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": "http://erp/gas"}, "allow_plain_http"),
        ({"url": "ftp://erp/gas"}, "https://"),
        ({"url": "https://u:p@erp/gas"}, "https://HOST/DATABASE"),
        ({"url": "https://erp/gas?x=1"}, "https://HOST/DATABASE"),
        ({"events": ["alarm"]}, "no place for it"),
        ({"key_file": "/k"}, "cert_file"),
        ({"verify": False}, "verify"),
    ],
)
def test_settings_that_would_be_unsafe_are_refused(given: Mapping[str, Any], why: str) -> None:
    """There is no switch that turns the check of certificates off."""
    with pytest.raises(ValidationError, match=why):
        TrytonSettings.model_validate({**GOOD, **given})


def test_a_missing_key_pauses_the_channel() -> None:
    """With the hub's own advice where to put it."""

    def secret(name: str) -> str:
        raise ConfigError(f'secret "{name}" is nowhere')

    sink = Tryton("t", TrytonSettings.model_validate(GOOD), Site("gw", HandClock(), secret))
    with pytest.raises(SinkPaused, match='"k" is nowhere'):
        sink.open()
    sink.close()


def test_nobody_there_burns_no_parcel() -> None:
    """The channel rests and tries again."""
    given = {**GOOD, "url": "http://127.0.0.1:9/gas", "allow_plain_http": True,
             "lan": ("127.0.0.0/8",)}  # fmt: skip
    settings = TrytonSettings.model_validate(given)
    sink = Tryton("t", settings, Site("gw", HandClock(), lambda _: "k"))
    sink.open()
    with pytest.raises(SinkUnavailable, match="refused"):
        sink.deliver([Parcel("P", "t", "K", "A", "verdict", json.dumps(EVENT).encode(), 0)], "P")
    sink.close()
    sink.close()
