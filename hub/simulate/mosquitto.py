"""A mosquitto of our own on the loopback, for tests, benches and the demo. No privileges needed."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

READY_WITHIN_S = 20.0
_LOOK_S = 0.01


def program() -> str | None:
    """Path of mosquitto, which Debian keeps out of a user's PATH; None when not installed."""
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Mosquitto:
    """One broker process. Leave the `with` block and it is gone.

    folder   for its config, log and database
    lines    config lines of its own; without any, strangers may connect
    durable  write the database on every change, so that a killed broker comes back with it
    """

    def __init__(
        self, folder: Path, lines: Sequence[str] = ("allow_anonymous true",), durable: bool = False
    ) -> None:
        self.port = free_port()
        self.folder = folder
        self._config = folder / f"mosquitto-{self.port}.conf"
        self._process: subprocess.Popen[bytes] | None = None
        database = folder / f"database-{self.port}"
        database.mkdir(parents=True)
        kept = ["persistence true", f"persistence_location {database}/"]
        kept += ["autosave_on_changes true", "autosave_interval 1"] if durable else []
        common = [
            f"listener {self.port} 127.0.0.1",
            f"user {getpass.getuser()}",
            "set_tcp_nodelay true",
            "max_inflight_messages 1000",
            "max_queued_messages 0",
            "log_type error",
            f"log_dest file {folder / 'mosquitto.log'}",
            *kept,
        ]
        self._config.write_text("\n".join([*common, *lines]) + "\n", encoding="utf-8")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        path = program()
        if path is None:
            raise FileNotFoundError("mosquitto is not installed; `apt-get install mosquitto`")
        self._process = subprocess.Popen(
            [path, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        never = threading.Event()
        for _ in range(round(READY_WITHIN_S / _LOOK_S)):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except ConnectionRefusedError:
                if self._process.poll() is not None:
                    break
                never.wait(_LOOK_S)
        log = self.folder / "mosquitto.log"
        said = log.read_text(encoding="utf-8") if log.exists() else ""
        raise ChildProcessError(f"mosquitto does not start with {self._config}: {said[-500:]}")

    def kill(self) -> None:
        """End it as a power cut would. Safe when it is not running."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order; it writes its database. Safe when it is not running."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait()
