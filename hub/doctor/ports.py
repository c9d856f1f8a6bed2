"""The serial ports: there, permitted, and held by nobody but the hub. None of them is opened:
that alone may move an adapter's control lines and reset what is behind it.
"""

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from typing import Final

from hub.adapter import device_of, parse
from hub.config import Config, LineSettings
from hub.doctor.finding import Finding
from hub.doctor.running import Running
from hub.errors import PortGone
from hub.holder import is_pty, lock_owner, named, other_users

READ_AND_WRITE: Final = 0o6
_UNSTABLE = ("/dev/ttyUSB", "/dev/ttyACM")


def look_at_ports(config: Config, running: Running) -> Iterator[Finding]:
    for line in config.line:
        yield from _port(line, running)
        yield from _instruments(line.name, running)


def _port(line: LineSettings, running: Running) -> Iterator[Finding]:
    about, figures = f"line {line.name}", {"port": line.port}
    try:
        device = device_of(line.port)
        node = os.stat(device)  # noqa: PTH116 - a device, as in `hub.holder`
    except PortGone as gone:
        yield Finding(about, "broken", "port.unclear", {"why": str(gone)})
        return
    except OSError as fault:
        yield Finding(about, "broken", "port.missing", {**figures, "why": fault.strerror})
        return
    if not stat.S_ISCHR(node.st_mode):
        yield Finding(about, "broken", "port.no_device", figures)
        return
    if not running.may(READ_AND_WRITE, node):
        who = {"user": _user(running.uid), "group": _group(node.st_gid)}
        yield Finding(about, "broken", "port.forbidden", {**figures, **who})
        return
    holder = next((pid for pid in other_users(device) if pid != running.pid), None)
    owner = lock_owner(device)
    if owner not in (None, running.pid, os.getpid()):
        holder = owner
    if holder is not None:
        yield Finding(about, "broken", "port.busy", {**figures, "holder": named(holder)})
        return
    if line.port.startswith(_UNSTABLE) and not is_pty(device) and parse(line.port) is None:
        yield Finding(about, "warning", "port.unstable", figures)
    yield Finding(about, "ok", "port.held" if running.pid else "port.free", figures)


def _instruments(line: str, running: Running) -> Iterator[Finding]:
    """What the running hub says of the instruments on a line."""
    for name, now in running.status.get("lines", {}).get(line, {}).items():
        figures = {"instrument": name, "why": now["reason"] or now["state"]}
        if now["state"] in ("lost", "failed"):
            yield Finding(f"line {line}", "warning", "instrument.lost", figures)
        elif now["reason"]:
            yield Finding(f"line {line}", "warning", "instrument.doubtful", figures)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
