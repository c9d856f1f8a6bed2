"""Calls of model methods, by JSON-2 or JSON-RPC, and what their errors mean.

json2    POST /json/2/MODEL/METHOD with named parameters; an error has a status of 4xx or 5xx and
         {"name": the exception's class, "message": ..., ...}
jsonrpc  POST /jsonrpc, service object, execute_kw; an error comes with status 200, as
         {"error": {"data": {"name": ..., "message": ...}}}

Of an error only the class is kept: its message may name a customer.

Source: Odoo documentation 19.0, External JSON-2 API and External RPC API. No live server was at
hand.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hub import (
    Answer,
    Egress,
    Limits,
    NoAnswer,
    SinkPaused,
    SinkUnavailable,
    Trust,
    lan_of,
)
from plugins.odoo.settings import OdooSettings

_RIGHTS: Final = ("AccessDenied", "AccessError", "Unauthorized", "Forbidden")
_FINAL: Final = ("ValidationError", "UserError", "MissingError", "RedirectWarning", "ValueError")


class Rejected(Exception):
    """Odoo will never take it."""


class Ailing(Exception):
    """Odoo failed on this request; it may be well later. All is undone: each call is one
    transaction.
    """


class Api:
    """One connection with one key. Raises Rejected, Ailing, and what `Egress.send` raises."""

    def __init__(self, settings: OdooSettings, key: str) -> None:
        self._asked = settings
        self._key = key
        self._user: int | None = None
        self._way = Egress(
            settings.url,
            limits=Limits(
                settings.connect_within_s, settings.answer_within_s, settings.answer_max_bytes
            ),
            trust=Trust(settings.ca_file),
            lan=lan_of(settings.lan),
        )

    def load(self, model: str, record: Mapping[str, Any]) -> int:
        """Make or bring up to date the one record whose external id is `record["id"]`.

        In one transaction, and the external id is unique: however often it is asked, and whatever
        answer is lost, there is one.
        returns  Odoo's id of it
        """
        fields, row = list(record), [list(record.values())]
        told = self._call(model, "load", {"fields": fields, "data": row})
        if not isinstance(told, dict):
            raise Ailing(f"load of {model}: answered with no result; is it Odoo?")
        ids = told.get("ids")
        if isinstance(ids, list) and len(ids) == 1 and type(ids[0]) is int:
            return ids[0]
        messages = told.get("messages")
        first = messages[0] if isinstance(messages, list) and messages else {}
        field = first.get("field") if isinstance(first, dict) else None
        named = field if field in fields else "a field"
        raise Rejected(f"load of {model}: Odoo does not take {named}; is its module installed?")

    def close(self) -> None:
        self._way.close()

    def _call(self, model: str, method: str, given: Mapping[str, Any]) -> Any:
        what = f"{method} of {model}"
        if self._asked.dialect == "json2":
            head = {
                "authorization": f"bearer {self._key}",
                "x-odoo-database": self._asked.database,
            }
            return self._value(self._post(f"/json/2/{model}/{method}", given, head), what)
        key, database = self._key, self._asked.database
        if self._user is None:
            login: list[Any] = [database, self._asked.login, key, {}]
            self._user = self._rpc("common", "authenticate", login, "login")
            if type(self._user) is not int:  # False, when it does not know them
                self._user = None
                raise SinkPaused(_refused("login: answered with no user"))
        call = [database, self._user, key, model, method, [], dict(given)]
        return self._rpc("object", "execute_kw", call, what)

    def _rpc(self, service: str, method: str, args: Sequence[Any], what: str) -> Any:
        params = {"service": service, "method": method, "args": args}
        asked = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        told = self._value(self._post("/jsonrpc", asked, {}), what)
        if not isinstance(told, dict) or ("result" not in told and "error" not in told):
            raise Ailing(f"{what}: answered with no JSON-RPC; is it Odoo?")
        if "error" in told:
            error = told["error"]
            data = error.get("data") if isinstance(error, dict) else None
            raise _named(data, what, 200)
        return told["result"]

    def _post(self, target: str, given: Mapping[str, Any], head: Mapping[str, str]) -> Answer:
        headers = {
            "accept": "application/json",
            "accept-encoding": "identity",
            "content-type": "application/json; charset=utf-8",
            "user-agent": "gashub",
            **head,
        }
        return self._way.send("POST", headers, json.dumps(given).encode(), target)

    def _value(self, answer: Answer, what: str) -> Any:
        told = f"{what}: answered {answer.status}"
        if 300 <= answer.status < 400:
            raise SinkPaused(
                f"{told}, a redirect; redirects are not followed: set url to the final address, "
                "restart, then `gashub outbox retry`"
            )
        if answer.status in (429, 503):
            rest = answer.headers.get("retry-after", "")
            raise SinkUnavailable(told, min(3600.0, float(rest)) if rest.isdecimal() else 5.0)
        if answer.status in (502, 504):
            raise NoAnswer(f"{told}: a proxy gave up; it may have been done all the same")
        try:
            value = json.loads(answer.body)
        except (ValueError, RecursionError):
            value = None
        if 200 <= answer.status < 300:
            if value is None:
                raise NoAnswer(f"{told} without whole JSON; is it Odoo?")
            return value
        if answer.status in (401, 403):
            raise SinkPaused(_refused(told))
        if answer.status == 404:
            raise SinkPaused(
                f"{told}: no such database, model or interface; install the modules that the "
                "README lists, correct database or dialect, then `gashub outbox retry`"
            )
        raise _named(value, what, answer.status)


def _named(error: object, what: str, status: int) -> Exception:
    """What an error object means, by the class of its exception."""
    name = str(error.get("name", "")) if isinstance(error, dict) else ""
    short = name.rpartition(".")[2][:60]
    word = short if short.isidentifier() and short.isascii() else "no name"
    told = f"{what}: answered {status} ({word})"
    if short in _RIGHTS:
        return SinkPaused(_refused(told))
    if short in _FINAL:
        return Rejected(told)
    return Ailing(told)


def _refused(told: str) -> str:
    return (
        f"{told}: the key has expired (Odoo lets none live longer than three months), is revoked, "
        "or its user may not; make a new one or give the rights, restart, then "
        "`gashub outbox retry`"
    )
