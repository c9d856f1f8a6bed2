"""The hub's threads: named for what they own, joined at stop, and never failing in silence."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger()

JOIN_WITHIN_S = 10.0

Body = Callable[[threading.Event], None]
"""The body of a thread: runs until the event it is given is set."""


class Crew:
    """Starts and joins threads. `stop` is set when one of them ends by an exception."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.failed: list[str] = []
        """Threads that ended by an exception: bugs in the hub's own loops."""

    @contextmanager
    def running(self, name: str, body: Body) -> Iterator[None]:
        """Run *body* in a thread; on leaving, tell it to stop and join it."""
        halt = threading.Event()
        thread = threading.Thread(target=self._guarded, args=(name, body, halt), name=name)
        thread.start()
        try:
            yield
        finally:
            halt.set()
            thread.join(JOIN_WITHIN_S)
            if thread.is_alive():
                log.error("thread_missed_stop", thread=name, within_s=JOIN_WITHIN_S)
                self.failed.append(name)

    def missed(self, end: Callable[[float], list[str]]) -> None:
        """Have *end* join threads it started itself, and name those that did not end."""
        for name in end(JOIN_WITHIN_S):
            log.error("thread_missed_stop", thread=name, within_s=JOIN_WITHIN_S)
            self.failed.append(name)

    def _guarded(self, name: str, body: Body, halt: threading.Event) -> None:
        try:
            body(halt)
        except Exception:  # a bug in our own loop: named, and the whole hub stops
            log.exception("thread_failed", thread=name)
            self.fail(name)

    def fail(self, name: str) -> None:
        """A thread of the hub's own ended by an exception: the whole hub stops."""
        self.failed.append(name)
        self.stop.set()
