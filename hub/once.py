"""A request that is carried out once for each key, however often it is sent.

The answer is kept in the transaction of the work itself, so that no kill comes between the two.
What is refused is not kept: nothing was done, and it may be sent again.
"""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final

import orjson

from hub.clock import Clock
from hub.doing import Doing
from hub.errors import CommandRefused
from hub.ledger import Transaction

ONCE_COMMANDS: Final = ("once",)
KEPT_DAYS: Final = 30
"""How long an answer is kept."""
LONGEST_KEY: Final = 128
_DAY_US: Final = 86_400_000_000
MAY_BE_ONCE: Final = frozenset(
    {
        *("order.add", "order.amend", "order.abort", "job.open", "job.do", "job.signal"),
        *("job.waive", "job.adopt", "job.test", "staff.put", "instrument.put"),
        *("outbox.retry", "outbox.replay"),
    }
)
"""Those that do no more than write into the record. The others look, ask plugins or write files,
which the judging thread must not wait for; they may be repeated as they are."""

Command = Callable[[Mapping[str, Any]], Any]


class Once:
    """*commands* are those that a request may name."""

    def __init__(self, commands: Mapping[str, Command], doing: Doing, clock: Clock) -> None:
        self._commands = commands
        self._doing = doing
        self._clock = clock

    def table(self) -> dict[str, Command]:
        """Name of the command -> what it does with the request's arguments."""
        return {"once": self.once}

    def once(self, request: Mapping[str, Any]) -> Any:
        """Carry out `request` unless `caller` had it carried out by this `key` before.

        raises  CommandRefused for a key that stood for another request, and as the command
        """
        caller, key = (_text(request, name) for name in ("caller", "key"))
        wanted = request.get("request")
        if not isinstance(wanted, Mapping):
            raise CommandRefused(f'"request" is {wanted!r}; expected a request as by itself')
        do = str(wanted.get("do"))
        if do not in MAY_BE_ONCE:
            known = ", ".join(sorted(MAY_BE_ONCE))
            raise CommandRefused(f"{do!r} has no keys; send it by itself. With a key go: {known}")
        digest = sha256(_canonical(wanted)).hexdigest()
        arguments = {name: value for name, value in wanted.items() if name != "do"}

        def act(tx: Transaction) -> dict[str, Any]:
            row = tx.sql.execute(
                "SELECT sha256, answer FROM requests WHERE caller=? AND key=?", (caller, key)
            ).fetchone()
            if row is not None and row[0] != digest:
                raise CommandRefused(
                    f"key {key!r} stood for another request of {caller}; take a new key", "reused"
                )
            if row is not None:
                return {"answer": orjson.loads(row[1]), "again": True}
            with self._doing.within(tx):
                answer = self._commands[do](arguments)
            now_us = self._clock.now_us()
            text = orjson.dumps(answer, default=str).decode()
            tx.sql.execute(
                "INSERT INTO requests VALUES (?,?,?,?,?)", (caller, key, digest, text, now_us)
            )
            tx.sql.execute("DELETE FROM requests WHERE at_us<?", (now_us - KEPT_DAYS * _DAY_US,))
            return {"answer": orjson.loads(text), "again": False}

        return self._doing(act)


def _canonical(request: Mapping[str, Any]) -> bytes:
    return json.dumps(request, sort_keys=True, default=str).encode()


def _text(request: Mapping[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_KEY:
        raise CommandRefused(f'"{key}" is {value!r}; expected text of 1 to {LONGEST_KEY} letters')
    return value
