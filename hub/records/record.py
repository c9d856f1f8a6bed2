"""The record, read as of one moment: what the hub writes meanwhile is not looked at.

Everything that a register or a paper says is taken from entries below `size`, so that its figures
and the head that stands beside them are about the same log, also beside a running hub.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import orjson

from hub.errors import CommandRefused
from hub.ledger import Entry, Head, LedgerReader
from hub.ledger.merkle import Frontier, leaf_hash
from hub.ledger.reader import parse_row
from hub.orders import Test
from hub.orders import from_record as order_from_record
from hub.packs import kept_pack
from hub.records.history import Happening, History
from hub.records.period import Period
from hub.rulepack import RulePack, whole_pack

PAGE: Final = 256
"""Jobs that are asked for at a time: no query stays open while rows are made."""
_REMEMBERED: Final = 64


class Decided(NamedTuple):
    """A verdict and the entry that holds it. `body` is as `hub.desk` writes it."""

    entry: int
    body: Mapping[str, Any]

    @property
    def verdict(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.body["verdict"]
        return found


class Record:
    """Reads a state folder, or a ledger file. Never writes."""

    def __init__(self, where: Path) -> None:
        """Raises what `LedgerReader` raises."""
        self.where = where
        self.reader = LedgerReader(where)
        self.size = self.reader.size()
        genesis = self.entry(0).record()
        self.origin = str(genesis["origin"])
        self.gateway = str(genesis["gateway"])
        self._packs: dict[str, RulePack] = {}
        # A row asks for each of its verdicts more than once.
        self.decided = lru_cache(maxsize=_REMEMBERED)(self._decided)
        """The verdict of an attempt, by the attempt's id or the verdict's; None: none yet."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.reader.close()

    # -- heads

    def head(self) -> Head:
        """The head of the whole of what is read here."""
        return self._computed(self.size)

    def covering(self, entry: int) -> Head:
        """The first signed head that covers *entry*: the same one, however long the log grows.

        It is the one that the event about that entry carried. Without one it is computed for the
        log that ends with *entry*.
        """
        signed = self.reader.covering(entry)
        return self._computed(entry + 1) if signed is None else Head(signed.size, signed.root)

    def _computed(self, size: int) -> Head:
        """From the last checkpoint's frontier on; its signature is `gashub ledger verify`'s."""
        signed, stored = self.reader.rows(
            "SELECT size, frontier FROM checkpoints WHERE size<=? ORDER BY size DESC LIMIT 1",
            (size,),
        )[0]
        frontier = Frontier.from_bytes(signed, stored)
        for entry in self.reader.entries(signed, size):
            frontier.append(leaf_hash(entry.head))
        return Head(frontier.size, frontier.root())

    # -- entries

    def entry(self, index: int) -> Entry:
        """Raises LookupError for one that is not there, or was written since."""
        if index >= self.size:
            raise LookupError(f"{self.reader.db}: entry {index} is newer than what is read here")
        return self.reader.read(index)

    def of_kind(self, kind: str) -> Iterator[Entry]:
        """Every entry of a kind, in order. Heads are searched as bytes, which is ten times as
        fast as reading them.
        """
        mark, first = f'"kind":"{kind}"'.encode(), 0
        while True:
            found = self.reader.rows(
                "SELECT idx, head, salt, body, codec FROM entries"
                " WHERE idx>=? AND idx<? AND instr(head, ?) ORDER BY idx LIMIT ?",
                (first, self.size, mark, PAGE),
            )
            for row in found:
                entry = parse_row(row)
                if entry.kind == kind:
                    yield entry
            if len(found) < PAGE:
                return
            first = found[-1][0] + 1

    def pack(self, digest: str) -> RulePack:
        """The whole rule pack that was in force, as it is recorded."""
        if digest not in self._packs:
            self._packs[digest] = whole_pack(kept_pack(self.reader.sql, digest))
        return self._packs[digest]

    def packs_read(self) -> list[str]:
        """The rule packs that what was read so far rests on."""
        return [f"{pack.id} {pack.version} sha256:{digest}" for digest, pack in self._packs.items()]

    def _decided(self, attempt: str) -> Decided | None:
        found = self.reader.rows(
            "SELECT verdict_entry FROM attempts WHERE id=?1 OR verdict_id=?1", (attempt,)
        )
        if not found or found[0][0] is None or found[0][0] >= self.size:
            return None
        return Decided(found[0][0], self.entry(found[0][0]).record())

    def test(self, attempt: str) -> Test:
        """What was ordered for an attempt that there is, instruments included."""
        ((test, record),) = self.reader.rows(
            "SELECT a.test, o.record FROM attempts a JOIN orders o ON o.number=a.number"
            " WHERE a.id=?",
            (attempt,),
        )
        return order_from_record(orjson.loads(record)).find(test)

    # -- jobs

    def numbers(self, kinds: tuple[str, ...], period: Period) -> Iterator[str]:
        """Jobs of these kinds that were opened in the period, in the order of their opening."""
        from_us, until_us = period.bounds_us()
        last = (from_us, "")
        marks = ",".join("?" * len(kinds))
        while True:
            found = self.reader.rows(
                f"SELECT opened_us, number FROM jobs WHERE kind IN ({marks}) AND entry<?"  # noqa: S608  question marks
                " AND trial=0"
                " AND (opened_us, number) > (?, ?) AND opened_us<=?"
                f" ORDER BY opened_us, number LIMIT {PAGE}",
                (*kinds, self.size, *last, until_us),
            )
            for _, number in found:
                yield str(number)
            if len(found) < PAGE:
                return
            last = (found[-1][0], found[-1][1])

    def trial(self, number: str) -> bool:
        """Whether an order or job is only tried out. Registers leave those out; papers say it."""
        return bool(
            self.reader.rows(
                "SELECT 1 FROM jobs WHERE number=?1 AND trial=1"
                " UNION ALL SELECT 1 FROM orders WHERE number=?1 AND trial=1",
                (number,),
            )
        )

    def job_kind(self, number: str) -> str:
        """The kind of a job; "" for a number that is none."""
        found = self.reader.rows(
            "SELECT kind FROM jobs WHERE number=? AND entry<?", (number, self.size)
        )
        return str(found[0][0]) if found else ""

    def history(self, number: str) -> History:
        """Everything that has happened to a job.

        raises  CommandRefused for a number that is no job
        """
        found = self.reader.rows(
            "SELECT entry, pack, user_class, parent, subject FROM jobs WHERE number=? AND entry<?",
            (number, self.size),
        )
        if not found:
            raise CommandRefused(f"no job {number!r} in the record; see `gashub job list`")
        entry, digest, user_class, parent, subject = found[0]
        rows = self.reader.rows(
            "SELECT e.idx, e.head, e.salt, e.body, e.codec FROM job_entries j"
            " JOIN entries e ON e.idx=j.entry WHERE j.number=? AND j.entry<? ORDER BY j.entry",
            (number, self.size),
        )
        return History.of(
            number=number,
            user_class=user_class,
            parent=parent,
            subject=subject,
            pack=self.pack(digest),
            entry=self.entry(entry),
            happenings=[Happening.of(parse_row(row)) for row in rows],
        )
