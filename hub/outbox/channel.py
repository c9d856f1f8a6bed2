"""One sink's channel: reads what waits for it, delivers, and has the outcome committed.

Order is kept within a lane (a work order): a parcel goes out only when none before it is waiting.
A sink that cannot be reached, pauses us or breaks stops this channel alone, and burns no parcel.
A parcel on which it breaks is put off, so that the others need not wait behind it; a batch is put
off whole, and later ones wait for it.
"""

import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from ulid import ULID

from hub.clock import Clock
from hub.errors import Fault, SinkPaused, SinkUnavailable
from hub.events import ledger_head
from hub.ledger import LedgerReader, Transaction
from hub.model import Delivery, Parcel, Said, Sink
from hub.outbox import pages
from hub.outbox.commits import Commits, Submit
from hub.outbox.parcels import Outcome, Tell, claim, mark, put_off, settle
from hub.outbox.terms import Terms

log = structlog.get_logger()

PAGE = 64
"""Parcels read at a time, and delivered before their outcomes must be durable: memory stays flat,
and a kill makes no more than these go out twice."""
STRIKES = 4
"""Orders that failed with none taken in between, after which the sink counts as down. One order
that the sink cannot digest never gets that far, and so never makes the others wait."""
IDLE_S = 60.0
"""Longest sleep with nothing due. A commit wakes the channel; this is only for safety."""
READ_AGAIN_S = 5.0
"""Time between two tries to read a ledger that cannot be read (a failing disk)."""
_OTHER_SORT = {
    True: "a trial, and this is no test channel any more; it was not delivered",
    False: "no trial, and this is a test channel now; it was not delivered here. Set `trial = "
    "false` again and retry, or it is missing at the far side",
}
Hear = Callable[[Transaction, Parcel, Said, int, Tell], None]
"""Told of what a far side said of a filing, in the transaction of its outcome, and with what it
tells outsiders of it. Must not raise."""
_SAID = {"lost": "sink_lost", "paused": "sink_paused", "failed": "sink_failed"}


def unheard(tx: Transaction, parcel: Parcel, said: Said, at_us: int, tell: Tell) -> None:
    """For an outbox without filings."""


class Channel:
    """The body of thread `sink:NAME`, and the only user of its sink."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        terms: Terms,
        state_dir: Path,
        submit: Submit,
        clock: Clock,
        hear: Hear = unheard,
        filed: Tell = lambda _tx, _body, _entry: None,
    ) -> None:
        self._filed = filed
        self._hear = hear
        self.name = name
        self.terms = terms
        self._sink = sink
        self._state_dir = state_dir
        self._clock = clock
        self._stop = threading.Event()
        self._woken = threading.Event()
        self._hurried = threading.Event()
        self._commits = Commits(name, submit, self._stop)
        self._chance = random.Random()
        self._is_open = False
        self._standing = "open"
        self._failures = 0
        self._struck: set[str] = set()
        self._broke: Counter[str] = Counter()
        self._rest_until_us = 0

    def wake(self) -> None:
        """Something may be due. Does not cut a back-off short."""
        self._woken.set()

    def hurry(self) -> None:
        """An operator wants it tried now, back-off and pause or not."""
        self._hurried.set()
        self._woken.set()

    def stop(self) -> None:
        """Finish the attempt under way, then end."""
        self._stop.set()
        self._woken.set()

    def run(self) -> None:
        """Deliver until stopped. A ledger that cannot be read now is read again later."""
        unreadable = False
        try:
            while not self._stop.is_set():
                try:
                    with LedgerReader(self._state_dir) as reader:
                        self._standing, _ = pages.standing(reader.sql, self.name)
                        unreadable = False
                        self._serve(reader)
                except (Fault, sqlite3.OperationalError) as fault:
                    if not unreadable:
                        log.warning("outbox_cannot_read", sink=self.name, error=str(fault))
                    unreadable = True
                    self._clock.wait(self._stop, READ_AGAIN_S)
        finally:
            self._shut()

    def _serve(self, reader: LedgerReader) -> None:
        while not self._stop.is_set():
            self._woken.clear()
            if self._hurried.is_set():
                self._hurried.clear()
                self._rest_until_us = 0
            wait_s = self._turn(reader)
            if wait_s > 0:
                self._clock.wait(self._woken, min(wait_s, IDLE_S))

    # -- one turn

    def _turn(self, reader: LedgerReader) -> float:
        """Do what is due; returns how long there is nothing more to do."""
        now_us = self._clock.now_us()
        if now_us < self._rest_until_us:
            return (self._rest_until_us - now_us) / 1e6
        if self.terms.batch_max > 1:
            return self._turn_batch(reader, now_us)
        parcels = pages.due_alone(reader.sql, self.name, now_us, PAGE)
        if not parcels:
            return self._until(pages.next_due_us(reader.sql, self.name), now_us)
        for parcel in parcels:
            if self._stop.is_set() or not self._attempt([parcel], ""):
                break
        self._commits.flush()
        return 0

    def _turn_batch(self, reader: LedgerReader, now_us: int) -> float:
        claimed = pages.open_batch(reader.sql, self.name)
        if claimed is not None:
            batch, due_us = claimed
            if due_us > now_us:
                return self._until(due_us, now_us)
            self._attempt(pages.members(reader.sql, self.name, batch), batch)
            self._commits.flush()
            return 0
        free = pages.claimable(reader.sql, self.name, now_us, self.terms.batch_max)
        if not free.ids:
            return self._until(free.due_us, now_us)
        closes_us = free.oldest_us + round(self.terms.batch_linger_s * 1e6)
        if len(free.ids) < self.terms.batch_max and now_us < closes_us:
            return self._until(closes_us, now_us)
        # Membership is durable before the sink sees the batch: a crash cannot regroup it.
        batch = str(ULID.from_timestamp(now_us / 1e6))
        self._commits.add(partial(claim, ids=free.ids, batch=batch))
        self._commits.flush()
        return 0

    @staticmethod
    def _until(due_us: int | None, now_us: int) -> float:
        return IDLE_S if due_us is None else max(0.001, (due_us - now_us) / 1e6)

    # -- one attempt

    def _attempt(self, parcels: Sequence[Parcel], batch: str) -> bool:
        """Deliver a group once. False when the channel must rest now."""
        if strangers := [one for one in parcels if one.trial != self.terms.trial]:
            self._settle(
                [Outcome(one.id, "refused", _OTHER_SORT[one.trial]) for one in strangers], batch, {}
            )
            return True
        try:
            if not self._is_open:
                self._sink.open()
                self._is_open = True
            delivery = self._sink.deliver(parcels, batch or parcels[0].id)
            outcomes = self._outcomes(parcels, delivery)
        except SinkPaused as paused:
            self._trouble("paused", str(paused), self.terms.probe_paused_s)
            return False
        except SinkUnavailable as fault:
            self._trouble("lost", str(fault), max(self._backoff_s(), fault.retry_after_s))
            return False
        except (Fault, OSError) as fault:
            self._trouble("lost", str(fault), self._backoff_s())
            return False
        except Exception as bug:  # a stranger's code: it stops this sink only, and is named
            if self._standing != "failed":
                log.exception("sink_raised", sink=self.name)
            reason = f"{type(bug).__name__}: {bug}"
            self._put_off(parcels, reason)
            self._trouble("failed", reason, self._backoff_s())
            return False
        heads = {one.id: ledger_head(one.body) for one in parcels if one.id in delivery.taken}
        said = [(one, delivery.said[one.id]) for one in parcels if one.id in delivery.said]
        self._settle(outcomes, batch, heads, said)
        spoken = any(one.step != "unknown" for _, one in said)
        if spoken or any(outcome.answer != "waiting" for outcome in outcomes):
            self._struck.clear()
            del self._broke[parcels[0].id]
            self._well()
            return True
        self._struck.update(one.order or one.id for one in parcels[:STRIKES])
        if len(self._struck) < STRIKES:
            return True
        self._trouble("lost", outcomes[0].detail, self._backoff_s())
        return False

    def _settle(
        self,
        outcomes: Sequence[Outcome],
        batch: str,
        heads: Mapping[str, Mapping[str, Any]],
        said: Sequence[tuple[Parcel, Said]] = (),
    ) -> None:
        self._commits.add(
            partial(
                self._write,
                said=said,
                sink=self.name,
                outcomes=outcomes,
                at_us=self._clock.now_us(),
                dead_after=self.terms.dead_after,
                heads=heads,
                batch=batch,
                filed=self._filed,
            )
        )

    def _write(
        self, tx: Transaction, said: Sequence[tuple[Parcel, Said]], at_us: int, **settled: Any
    ) -> None:
        """The outcomes and what was said of filings, in one transaction."""
        settle(tx, at_us=at_us, **settled)
        for parcel, one in said:
            self._hear(tx, parcel, one, at_us, self._filed)

    def _put_off(self, parcels: Sequence[Parcel], reason: str) -> None:
        """Later again, without a mark against them: it may be the sink's bug, or theirs."""
        self._broke[parcels[0].id] += 1
        wait_s = self.terms.backoff_s(self._broke[parcels[0].id], self._chance)
        next_us = self._clock.now_us() + round(wait_s * 1e6)
        ids = [one.id for one in parcels]
        self._commits.add(partial(put_off, ids=ids, next_us=next_us, reason=reason))

    def _outcomes(self, parcels: Sequence[Parcel], delivery: Delivery) -> list[Outcome]:
        outcomes = []
        for parcel in parcels:
            if parcel.id in delivery.taken:
                outcomes.append(Outcome(parcel.id, "taken", delivery.taken[parcel.id]))
            elif parcel.id in delivery.refused:
                outcomes.append(Outcome(parcel.id, "refused", delivery.refused[parcel.id]))
            else:
                wait_s = self.terms.backoff_s(parcel.attempts + 1, self._chance)
                next_us = self._clock.now_us() + round(wait_s * 1e6)
                why = delivery.waiting.get(parcel.id, "no answer for this parcel")
                outcomes.append(Outcome(parcel.id, "waiting", why, next_us))
        return outcomes

    # -- how the channel stands

    def _backoff_s(self) -> float:
        return self.terms.backoff_s(self._failures + 1, self._chance)

    def _trouble(self, standing: str, reason: str, rest_s: float) -> None:
        """Rest; say so once per change. The far side's connection is made anew afterwards."""
        self._failures += 1
        self._rest_until_us = self._clock.now_us() + round(rest_s * 1e6)
        self._shut()
        if standing != self._standing:
            log.warning(_SAID[standing], sink=self.name, error=reason, retry_in_s=rest_s)
            self._change(standing, reason)

    def _well(self) -> None:
        self._failures = 0
        if self._standing != "open":
            log.info("sink_back", sink=self.name)
            self._change("open", "")

    def _change(self, standing: str, reason: str) -> None:
        self._standing = standing
        now_us = self._clock.now_us()
        self._commits.add(
            partial(mark, sink=self.name, state=standing, reason=reason, at_us=now_us)
        )

    def _shut(self) -> None:
        self._is_open = False
        try:
            self._sink.close()
        except Exception:  # a stranger's code: a sink that cannot close must not stop the channel
            log.exception("sink_close_failed", sink=self.name)
