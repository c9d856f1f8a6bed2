"""What an answer of Tryton means: a value, or one of the named troubles below.

2xx with JSON              the value; a web page is no answer of Tryton's
3xx                        the channel pauses: the address is not the right one
401 403                    the channel pauses: the key is expired, revoked, or not validated
400 `rights`               the channel pauses: the key's user may not do this
400 `unique`               another writer was first: look again (`Overtaken`)
400 any other JSON         refused: Tryton will never take this event (`Rejected`)
400 a web page             some proxy's, or a request it could not read (`Ailing`)
404                        the channel pauses: no such database
429, 503                   the channel rests
502, 504                   a proxy gave up waiting: it may have been done (`NoAnswer`)
500 with a web page        a field or model that this Tryton has not, or its own fault (`Ailing`)

Of an error's words only a class of ours is kept, or the name of the missing field: the rest may
name a customer. Seen on trytond 8.2.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from hub import NoAnswer, SinkPaused, SinkUnavailable

_CLASSES: Final = (
    ("unique", "must be unique"),
    ("rights", "not allowed to"),
    ("missing", "is required"),
    ("domain", "is not valid"),
    ("state", "can not call"),
)
_MISSING = re.compile(rb"<p>(?:&#39;|')([\w.]{1,60})(?:&#39;|')</p>")
_REST_S = 5.0


class Rejected(Exception):
    """Tryton will never take it; `code` is the class of its error."""

    def __init__(self, told: str, code: str) -> None:
        super().__init__(told)
        self.code = code


class Overtaken(Exception):
    """Somebody else made the record between our look and our write: look again."""


class Ailing(Exception):
    """Tryton failed on this request; it may be well for others, and for this one later."""


def value(status: int, headers: Mapping[str, str], body: bytes, what: str) -> Any:
    """The JSON of a good answer to *what*, such as "GET party.party".

    returns  None for an answer without content
    raises   Rejected, Overtaken, Ailing, NoAnswer, SinkPaused, SinkUnavailable; see above
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    told = f"{what}: answered {status}"
    if 200 <= status < 300:
        if status == 204:
            return None
        if kind != "application/json":
            raise Ailing(f"{told} with {kind or 'no type'}, expected JSON; is it Tryton's REST?")
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise NoAnswer(f"{told} with broken JSON of {len(body)} bytes") from None
    if 300 <= status < 400:
        raise SinkPaused(
            f"{told}, a redirect; redirects are not followed: set url to the final address with "
            "the database's name, restart, then `gashub outbox retry`"
        )
    if status in (401, 403, 407):
        raise SinkPaused(
            f"{told}: the key has expired, is revoked, or was never validated by its user; make a "
            "new one (plugins/tryton/README.md), then `gashub outbox retry`"
        )
    if status == 404:
        raise SinkPaused(
            f"{told}: no such database at this address; correct url, restart, then "
            "`gashub outbox retry`"
        )
    if status in (429, 503):
        rest = headers.get("retry-after", "")
        raise SinkUnavailable(told, min(3600.0, float(rest)) if rest.isdecimal() else _REST_S)
    if status in (502, 504):
        raise NoAnswer(f"{told}: a proxy gave up; it may have been done all the same")
    if status >= 500 or status in (408, 425):
        field = _MISSING.search(body)
        named = f", it has no {field[1].decode()!r}" if field else ""
        raise Ailing(f"{told}{named}; it needs version 8 with the modules that the README lists")
    if kind != "application/json":
        raise Ailing(f"{told} with {kind or 'no type'}: no user error of Tryton's; is it a proxy?")
    code = _class(body)
    if code == "rights":
        raise SinkPaused(
            f"{told} (rights): the key's user may not do this, or is not in the company; give it "
            "the rights, then `gashub outbox retry`"
        )
    if code == "unique":
        raise Overtaken(f"{told} (unique): another writer was first; it is looked up again")
    raise Rejected(f"{told} ({code})", code)


def _class(body: bytes) -> str:
    """The class of a user error, by Tryton's English words; `other` when it has none of them."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return "other"
    message = str(answer.get("message", "")) if isinstance(answer, dict) else ""
    return next((code for code, words in _CLASSES if words in message), "other")
