"""Who holds a serial device: three places where Linux lets one look, none of them complete.

The kernel's lock table names the owner of a `flock` even when it is another user's process.
Open file descriptors can be read for one's own processes (for all, as root). Older terminal
programs leave their pid in a UUCP lock file. Under a hardened unit `/proc` may show nothing.
"""

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
UUCP_LOCKS = Path("/run/lock")
PTY_MASTER = "/dev/ptmx"


def lock_owner(device: str) -> int | None:
    """Pid of the process that holds a `flock` on *device*; None when it cannot be seen."""
    try:
        node = os.stat(device)  # noqa: PTH116
        table = (PROC / "locks").read_text()
    except OSError:
        return None
    mark = f"{os.major(node.st_dev):02x}:{os.minor(node.st_dev):02x}:{node.st_ino}"
    for line in table.splitlines():
        words = line.split()
        if "FLOCK" in words and mark in words and "->" not in words:
            return int(words[words.index(mark) - 1])
    return None


def other_users(device: str) -> Iterator[int]:
    """Pids of other processes that have *device* open, as far as they can be seen.

    A process that also holds a pseudo-terminal master is the far side of that terminal (a
    simulator, a terminal program), not a rival for it.
    """
    for folder in PROC.glob("[0-9]*/fd"):
        pid = int(folder.parent.name)
        if pid == os.getpid():
            continue
        opened = set(_opened(folder))
        if device in opened and not (is_pty(device) and PTY_MASTER in opened):
            yield pid
    pid_left = _uucp_owner(device)
    if pid_left is not None and pid_left != os.getpid():
        yield pid_left


def is_pty(device: str) -> bool:
    """Whether *device* (a real path, no symlink) is a pseudo-terminal: no parity, no DTR."""
    return device.startswith("/dev/pts/")


def named(pid: int | None) -> str:
    """How an error message names a process."""
    if pid is None:
        return "another process (run `fuser -v` on it as root to see which)"
    try:
        return f"pid {pid} ({(PROC / str(pid) / 'comm').read_text().strip()})"
    except OSError:
        return f"pid {pid}"


def _opened(folder: Path) -> Iterator[str]:
    # Processes end and descriptors close while we look, and most are not ours to look at.
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            yield os.readlink(entry.path)  # noqa: PTH115
        except OSError:
            continue


def _uucp_owner(device: str) -> int | None:
    try:
        pid = int((UUCP_LOCKS / f"LCK..{Path(device).name}").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if (PROC / str(pid)).exists() else None
