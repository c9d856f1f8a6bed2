"""A judging thread with nothing to judge: for tests and benches of the outbox.

The ledger, its file, the bus and the transactions are the real ones; only readings and
procedures are left out, and verdicts are made up.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self, TypeVar

from ulid import ULID

from hub.bus import Bus
from hub.clock import Clock, iso
from hub.errors import CommandRefused
from hub.events import Event, verdict_event
from hub.ledger import Ledger, Transaction
from hub.outbox import Outbox

T = TypeVar("T")

GATEWAY = "gw-test"


class Scribe:
    """Owns a ledger and commits what is submitted, many tasks to a transaction."""

    def __init__(self, state_dir: Path, clock: Clock) -> None:
        self.state_dir = state_dir
        self.clock = clock
        self.outbox: Outbox | None = None
        """Woken after each commit, as the hub does it."""
        self.refuses = ""
        """Not empty: every task is sent back with this text, as by a store that is full."""
        self._bus = Bus()
        self._ledger = Ledger.open(state_dir, clock, GATEWAY)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="judge")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._ledger.close()

    def submit(self, act: Callable[[Transaction], Any]) -> "Future[Any]":
        return self._bus.submit(act)

    def do(self, act: Callable[[Transaction], T]) -> T:
        """Commit *act* and return what it returned."""
        result: T = self.submit(act).result(60)
        return result

    def alone(self, act: Callable[[Transaction], T]) -> T:
        """The same on the caller's thread, for what may fail. Only while nothing is submitted."""
        with self._ledger.transaction() as tx:
            return act(tx)

    def announce(self, outbox: Outbox, *orders: str) -> list[str]:
        """Record one verdict per order named and address its event; returns the events' ids."""

        def act(tx: Transaction) -> list[str]:
            return [self.verdict(tx, outbox, order).id for order in orders]

        return self.do(act)

    def verdict(self, tx: Transaction, outbox: Outbox, order: str, **changed: Any) -> Event:
        """Record one verdict in *tx* and address its event."""
        record = sample_record(order, self.clock.now_us(), **changed)
        entry = tx.append("verdict", record, self.clock.now_us(), {"order": order})
        event = verdict_event(GATEWAY, {**record, "entry": entry}, tx.checkpoint())
        outbox.address(tx, event)
        return event

    def _run(self) -> None:
        while not self._stop.is_set():
            tasks, _ = self._bus.take(500, 0.05)
            if not tasks:
                continue
            if self.refuses:
                for task in tasks:
                    task.done.set_exception(CommandRefused(self.refuses))
                continue
            with self._ledger.transaction() as tx:
                results = [task.do(tx) for task in tasks]
            for task, result in zip(tasks, results, strict=True):
                task.done.set_result(result)
            if self.outbox is not None:
                self.outbox.wake()


def sample_record(order: str, at_us: int, **changed: Any) -> dict[str, Any]:
    """The body of a verdict's ledger entry, as the hub writes it, with made-up figures.

    changed  keys of the verdict itself that differ from the sample
    """
    verdict: Mapping[str, Any] = {
        "number": order,
        "procedure": "riser_hold",
        "verdict": "PASS",
        "reasons": [],
        "flags": [],
        "figures": {"p1_pa": "10012", "p2_pa": "10004.5", "drop_raw_pa": "7.5", "hold_s": "900"},
        "limits": {"drop_pa": {"value": "100", "clause": "c", "source": "s", "mark": "S"}},
        "clauses": ["4.4.2"],
        "rule_pack": {"id": "default", "version": "1"},
        "not_checked": [],
        "sentence": {"zh": "压降在允许范围内。", "en": "The drop is within its limit."},
        **changed,
    }
    return {
        "id": str(ULID()),
        "attempt": str(ULID()),
        "order": order,
        "order_id": str(ULID()),
        "step": "riser",
        "test": str(ULID()),
        "opened_at": iso(at_us - 1_200_000_000),
        "decided_at": iso(at_us),
        "decided_us": at_us,
        "opened_entry": 1,
        "pack_sha256": "0" * 64,
        "verdict": verdict,
    }
