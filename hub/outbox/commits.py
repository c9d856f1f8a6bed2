"""How a channel gets its outcomes committed: on the judging thread, and never given up lightly.

What comes up while one commit is under way goes together into the next, so that a fast drain
costs few commits and a channel never has more than one task before the judging thread.

An outcome that could not be committed (full disk, busy hub) is handed in again; the parcel is
not delivered again for that. Only a stop of the hub leaves one behind, and then the parcel goes
out once more after the start, with the same key.
"""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from functools import partial
from typing import Any

import structlog

from hub.errors import Fault
from hub.ledger import Transaction

log = structlog.get_logger()

Act = Callable[[Transaction], Any]
Submit = Callable[[Act], "Future[Any]"]

LOOK_S = 0.2
"""Longest time between two looks at the stop event; also between two tries."""
GRACE_LOOKS = 25
"""Looks at unanswered outcomes after the stop, 5 s in all, before they are left behind."""


class Commits:
    """Outcomes on their way to the judging thread. Used by one channel's thread only."""

    def __init__(self, sink: str, submit: Submit, stop: threading.Event) -> None:
        self._sink = sink
        self._submit = submit
        self._stop = stop
        self._queued: list[Act] = []
        self._under_way: list[Act] = []
        self._done: Future[Any] | None = None

    def add(self, act: Act) -> None:
        """Have *act* committed some time, in the order of adding; `flush` waits for it."""
        self._queued.append(act)
        self._pump()

    def flush(self) -> bool:
        """Wait until everything added is durable. False when the hub stopped before that."""
        looks = 0
        while True:
            self._pump()
            if not self._queued and self._done is None:
                return True
            if self._stop.is_set():
                looks += 1
                if looks > GRACE_LOOKS:
                    count = len(self._queued) + len(self._under_way)
                    log.warning("outcomes_unrecorded", sink=self._sink, count=count)
                    self._queued, self._under_way, self._done = [], [], None
                    return False
            wait([self._done or Future()], timeout=LOOK_S)

    def _pump(self) -> None:
        """Take in the answer of the commit under way, and hand in what has come up since."""
        if self._done is not None:
            if not self._done.done():
                return
            acts, self._under_way = self._under_way, []
            try:
                self._done.result()
            except (Fault, CancelledError):
                self._queued[:0] = acts
                return
            finally:
                self._done = None
        if self._queued:
            try:
                self._done = self._submit(partial(_all, self._queued))
            except Fault:
                return
            self._under_way, self._queued = self._queued, []


def _all(acts: list[Act], tx: Transaction) -> None:
    for act in acts:
        act(tx)
