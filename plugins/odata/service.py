"""One entity set of an OData V4 service: look up by a property, make, change under its ETag.

2xx                      the entity, or the list under `value`
3xx                      the channel pauses: the address is not the right one
401 403                  the channel pauses: the token is refused
404                      the channel pauses: no such service or entity set
412                      somebody changed it since we looked (`Stale`): look again
428                      it wants an ETag and gave none (`Ailing`)
400 409 413 422 ...      refused (`Rejected`), when the answer is an OData error
429, 503                 the channel rests
502, 504                 a proxy gave up waiting: it may have been done (`NoAnswer`)
408 425 5xx, web pages   waits (`Ailing`)

Source: OData 4.01 protocol, sections 8.2.5 (If-Match), 9 (status codes), 11.4.2 (create, deep
insert), 11.4.3 (PATCH).
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from hub import Egress, Limits, NoAnswer, SinkPaused, SinkUnavailable, Trust, lan_of
from plugins.odata.settings import OdataSettings

Entity = Mapping[str, Any]


class Rejected(Exception):
    """The service will never take it."""


class Stale(Exception):
    """The entity was changed since it was looked at."""


class Ailing(Exception):
    """The service failed on this request; it may be well later."""


class Service:
    """One connection with one token. Raises the above, and what `Egress.send` raises."""

    def __init__(self, settings: OdataSettings, token: str) -> None:
        self._root = urlsplit(settings.url).path.rstrip("/") + "/"
        self._asked = settings
        self._headers = {
            "accept": "application/json",
            "accept-encoding": "identity",
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
            "odata-maxversion": "4.01",
            "odata-version": "4.0",
            "prefer": "return=representation",
            "user-agent": "gashub",
        }
        self._way = Egress(
            settings.url,
            limits=Limits(
                settings.connect_within_s, settings.answer_within_s, settings.answer_max_bytes
            ),
            trust=Trust(settings.ca_file),
            lan=lan_of(settings.lan),
        )

    def find(self, reference: str) -> Entity | None:
        """The entity with this reference; the first one, should there be more."""
        doubled = reference.replace("'", "''")
        asked = quote(f"{self._asked.reference} eq '{doubled}'", safe="")
        found = self._ask("GET", f"{self._asked.entity}?$filter={asked}&$top=1")
        value = found.get("value")
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise Ailing(f"GET {self._asked.entity}: answered with no list; is it OData V4?")
        # A service that ignores the filter would give us somebody else's.
        if value and value[0].get(self._asked.reference) != reference:
            raise Ailing(
                f"GET {self._asked.entity}: answered with another {self._asked.reference} than "
                "asked for; make the property filterable"
            )
        return value[0] if value else None

    def create(self, entity: Entity) -> None:
        self._ask("POST", self._asked.entity, entity)

    def change(self, entity: Entity, values: Entity) -> None:
        """Bring *values* into an entity as `find` gave it.

        raises  Stale when it is not that any more
        """
        address = entity.get("@odata.id") or entity.get("@id") or entity.get("@odata.editLink")
        if not isinstance(address, str):
            raise Ailing(f"{self._asked.entity}: an entity without its address (@odata.id)")
        path = urlsplit(address).path  # on our own host, whatever host it names
        target = path.rpartition("/")[2]
        etag = entity.get("@odata.etag") or entity.get("@etag")
        match = {"if-match": etag} if isinstance(etag, str) else {}
        self._ask("PATCH", target, values, match)

    def close(self) -> None:
        self._way.close()

    def _ask(
        self,
        method: str,
        target: str,
        values: Entity | None = None,
        more: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        body = b"" if values is None else json.dumps(values).encode()
        headers = {**self._headers, **(more or {})}
        answer = self._way.send(method, headers, body, self._root + target)
        return _value(answer.status, answer.headers, answer.body, f"{method} {self._asked.entity}")


def _value(status: int, headers: Mapping[str, str], body: bytes, what: str) -> dict[str, Any]:
    told = f"{what}: answered {status}"
    try:
        found = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        found = None
    if 200 <= status < 300:
        if isinstance(found, dict):
            return found
        raise NoAnswer(f"{told} without whole JSON; is it OData V4?")
    if 300 <= status < 400:
        raise SinkPaused(
            f"{told}, a redirect; redirects are not followed: set url to the final address, "
            "restart, then `gashub outbox retry`"
        )
    if status in (401, 403, 407):
        raise SinkPaused(
            f"{told}: the token is refused, or may not; make a new one or give the rights, "
            "restart, then `gashub outbox retry`"
        )
    if status == 404:
        raise SinkPaused(
            f"{told}: no such service or entity set; correct url or entity, restart, then "
            "`gashub outbox retry`"
        )
    if status == 412:
        raise Stale(f"{told}: somebody changed it at the same moment; it is looked at again")
    if status == 428:
        raise Ailing(f"{told}: it wants an ETag, and gave none with the entity")
    if status in (429, 503):
        rest = headers.get("retry-after", "")
        raise SinkUnavailable(told, min(3600.0, float(rest)) if rest.isdecimal() else 5.0)
    if status in (502, 504):
        raise NoAnswer(f"{told}: a proxy gave up; it may have been done all the same")
    error = found.get("error") if isinstance(found, dict) else None
    if 400 <= status < 500 and status not in (408, 425) and isinstance(error, dict):
        code = error.get("code")
        named = code if isinstance(code, str) and code.isascii() and len(code) <= 60 else "-"
        raise Rejected(f"{told} ({''.join(c if c.isprintable() else '?' for c in named)})")
    raise Ailing(told)
