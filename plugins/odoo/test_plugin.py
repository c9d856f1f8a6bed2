"""What can be told without any far side; with a stub that speaks: tests/test_odoo.py."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from hub import ConfigError, NoAnswer, SinkPaused, SinkUnavailable, Site
from hub.testing import HandClock
from plugins.odoo.api import Ailing, Api, Rejected
from plugins.odoo.settings import OdooSettings
from plugins.odoo.sink import Odoo

GOOD = {"url": "https://erp.example.com", "database": "gas", "key": "k"}
RECORD = {"id": "gashub.K", "name": "x"}


@contextmanager
def saying(status: int, body: object, **headers: str) -> Iterator[Api]:
    """An Api towards a server that says this to everything."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(raw))}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    given = {**GOOD, "url": url, "allow_plain_http": True, "lan": ("127.0.0.0/8",)}
    api = Api(OdooSettings.model_validate(given), "k")
    try:
        yield api
    finally:
        api.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_id_of_the_one_record_is_its_answer() -> None:
    """As `load` gives it."""
    with saying(200, {"ids": [7], "messages": []}) as api:
        assert api.load("maintenance.request", RECORD) == 7


@pytest.mark.parametrize(
    ("status", "body", "trouble", "why"),
    [
        (200, {"ids": False, "messages": [{"field": "name"}]}, Rejected, "does not take name"),
        (200, {"ids": False, "messages": [{"field": "张三"}]}, Rejected, "take a field"),
        (200, {"ids": [], "messages": []}, Rejected, "take a field"),
        (200, {"ids": [True]}, Rejected, "take a field"),
        (200, [1], Ailing, "no result"),
        (200, b"<html>", NoAnswer, "without whole JSON"),
        (200, b"[" * 100_000, NoAnswer, "without whole JSON"),
        (308, b"", SinkPaused, "a redirect"),
        (401, {"name": "werkzeug.exceptions.Unauthorized"}, SinkPaused, "expired"),
        (403, b"<html>", SinkPaused, "expired"),
        (404, b"<html>", SinkPaused, "no such database"),
        (422, {"name": "odoo.exceptions.AccessError"}, SinkPaused, "may not"),
        (422, {"name": "odoo.exceptions.UserError"}, Rejected, r"\(UserError\)"),
        (422, {"name": "psycopg2.errors.SerializationFailure"}, Ailing, "Serialization"),
        (422, {"name": "张 三"}, Ailing, "no name"),
        (500, b"<html>", Ailing, "no name"),
        (502, b"", NoAnswer, "a proxy gave up"),
        (503, b"", SinkUnavailable, "503"),
    ],
)
def test_each_odd_answer_has_a_name(
    status: int, body: object, trouble: type[Exception], why: str
) -> None:
    """None of them is taken for a receipt."""
    with saying(status, body) as api, pytest.raises(trouble, match=why):
        api.load("maintenance.request", RECORD)


def test_a_rest_that_was_asked_for_is_kept() -> None:
    """As long as it says, an hour at the most."""
    with saying(429, b"", retry_after="99999") as api, pytest.raises(SinkUnavailable) as told:
        api.load("maintenance.request", RECORD)
    assert told.value.retry_after_s == 3600


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": "http://erp"}, "allow_plain_http"),
        ({"url": "https://erp/web"}, "https://HOST"),
        ({"url": "https://u:p@erp"}, "https://HOST"),
        ({"events": ["alarm"]}, "takes hazard, notice, verdict"),
        ({"dialect": "jsonrpc"}, "needs login"),
        ({"verify": False}, "verify"),
    ],
)
def test_settings_that_would_not_do_are_refused(given: Mapping[str, Any], why: str) -> None:
    """There is no switch that turns the check of certificates off."""
    with pytest.raises(ValidationError, match=why):
        OdooSettings.model_validate({**GOOD, **given})


def test_a_missing_key_pauses_the_channel() -> None:
    """With the hub's own advice where to put it."""

    def secret(name: str) -> str:
        raise ConfigError(f'secret "{name}" is nowhere')

    sink = Odoo(OdooSettings.model_validate(GOOD), Site("gw", HandClock(), secret))
    with pytest.raises(SinkPaused, match='"k" is nowhere'):
        sink.open()
    sink.close()
