"""What every route needs: who is calling, the record, and the hub behind its socket."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from hub.api.limits import Rate
from hub.api.problems import Problem, of_refusal
from hub.clock import Clock
from hub.config import Config
from hub.control import call
from hub.errors import CommandRefused, StoreDamaged, StoreUnavailable
from hub.ledger import LedgerReader
from hub.timekeeping import catch_up
from hub.tokens import Token, holder

RETRY_AFTER_S: Final = 5


class House:
    """The parts of one API process. Any thread."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.state_dir: Path = config.hub.state_dir
        settings = config.api
        self.rate = Rate(settings.requests_per_minute, settings.burst, clock.now_us)
        self.wrong = Rate(settings.requests_per_minute, settings.burst, clock.now_us)
        """Requests without a valid token, by the address that they come from."""

        self.public = Rate(settings.requests_per_minute, settings.burst, clock.now_us)
        """Requests that need no token, by address."""

    def admit(self, request: Request) -> None:
        """Count a request that needs no token. raises Problem when there were too many"""
        if wait_s := self.public.take(request.client.host if request.client else ""):
            raise _too_many(wait_s)

    @contextmanager
    def reading(self) -> Iterator[LedgerReader]:
        """The record, to be read. raises Problem"""
        try:
            with LedgerReader(self.state_dir) as reader:
                yield reader
        except (StoreUnavailable, StoreDamaged) as fault:
            raise Problem("unavailable", str(fault), retry_after_s=RETRY_AFTER_S) from fault
        except sqlite3.Error as fault:  # of a record that opens, and has not what it should have
            told = f"the record cannot be read ({fault})"
            raise Problem("unavailable", told, retry_after_s=RETRY_AFTER_S) from fault

    def ask(self, do: str, /, **arguments: Any) -> Any:
        """Have the hub do something. raises Problem"""
        try:
            return call(self.config.socket, do, **arguments)
        except CommandRefused as refused:
            raise of_refusal(refused) from refused
        except OSError as fault:  # no hub, one that stops, or one that does not answer in time
            raise Problem("unavailable", str(fault), retry_after_s=RETRY_AFTER_S) from fault


class Caller:
    """Whoever sent the request, with what the hub and the record do for them."""

    def __init__(self, house: House, token: Token) -> None:
        self.house = house
        self.token = token

    @property
    def name(self) -> str:
        """As the record names them."""
        return f"api:{self.token.client}"

    def ask(self, do: str, key: str = "", /, **arguments: Any) -> Any:
        """Have the hub do something; with a *key* once, however often it is sent."""
        if not key:
            return self.house.ask(do, **arguments)
        request = {"do": do, **arguments}
        return self.house.ask("once", caller=self.name, key=key, request=request)["answer"]

    def site_of(self, number: str) -> str:
        """The site of an order or job. raises Problem where there is none that they may see"""
        with self.house.reading() as reader:
            rows = reader.rows(
                "SELECT site FROM jobs WHERE number=?1 UNION ALL"
                " SELECT site FROM orders WHERE number=?1",
                (number,),
            )
        if not rows or not all(self.token.sees(site) for (site,) in rows):
            raise Problem("absent", f"no order or job {number!r}")
        return str(rows[0][0])


def _too_many(wait_s: int) -> Problem:
    return Problem("too_many", f"the next one in {wait_s} s", retry_after_s=wait_s)


_bearer: Final = HTTPBearer(auto_error=False, description="`gashub token add` makes one.")


def _caller(
    request: Request,
    needed: SecurityScopes,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    house: House = request.app.state.house
    token = None
    if given is not None:
        with house.reading() as reader:
            try:
                catch_up(house.clock, reader)
                token = holder(reader.sql, given.credentials, house.clock.now_us())
            except (ValueError, TypeError, LookupError) as fault:  # a row that is no token's
                told = "the table of tokens cannot be read; see `gashub ledger verify`"
                raise Problem("unavailable", told, retry_after_s=RETRY_AFTER_S) from fault
    host = request.client.host if request.client else ""
    wait_s = house.wrong.take(host) if token is None else house.rate.take(token.id)
    if wait_s:
        raise _too_many(wait_s)
    if token is None:
        raise Problem("unauthorized")
    if lacks := sorted(set(needed.scopes) - token.scopes):
        raise Problem("forbidden", f"scope {lacks[0]} is needed", scope=lacks[0])
    return Caller(house, token)


def caller(*scopes: str) -> Any:
    """The parameter of a route that only holders of a token with these *scopes* may use."""
    return Security(_caller, scopes=scopes)


KEY = r"^[\x21-\x7e]{1,128}$"
OptionalKey = Annotated[str, Header(alias="Idempotency-Key", pattern=rf"{KEY}|^$")]


def _key(
    key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", description="1 to 128 visible ASCII characters."),
    ] = None,
) -> str:
    if key is None or not 1 <= len(key) <= 128 or not all("!" <= letter <= "~" for letter in key):
        raise Problem("key_missing", "" if key is None else f"the key is {key!r}")
    return key


Key = Annotated[str, Depends(_key)]
"""The mandatory Idempotency-Key of a request."""


def _version(if_match: Annotated[str | None, Header(alias="If-Match")] = None) -> str:
    if not if_match or if_match.strip() == "*":
        raise Problem("version_missing")
    return if_match.strip().strip('"')


Version = Annotated[str, Depends(_version)]
"""The mandatory If-Match: which version is amended."""


async def _text(request: Request) -> str:
    """The body as it was sent: the hub reads numbers by their digits, so nobody else may."""
    try:
        return (await request.body()).decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise Problem("unusable", f"the body is not UTF-8 at byte {wrong.start}") from None


Text = Annotated[str, Depends(_text)]
Opens = Callable[[], Iterator[LedgerReader]]
