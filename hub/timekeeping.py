"""Hub time over restarts, and what the record says of it.

Within one boot, a hub that starts again goes on with the hub time of its last start, so that
nobody's clock change during the gap can hide the gap. After another boot the wall clock is all
there is: where it stands before the last entry, time cannot be trusted, hub time goes on from
the last entry, and attempts that were open end ABORTED rather than be timed by a wrong clock.
"""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from hub.clock import Clock, HubClock, boot_id, boot_us, iso
from hub.desk import Desk
from hub.errors import Fault
from hub.events import Event
from hub.happenings import hub_event
from hub.ledger import Ledger, LedgerReader, Transaction

log = structlog.get_logger()

STEP_US = 2_000_000
"""A wall clock that has moved by more than this against hub time is worth a notice."""


def hub_clock() -> Clock:
    """The clock to start with: the demo's shared one, or the wall clock's until `start`."""
    shared = os.environ.get("GASHUB_CLOCK")
    if shared:
        from hub.simulate.shared_clock import SharedClock

        return SharedClock(Path(shared))
    return HubClock()


def record_clock(state_dir: Path) -> Clock:
    """The clock of a process that only reads the record: it goes on from it as the hub's does.

    Without a record that can be read it is the wall clock's; then there is nothing to be late for.
    """
    clock = hub_clock()
    if isinstance(clock, HubClock):
        with suppress(Fault, LookupError), LedgerReader(state_dir) as reader:
            anchor(clock, reader)
            catch_up(clock, reader)
    return clock


def catch_up(clock: Clock, reader: LedgerReader) -> None:
    """Move *clock* on to the newest entry where it stands before that; it never goes back."""
    if isinstance(clock, HubClock) and (size := reader.size()):
        newest_us = reader.read(size - 1).at_us
        if clock.now_us() < newest_us:
            clock.anchor_us = newest_us - boot_us()


class Timekeeper:
    """Writes the start into the record and watches the wall clock afterwards."""

    def __init__(self, clock: Clock, gateway: str = "") -> None:
        self._clock = clock
        self._gateway = gateway
        self._said_us = 0

    def start(
        self,
        ledger: Ledger,
        reader: LedgerReader,
        desk: Desk,
        address: Callable[[Transaction, Event], object] = lambda _tx, _event: None,
    ) -> None:
        """Record how hub time was anchored; end attempts that a wrong clock cannot time.

        address  puts the event of the start into the outbox
        """
        clock = self._clock
        if not isinstance(clock, HubClock):
            return
        behind = anchor(clock, reader)
        now_us = clock.now_us()
        with ledger.transaction() as tx:
            entry = tx.append(
                "start",
                {
                    "boot_id": boot_id(),
                    "anchor_us": clock.anchor_us,
                    "wall": iso(time.time_ns() // 1000),
                    "trusted": not behind,
                },
                now_us,
            )
            given = self._gateway, "hub", self._gateway, "started", iso(now_us)
            address(tx, hub_event(*given, entry, tx.checkpoint(), clock_trusted=not behind))
            since_us = now_us if behind else _untrusted_us(reader)
            start = {
                "boot_id": boot_id(), "anchor_us": clock.anchor_us, "untrusted_us": since_us,
            }  # fmt: skip
            tx.sql.execute(
                "INSERT INTO hub_state (key, value) VALUES ('start', ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (json.dumps(start),),
            )
            if behind:
                log.error("clock_behind", by_s=round(-clock.offset_us() / 1e6))
                for attempt in desk.open_attempts:
                    desk.add_event(tx, attempt.number, "abort", "", "", now_us)

    def step(self) -> str:
        """What to note about the wall clock now, or "". Each new offset is said once."""
        if not isinstance(self._clock, HubClock):
            return ""
        offset_us = self._clock.offset_us()
        if abs(offset_us - self._said_us) < STEP_US:
            return ""
        moved_s = (offset_us - self._said_us) / 1e6
        self._said_us = offset_us
        return f"wall clock moved by {moved_s:+.1f} s; hub time did not"


def _untrusted_us(reader: LedgerReader) -> int:
    """Since when the clock cannot be trusted in this boot; another boot begins anew."""
    row = reader.sql.execute("SELECT value FROM hub_state WHERE key='start'").fetchone()
    last = json.loads(row[0]) if row else {}
    return int(last.get("untrusted_us", 0)) if last.get("boot_id") == boot_id() else 0


def anchor(clock: HubClock, reader: LedgerReader) -> bool:
    """Set hub time so that it goes on from the record. True when the wall clock stands before it.

    Within one boot nothing but the time since boot counts. After another boot it is the wall
    clock, and where that stands before the newest entry, hub time goes on from that entry.
    """
    row = reader.sql.execute("SELECT value FROM hub_state WHERE key='start'").fetchone()
    if row is None:
        return False
    last = json.loads(row[0])
    if last["boot_id"] == boot_id():
        clock.anchor_us = last["anchor_us"]
        return False
    newest_us = reader.read(reader.size() - 1).at_us
    behind = clock.now_us() <= newest_us
    if behind:
        clock.anchor_us = newest_us + 1 - boot_us()
    return behind
