"""The outbox: every event to every sink that takes it, until it is taken or refused."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from pydantic import BaseModel

from hub.clock import Clock
from hub.events import Event
from hub.happenings import filing_event
from hub.ledger import LedgerReader, Transaction
from hub.model import Sink
from hub.outbox import listing, parcels
from hub.outbox.channel import Channel, Hear, unheard
from hub.outbox.commits import Submit
from hub.outbox.terms import Terms

log = structlog.get_logger()


class Consignee(NamedTuple):
    """A sink of the config: its name, the object, and the settings it was built from."""

    name: str
    sink: Sink
    settings: BaseModel


class Outbox:
    """Addresses events on the judging thread, and runs one thread per sink.

    submit      has a function run on the judging thread inside a ledger transaction; its future is
                done when that transaction is durable
    on_failure  told the name of a thread of ours that ended by an exception: a bug of the hub
                or a ledger that cannot be read, never a bug of a sink
    hear        told what a far side says of filings
    gateway     its name, for what is told of filings
    """

    def __init__(
        self,
        consignees: Sequence[Consignee],
        state_dir: Path,
        submit: Submit,
        clock: Clock,
        on_failure: Callable[[str], None] = lambda _: None,
        hear: Hear = unheard,
        gateway: str = "",
    ) -> None:
        self._gateway = gateway
        self._state_dir = state_dir
        self._clock = clock
        self._channels = [
            Channel(
                one.name,
                one.sink,
                Terms.of(one.settings),
                state_dir,
                submit,
                clock,
                hear,
                self.tell_filing,
            )
            for one in consignees
        ]
        self._on_failure = on_failure
        self._threads: list[threading.Thread] = []

    def address(self, tx: Transaction, event: Event) -> list[str]:
        """Put one parcel per sink that takes this kind into *tx*; returns the parcels' ids.

        A trial goes to test channels only, and nothing else goes there.
        """
        trial = event.trial or parcels.is_trial(tx, event.order)
        sinks = [
            one.name
            for one in self._channels
            if event.kind in one.terms.events and one.terms.trial == trial
        ]
        return parcels.address(tx, event, sinks, self._clock.now_us(), trial=trial)

    def address_to(self, tx: Transaction, event: Event, sink: str) -> str:
        """Put the parcel for one sink, and no other, into *tx*; returns its id.

        raises  sqlite3.IntegrityError when the event was addressed to it before
        """
        return parcels.address(tx, event, [sink], self._clock.now_us())[0]

    def tell_filing(self, tx: Transaction, body: Mapping[str, Any], entry: int) -> None:
        """A filing has come into another state, by *entry*: tell those who take events one by one.
        A channel that files them in batches would tell of its own telling, and never end.

        body  fields of `hub.happenings.FilingData`
        """
        event = filing_event(self._gateway, body, entry, tx.checkpoint())
        trial = any(one.terms.trial for one in self._channels if one.name == body["channel"])
        alone = [
            one.name
            for one in self._channels
            if event.kind in one.terms.events
            and one.terms.batch_max == 1
            and one.terms.trial == trial
        ]
        parcels.address(tx, event, alone, self._clock.now_us(), trial=trial)

    def start(self) -> None:
        """Start the channels' threads. The ledger file must exist."""
        with LedgerReader(self._state_dir) as reader:
            orphans = listing.waiting_sinks(reader.sql) - {one.name for one in self._channels}
        for name in sorted(orphans):
            log.warning("parcels_without_sink", sink=name, remedy="add the sink to the config")
        for channel in self._channels:
            thread = threading.Thread(
                target=self._run, args=(channel,), name=f"sink:{channel.name}"
            )
            thread.start()
            self._threads.append(thread)

    def wake(self) -> None:
        """A commit has been made: look what is due. Cheap enough for every commit."""
        for channel in self._channels:
            channel.wake()

    def hurry(self, sink: str = "") -> None:
        """After an operator's retry or replay: try now, back-off and pause or not."""
        for channel in self._channels:
            if sink in ("", channel.name):
                channel.hurry()

    def stop(self, within_s: float) -> list[str]:
        """End the threads; returns the names of those that did not end within *within_s* each.

        The judging thread must still be running: it commits what is under way.
        """
        for channel in self._channels:
            channel.stop()
        for thread in self._threads:
            thread.join(within_s)
        return [thread.name for thread in self._threads if thread.is_alive()]

    def _run(self, channel: Channel) -> None:
        try:
            channel.run()
        except Exception:  # whatever ended it, the hub must not go on without this channel
            name = threading.current_thread().name
            log.exception("thread_failed", thread=name)
            self._on_failure(name)
