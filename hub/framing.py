"""Cut a stream of bytes into frames, and find the way back in after noise.

Every framer takes bytes as they come (`feed`), gives back whole frames, and counts in `noise` the
bytes that belong to no frame. None holds more than its longest frame and what was fed last. A
framer does not say that a frame is right; where a `check` is given, a candidate that fails it
costs one byte of noise and the search goes on behind that byte, so that a false start never
swallows the true frame after it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import reduce
from operator import xor

from fastcrc import crc16

Check = Callable[[bytes], bool]


class Framer(ABC):
    """What all framers share: the bytes not yet framed, and the count of those that never were."""

    def __init__(self) -> None:
        self._held = bytearray()
        self.noise = 0

    @property
    def pending(self) -> int:
        """Bytes held back because the rest of their frame has not come yet."""
        return len(self._held)

    def reset(self) -> None:
        """Forget a half frame: its other half will not come. It counts as noise."""
        self._skip(len(self._held))

    def feed(self, received: bytes) -> list[bytes]:
        """Take what was received; return the frames it completes, oldest first, as sent."""
        self._held += received
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    @abstractmethod
    def _next(self) -> bytes | None:
        """Take one frame off the front of `_held`, skipping noise; None when bytes are missing."""

    def _skip(self, count: int) -> None:
        del self._held[:count]
        self.noise += count

    def _take(self, count: int) -> bytes:
        frame = bytes(self._held[:count])
        del self._held[:count]
        return frame

    def _skip_to(self, start: bytes) -> bool:
        """Drop what stands before *start*. False when it is not there yet; half of it is kept."""
        if not start:
            return bool(self._held)
        at = self._held.find(start)
        if at >= 0:
            self._skip(at)
            return True
        keep = next((n for n in range(len(start) - 1, 0, -1) if self._held.endswith(start[:n])), 0)
        self._skip(len(self._held) - keep)
        return False


class LineFramer(Framer):
    """Lines that end in *terminator* and, where *start* is given, begin with it.

    Of two starts before one terminator the last one counts: the first was cut off.
    """

    def __init__(
        self, terminator: bytes = b"\r\n", start: bytes = b"$", longest: int = 200
    ) -> None:
        super().__init__()
        self._terminator = terminator
        self._start = start
        self._longest = longest
        self._in_overlong = False

    def reset(self) -> None:
        super().reset()
        self._in_overlong = False

    def _next(self) -> bytes | None:
        while (at := self._held.find(self._terminator)) >= 0:
            end = at + len(self._terminator)
            begin = self._held.rfind(self._start, 0, at) if self._start else 0
            cut_off, self._in_overlong = self._in_overlong, False
            if cut_off or begin < 0 or end - begin > self._longest:
                self._skip(end)
                continue
            self._skip(begin)
            return self._take(end - begin)
        self._trim()
        return None

    def _trim(self) -> None:
        """Without a terminator yet, keep only what can still become a line."""
        size = len(self._held)
        if self._start:
            begin = self._held.rfind(self._start)
            if begin < 0 or size - begin > self._longest:
                begin = max(0, size - len(self._start) + 1)
            self._skip(begin)
        elif size > self._longest:
            self._in_overlong = True
            self._skip(size - len(self._terminator) + 1)


class _StartFramer(Framer):
    """Frames that begin with *start*; each kind says by `_measure` where they end."""

    def __init__(self, start: bytes, check: Check | None) -> None:
        super().__init__()
        self._start = start
        self._check = check

    @abstractmethod
    def _measure(self, at: int) -> int | None:
        """Length of the frame that begins at *at*; 0: none can; None: bytes are missing."""

    def _passes(self, at: int, length: int) -> bool:
        return self._check is None or self._check(bytes(self._held[at : at + length]))

    def _next(self) -> bytes | None:
        while self._skip_to(self._start):
            length = self._measure(0)
            if length:
                return self._take(length)
            if length is None:
                return self._behind_false_start()
            self._skip(1)
        return None

    def _behind_false_start(self) -> bytes | None:
        """While the front is waiting for bytes, a whole frame behind it is not kept waiting."""
        if self._check is None or not self._start:
            return None
        at = self._held.find(self._start, 1)
        while at > 0:
            if length := self._measure(at):
                self._skip(at)
                return self._take(length)
            at = self._held.find(self._start, at + 1)
        return None


class FixedFramer(_StartFramer):
    """Frames of *length* bytes that begin with *start* and pass *check*."""

    def __init__(self, length: int, start: bytes = b"", check: Check | None = None) -> None:
        super().__init__(start, check)
        self._length = length

    def _measure(self, at: int) -> int | None:
        if len(self._held) - at < self._length:
            return None
        return self._length if self._passes(at, self._length) else 0


class LengthFramer(_StartFramer):
    """Frames that tell their own length.

    length_of  given what is held from a start on: the whole frame's length in bytes; None when
               the length field has not come yet; 0 or less when this cannot be a frame
    longest    a length above this is taken for noise
    """

    def __init__(
        self,
        length_of: Callable[[bytes], int | None],
        start: bytes = b"",
        longest: int = 260,
        check: Check | None = None,
    ) -> None:
        super().__init__(start, check)
        self._length_of = length_of
        self._longest = longest

    def _measure(self, at: int) -> int | None:
        head = bytes(self._held[at : at + self._longest])
        length = self._length_of(head)
        if length is None:
            return None if len(head) < self._longest else 0
        if not 0 < length <= self._longest:
            return 0
        if len(head) < length:
            return None
        return length if self._passes(at, length) else 0


class DelimiterFramer(_StartFramer):
    """Frames between *start* and *end* (both part of the frame) that pass *check*.

    The end mark may also occur inside: the shortest stretch that passes the check is the frame.
    """

    def __init__(
        self, start: bytes, end: bytes, longest: int = 200, check: Check | None = None
    ) -> None:
        super().__init__(start, check)
        self._end = end
        self._longest = longest

    def _measure(self, at: int) -> int | None:
        limit = at + self._longest
        found = self._held.find(self._end, at + len(self._start), limit)
        while found >= 0:
            length = found + len(self._end) - at
            if self._passes(at, length):
                return length
            found = self._held.find(self._end, found + 1, limit)
        return None if len(self._held) < limit else 0


def crc16_modbus(covered: bytes) -> bytes:
    """CRC-16/MODBUS (polynomial 0xA001 reflected, seed 0xFFFF) as sent: low byte first."""
    return crc16.modbus(covered).to_bytes(2, "little")


def xor8(covered: bytes) -> int:
    """All bytes XORed, as NMEA-like sentences carry it in two hex digits."""
    return reduce(xor, covered, 0)
