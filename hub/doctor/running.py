"""The hub that runs beside us, if one does: what it says of itself, and as whom it runs."""

import os
import pwd
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from hub.config import Config
from hub.control import ANSWER_WITHIN_S, call
from hub.errors import CommandRefused
from hub.holder import PROC

_PEER: Final = struct.Struct("=iII")  # struct ucred


class Running(NamedTuple):
    """`status` is empty where no hub runs or none tells; `trouble` is then the finding's key.

    why  what was seen of the trouble, where there is more to say
    """

    status: Mapping[str, Any]
    trouble: str
    why: str
    pid: int | None
    uid: int
    """User the hub runs as, or would, going by the owner of its state folder."""

    def environment(self) -> Mapping[str, str] | None:
        """Its environment; None where it may not be read."""
        try:
            raw = (PROC / str(self.pid) / "environ").read_bytes()
        except OSError:
            return None
        pairs = (entry.partition("=") for entry in raw.decode("utf-8", "replace").split("\0"))
        return {name: value for name, sign, value in pairs if sign}

    def groups(self) -> frozenset[int]:
        """Groups of the running hub, which its unit may add to those of its user."""
        try:
            lines = (PROC / str(self.pid) / "status").read_text().splitlines()
        except OSError:
            return frozenset()
        words = next((line.split()[1:] for line in lines if line.startswith("Groups:")), [])
        return frozenset(int(word) for word in words)

    def may(self, bits: int, node: os.stat_result) -> bool:
        """Whether the hub's user has all of *bits* (4 read, 2 write, 1 enter), by mode. Root may.

        It is not the caller's own right that counts, who is often root.
        """
        if self.uid == 0:
            return True
        if self.uid == node.st_uid:
            return (node.st_mode >> 6) & bits == bits
        groups = set(self.groups())
        with suppress(KeyError):
            user = pwd.getpwuid(self.uid)
            groups |= {*os.getgrouplist(user.pw_name, user.pw_gid)}
        shift = 3 if node.st_gid in groups else 0
        return (node.st_mode >> shift) & bits == bits


def running_hub(config: Config) -> Running:
    """Ask the hub of this configuration for its status."""
    uid = _owner(config.hub.state_dir)
    try:
        status: Mapping[str, Any] = call(config.socket, "status")
    except ConnectionError as absent:
        hidden = isinstance(absent.__cause__, PermissionError)
        return Running({}, "service.hidden" if hidden else "service.none", str(absent), None, uid)
    except CommandRefused as refused:
        return Running({}, "service.refuses", str(refused), *_listener(config.socket, uid))
    except TimeoutError:
        return Running({}, "service.stuck", f"{ANSWER_WITHIN_S:g}", *_listener(config.socket, uid))
    pid = int(status["pid"])
    return Running(status, "", "", pid, _owner(PROC / str(pid), uid))


def _listener(path: Path, uid: int) -> tuple[int | None, int]:
    """Process and user that listen at *path*; the kernel tells also of one that does not answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(1.0)
        try:
            caller.connect(os.fspath(path))
        except OSError:
            return None, uid
        told = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    pid, owner, _ = _PEER.unpack(told)
    return pid, owner


def _owner(path: Path, otherwise: int | None = None) -> int:
    try:
        return path.stat().st_uid
    except OSError:
        return os.geteuid() if otherwise is None else otherwise
