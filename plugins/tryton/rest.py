"""Tryton's REST interface: find, create, write, press a button. Records are plain mappings.

Source: trytond 8.2, protocols/rest.py. A search's domain stands base64 in `d`, its fields in `f`,
its order in `o`, its page in `s` (size) and `p` (offset).
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from hub import Egress, Limits, Trust, lan_of
from plugins.tryton.answers import Ailing, value
from plugins.tryton.settings import TrytonSettings

PAGE: Final = 100
Record = Mapping[str, Any]
Domain = Sequence[Any]


class Rest:
    """One connection with one key. Raises what `plugins.tryton.answers` and `Egress.send` name."""

    def __init__(self, settings: TrytonSettings, key: str) -> None:
        self._base = urlsplit(settings.url).path.rstrip("/") + "/rest/model/"
        self._headers = {
            "accept": "application/json",
            "accept-encoding": "identity",
            "accept-language": "en",  # errors are told apart by their English words
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
            "user-agent": "gashub",
        }
        self._way = Egress(
            settings.url,
            limits=Limits(
                settings.connect_within_s, settings.answer_within_s, settings.answer_max_bytes
            ),
            trust=Trust(settings.ca_file, settings.cert_file, settings.key_file),
            lan=lan_of(settings.lan),
        )

    def find(
        self, model: str, domain: Domain, *fields: str, size: int = PAGE, offset: int = 0
    ) -> list[Record]:
        """Records of *model* in *domain*, by id; `size` at the most."""
        asked = [("d", _packed(domain)), ("o", _packed([["id", "ASC"]]))]
        asked += [("s", str(size)), ("p", str(offset)), *(("f", field) for field in fields)]
        found = self._ask("GET", f"{model}?{urlencode(asked)}", model)
        if not isinstance(found, list):
            raise Ailing(f"GET {model}: answered with no list; is it Tryton's REST?")
        return [_whole(one, model, fields) for one in found]

    def each(self, model: str, domain: Domain, *fields: str) -> Iterator[Record]:
        """All of them, a page at a time, by their ids: a record that is added shifts no page."""
        last = 0
        while page := self.find(model, [*domain, ["id", ">", last]], *fields):
            yield from page
            last = page[-1]["id"]

    def create(self, model: str, values: Record, *fields: str) -> Record:
        made = self._ask("POST", f"{model}?{_fields(fields)}", model, values)
        return _whole(made, model, fields)

    def write(self, model: str, id: int, values: Record) -> None:
        self._ask("PUT", f"{model}/{id}?f=id", model, values)

    def press(self, model: str, id: int, button: str, *fields: str) -> Record:
        pressed = self._ask("POST", f"{model}/{id}/{button}?{_fields(fields)}", model, {})
        return _whole(pressed, model, fields)

    def close(self) -> None:
        self._way.close()

    def _ask(self, method: str, target: str, model: str, values: Record | None = None) -> Any:
        body = b"" if values is None else json.dumps(values).encode()
        answer = self._way.send(method, self._headers, body, self._base + target)
        return value(answer.status, answer.headers, answer.body, f"{method} {model}")


def _whole(told: object, model: str, fields: Sequence[str]) -> Record:
    """A record with every field that was asked for. raises Ailing"""
    if not isinstance(told, dict) or not isinstance(told.get("id"), int):
        raise Ailing(f"{model}: answered with no record; is it Tryton's REST?")
    if missing := [field for field in fields if field not in told]:
        raise Ailing(f"{model}: answered without {missing[0]}; may the key's user read it?")
    return told


def binary(data: bytes) -> Record:
    """Bytes as Tryton's JSON has them."""
    return {"__class__": "bytes", "base64": base64.b64encode(data).decode()}


def data_of(told: object) -> bytes:
    """The inverse of `binary`; empty for what is none."""
    if isinstance(told, Mapping) and isinstance(told.get("base64"), str):
        return base64.b64decode(told["base64"])
    return b""


def literal(text: str) -> str:
    """*text* for Tryton's `like`, where `_` and `%` stand for others."""
    return text.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")


def moment(at: datetime) -> Record:
    """A time as Tryton's JSON has it: UTC without saying so, whole seconds."""
    utc = at.astimezone(UTC)
    parts = ("year", "month", "day", "hour", "minute", "second")
    return {
        "__class__": "datetime",
        **{part: getattr(utc, part) for part in parts},
        "microsecond": 0,
    }


def _packed(given: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(given).encode()).decode()


def _fields(fields: Sequence[str]) -> str:
    return "&".join(f"f={quote(field)}" for field in fields)
