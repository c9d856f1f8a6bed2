"""One writer per state folder: flock on `<state_dir>/lock`, with the holder's pid inside."""

import fcntl
import os
from pathlib import Path

from hub.errors import CommandRefused

LOCK_FILE = "lock"


class Lock:
    """Held until `release` or the end of the process; never waits."""

    def __init__(self, folder: Path) -> None:
        """Raises CommandRefused naming the holder, OSError when the file cannot be opened"""
        path = folder / LOCK_FILE
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            raise CommandRefused(
                f"{folder} is in use by process {holder or 'unknown'}; stop that hub, or send it"
                " the command through its socket"
            ) from None
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            pass  # a full disk: the lock holds all the same, only without our pid in it

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
