"""The configuration as it may be shown to strangers. Pure.

What its model marks as the name of a secret is not shown, since a secret itself may stand there by
mistake. Of a kind that nobody here knows, no text is shown at all. Elsewhere a text goes that
carries a secret (`hub.credentials.inline`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel

from hub.config import Config, LineSettings, PluggedSettings
from hub.credentials import bare, inline
from hub.parts import Parts
from hub.settings import names_secret

HIDDEN: Final = "(not shown)"
LEAST: Final = 6
"""Letters of a value below which it is no secret, and might be a word of every text."""


def sections(config: Config, parts: Parts | None) -> dict[str, Any]:
    """The sections by name, in JSON's types. *parts*: None where they could not be built."""
    known = {} if parts is None else parts.settings
    return {
        "hub": _scrubbed(config.hub.model_dump(mode="json")),
        "log": _scrubbed(config.log.model_dump(mode="json")),
        "api": _scrubbed(config.api.model_dump(mode="json")),
        "instrument": [
            _scrubbed(one.model_dump(mode="json", exclude_none=True)) for one in config.instrument
        ],
        "line": [_line(one, known) for one in config.line],
        "link": [_plugged("link", one, known) for one in config.link],
        "sink": [_plugged("sink", one, known) for one in config.sink],
        "inbox": [_plugged("inbox", one, known) for one in config.inbox],
    }


def without(text: str, values: Iterable[str]) -> str:
    """*text* with each of these values taken out, and its addresses bare."""
    ways = {form for value in values if len(value) >= LEAST for form in _forms(value)}
    for value in sorted(ways, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return bare(text)


def _forms(value: str) -> Iterator[str]:
    """As it stands in a text, in JSON, in an address."""
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield quote(value, safe="")


def _line(line: LineSettings, known: Mapping[str, BaseModel]) -> dict[str, Any]:
    told = _scrubbed(line.model_dump(mode="json", exclude={"instrument"}))
    instruments = [
        {**_names(one), **_settings(_rest(one), known.get(_where(line.name, one)))}
        for one in line.instrument
    ]
    return {**told, "instrument": instruments}


def _where(line: str, instrument: Mapping[str, Any]) -> str:
    return f'line "{line}" instrument "{instrument.get("name", "")}"'


def _plugged(section: str, one: PluggedSettings, known: Mapping[str, BaseModel]) -> dict[str, Any]:
    model = known.get(f'{section} "{one.name}"')
    return {"name": one.name, "kind": one.kind, **_settings(one.settings, model)}


def _names(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _scrubbed(given[key]) for key in ("name", "kind") if key in given}


def _rest(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key not in ("name", "kind")}


def _settings(given: Mapping[str, Any], model: BaseModel | None) -> dict[str, Any]:
    if model is None:
        return {key: _numbers(value) for key, value in given.items()}
    fields = type(model).model_fields
    secret = {
        name for key, field in fields.items() if names_secret(field) for name in (key, field.alias)
    }
    return {key: HIDDEN if key in secret else _scrubbed(value) for key, value in given.items()}


def _scrubbed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _scrubbed(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(one) for one in value]
    return HIDDEN if isinstance(value, str) and inline(value) else value


def _numbers(value: Any) -> Any:
    """What is no text: of a kind that nobody knows, a text may be anything."""
    return value if isinstance(value, bool | int | float) else HIDDEN
