"""The bench for authors of instrument plugins: a real pseudo-terminal, or a port by script."""

import os
import select
import tempfile
import threading
import tty
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from hub.clock import HandClock
from hub.golden import golden_cases, replay_golden
from hub.model import Site
from hub.order_file import parse_order
from hub.port import PortSettings
from hub.procedures import TestOrder
from hub.rulepack import RulePack, load_pack
from hub.scripted import ScriptedPort
from hub.simulate.wired import on_the_wire

__all__ = [
    "HandClock",
    "PtyPair",
    "ScriptedPort",
    "golden_cases",
    "misread",
    "on_the_wire",
    "order_of",
    "replay_golden",
    "rule_pack",
    "site",
    "wait_until",
]


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


def rule_pack() -> RulePack:
    """The shipped rule pack, for tests of a procedure."""
    return load_pack()


def order_of(procedure: str, *instruments: Mapping[str, Any]) -> TestOrder:
    """An order for one test by *procedure*, with *instruments* declared as in an order's file.

    A value of None leaves its key out. Numbers are int, Decimal or their text.
    """
    declared = [{k: v for k, v in given.items() if v is not None} for given in instruments]
    order = {"number": "T-1", "procedure": procedure, "instruments": declared}
    return parse_order(order, [procedure])


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

    def opened(self) -> bool:
        """Whether somebody has the hub's end open now."""
        assert self._master is not None, "unplugged"
        watch = select.poll()
        watch.register(self._master, 0)
        return not watch.poll(0)

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
