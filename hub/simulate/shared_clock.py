"""One clock for several processes that runs faster than real time, but never ahead of the work.

The clock is a small mmap'd file. A pacer moves `now` on at FACTOR x real time, and never more
than a lead of hub time beyond the oldest beat of any loop that has registered. So a slow or
stalled process holds time back instead of leaving a gap in its readings.

A loop registers with its first `beat(name)`. A loop that waits by `wait` has its beat moved on to
the instant it waits for: there is nothing for it to do before. What it does afterwards is work
with a time, so time passes the due instant by `late_s` at most and then stands until the loop
has acted and beaten again: with `late_s` below the period of a poll, no poll is ever left out.
A loop that never waits here but blocks for its input (a socket, a queue) may lag by `lead_s`.

The file is native 64-bit words: a header, then slots of eight words (pid, beat, lead, 40 bytes
of name).
"""

import fcntl
import mmap
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hub.clock import Clock, HubClock

ENV = "GASHUB_CLOCK"

_MAGIC = 0x6761736875620003
_HEADER_WORDS = 8
_MAGIC_AT, _NOW_AT, _FACTOR_AT, _LEAD_AT, _LATE_AT = range(5)
_SLOT_WORDS = 8
_SLOTS = 128
_PID, _BEAT, _LEAD, _NAME = range(4)
_NAME_BYTES = 8 * (_SLOT_WORDS - _NAME)
_SIZE = 8 * (_HEADER_WORDS + _SLOTS * _SLOT_WORDS)
_SLICE_S = 0.02  # longest real wait between two looks at the file
_FLOOR_S = 0.001
_TICK_S = 0.002
_HELD_S = 0.25  # held this long by one loop: time to ask whether its process still lives


class SharedClock:
    """A `hub.clock.Clock` whose time lives in a file. Build it with `create` or `attach`.

    The file's words are written by aligned 8-byte stores, so a reader sees old or new, never half.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            try:
                self._map = mmap.mmap(file.fileno(), _SIZE)
            except ValueError:
                raise ValueError(f"{path}: not a shared clock: under {_SIZE} bytes") from None
        self._words = memoryview(self._map).cast("q")
        if self._words[_MAGIC_AT] != _MAGIC:
            self.close()
            raise ValueError(f"{path}: not a shared clock: made by another version or program")
        self._factor = self._words[_FACTOR_AT] / 1000
        self._slots: dict[str, int] = {}
        self._lock = threading.Lock()
        self._here = threading.local()

    @classmethod
    def create(
        cls, path: Path, now_us: int, factor: float, lead_s: float = 2.0, late_s: float = 0.5
    ) -> "SharedClock":
        """Make the file and attach to it. Nothing moves until a `Pacer` runs."""
        if min(factor, lead_s, late_s) <= 0:
            raise ValueError(
                f"factor, lead_s and late_s must be above 0, not {factor}, {lead_s} and {late_s}"
            )
        words = memoryview(bytearray(_SIZE)).cast("q")
        words[_NOW_AT] = now_us
        words[_FACTOR_AT] = round(factor * 1000)
        words[_LEAD_AT] = round(lead_s * 1e6)
        words[_LATE_AT] = round(late_s * 1e6)
        words[_MAGIC_AT] = _MAGIC
        path.write_bytes(words.tobytes())
        return cls(path)

    @classmethod
    def attach(cls, path: Path) -> "SharedClock":
        """Take part in the clock that another process has made."""
        return cls(path)

    @property
    def factor(self) -> float:
        return self._factor

    @property
    def late_us(self) -> int:
        return self._words[_LATE_AT]

    def now_us(self) -> int:
        return self._words[_NOW_AT]

    def wait(self, event: threading.Event, s: float) -> bool:
        """As `Clock.wait`; meanwhile the loop whose thread this is counts as caught up."""
        due_us = self.now_us() + round(s * 1e6)
        slot = self._slots.get(getattr(self._here, "name", ""))
        if slot is not None:
            self._words[slot + _BEAT] = due_us
            self._words[slot + _LEAD] = self.late_us
        while not event.is_set():
            left_us = due_us - self.now_us()
            if left_us <= 0:
                return event.is_set()
            event.wait(min(max(left_us / 1e6 / self._factor, _FLOOR_S), _SLICE_S))
        if slot is not None:
            self._words[slot + _BEAT] = min(due_us, self.now_us())
        return True

    def beat(self, name: str) -> None:
        self._here.name = name
        slot = self._slots.get(name)
        if slot is None:
            slot = self._register(name)
        self._words[slot + _BEAT] = self.now_us()

    def forget(self, name: str) -> None:
        with self._lock, self._exclusive():
            slot = self._slots.pop(name, None)
            if slot is not None and self._words[slot + _PID] == os.getpid():
                self._words[slot + _PID] = 0

    def move_to(self, now_us: int) -> None:
        """Set the time. Only a pacer calls this; time never goes back."""
        self._words[_NOW_AT] = max(self.now_us(), now_us)

    def ceiling(self) -> tuple[int, str] | None:
        """How far time may go now, and the name of the loop that bounds it; None with no loop."""
        words = self._words
        bounds = [(words[slot + _BEAT] + words[slot + _LEAD], slot) for slot in self._taken()]
        if not bounds:
            return None
        bound_us, slot = min(bounds)
        return bound_us, self._name(slot)

    def bury(self) -> list[str]:
        """Free the slots of processes that are gone; returns the loops' names."""
        buried = []
        with self._exclusive():
            for slot in self._taken():
                if not _alive(self._words[slot + _PID]):
                    buried.append(self._name(slot))
                    self._words[slot + _PID] = 0
        return buried

    def close(self) -> None:
        """Let go of the file. Safe twice."""
        self._words.release()
        self._map.close()

    def _register(self, name: str) -> int:
        with self._lock, self._exclusive():
            if name in self._slots:
                return self._slots[name]
            for slot in range(_HEADER_WORDS, len(self._words), _SLOT_WORDS):
                if self._words[slot + _PID] == 0:
                    break
            else:
                raise RuntimeError(f"{self.path}: all {_SLOTS} loops taken, no room for {name}")
            plain = name.encode()[:_NAME_BYTES].ljust(_NAME_BYTES, b"\0")
            for at, word in enumerate(memoryview(plain).cast("q")):
                self._words[slot + _NAME + at] = word
            self._words[slot + _BEAT] = self.now_us()
            self._words[slot + _LEAD] = self._words[_LEAD_AT]
            self._words[slot + _PID] = os.getpid()
            self._slots[name] = slot
            return slot

    def _taken(self) -> Iterator[int]:
        for slot in range(_HEADER_WORDS, len(self._words), _SLOT_WORDS):
            if self._words[slot + _PID] != 0:
                yield slot

    def _name(self, slot: int) -> str:
        plain = self._words[slot + _NAME : slot + _SLOT_WORDS].tobytes()
        return plain.rstrip(b"\0").decode(errors="replace")

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        # Two processes must not take one slot; a lock on our own descriptor excludes the others.
        with self.path.open("rb") as mine:
            fcntl.flock(mine, fcntl.LOCK_EX)
            yield


class Pacer:
    """Moves a shared clock on. One per clock, in the process that made it."""

    def __init__(self, clock: SharedClock) -> None:
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, args=(self._stop,), name="pacer")
        self.held_by = ""
        """The loop that time is waiting for now, or empty."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Time stands still from here on. Safe twice, and before `start`."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def run(self, stop: threading.Event) -> None:
        """Pace until *stop* is set, on the caller's thread."""
        clock = self._clock
        last_s = time.monotonic()
        held_since_s: float | None = None
        while not stop.wait(_TICK_S):
            real_s = time.monotonic()
            # A pause of this process itself must not turn into a jump of time.
            step_us = min(round((real_s - last_s) * 1e6 * clock.factor), clock.late_us)
            last_s = real_s
            ceiling = clock.ceiling()
            target_us = clock.now_us() + step_us
            if ceiling is None or target_us <= ceiling[0]:
                clock.move_to(target_us)
                held_since_s, self.held_by = None, ""
                continue
            clock.move_to(ceiling[0])
            held_since_s = held_since_s if held_since_s is not None else real_s
            if real_s - held_since_s > _HELD_S:
                self.held_by = ceiling[1]
                clock.bury()
                held_since_s = real_s


def chosen_clock(environ: Mapping[str, str] = os.environ) -> Clock:
    """The clock that the environment asks for: a shared one by path, else the real one."""
    path = environ.get(ENV)
    return SharedClock.attach(Path(path)) if path else HubClock()


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but is not yet reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
