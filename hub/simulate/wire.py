"""A serial cable that can be pulled: a pty under a stable name, as udev gives real adapters."""

import contextlib
import os
import select
import termios
import tty
from pathlib import Path


class Cable:
    """The instrument's end of a serial line; the hub opens `link`. One thread uses it.

    `unplug` hangs the line up and removes the name; `plug` brings another pty under the same
    name, as a re-enumerated USB adapter does.
    """

    def __init__(self, link: Path) -> None:
        self.link = link
        self._near = -1
        self._far = -1

    @property
    def plugged(self) -> bool:
        return self._near >= 0

    def fileno(self) -> int:
        """The descriptor to watch for bytes from the hub; -1 while unplugged."""
        return self._near

    def plug(self) -> None:
        if self.plugged:
            return
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        # Renamed into place, so that the name never points to a line that is gone.
        fresh = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._far))
        fresh.replace(self.link)

    def unplug(self) -> None:
        """Safe when unplugged already."""
        if not self.plugged:
            return
        self.link.unlink(missing_ok=True)
        near, far, self._near, self._far = self._near, self._far, -1, -1
        os.close(near)
        os.close(far)

    def read(self, within_s: float) -> bytes:
        """Bytes from the hub, or nothing after *within_s* of real time."""
        if not select.select([self._near], [], [], within_s)[0]:
            return b""
        try:
            return os.read(self._near, 4096)
        except BlockingIOError:
            return b""

    def write(self, sent: bytes) -> None:
        """Put bytes on the line. With nobody listening the oldest are lost, as on a wire."""
        for _ in range(2):
            try:
                sent = sent[os.write(self._near, sent) :]
            except BlockingIOError:
                with contextlib.suppress(termios.error):
                    termios.tcflush(self._far, termios.TCIFLUSH)
            if not sent:
                return
