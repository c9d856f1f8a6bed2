"""The desk: which orders there are, which attempts are open, and what each of them has seen.

Everything here runs on the judging thread. The desk writes through the transaction it is given
and changes its own memory only in `tx.then`, after the commit, so that memory and record cannot
part.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from ulid import ULID

from hub.attempt import POINT, Attempt
from hub.clock import iso, local_day
from hub.errors import CommandRefused
from hub.ledger import LedgerReader, Transaction
from hub.ledger.chain import attempt_chain
from hub.model import Intake
from hub.order_book import OrderBook
from hub.orders import Test, WorkOrder
from hub.packs import keep_pack
from hub.procedures import Verdict
from hub.procedures.case import CLOSE, EVENTS
from hub.rebuilding import rebuild
from hub.refusal import suggestion
from hub.registry import Registry
from hub.rulepack import RulePack, load_pack, shipped_ids

log = structlog.get_logger()


class Ruling(NamedTuple):
    """An attempt that has been decided, and what it came to. Not yet in the record."""

    id: str
    attempt: Attempt
    verdict: Verdict


class Desk:
    """Orders and attempts. `pack` is the rule pack in force for attempts opened from now on."""

    def __init__(
        self, registry: Registry, pack: RulePack, facts: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._registry = registry
        self._pack = pack
        self._book = OrderBook(registry, facts)
        self._open: dict[str, Attempt] = {}
        self._watching: dict[str, tuple[Attempt, ...]] = {}

    # -- readings in, rulings out

    def observe(self, intakes: Iterable[Intake]) -> None:
        """Show messages to the attempts: readings to those that watch, dead letters to all."""
        watching = self._watching
        if not watching:
            return
        for intake in intakes:
            for reading in intake.readings:
                for attempt in watching.get(reading.instrument, ()):
                    attempt.feed(reading, intake.source)
            if intake.dead:
                for attempt in self._open.values():
                    attempt.dead_letter(intake.source, intake.at_us)

    def hasten(self, instrument: str) -> None:
        """Review the attempts on *instrument* at the next turn: something grave was seen."""
        for attempt in self._watching.get(instrument, ()):
            attempt.hasten()

    def review(self, now_us: int) -> list[Ruling]:
        """The attempts that are decided as of now. They stay open until `close`."""
        rulings = []
        for attempt in self._open.values():
            verdict = attempt.review(now_us)
            if verdict is not None:
                rulings.append(Ruling(str(ULID()), attempt, verdict))
        return rulings

    def record(self, tx: Transaction, ruling: Ruling, now_us: int) -> Mapping[str, Any]:
        """Write a ruling; the attempt closes once it is durable. Returns the record's body."""
        attempt = ruling.attempt
        order = self._book.get(attempt.number)
        body = {
            "id": ruling.id,
            "attempt": attempt.id,
            "order": attempt.number,
            "order_id": order.id,
            "step": attempt.test.step,
            "test": attempt.test.id,
            "section": _section(attempt.test),
            "serials": attempt.serials,
            "opened_at": iso(attempt.opened_us),
            "decided_at": iso(now_us),
            "decided_us": now_us,
            "opened_entry": attempt.opened_entry,
            "pack_sha256": attempt.pack.sha256,
            "rows": len(attempt.rows),
            "rows_sha256": attempt.digest(),
            "verdict": ruling.verdict.to_dict(),
            **({"trial": True} if order.trial else {}),
        }
        chain = attempt_chain(attempt.id)
        entry = tx.append("verdict", body, now_us, _refs(attempt.number, attempt.id), chain)
        tx.end_chain(chain)
        tx.sql.execute(
            "UPDATE attempts SET state='decided', verdict_id=?, verdict_entry=?, verdict=?,"
            " decided_us=? WHERE id=?",
            (ruling.id, entry, ruling.verdict.verdict, now_us, attempt.id),
        )
        tx.then(lambda: self._close(attempt.id))
        return {**body, "entry": entry}

    @property
    def open_attempts(self) -> Sequence[Attempt]:
        return tuple(self._open.values())

    # -- operators' commands

    def add_order(self, tx: Transaction, given: Mapping[str, Any], now_us: int) -> WorkOrder:
        """Take a new order. The same order sent twice is the first one, unchanged."""
        return self._book.add(tx, given, now_us)

    def extend_order(
        self, tx: Transaction, number: str, step: str, spec: Mapping[str, Any], now_us: int
    ) -> WorkOrder:
        """Give an order one more test; see `OrderBook.extend`."""
        return self._book.extend(tx, number, step, spec, now_us)

    def amend_order(
        self, tx: Transaction, given: Mapping[str, Any], version: str, now_us: int
    ) -> WorkOrder:
        """Let an order ask for something else; see `OrderBook.amend`."""
        return self._book.amend(tx, given, version, now_us)

    def open_attempt(self, tx: Transaction, number: str, name: str, now_us: int) -> Attempt:
        """Begin an attempt at a test: the one called *name*, or the first not yet passed."""
        order = self._book.get(number)
        if self._book.is_aborted(tx, number):
            raise CommandRefused(
                f"order {number} was aborted; add it under another number", "conflict"
            )
        test = order.find(name) if name else self._next_test(tx, order)
        pack = self._pack_for(test, now_us)
        for attempt in self._open.values():
            if attempt.number == number and attempt.test.id == test.id:
                raise CommandRefused(
                    f"order {number}: an attempt at {test.step} is open already; "
                    "close it or abort it first",
                    "conflict",
                )
            shared = sorted(
                set(attempt.instruments) & {i["name"] for i in test.spec["instruments"]}
            )
            if shared:
                raise CommandRefused(
                    f"order {number}: instrument {shared[0]} serves order {attempt.number} now; "
                    "one instrument, one test at a time",
                    "conflict",
                )
        id = str(ULID())
        attempt = Attempt(
            id,
            number,
            test,
            self._registry.procedures[test.procedure],
            pack,
            now_us,
            entry := tx.append(
                "attempt",
                {
                    "attempt": id,
                    "order": number,
                    "test": test.id,
                    "step": test.step,
                    "procedure": test.procedure,
                    "pack_sha256": keep_pack(tx, pack, now_us),
                    "opened_at": iso(now_us),
                },
                now_us,
                _refs(number, id),
                attempt_chain(id),
            ),
        )
        tx.sql.execute(
            "INSERT INTO attempts (id, number, test, procedure, state, opened_us, opened_entry,"
            " pack) VALUES (?,?,?,?,'open',?,?,?)",
            (attempt.id, number, test.id, test.procedure, now_us, entry, pack.sha256),
        )
        tx.then(lambda: self._watch(attempt))
        return attempt

    def add_event(
        self, tx: Transaction, number: str, word: str, instrument: str, point: str, now_us: int
    ) -> Attempt:
        """Record an operator's event in the one open attempt of an order."""
        words = (*EVENTS, CLOSE, POINT)
        if word not in words:
            raise CommandRefused(f"no event {word!r}; {suggestion(word, words)}")
        attempt = self.attempt(number)
        if instrument and instrument not in attempt.instruments:
            raise CommandRefused(
                f"order {number} has no instrument {instrument!r}; "
                f"it has: {', '.join(attempt.instruments)}"
            )
        tx.append(
            "event",
            {
                "attempt": attempt.id,
                "order": number,
                "word": word,
                "instrument": instrument,
                "point": point,
                "at_us": now_us,
            },
            now_us,
            _refs(number, attempt.id),
            attempt_chain(attempt.id),
        )
        tx.then(lambda: attempt.event(now_us, word, instrument, point))
        return attempt

    def abort_order(self, tx: Transaction, number: str, reason: str, now_us: int) -> int | None:
        """Give an order up. An open attempt of it ends ABORTED by the next review.

        Returns the index of the entry that says so; None when it was given up before.
        """
        self._book.get(number)
        if self._book.is_aborted(tx, number):
            return None
        body = {"order": number, "word": "order_aborted", "reason": reason}
        entry = tx.append("event", body, now_us, {"order": number})
        tx.sql.execute("UPDATE orders SET state='aborted' WHERE number=?", (number,))
        for attempt in self._open.values():
            if attempt.number == number:
                self.add_event(tx, number, "abort", "", "", now_us)
        return entry

    def progress(self, number: str) -> list[Mapping[str, Any]]:
        """What is known now of the open attempts of one order, or of all ("")."""
        return [
            {
                "attempt": attempt.id,
                "order": attempt.number,
                "step": attempt.test.step,
                "procedure": attempt.test.procedure,
                "readings": len(attempt.rows),
                **attempt.progress(),
            }
            for attempt in self._open.values()
            if number in ("", attempt.number)
        ]

    # -- start

    def restore(self, reader: LedgerReader) -> None:
        """Rebuild orders and open attempts from the ledger, after a start."""
        self._book.restore(reader)
        for id, number, test, opened_us, opened_entry, pack in reader.sql.execute(
            "SELECT id, number, test, opened_us, opened_entry, pack FROM attempts"
            " WHERE state='open' ORDER BY opened_entry"
        ).fetchall():
            attempt = rebuild(
                reader,
                self._registry,
                id,
                self._book.get(number).find(test),
                pack,
                opened_us,
                opened_entry,
            )
            self._watch(attempt)
            log.info("attempt_restored", order=number, attempt=id, readings=len(attempt.rows))

    # -- inside

    def _watch(self, attempt: Attempt) -> None:
        self._open[attempt.id] = attempt
        self._index()

    def _close(self, id: str) -> None:
        self._open.pop(id, None)
        self._index()

    def _index(self) -> None:
        watching: dict[str, tuple[Attempt, ...]] = {}
        for attempt in self._open.values():
            for name in attempt.instruments:
                watching[name] = (*watching.get(name, ()), attempt)
        self._watching = watching

    def knows(self, number: str) -> bool:
        return self._book.find(number) is not None

    def order(self, number: str) -> WorkOrder | None:
        """The order of that number, if there is one."""
        return self._book.find(number)

    def section(self, number: str, test: str) -> str:
        """The section that a test is about; "" where it is about none."""
        return _section(self._book.get(number).find(test))

    def break_off(self, tx: Transaction, number: str, word: str, now_us: int) -> None:
        """End the open attempts of an order, if there are any, by the event *word*."""
        for attempt in self._open.values():
            if attempt.number == number:
                self.add_event(tx, number, word, "", "", now_us)

    def attempt(self, number: str) -> Attempt:
        """The one open attempt of an order. Raises CommandRefused when there is none, or two."""
        self._book.get(number)
        found = [a for a in self._open.values() if a.number == number]
        if len(found) != 1:
            raise CommandRefused(
                f"order {number} has {len(found)} open attempts, so the event has no place; "
                "open one with `gashub order open`, or begin a job's test with `gashub job do`",
                "conflict",
            )
        return found[0]

    def _next_test(self, tx: Transaction, order: WorkOrder) -> Test:
        passed = {
            row[0]
            for row in tx.sql.execute(
                "SELECT test FROM attempts WHERE number=? AND verdict='PASS'", (order.number,)
            )
        }
        for test in order.tests:
            if test.id not in passed:
                return test
        raise CommandRefused(
            f"order {order.number}: every test has passed; name the test to repeat it"
        )

    def _pack_for(self, test: Test, now_us: int) -> RulePack:
        """The pack that an attempt opened now is judged by: the gateway's, or the one the order
        names, if that is shipped. An order cannot make the hub read another file.
        """
        name = test.spec.get("rule_pack")
        if name is None or name == self._pack.id:
            pack = self._pack
        elif name in shipped_ids():
            pack = load_pack(name).lean()
        else:
            raise CommandRefused(
                f"order {test.spec['number']}: rule pack {name!r} is neither the gateway's "
                f"({self._pack.id}) nor shipped ({', '.join(shipped_ids())})"
            )
        today = local_day(now_us)
        if not pack.in_force(today):
            raise CommandRefused(
                f"rule pack {pack.id} {pack.version} is not in force on {today} (from "
                f"{pack.valid_from} until {pack.valid_until or 'further notice'}); "
                "set hub.rule_pack to one that is"
            )
        return pack


def _section(test: Test) -> str:
    return str((test.spec.get("section") or {}).get("id", ""))


def _refs(number: str, attempt: str) -> dict[str, str]:
    return {"order": number, "attempt": attempt}
