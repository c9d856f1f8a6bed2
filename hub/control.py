"""The hub's door for operators' programs: a Unix socket, one JSON object a line each way.

Request   {"do": "order.open", ...arguments}
Answer    {"ok": true, "result": ...} or {"ok": false, "error": "what, where, what to do", "code":
          the sort of refusal, see `CommandRefused`}

The kernel says who is calling (SO_PEERCRED): root, the hub's own user, and members of the
group that the config names may; anybody else is refused before a byte is read.
"""

import os
import pwd
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import structlog

from hub.errors import CommandRefused, ConfigError

log = structlog.get_logger()

LONGEST_LINE = 1 << 20
MOST_CALLERS = 16
TURN_S = 0.05
ANSWER_WITHIN_S = 30.0

Command = Callable[[Mapping[str, Any]], Any]


class ControlSocket:
    """The listening end. `serve` is the body of thread `control`."""

    def __init__(self, path: Path, commands: Mapping[str, Command], admin_gid: int | None) -> None:
        self._path = path
        self._commands = commands
        self._admin_gid = admin_gid
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(os.fspath(path))
        except OSError as fault:
            self._listener.close()
            raise ConfigError(
                f"{path}: cannot be the control socket ({fault}); hub.state_dir must be a writable "
                "folder with a path of at most 90 characters"
            ) from fault
        path.chmod(0o600 if admin_gid is None else 0o660)
        if admin_gid is not None and path.stat().st_gid != admin_gid:
            os.chown(path, -1, admin_gid)  # under the shipped unit only its own group works
        self._listener.listen(MOST_CALLERS)
        self._listener.setblocking(False)

    def serve(self, stop: threading.Event) -> None:
        """Answer callers until *stop* is set."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ, None)
            while not stop.is_set():
                for key, _ in selector.select(TURN_S):
                    if key.data is None:
                        self._accept(selector)
                    else:
                        self._hear(selector, key.fileobj, key.data)  # type: ignore[arg-type]
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]
        self._path.unlink(missing_ok=True)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        caller, _ = self._listener.accept()
        uid, gid = _peer(caller)
        if len(selector.get_map()) > MOST_CALLERS or not self._may(uid, gid):
            with caller, suppress(OSError):  # who has hung up already misses nothing
                _say(
                    caller,
                    {
                        "ok": False,
                        "error": f"user {uid} may not command this hub; use root, its own user, or "
                        "the group in hub.admin_gid",
                        "code": "busy",
                    },
                )
            return
        caller.settimeout(1.0)
        selector.register(caller, selectors.EVENT_READ, bytearray())

    def _may(self, uid: int, gid: int) -> bool:
        if uid in (0, os.geteuid()):
            return True
        if self._admin_gid is None:
            return False
        return gid == self._admin_gid or self._admin_gid in _groups(uid, gid)

    def _hear(
        self, selector: selectors.BaseSelector, caller: socket.socket, heard: bytearray
    ) -> None:
        try:
            data = caller.recv(65536)
            heard += data
            over = len(heard) > LONGEST_LINE
            if not data or over:
                if over:
                    _say(
                        caller, {"ok": False, "error": f"request longer than {LONGEST_LINE} bytes"}
                    )
                raise ConnectionResetError
            while (end := heard.find(b"\n")) >= 0:
                line = bytes(heard[:end])
                del heard[: end + 1]
                _say(caller, self._answer(line))
        except OSError:
            selector.unregister(caller)
            caller.close()

    def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            request = orjson.loads(line)  # no NaN, no half characters, no endless nesting
            command = self._commands[request.pop("do")]
        except (ValueError, KeyError, TypeError, AttributeError):
            return {
                "ok": False,
                "error": 'expected {"do": COMMAND, ...} with a COMMAND of: '
                + ", ".join(sorted(self._commands)),
            }
        try:
            return {"ok": True, "result": command(request)}
        except CommandRefused as refused:
            return {"ok": False, "error": str(refused), "code": refused.code}
        except Exception as wrong:  # noqa: BLE001 - the next caller is to be answered all the same
            log.warning("request_failed", error=type(wrong).__name__)  # words may be personal
            return {"ok": False, "error": f"{type(wrong).__name__}: {wrong}; see docs/socket.md"}


def call(path: Path, do: str, /, **arguments: Any) -> Any:
    """Ask a running hub to do something.

    raises  CommandRefused with the hub's words, and for a request that is too long;
            ConnectionError when no hub listens at *path*
    """
    line = orjson.dumps({"do": do, **arguments}) + b"\n"
    if len(line) > LONGEST_LINE:  # said here: the hub hangs up on who goes on sending
        raise CommandRefused(
            f"request of {len(line)} bytes, as the hub would get it; {LONGEST_LINE} are taken",
            "too_large",
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(ANSWER_WITHIN_S)
        try:
            caller.connect(os.fspath(path))
        except OSError as fault:
            raise ConnectionError(f"no hub listens at {path} ({fault.strerror})") from fault
        caller.sendall(line)
        heard = bytearray()
        while not heard.endswith(b"\n"):
            data = caller.recv(65536)
            if not data:
                raise ConnectionError(f"the hub at {path} closed the call; it may be stopping")
            heard += data
    answer = orjson.loads(heard)
    if not answer["ok"]:
        raise CommandRefused(answer["error"], answer.get("code", ""))
    return answer["result"]


def _say(caller: socket.socket, answer: Mapping[str, Any]) -> None:
    caller.sendall(orjson.dumps(answer, default=str) + b"\n")


def _peer(caller: socket.socket) -> tuple[int, int]:
    raw = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, gid = struct.unpack("3i", raw)
    return uid, gid


def _groups(uid: int, gid: int) -> list[int]:
    try:
        return os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:  # a user that this machine has no name for is in no group
        return []
