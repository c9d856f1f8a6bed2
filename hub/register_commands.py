"""What the command socket answers about the registers of the way in: instruments and tokens."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hub import instruments, tokens
from hub.clock import Clock
from hub.doing import Doing
from hub.errors import CommandRefused
from hub.ledger import LedgerReader, Transaction
from hub.order_file import UnusableInput, strict_json

REGISTER_COMMANDS: Final = ("instrument.put", "token.add", "token.revoke")


class Registers:
    """*facts* is what the desk knows of instruments; the register's word goes into it."""

    def __init__(self, facts: dict[str, Mapping[str, Any]], doing: Doing, clock: Clock) -> None:
        self._facts = facts
        self._configured = dict(facts)
        self._doing = doing
        self._clock = clock

    def restore(self, reader: LedgerReader) -> None:
        """Lay the register over what the configuration says."""
        for name, known in instruments.registered(reader.sql).items():
            self._lay(name, known)

    def _lay(self, name: str, known: Mapping[str, Any]) -> None:
        self._facts[name] = {**self._configured.get(name, {}), **known}

    def table(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Name of the command -> what it does with the request's arguments."""
        return {
            "instrument.put": self.instrument,
            "token.add": lambda request: self._doing(
                lambda tx: tokens.add(tx, request, self._clock.now_us())
            ),
            "token.revoke": lambda request: self._doing(
                lambda tx: tokens.revoke(
                    tx, str(request.get("id")), str(request.get("by", "")), self._clock.now_us()
                )
            ),
        }

    def instrument(self, request: Mapping[str, Any]) -> Any:
        """Put an instrument into the register: `text` is its record in JSON."""
        text = request.get("text")
        if not isinstance(text, str):
            raise CommandRefused(f'"text" is {text!r}; expected text')
        try:
            given = strict_json(text, "instrument")
        except UnusableInput as wrong:
            raise CommandRefused(str(wrong)) from wrong
        if not isinstance(given, Mapping):
            raise CommandRefused(f"instrument: {given!r}; expected a table")

        def act(tx: Transaction) -> dict[str, Any]:
            record = instruments.register(tx, given, self._clock.now_us())
            name, known = record["name"], instruments.as_order(record)
            tx.then(lambda: self._lay(name, known))
            return record

        return self._doing(act)
