"""What an answer means, frames of HJ 212, and settings that cannot be filed with."""

import json
import random
from typing import Any

import pytest
from pydantic import ValidationError

from hub import BadFrame, HttpsOf, SftpOf, SinkPaused, SinkUnavailable, guarded
from plugins.filing.answers import Heard, heard
from plugins.filing.hj212 import LONGEST, check, frame, unframe
from plugins.filing.settings import HttpsFilingSettings, SftpFilingSettings

WORDS = HttpsOf(kind="https")
ID = "01KB6Y1E9R0000000000000000"
WHO = {
    "profile": "/etc/gashub/filing/city.toml", "company": "某某燃气有限公司",
    "credit_code": "91110000101623741K", "division_code": "110105",
}  # fmt: skip


def told(code: int = 200, /, **answer: Any) -> Heard:
    return heard(WORDS, ID, code, {}, json.dumps({"filing": ID, **answer}).encode())


# -- answers


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        ({"status": "received"}, "submitted"),
        ({"status": "processing"}, "submitted"),
        ({"status": "accepted", "receipt": "R-1"}, "accepted"),
        ({"status": "accepted", "receipt": 17}, "accepted"),
        ({"status": "rejected", "reasons": ["E1"]}, "rejected"),
        ({"status": "rejected", "reasons": "E1"}, "rejected"),
        ({"status": "rejected"}, "rejected"),
        ({"status": "duplicate", "duplicate_of": "01OTHER"}, "duplicate"),
        ({"status": "duplicate", "duplicate_of": ID}, "submitted"),
    ],
)
@pytest.mark.parametrize("status", [200, 202, 400, 404, 409, 422, 500])
def test_a_word_of_the_profile_decides_whatever_the_status(
    answer: dict[str, Any], step: str, status: int
) -> None:
    found = told(status, **answer)

    assert found.said is not None
    assert found.said.step == step


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "accepted"},
        {"status": "accepted", "receipt": True},
        {"status": "accepted", "receipt": "R-1", "filing": "another"},
        {"status": "accepted", "receipt": "R-1", "filing": None},
        {"status": "ok", "receipt": "R-1"},
        {"status": ["accepted"], "receipt": "R-1"},
        {"status": "duplicate"},
        {},
    ],
)
def test_what_is_not_clear_says_nothing(answer: dict[str, Any]) -> None:
    assert told(200, **answer).kind == "nothing"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"<html>", b"\xff", b"[" * 99_999, b'{"status":"accepted"}']
)
def test_rubbish_says_nothing_and_is_no_not_found(body: bytes) -> None:
    for status in (200, 404, 500):
        assert heard(WORDS, ID, status, {}, body).kind == "nothing"
    assert told(404, status="not_found").kind == "absent"
    assert told(200, status="not_found").kind == "absent"


@pytest.mark.parametrize("status", [301, 302, 401, 403, 407])
def test_a_redirect_or_a_refusal_of_ours_pauses(status: int) -> None:
    with pytest.raises(SinkPaused, match=str(status)):
        heard(WORDS, ID, status, {}, b"")


def test_a_rest_that_is_asked_for_is_kept() -> None:
    with pytest.raises(SinkUnavailable) as wait:
        heard(WORDS, ID, 503, {"retry-after": "120"}, b"")
    assert wait.value.retry_after_s == 120
    with pytest.raises(SinkUnavailable) as longest:
        heard(WORDS, ID, 429, {"retry-after": "9" * 9}, b"")
    assert longest.value.retry_after_s == 3600


def test_foreign_text_is_short_and_on_one_line() -> None:
    found = told(
        status="rejected", reasons=["a\nb\x1b[2J" + "x" * 999, None, {"e": 1}] + ["y"] * 99
    )

    assert found.said is not None
    assert found.said.reasons[0].startswith("a?b?[2J")
    assert max(map(len, found.said.reasons)) <= 300
    assert len(found.said.reasons) <= 20


# -- HJ 212


def test_the_frame_has_the_check_of_the_standard() -> None:
    """HJ 212-2017's example; Modbus's CRC of it would be 0759."""
    data = (
        b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
        b"CP=&&RtdInterval=30&&"
    )

    assert len(data) == 101
    assert check(data) == 0x1C80
    assert frame(data) == b"##0101" + data + b"1C80\r\n"
    assert unframe(frame(data)) == data


def test_a_frame_that_was_changed_is_none() -> None:
    chance = random.Random(3)
    framed = frame(b"QN=1;CP=&&x=1&&")
    for _ in range(2000):
        at = chance.randrange(len(framed))
        bent = bytearray(framed)
        bent[at] ^= 1 << chance.randrange(8)
        for one in (bytes(bent), framed[:at], framed + b"\n"):
            with pytest.raises(BadFrame):
                unframe(one)
    with pytest.raises(ValueError, match="a frame of HJ 212 holds"):
        frame(bytes(LONGEST + 1))


# -- settings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "http://a.example"}, "https"),
        ({"url": "https://user:pw@a.example"}, "without user"),
        ({"url": "https://a.example?x=1"}, "without user"),
        ({"url": "https://a.example", "credit_code": "9111"}, "credit_code"),
        ({"url": "https://a.example", "division_code": "11"}, "division_code"),
    ],
)
def test_settings_that_cannot_be_filed_with_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        HttpsFilingSettings.model_validate({**WHO, **given})


def test_a_filing_is_not_given_up_soon_and_goes_alone() -> None:
    """An authority may take weeks; and a sink of filings takes nothing else."""
    made = SftpFilingSettings.model_validate({**WHO, "host": "a.example"})

    assert made.dead_after >= 100_000
    assert made.events == ()
    with pytest.raises(ValidationError, match="events"):
        SftpFilingSettings.model_validate({**WHO, "host": "a.example", "events": ["filing"]})
    assert not hasattr(made, "batch_max")
    assert SftpOf(kind="sftp").receipts == ""


def test_text_that_could_run_in_a_spreadsheet_gets_an_apostrophe() -> None:
    assert [guarded(text) for text in ("=1", "+1", "-1", "@x", "1-1", "")] == [
        "'=1", "'+1", "'-1", "'@x", "1-1", ""
    ]  # fmt: skip
