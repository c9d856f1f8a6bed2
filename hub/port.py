"""The one owner of a serial device: exclusive, bounded in time, and plain about what is wrong.

Opening and setting up is pyserial's work. Reading and writing go to the descriptor itself: a
read gives back whatever has arrived, never byte by byte, and every wait has an end. A device
that was pulled out shows itself as readable with nothing to read, as a hang-up or as EIO; all
three are `PortGone`.
"""

import errno
import fcntl
import math
import os
import select
import termios
import threading
import time
from pathlib import Path
from typing import Any, Literal, Self

import serial
from pydantic import Field, field_validator

from hub.adapter import device_of, parse
from hub.errors import BadFrame, PortGone
from hub.holder import is_pty, lock_owner, named, other_users
from hub.settings import Settings
from hub.tapping import Tap, What

_SLICE_S = 0.2  # how long a stop may go unnoticed
_READ_MOST = 65536
_LATE_MOST = 4096
LATE_S = 1.0
"""Real seconds from a question on in which its answer may still come. The slowest instrument of
the catalogue takes half a second; one that is later still is too slow for a poll a second."""


class PortSettings(Settings):
    """One serial device and how it is spoken to."""

    port: str = Field(
        min_length=1,
        examples=["/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0"],
        description="Serial device: a path (by-id names survive replugging), or "
        "usb:VENDOR:PRODUCT[:SERIAL][@SOCKET].",
    )
    baud: int = Field(default=9600, ge=50, le=4_000_000, description="Line speed, bits per second.")
    data_bits: Literal[7, 8] = Field(default=8, description="Data bits per character.")
    parity: Literal["N", "E", "O"] = Field(default="N", description="None, even or odd.")
    stop_bits: Literal[1, 2] = Field(default=1, description="Stop bits per character.")
    dtr: bool | None = Field(
        default=None, description="Hold the DTR line high or low; absent leaves it to the adapter."
    )
    rts: bool | None = Field(
        default=None, description="Hold the RTS line high or low; absent leaves it to the adapter."
    )
    echo: bool = Field(
        default=False,
        description="The adapter repeats what we send; the echo is read and compared first.",
    )
    inter_frame_silence_s: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Silence before each request; absent means 3.5 characters (Modbus).",
    )
    write_within_s: float = Field(
        default=0.5, gt=0, le=5, description="Longest time for the adapter to take our bytes."
    )

    @field_validator("port")
    @classmethod
    def _spelt(cls, port: str) -> str:
        parse(port)
        return port

    @property
    def character_s(self) -> float:
        """Time of one character on the wire, start, parity and stop bits included."""
        return (1 + self.data_bits + (self.parity != "N") + self.stop_bits) / self.baud

    @property
    def silence_s(self) -> float:
        """Modbus over serial line V1.02, 2.5.1.1: 3.5 characters, 1.75 ms above 19,200 baud."""
        if self.inter_frame_silence_s is not None:
            return self.inter_frame_silence_s
        return 0.00175 if self.baud > 19200 else 3.5 * self.character_s


class Port:
    """A serial device, owned by one thread. `stop` cuts every wait short; `tap` sees all bytes.

    awaits_late  False where nothing is recorded and most questions stay unanswered, as in a
                 search or a test of faults: no time is spent on what may come late

    All calls but `close` raise PortGone when the device is missing, busy, forbidden or broken.
    """

    def __init__(
        self,
        settings: PortSettings,
        stop: threading.Event | None = None,
        tap: Tap | None = None,
        *,
        awaits_late: bool = True,
    ) -> None:
        self.settings = settings
        self.name = settings.port
        self._stop = stop or threading.Event()
        self._tap = tap
        self._awaits_late = awaits_late
        self._serial: Any = None
        self._ahead = b""
        self._busy_until_s = 0.0
        self._owing_until_s: dict[str, float] = {}
        self._late: dict[str, bytes] = {}

    def open(self) -> None:
        """Take the device for ourselves alone; what it had received before is discarded."""
        if self._serial is not None:
            return
        device = device_of(self.name)
        rival = next(other_users(device), None)
        if rival is not None:
            raise PortGone(_busy(self.name, rival))
        try:
            self._serial = _opened(self.settings, device)
        except (OSError, termios.error, ValueError) as error:
            raise PortGone(refusal(self.name, error, device)) from error
        self._ahead = b""
        self._busy_until_s = 0.0

    def close(self) -> None:
        """Let go of the device. Safe twice, and before `open`."""
        opened, self._serial = self._serial, None
        if opened is not None:
            opened.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, sent: bytes) -> None:
        """Send all of *sent* after the silence the line needs; with `echo`, hear it come back.

        raises  PortGone also when the adapter takes no bytes within `write_within_s`,
                BadFrame when the line never falls silent or the echo is not what was sent
        """
        fd = self._fd()
        self._await_silence(fd)
        until_s = time.monotonic() + self.settings.write_within_s
        rest = memoryview(sent)
        while rest:
            if not self._ready(fd, select.POLLOUT, until_s):
                raise PortGone(
                    f"{self.name}: took {len(sent) - len(rest)} of {len(sent)} bytes in "
                    f"{self.settings.write_within_s} s and is stuck; "
                    "pull the adapter out and plug it in again"
                )
            try:
                rest = rest[os.write(fd, rest) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._gone(error) from error
        self._show("hub", sent)
        wire_s = len(sent) * self.settings.character_s
        self._busy_until_s = time.monotonic() + wire_s
        if self.settings.echo:
            self._hear_echo(sent, until_s + wire_s)

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        """Return what is there, or what comes first within *within_s*; b"" when nothing comes."""
        if self._ahead:
            data, self._ahead = self._ahead[:at_most], self._ahead[at_most:]
            self._show("device", data)
            return data
        fd = self._fd()
        if not self._ready(fd, select.POLLIN, time.monotonic() + within_s):
            return b""
        data = self._received(fd, at_most)
        self._busy_until_s = time.monotonic()
        self._show("device", data)
        return data

    def discard(self) -> int:
        """Throw away what has been received and not read; returns how many bytes."""
        return len(self._drained(0.0))

    def clear_for(self, who: str) -> None:
        """Before a question to *who*: throw away what was received, as `discard` does.

        While the answer to its question before may still come (`missed`), wait for that first: it
        must not be taken for the answer to this one. What came late is kept for `take_late`,
        also that of another on the line, who was asked before and is not waited for.
        """
        if self._serial is None:  # one that only plays a script owes nothing
            self.discard()
            return
        until_s = self._owing_until_s.pop(who, None)
        came = self._drained(until_s or 0.0)
        if until_s is None:
            who = next((other for other in reversed(self._owing_until_s) if self.owed_s(other)), "")
        if came and who:
            self._late[who] = (self.take_late(who) + came)[:_LATE_MOST]

    def missed(self, who: str, within_s: float) -> None:
        """*who* has given no whole answer in the *within_s* since it was asked; it still may."""
        if self._awaits_late and self._serial is not None:
            self._owing_until_s[who] = time.monotonic() + max(within_s, LATE_S - within_s)

    def owed_s(self, who: str) -> float:
        """How long, in real seconds, an answer of *who* may still come; asked now, it is waited."""
        return max(0.0, self._owing_until_s.get(who, 0.0) - time.monotonic())

    def take_late(self, who: str) -> bytes:
        """What came too late from *who* and was not taken yet."""
        return self._late.pop(who, b"")

    def _drained(self, until_s: float) -> bytes:
        """What is there, and what comes until *until_s*: gone, and the line not idle after it."""
        fd = self._fd()
        thrown, self._ahead = self._ahead, b""
        self._show("unread", thrown)
        while len(thrown) < _READ_MOST and self._ready(fd, select.POLLIN, until_s):
            part = self._received(fd, _READ_MOST)
            self._busy_until_s = time.monotonic()
            self._show("unread", part)
            thrown += part
        try:
            termios.tcflush(fd, termios.TCIFLUSH)
        except termios.error as error:
            raise self._gone(error) from error
        return thrown

    def _fd(self) -> int:
        if self._serial is None:
            raise PortGone(f"{self.name}: not open")
        fd: int = self._serial.fileno()
        return fd

    def _ready(self, fd: int, wanted: int, until_s: float) -> bool:
        """Wait for *wanted*; False when the time is over or a stop was asked for."""
        watch = select.poll()
        watch.register(fd, wanted)
        while True:
            left_s = min(max(until_s - time.monotonic(), 0.0), _SLICE_S)
            # Whole milliseconds only: rounded up, or a short wait would spin.
            happened = watch.poll(math.ceil(left_s * 1000))
            if happened:
                if happened[0][1] & wanted:
                    return True
                raise self._gone("the device hung up")
            if self._stop.is_set() or time.monotonic() >= until_s:
                return False

    def _received(self, fd: int, at_most: int) -> bytes:
        try:
            data = os.read(fd, at_most)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._gone(error) from error
        if not data:
            raise self._gone("readable, but with nothing to read: it was unplugged")
        return data

    def _await_silence(self, fd: int) -> None:
        silence_s = self.settings.silence_s
        give_up_s = time.monotonic() + self.settings.write_within_s
        while (quiet_at_s := self._busy_until_s + silence_s) > time.monotonic():
            if quiet_at_s > give_up_s + silence_s:
                raise BadFrame(
                    f"{self.name}: no silence of {silence_s * 1000:.1f} ms on the line in "
                    f"{self.settings.write_within_s} s; look for a second master, or an "
                    "instrument that sends by itself"
                )
            if self._ready(fd, select.POLLIN, quiet_at_s):
                self._show("unread", self._received(fd, _READ_MOST))
                self._busy_until_s = time.monotonic()
            elif self._stop.is_set():
                return

    def _hear_echo(self, sent: bytes, until_s: float) -> None:
        fd = self._fd()
        heard = b""
        while len(heard) < len(sent) and self._ready(fd, select.POLLIN, until_s):
            heard += self._received(fd, 4096)
        echo, self._ahead = heard[: len(sent)], heard[len(sent) :]
        self._show("echo", echo)
        if echo != sent:
            raise BadFrame(
                f"{self.name}: sent {sent.hex(' ')} and heard {echo.hex(' ') or 'nothing'} back; "
                "either the adapter does not echo (set echo = false) or two devices speak at once"
            )

    def _show(self, what: What, data: bytes) -> None:
        if self._tap is not None and data:
            self._tap.note(what, data)

    def _gone(self, why: object) -> PortGone:
        return PortGone(
            f"{self.name}: {why}; plug the adapter in again, it is opened by itself once it is back"
        )


def refusal(name: str, error: OSError | termios.error | ValueError, device: str = "") -> str:
    """Why *name* could not be opened, and what to do: one sentence for each cause."""
    code = getattr(error, "errno", None) or (error.args[0] if error.args else None)
    match code:
        case errno.ENOENT:
            return (
                f"{name}: no such device; plug the adapter in, or correct `port` "
                "(`ls -l /dev/serial/by-id` shows what is there)"
            )
        case errno.EACCES | errno.EPERM:
            return (
                f"{name}: no permission; the device belongs to group {_group(device or name)}: "
                "add the user the hub runs as to that group, and start it again"
            )
        case errno.EBUSY | errno.EAGAIN:
            return _busy(name, lock_owner(os.path.realpath(device or name)))
        case errno.EIO:
            return (
                f"{name}: the hardware does not answer (I/O error); pull the adapter out and plug "
                "it in again, then try another cable"
            )
        case errno.ENXIO | errno.ENODEV:
            return f"{name}: there is no hardware behind this device; correct `port`"
        case errno.ENOTTY:
            return f"{name}: is not a serial port; correct `port`"
    if "Inappropriate ioctl" in str(error):  # pyserial wraps termios errors into text
        return f"{name}: is not a serial port; correct `port`"
    return f"{name}: cannot be opened: {error}"


def _busy(name: str, pid: int | None) -> str:
    return f"{name}: busy: held by {named(pid)}; end that program, or give the hub another port"


def _group(name: str) -> str:
    try:
        return Path(name).group()
    except (OSError, KeyError):
        return "dialout"


def _opened(settings: PortSettings, device: str) -> Any:
    """A pyserial port, open, raw, ours alone.

    The only place where a pseudo-terminal is let off: eight bits, no parity, no DTR, no RTS.
    On a real port a refused setting is an error.
    """
    pty = is_pty(device)
    opened = serial.Serial()
    opened.port = device
    opened.baudrate = settings.baud
    opened.bytesize = 8 if pty else settings.data_bits
    opened.parity = "N" if pty else settings.parity
    opened.stopbits = settings.stop_bits
    opened.exclusive = True
    opened.timeout = 0
    lines = {} if pty else {"dtr": settings.dtr, "rts": settings.rts}
    wanted = {line: level for line, level in lines.items() if level is not None}
    for line, level in wanted.items():
        setattr(opened, line, level)  # before opening: no pulse on the line
    opened.open()
    try:
        for line, level in wanted.items():
            setattr(opened, line, level)  # again: while opening, pyserial ignores a refusal
        _finish(opened.fileno(), settings, pty)
    except BaseException:
        opened.close()
        raise
    return opened


def _finish(fd: int, settings: PortSettings, pty: bool) -> None:
    """What pyserial leaves undone: breaks that flush the input, and parity that did not take."""
    mode = termios.tcgetattr(fd)
    mode[0] &= ~(termios.BRKINT | termios.PARMRK | termios.IMAXBEL)
    termios.tcsetattr(fd, termios.TCSANOW, mode)
    if pty:
        return
    fcntl.ioctl(fd, termios.TIOCEXCL)
    if bool(termios.tcgetattr(fd)[2] & termios.PARENB) != (settings.parity != "N"):
        raise ValueError(f"the adapter does not take parity {settings.parity}; use another one")
