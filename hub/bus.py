"""The bus: many driver threads in, one judging thread out, two lanes, both bounded.

Intakes and notices share one lane; when it is full, `put` waits, so a slow ledger slows the
polling and nothing is lost. Tasks (operators' commands, delivery outcomes) have a short lane of
their own, so that a flood of readings cannot keep an operator's abort waiting.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from hub.errors import CommandRefused
from hub.ledger import Transaction
from hub.model import Intake, Notice

Item = Intake | Notice


class Task(NamedTuple):
    """Something to do on the judging thread, inside a ledger transaction."""

    do: Callable[[Transaction], Any]
    done: "Future[Any]"


class Bus:
    """Bounded hand-over. Any thread puts; only the judging thread takes."""

    def __init__(self, room: int = 4096, task_room: int = 64) -> None:
        self._items: deque[Item] = deque()
        self._tasks: deque[Task] = deque()
        self._room = room
        self._task_room = task_room
        self._changed = threading.Condition(threading.Lock())
        self._taker_waits = False
        self._putters_wait = 0

    def put(self, items: Sequence[Item], stop: threading.Event) -> bool:
        """Hand over *items*, waiting for room. False if *stop* was set before there was any.

        A batch goes in whole once there is room for its first item, so the lane may exceed its
        room by one batch.
        """
        with self._changed:
            while len(self._items) >= self._room:
                if stop.is_set():
                    return False
                self._putters_wait += 1
                self._changed.wait(0.2)
                self._putters_wait -= 1
            self._items.extend(items)
            if self._taker_waits:
                self._changed.notify_all()
        return True

    def submit(self, do: Callable[[Transaction], Any]) -> "Future[Any]":
        """Have *do* run on the judging thread. Its result or exception comes by the future.

        raises  CommandRefused when too many tasks are waiting already
        """
        task = Task(do, Future())
        with self._changed:
            if len(self._tasks) >= self._task_room:
                raise CommandRefused(
                    f"{self._task_room} commands are waiting already; the hub is busy or its "
                    "store does not answer: look at `gashub status`, then try again"
                )
            self._tasks.append(task)
            if self._taker_waits:
                self._changed.notify_all()
        return task.done

    def take(
        self, at_most: int, wait_s: float, items: bool = True
    ) -> tuple[list[Task], list[Item]]:
        """Take what has arrived, oldest first; wait up to *wait_s* when there is nothing.

        items  False leaves the lane of intakes alone: the store refuses input for now.
        """
        with self._changed:
            if not self._tasks and not (items and self._items) and wait_s > 0:
                self._taker_waits = True
                self._changed.wait(wait_s)
                self._taker_waits = False
            tasks = list(self._tasks)
            self._tasks.clear()
            taken: list[Item] = []
            if items:
                if len(self._items) <= at_most:
                    taken = list(self._items)
                    self._items.clear()
                else:
                    pop = self._items.popleft
                    taken = [pop() for _ in range(at_most)]
                if self._putters_wait:
                    self._changed.notify_all()
        return tasks, taken

    def waiting(self) -> tuple[int, int]:
        """How many items and tasks are waiting now."""
        with self._changed:
            return len(self._items), len(self._tasks)
