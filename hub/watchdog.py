"""What systemd is told: ready, getting on, stopping, and one line of status.

`WATCHDOG=1` is sent by `progress`, which the judging thread calls once a turn, after the turn's
commit. There is no timer: when judging is stuck in a commit or in a hook, nothing is sent and
systemd starts the hub again. Protocol: sd_notify(3), sd_watchdog_enabled(3).
"""

import os
import time
from collections.abc import Callable

from sdnotify import SystemdNotifier

FEEDS_PER_INTERVAL = 4
"""systemd asks for at least two; four survive a message that its full socket refused."""


class Watchdog:
    """Quiet where there is no systemd. `progress` and `status` may be called from any thread.

    raises  OSError when NOTIFY_SOCKET names a socket that is not there
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._feed_every_s = _interval_s() / FEEDS_PER_INTERVAL
        self._fed_at_s = float("-inf")
        self._notifier: SystemdNotifier | None = None
        if os.environ.get("NOTIFY_SOCKET"):
            self._notifier = SystemdNotifier(debug=True)
            self._notifier.socket.setblocking(False)  # judging must not wait for systemd

    def ready(self, status: str = "running") -> None:
        """Say once that the ledger is open and judging runs."""
        self._tell(f"READY=1\n{_status(status)}")

    def progress(self) -> None:
        """Say that judging has finished another turn. Cheap: most calls send nothing."""
        if self._notifier is None or self._feed_every_s == 0:
            return
        now_s = self._monotonic()
        if now_s - self._fed_at_s >= self._feed_every_s:
            self._fed_at_s = now_s
            self._tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Show one line in `systemctl status`."""
        self._tell(_status(text))

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def close(self) -> None:
        """Let go of the socket. Safe to call twice."""
        notifier, self._notifier = self._notifier, None
        if notifier is not None:
            notifier.socket.close()

    def _tell(self, message: str) -> None:
        if self._notifier is None:
            return
        try:
            self._notifier.notify(message)
        except OSError:
            return  # its queue is full or it restarts; the next turn says it again


def _interval_s() -> float:
    """The watchdog interval that systemd set for this process; 0 when there is none."""
    own_pid = str(os.getpid())
    if os.environ.get("WATCHDOG_PID", own_pid) != own_pid:
        return 0.0
    return int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6


def _status(text: str) -> str:
    """One line: a line break in a foreign text must not become a message of its own.

    The library encodes as Latin-1 where the protocol wants UTF-8, hence the second step.
    """
    line = " ".join(text.split())
    return f"STATUS={line}".encode().decode("latin-1")
