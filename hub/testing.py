"""The bench for authors of instrument plugins: a real pseudo-terminal, or a port by script."""

import os
import select
import tempfile
import threading
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from hub.clock import HandClock
from hub.errors import PortGone
from hub.model import Site
from hub.port import Port, PortSettings

__all__ = ["HandClock", "PtyPair", "ScriptedPort", "misread", "site", "wait_until"]


def wait_until(condition: Callable[[], bool], what: str = "", within_s: float = 30.0) -> None:
    """Return as soon as *condition* holds.

    raises  AssertionError naming *what* when it does not within *within_s* of real time; the
            limit is there for the broken case only, so it is long
    """
    never = threading.Event()
    for _ in range(round(within_s / 0.005)):
        if condition():
            return
        never.wait(0.005)
    raise AssertionError(f"not within {within_s} s: {what or condition}")


def site(clock: HandClock | None = None) -> Site:
    """A Site for `build`, with a clock that stands still and no secrets."""

    def no_secret(name: str) -> str:
        raise KeyError(name)

    return Site("test-gateway", clock or HandClock(), no_secret)


def misread(sent: bytes, sent_baud: int, read_baud: int) -> bytes:
    """What a receiver at *read_baud* makes of 8N1 characters sent without a pause at *sent_baud*.

    It waits for a falling edge, samples the middle of each of its own bits, and takes a missing
    stop bit as it comes: the character is kept.
    """
    wave = [1]
    for byte in sent:
        wave += [0, *(byte >> bit & 1 for bit in range(8)), 1]
    wave += [1] * 100
    bit_s = sent_baud / read_baud  # length of the receiver's bit, in bits of the sender
    heard = bytearray()
    at = 1
    while at < len(wave):
        if not (wave[at - 1] and not wave[at]):
            at += 1
            continue
        samples = [at + (bit + 1.5) * bit_s for bit in range(8)]
        if samples[-1] >= len(wave):
            break
        heard.append(sum(wave[int(sample)] << bit for bit, sample in enumerate(samples)))
        at = max(at + 1, int(at + 9.5 * bit_s))
    return bytes(heard)


class PtyPair:
    """A serial cable made of a pseudo-terminal: the test holds the instrument's end.

    `path` is a symlink, as udev's by-id names are; `replug` points it at a new terminal.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gashub-pty-")
        self.path = str(Path(self._folder.name) / "port")
        self._master: int | None = None
        self.replug()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def settings(self, **more: object) -> PortSettings:
        """Settings of a port on this cable."""
        return PortSettings.model_validate({"port": self.path, **more})

    def replug(self) -> None:
        """Plug in: a new terminal, at the same path."""
        self.unplug()
        master, slave = os.openpty()
        tty.setraw(slave)
        fresh = f"{self.path}.new"
        os.symlink(os.ttyname(slave), fresh)  # noqa: PTH211
        os.replace(fresh, self.path)  # noqa: PTH105
        os.close(slave)
        os.set_blocking(master, False)
        self._master = master

    def unplug(self) -> None:
        """Pull the cable out. Safe twice."""
        master, self._master = self._master, None
        if master is not None:
            os.unlink(self.path)  # noqa: PTH108
            os.close(master)

    def send(self, data: bytes) -> None:
        """Send as the instrument. Raises BlockingIOError when nobody reads and it is full."""
        assert self._master is not None, "unplugged"
        assert os.write(self._master, data) == len(data)

    def receive(self, count: int, within_s: float = 30.0) -> bytes:
        """What the hub has sent: *count* bytes, or fewer when no more come."""
        got = b""
        while len(got) < count and (more := self.hear(within_s)):
            got += more
        return got

    def hear(self, within_s: float) -> bytes:
        """Whatever the hub has sent; b"" when nothing comes, or nobody has the port open."""
        assert self._master is not None, "unplugged"
        if not select.select([self._master], [], [], within_s)[0]:
            return b""
        try:
            return os.read(self._master, 4096)
        except OSError:  # EIO: the hub's end is closed
            return b""

    @contextmanager
    def answering(self, answer: Callable[[bytes], Sequence[bytes]]) -> Iterator[None]:
        """Play the instrument: everything heard goes to *answer*, what it returns is sent.

        Each element is one write, so that an answer can be cut anywhere.
        """
        stop = threading.Event()

        def play() -> None:
            while not stop.is_set():
                heard = self.hear(0.02)
                if not heard:
                    stop.wait(0.005)
                    continue
                for part in answer(heard):
                    self.send(part)

        player = threading.Thread(target=play, name="instrument")
        player.start()
        try:
            yield
        finally:
            stop.set()
            player.join()

    def close(self) -> None:
        """Unplug and clean up. Safe twice."""
        self.unplug()
        self._folder.cleanup()


class ScriptedPort(Port):
    r"""A port that plays a script and never waits.

    script  for each request the parts of its answer: ((b"P?", (b"P=", b"5\r\n")), ...); a
            request that differs is an AssertionError, and an answer of () is silence
    stream  what comes without asking, one element per read; PortGone may stand in it
    """

    def __init__(
        self,
        script: Sequence[tuple[bytes, Sequence[bytes]]] = (),
        stream: Sequence[bytes | PortGone] = (),
    ) -> None:
        super().__init__(PortSettings(port="scripted"))
        self._script = list(script)
        self._coming: list[bytes | PortGone] = list(stream)
        self.sent: list[bytes] = []

    def open(self) -> None:
        return

    def close(self) -> None:
        return

    def write(self, sent: bytes) -> None:
        self.sent.append(sent)
        assert self._script, f"nothing was to be sent any more, but {sent.hex(' ')} was"
        expected, answer = self._script.pop(0)
        assert sent == expected, f"sent {sent.hex(' ')}, expected {expected.hex(' ')}"
        self._coming += answer

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        if not self._coming:
            return b""
        part = self._coming.pop(0)
        if isinstance(part, PortGone):
            raise part
        if part[at_most:]:
            self._coming.insert(0, part[at_most:])
        return part[:at_most]

    def discard(self) -> int:
        count = sum(len(part) for part in self._coming if isinstance(part, bytes))
        self._coming.clear()
        return count
