"""Tokens of the API: who may do what, for which sites, until when.

A token is shown once, to whoever adds it. The record has its id, client, scopes and sites; the
table has the SHA-256 of its secret, which is 256 random bits and so needs no slow hash.
"""

import json
import re
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from hub.clock import iso
from hub.errors import CommandRefused
from hub.ledger import Transaction
from hub.near import guess
from hub.orders import SITE

SCOPES: Final = (
    *("orders:read", "orders:write", "jobs:read", "jobs:write", "staff:read", "staff:write"),
    *("instruments:read", "instruments:write", "files:write", "evidence:read"),
    *("evidence:personal", "deliveries:read", "deliveries:write"),
)
OF_ALL_SITES: Final = frozenset({"staff:write", "instruments:write"})
"""What these change holds for every site, so a token of some sites cannot have them."""
PREFIX: Final = "gashub"
_CLIENT: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_ID: Final = re.compile(r"[a-z0-9]{12}")


class Token(NamedTuple):
    """A token as the record has it. `sites` empty: every order."""

    id: str
    client: str
    scopes: frozenset[str]
    sites: tuple[str, ...]
    added_us: int
    expires_us: int
    revoked_us: int | None

    def state(self, now_us: int) -> str:
        if self.revoked_us is not None:
            return "revoked"
        return "expired" if now_us >= self.expires_us else "valid"

    def sees(self, site: str) -> bool:
        return not self.sites or site in self.sites


class New(NamedTuple):
    """A token that was made up. Only `text` is secret; it is kept nowhere."""

    id: str
    text: str
    sha256: str


def make() -> New:
    """Make a token up: `gashub_ID_SECRET`."""
    id = secrets.token_hex(6)
    secret = secrets.token_urlsafe(32)
    return New(id, f"{PREFIX}_{id}_{secret}", sha256(secret.encode()).hexdigest())


def add(tx: Transaction, given: Mapping[str, Any], now_us: int) -> dict[str, Any]:
    """Let a token be valid from now on.

    given   id, sha256 (hex, of its secret), client, scopes, sites (lists), expires_us, by; or
            `replaces` (id of a token whose client, scopes and sites it gets) and `overlap_s`, how
            long that one is still taken
    raises  CommandRefused naming key, value and remedy
    """
    id, digest = str(given.get("id", "")), str(given.get("sha256", ""))
    if not _ID.fullmatch(id) or not _DIGEST.fullmatch(digest):
        raise CommandRefused("token: id and sha256 are made by `gashub token add`")
    client, scopes, sites = given.get("client"), given.get("scopes"), given.get("sites", [])
    replaces = given.get("replaces", "")
    if replaces:
        old = _known(tx, str(replaces))
        if (state := old.state(now_us)) != "valid":
            raise CommandRefused(
                f"token {old.id} is {state}, and what is over is not replaced: its rights would "
                "come back. Add a new one by its scopes",
                "conflict",
            )
        client, scopes, sites = old.client, sorted(old.scopes), list(old.sites)
    client = _client(client)
    scopes, sites = _scopes(scopes), _sites(sites)
    if sites and (wide := sorted(OF_ALL_SITES.intersection(scopes))):
        raise CommandRefused(
            f"token of {client}: {wide[0]} holds for every site, so a token of some sites cannot "
            "have it; give a token of its own to whoever keeps the registers"
        )
    expires_us = _moment(given, "expires_us")
    if expires_us <= now_us:
        raise CommandRefused(f"token of {client}: it would be over already; give more days")
    body = {
        "token": id,
        "word": "added",
        "client": client,
        "scopes": scopes,
        "sites": sites,
        "expires_at": iso(expires_us),
        "replaces": str(replaces),
        "by": str(given.get("by", "")),
    }
    entry = tx.append("token", body, now_us, {"token": id})
    try:
        tx.sql.execute(
            "INSERT INTO tokens VALUES (?,?,?,?,?,?,?,NULL,?)",
            (id, client, digest, json.dumps(scopes), json.dumps(sites), now_us, expires_us, entry),
        )
    except sqlite3.IntegrityError:
        raise CommandRefused(f"token {id} is there already; make another", "conflict") from None
    if replaces:
        until_us = now_us + _moment(given, "overlap_s") * 1_000_000
        tx.sql.execute(
            "UPDATE tokens SET expires_us=min(expires_us, ?) WHERE id=?", (until_us, replaces)
        )
    return body


def revoke(tx: Transaction, id: str, by: str, now_us: int) -> dict[str, Any]:
    """Take a token back, at once and for good. raises CommandRefused for one that nobody knows"""
    known = _known(tx, id)
    body = {"token": id, "word": "revoked", "client": known.client, "by": by}
    if known.revoked_us is None:
        tx.append("token", body, now_us, {"token": id})
        tx.sql.execute("UPDATE tokens SET revoked_us=? WHERE id=?", (now_us, id))
    return body


def listed(sql: sqlite3.Connection) -> list[Token]:
    """Every token there ever was, the newest first."""
    return [_token(row) for row in sql.execute(f"{_COLUMNS} ORDER BY added_us DESC, id")]


def holder(sql: sqlite3.Connection, text: str, now_us: int) -> Token | None:
    """The valid token that *text* is; None for anything else."""
    prefix, _, rest = text.partition("_")
    id, _, secret = rest.partition("_")
    if prefix != PREFIX or not _ID.fullmatch(id):
        return None
    row = sql.execute(f"{_COLUMNS} WHERE id=?", (id,)).fetchone()
    digest = sha256(secret.encode()).hexdigest()
    if row is None or not compare_digest(row[-1], digest):
        return None
    token = _token(row)
    return token if token.state(now_us) == "valid" else None


_COLUMNS: Final = (
    "SELECT id, client, scopes, sites, added_us, expires_us, revoked_us, sha256 FROM tokens"
)


def _token(row: Sequence[Any]) -> Token:
    id, client, scopes, sites, *times, _ = row
    return Token(id, client, frozenset(json.loads(scopes)), tuple(json.loads(sites)), *times)


def _known(tx: Transaction, id: str) -> Token:
    row = tx.sql.execute(f"{_COLUMNS} WHERE id=?", (id,)).fetchone()
    if row is None:
        raise CommandRefused(f"no token {id!r}; see `gashub token list`", "absent")
    return _token(row)


def _client(value: object) -> str:
    if not isinstance(value, str) or not _CLIENT.fullmatch(value):
        raise CommandRefused(
            f"token: client is {value!r}; small letters, digits, dots and dashes, 63 at most"
        )
    return value


def _scopes(value: object) -> list[str]:
    if not isinstance(value, list) or not value:
        raise CommandRefused(f"token: it has no scope; there are {', '.join(SCOPES)}")
    for word in value:
        if word not in SCOPES:
            raise CommandRefused(
                f"token: no scope {word!r}{guess(str(word), SCOPES)}; there are {', '.join(SCOPES)}"
            )
    return sorted({str(word) for word in value})


def _sites(value: object) -> list[str]:
    if not isinstance(value, list) or not all(
        isinstance(one, str) and SITE.fullmatch(one) for one in value
    ):
        raise CommandRefused(f"token: sites are {value!r}; a list of names, as orders have them")
    return sorted(set(value))


def _moment(given: Mapping[str, Any], key: str) -> int:
    text = str(given.get(key, ""))
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise CommandRefused(f"token: {key} is {text!r}; expected a decimal number")
    return int(text)
