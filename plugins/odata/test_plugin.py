"""What can be told without any far side; with a stub that speaks: tests/test_odata.py."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from hub import ConfigError, NoAnswer, SinkPaused, SinkUnavailable, Site
from hub.testing import HandClock
from plugins.odata.service import Ailing, Rejected, Stale, _value
from plugins.odata.settings import OdataSettings
from plugins.odata.sink import Odata

GOOD: Mapping[str, Any] = {
    "url": "https://erp.example.com/odata",
    "token": "t",
    "entity": "Notifications",
    "reference": "Reference",
    "properties": {"Code": "code"},
}
ERROR = {"error": {"code": "X1", "message": "张三 13800000000"}}


@pytest.mark.parametrize(
    ("status", "body", "trouble", "why"),
    [
        (200, b"<html>", NoAnswer, "without whole JSON"),
        (200, b"[1]", NoAnswer, "without whole JSON"),
        (302, b"", SinkPaused, "a redirect"),
        (401, b"", SinkPaused, "the token is refused"),
        (403, b"", SinkPaused, "the token is refused"),
        (404, b"", SinkPaused, "no such service"),
        (412, ERROR, Stale, "looked at again"),
        (428, ERROR, Ailing, "wants an ETag"),
        (400, ERROR, Rejected, r"400 \(X1\)"),
        (409, ERROR, Rejected, r"409 \(X1\)"),
        (422, {"error": {"code": "张三"}}, Rejected, r"422 \(-\)"),
        (400, b"<html>", Ailing, "400"),
        (408, ERROR, Ailing, "408"),
        (500, ERROR, Ailing, "500"),
        (502, b"", NoAnswer, "a proxy gave up"),
        (503, b"", SinkUnavailable, "503"),
    ],
)
def test_each_odd_answer_has_a_name(
    status: int, body: object, trouble: type[Exception], why: str
) -> None:
    """None of them is taken for an entity, and no words of theirs are kept."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(trouble, match=why) as told:
        _value(status, {}, raw, "GET N")
    assert "张三" not in str(told.value)


def test_no_content_is_an_empty_entity() -> None:
    """204 after a change."""
    assert _value(204, {}, b"", "PATCH N") == {}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": "http://erp/odata"}, "allow_plain_http"),
        ({"url": "https://erp/odata?x"}, "https://HOST/PATH"),
        ({"entity": "N?$filter"}, "no OData name"),
        ({"reference": "a eq b"}, "no OData name"),
        ({"codes": {"PASS": "1", "FAIL": "2"}}, "a code of its own"),
        ({"codes": {"PASS": "1", "FAIL": "2", "INCONCLUSIVE": "1", "ABORTED": "3"}}, "success"),
        ({"properties": {"Text": "title"}}, "no place for `code`"),
        ({"properties": {"Code": "code", "X": "colour"}}, "use one of code"),
        ({"properties": {"Code": "code", "Reference": "order"}}, "stands in properties, too"),
        ({"events": ["alarm"]}, "events"),
        ({"verify": False}, "verify"),
    ],
)
def test_settings_that_would_not_do_are_refused(given: Mapping[str, Any], why: str) -> None:
    """Among them every mapping that could make a success of what is none."""
    with pytest.raises(ValidationError, match=why):
        OdataSettings.model_validate({**GOOD, **given})


def test_a_missing_token_pauses_the_channel() -> None:
    """With the hub's own advice where to put it."""

    def secret(name: str) -> str:
        raise ConfigError(f'secret "{name}" is nowhere')

    sink = Odata(OdataSettings.model_validate(GOOD), Site("gw", HandClock(), secret))
    with pytest.raises(SinkPaused, match='"t" is nowhere'):
        sink.open()
    sink.close()
