"""A register with a choice of its rows, and the facts that stand above them."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from hub.clock import shanghai
from hub.errors import CommandRefused
from hub.ledger import Head
from hub.near import guess
from hub.records.period import EVER, Period
from hub.records.register import ENDED, ENDS, RUNNING, Column, Register, Row, columns_of, rows_of
from hub.records.words import Words


@dataclass(frozen=True, slots=True)
class Table:
    """kind, state: of the rows that are wanted; "" is all. Personal data are in the columns when
    *words* has a recipient.
    """

    register: Register
    words: Words
    period: Period = EVER
    kind: str = ""
    state: str = ""

    def __post_init__(self) -> None:
        """Raises CommandRefused for a kind or state that there is not: no rows must never look like
        nothing open.
        """
        if self.kind and self.kind not in self.register.kinds:
            kinds = self.register.kinds
            raise CommandRefused(
                f"--kind is {self.kind!r}; the register {self.register.name} has "
                f"{', '.join(kinds)}{guess(self.kind, kinds)}"
            )
        if self.state in ("", RUNNING, ENDED, *ENDS):
            return
        ended = self.words.record.reader.rows("SELECT DISTINCT ended FROM jobs WHERE ended<>''")
        states = list(dict.fromkeys((RUNNING, ENDED, *ENDS, *(word for (word,) in ended))))
        if self.state not in states:
            raise CommandRefused(
                f"--state is {self.state!r}; there are {', '.join(states)}"
                f"{guess(self.state, states)}"
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.register, with_customer=self.words.recipient is not None)

    def titles(self) -> list[str]:
        """One for each column. A moment's says which clock it is of."""
        return [self.words.say(f"column.{column.key}") + self._zone(column)
                for column in self.columns]  # fmt: skip

    def rows(self) -> Iterator[Row]:
        return rows_of(
            self.register, self.words, self.period, kind=self.kind, state=self.state
        )  # fmt: skip

    def facts(self, count: int) -> dict[str, str]:
        """What stands above *count* rows, once they have been made. No company's name is in it.

        name (`records.fact.NAME`) -> what it is, in the order in which they are shown
        """
        words, record = self.words, self.words.record
        head = record.head()
        return {
            "register": words.say(f"register.{self.register.name}"),
            "gateway": record.gateway,
            "ledger_origin": record.origin,
            "ledger_size": str(head.size),
            "ledger_root": root_of(head),
            "rule_packs": words.listed(record.packs_read()),
            "period": words.say("all") if self.period == EVER else self.period.text(),
            "kind": self.kind or words.say("all"),
            "state": self.state or words.say("all"),
            "personal": words.say(f"personal.{words.recipient or 'nobody'}"),
            "exported_at": f"{shanghai(words.now_us)} +08:00",
            "count": str(count),
        }

    def _zone(self, column: Column) -> str:
        return self.words.say("zone") if column.form == "moment" else ""


def root_of(head: Head) -> str:
    """The root as checkpoints have it."""
    return base64.b64encode(head.root).decode()
