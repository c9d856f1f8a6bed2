"""Followers: sinks that read the ledger themselves, each by a durable cursor.

The cursor moves only over blocks that the far side has acknowledged. It is written with the next
commit that happens anyway, so that following costs the disk nothing; after a crash the blocks
forwarded since that commit are sent once more.
"""

import random
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from hub.clock import Clock
from hub.errors import Fault
from hub.ledger import LedgerReader, Transaction
from hub.model import Follower, Recorded

log = structlog.get_logger()

BLOCKS = 64
"""Blocks handed to a follower at a time: memory stays flat, however far behind it is."""
POLL_S = 1.0
LONGEST_PAUSE_S = 60.0


class Cursors:
    """How far each follower is: moved by the followers' threads, written by the judging thread."""

    def __init__(self, stored: Mapping[str, int], wakes: Sequence[threading.Event]) -> None:
        self._lock = threading.Lock()
        self._now = dict(stored)
        self._written = dict(stored)
        self._wakes = wakes

    def move(self, follower: str, entry: int) -> None:
        with self._lock:
            self._now[follower] = entry

    def at(self, follower: str) -> int:
        """Index of the last entry this follower has behind it; -1 before the first."""
        with self._lock:
            return self._now.get(follower, -1)

    def all(self) -> dict[str, int]:
        with self._lock:
            return dict(self._now)

    @property
    def moved(self) -> bool:
        """Whether there is something to write."""
        with self._lock:
            return self._now != self._written

    def write(self, tx: Transaction) -> None:
        """Put what has moved into this transaction."""
        now = self.all()
        moved = [(name, entry) for name, entry in now.items() if self._written.get(name) != entry]
        if not moved:
            return
        tx.sql.executemany(
            "INSERT INTO cursors (follower, entry) VALUES (?, ?)"
            " ON CONFLICT (follower) DO UPDATE SET entry = excluded.entry",
            moved,
        )
        tx.then(lambda: self._written.update(moved))

    def wake(self) -> None:
        """New blocks are durable: wake the followers."""
        for event in self._wakes:
            event.set()


def stored_cursors(reader: LedgerReader) -> dict[str, int]:
    return dict(reader.sql.execute("SELECT follower, entry FROM cursors").fetchall())


def follow(
    name: str,
    follower: Follower,
    state_dir: Path,
    cursors: Cursors,
    wake: threading.Event,
    clock: Clock,
    stop: threading.Event,
) -> None:
    """Forward every recorded block, oldest first. The body of thread `follower:NAME`.

    A far side that cannot be reached is tried again with back-off, for ever; a bug in the
    follower's code is named and treated the same way, and nobody else waits for it.
    """
    pause_s, down = 1.0, False
    with LedgerReader(state_dir) as reader:
        while not stop.is_set():
            try:
                follower.open()
                while not stop.is_set():
                    wake.clear()
                    blocks = reader.blocks(cursors.at(name), BLOCKS)
                    if not blocks:
                        wake.wait(POLL_S)
                        continue
                    follower.forward([Recorded(at, block.records()) for at, block in blocks])
                    cursors.move(name, blocks[-1][0])
                    if down:
                        log.info("follower_back", follower=name)
                    pause_s, down = 1.0, False
            except (Fault, OSError) as fault:
                if not down:
                    log.warning("follower_lost", follower=name, error=str(fault))
                down = True
            except Exception:  # a stranger's code: it stops this follower only, and is named
                log.exception("follower_failed", follower=name)
                down, pause_s = True, max(pause_s, 30.0)
            finally:
                follower.close()
            clock.wait(stop, random.uniform(0.5, 1.0) * pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
