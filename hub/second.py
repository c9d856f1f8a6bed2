"""The door to second verdicts over the command socket. The hub judges itself: it takes nobody's
verdict, only the rule pack to judge by. Its parts come when somebody asks.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from hub.clock import Clock
from hub.errors import CommandRefused
from hub.ledger import LedgerReader, Transaction
from hub.registry import Registry

Do = Callable[[Callable[[Transaction], Any]], Any]
SECOND_COMMANDS: Final = ("verdict.second",)


class SecondDoor:
    """*do* carries an act out in a transaction on the judging thread, and waits for the commit."""

    def __init__(self, state_dir: Path, registry: Registry, clock: Clock, do: Do) -> None:
        self._state_dir = state_dir
        self._registry = registry
        self._clock = clock
        self._do = do

    def table(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Name of the command -> what it does with the request's arguments."""
        return {"verdict.second": self.second}

    def second(self, request: Mapping[str, Any]) -> Any:
        """Judge decided attempts by another pack, and record what it says beside the first.

        wanted  attempt id, verdict id or order number
        pack    the whole pack, laid together, as JSON text
        by      staff id of whoever answers for it
        """
        from hub.rejudging import record, seconds  # noqa: PLC0415  see above
        from hub.rulepack import RulePackError, read_pack  # noqa: PLC0415

        wanted, text, by = (_text(request, key) for key in ("wanted", "pack", "by"))
        try:
            pack = read_pack(text.encode(), "the rule pack that was sent")
        except RulePackError as wrong:
            raise CommandRefused(str(wrong)) from wrong
        with LedgerReader(self._state_dir) as reader:
            found = list(seconds(reader, self._registry, pack, wanted))
        now_us = self._clock.now_us()
        entries = self._do(lambda tx: [record(tx, one, pack, by, now_us) for one in found])
        return [
            {**one.as_row(pack), "entry": entry} for one, entry in zip(found, entries, strict=True)
        ]


def _text(request: Mapping[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not value:
        raise CommandRefused(f'"{key}" is {value!r}; expected text')
    return value
