"""What passes over one line or link, for whoever looks: a ring that is filled only meanwhile.

A look keeps the tap open for a few seconds. When nobody has looked for longer, the next thing to
be noted closes it and its memory is given back, so that a looker who was killed leaves nothing
behind. While it is closed, a note costs one look at a flag.

What a looker is too slow for is not kept for him: it is counted, and named `slow_looker`.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

from hub.clock import Clock

OPEN_FOR_S: Final = 5.0
MOST_SEEN: Final = 4096
MOST_BYTES: Final = 262_144
MOST_AT_ONCE: Final = 500
LONGEST: Final = 16_384

What = Literal["hub", "device", "echo", "unread", "made", "reset", "notice"]
"""hub     the hub sent it
device  the instrument sent it, and a driver was given it
echo    the adapter repeated what the hub had sent
unread  it came when nobody was reading, and was thrown away before a question
made    what the driver made of all before it
reset   the driver was told to forget what it had
notice  a change of state: port_lost, instrument_back
"""


class Seen(NamedTuple):
    """One thing that passed.

    size  whole length; `data` is cut to LONGEST
    made  with "made": the intakes
    text  with "notice": what it says; with "made": why the driver gave nothing
    """

    at_us: int
    what: What
    instrument: str
    data: bytes = b""
    size: int = 0
    made: Sequence[Any] = ()
    text: str = ""


class Glance(NamedTuple):
    """An answer to `look`: go on with `next`; `missed` things at least were not kept."""

    seen: Sequence[Seen]
    next: int
    missed: int


class Tap:
    """The ring of one line. Its thread notes, any other thread looks.

    instrument  whose turn it is; set by the line
    fresh       set by a looker who wants the drivers to begin anew before their next turn
    """

    def __init__(self, clock: Clock, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self.watched = False
        self.instrument = ""
        self.moved = False
        """Whether any bytes were noted since the line last said what was made of them."""
        self.fresh = threading.Event()
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._ring: deque[Seen] = deque()
        self._bytes = 0
        self._next = 0
        self._until_s = 0.0

    def note(self, what: What, data: bytes = b"", made: Sequence[Any] = (), text: str = "") -> None:
        """Keep it while somebody looks; the oldest goes first when there is no more room."""
        if not self.watched:
            return
        with self._lock:
            if self._monotonic_s() > self._until_s:
                self._close()
                return
            self.moved = what in ("hub", "device", "unread") or (self.moved and what != "made")
            cut = data[:LONGEST]
            self._ring.append(
                Seen(self._clock.now_us(), what, self.instrument, cut, len(data), made, text)
            )
            self._next += 1
            self._bytes += len(cut)
            while len(self._ring) > MOST_SEEN or self._bytes > MOST_BYTES:
                self._bytes -= len(self._ring.popleft().data)

    def look(self, since: int | None = None) -> Glance:
        """What was noted from number *since* on; None begins now. Keeps the tap open."""
        with self._lock:
            now_s = self._monotonic_s()
            if self.watched and now_s > self._until_s:
                self._close()
            self.watched, self._until_s = True, now_s + OPEN_FOR_S
            if since is None:
                return Glance((), self._next, 0)
            first = self._next - len(self._ring)
            if since > self._next:  # the looker knows another hub, which was started before us
                return Glance((), self._next, 1)
            at = max(since, first)
            seen = list(islice(self._ring, at - first, at - first + MOST_AT_ONCE))
            return Glance(seen, at + len(seen), max(0, first - since))

    def _close(self) -> None:
        self.watched = False
        self._ring.clear()
        self._bytes = 0
        self._next += 1  # a hole: who comes back later has missed something
