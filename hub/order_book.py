"""The book of orders: taken, extended, amended. Each version of an order is an entry of the log.

Like the desk, whose part it is, it writes through the transaction it is given and changes its own
memory only after the commit.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from hub.errors import CommandRefused
from hub.ledger import LedgerReader, Transaction
from hub.orders import WorkOrder, from_record, new_order
from hub.registry import Registry


class OrderBook:
    """Orders by number. *facts* is what is known of each instrument, by name; it may grow."""

    def __init__(self, registry: Registry, facts: Mapping[str, Mapping[str, Any]]) -> None:
        self._registry = registry
        self._facts = facts
        self._orders: dict[str, WorkOrder] = {}

    def restore(self, reader: LedgerReader) -> None:
        """Take up what is in the record."""
        for (record,) in reader.sql.execute("SELECT record FROM orders"):
            order = from_record(orjson.loads(record))
            self._orders[order.number] = order

    def find(self, number: str) -> WorkOrder | None:
        """The order of that number, if there is one."""
        return self._orders.get(number)

    def get(self, number: str) -> WorkOrder:
        """The order of that number. raises CommandRefused"""
        order = self._orders.get(number)
        if order is None:
            raise CommandRefused(
                f"no order {number!r}; add it with `gashub order add FILE`, "
                "or see `gashub order list`",
                "absent",
            )
        return order

    def is_aborted(self, tx: Transaction, number: str) -> bool:
        row = tx.sql.execute("SELECT state FROM orders WHERE number=?", (number,)).fetchone()
        return bool(row == ("aborted",))

    def add(self, tx: Transaction, given: Mapping[str, Any], now_us: int) -> WorkOrder:
        """Take a new order. The same order sent twice is the first one, unchanged."""
        order = self._new(given)
        known = self._orders.get(order.number) or _recorded(tx, order.number)
        if known is not None:
            if known.is_asked_by(order):
                if self.is_aborted(tx, order.number):
                    raise CommandRefused(
                        f"order {order.number} was cancelled, and what is cancelled is not taken "
                        "again; give it another number",
                        "conflict",
                    )
                return known
            raise CommandRefused(
                f"order {order.number} is known already, with other content; "
                "give the new one another number, or abort the old one",
                "conflict",
            )
        record = _record(order)
        entry = tx.append("order", record, now_us, {"order": order.number})
        tx.sql.execute(
            "INSERT INTO orders (number, id, record, state, entry, created_us, site, trial)"
            " VALUES (?,?,?,'open',?,?,?,?)",
            (order.number, order.id, record, entry, now_us, order.site, order.trial),
        )
        tx.then(lambda: self._orders.__setitem__(order.number, order))
        return order

    def extend(
        self, tx: Transaction, number: str, step: str, spec: Mapping[str, Any], now_us: int
    ) -> WorkOrder:
        """Give an order one more test, as *step*; an order that is not there begins with it.

        raises  CommandRefused when it has a test of that step already, or *spec* is unusable
        """
        before = self._orders.get(number)
        given = {"number": number, "steps": [{"step": step, "tests": [spec]}]}
        if before is None:
            row = tx.sql.execute("SELECT site, trial FROM jobs WHERE number=?", (number,))
            site, trial = row.fetchone() or ("", 0)
            return self.add(tx, {**given, "site": site, "trial": bool(trial)}, now_us)
        if any(test.step == step for test in before.tests):
            raise CommandRefused(
                f"order {number} has a test {step} already; what was ordered is not changed",
                "conflict",
            )
        added = self._new(given)
        return self._put(tx, replace(before, tests=(*before.tests, *added.tests)), now_us)

    def amend(
        self, tx: Transaction, given: Mapping[str, Any], version: str, now_us: int
    ) -> WorkOrder:
        """Let an order ask for something else. What was tried already stays as it was.

        version  of the order as the caller knows it: the index of its newest entry
        raises   CommandRefused: another version stands, it is aborted, a test of it runs, or one
                 that was tried would change
        """
        asked = self._new(given)
        number, before = asked.number, self.get(asked.number)
        found = version_of(tx, number)
        if version != found:
            raise CommandRefused(
                f"order {number} is of version {found}, not {version!r}: somebody has changed it "
                "meanwhile; look at it again, and amend what stands there",
                "stale",
            )
        if self.is_aborted(tx, number):
            raise CommandRefused(
                f"order {number} was aborted; add it under another number", "conflict"
            )
        if (asked.site, asked.trial) != (before.site, before.trial):
            raise CommandRefused(
                f"order {number}: site and trial are for good; add it under another number",
                "conflict",
            )
        rows = tx.sql.execute("SELECT test, state FROM attempts WHERE number=?", (number,))
        tried = dict(rows.fetchall())
        if "open" in tried.values():
            raise CommandRefused(
                f"order {number}: a test of it is running, and its readings are judged by what was "
                "ordered when it began; wait for the verdict, or abort the order",
                "conflict",
            )
        kept = before.tests_as_before(asked, tried)
        if lost := [test for test in before.tests if test.id in tried and test not in kept]:
            raise CommandRefused(
                f"order {number}: {lost[0].step} ({lost[0].procedure}) was tried already, and what "
                "was judged is not changed; leave it as it is, and order another test beside it",
                "conflict",
            )
        if before.says_the_same(replace(asked, tests=kept)):
            return before
        return self._put(tx, replace(before, tests=kept), now_us)

    def _new(self, given: Mapping[str, Any]) -> WorkOrder:
        return new_order(given, self._facts, self._registry.procedures)

    def _put(self, tx: Transaction, order: WorkOrder, now_us: int) -> WorkOrder:
        record = _record(order)
        entry = tx.append("order", record, now_us, {"order": order.number})
        tx.sql.execute(
            "UPDATE orders SET record=?, entry=? WHERE number=?", (record, entry, order.number)
        )
        tx.then(lambda: self._orders.__setitem__(order.number, order))
        return order


def version_of(tx: Transaction, number: str) -> str:
    """Of an order that is there: the index of its newest entry, as text."""
    (entry,) = tx.sql.execute("SELECT entry FROM orders WHERE number=?", (number,)).fetchone()
    return str(entry)


def _recorded(tx: Transaction, number: str) -> WorkOrder | None:
    """An order of this very transaction, which memory does not have yet."""
    row = tx.sql.execute("SELECT record FROM orders WHERE number=?", (number,)).fetchone()
    return None if row is None else from_record(orjson.loads(row[0]))


def _record(order: WorkOrder) -> bytes:
    return orjson.dumps(order.as_record(), option=orjson.OPT_SORT_KEYS)
