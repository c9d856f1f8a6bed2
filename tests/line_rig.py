"""A hub process with instruments on pseudo-terminals, and the command line beside it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from hub import crc16_modbus, xor8
from hub.control import call
from hub.testing import wait_until

GASHUB = [sys.executable, "-m", "hub"]
HEAD = """
[hub]
gateway = "gw-test"
state_dir = "{state}"
plugins = [{plugins}]
reserve_mib = 0
language = "en"
"""


class Site:
    """A configuration in a folder of its own; with `start`, a hub process that runs it."""

    def __init__(self, folder: Path, plugins: list[str], text: str) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = folder / "gateway.toml"
        named = ", ".join(f'"{name}"' for name in plugins)
        self.config.write_text(HEAD.format(state=self.state, plugins=named) + text)
        self.process: subprocess.Popen[str] | None = None
        self.extra: dict[str, str] = {}
        """Further environment of the hub and of the commands."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with (self.folder / "hub.log").open("a") as log:
            self.process = subprocess.Popen(
                [*GASHUB, "run", str(self.config)], stderr=log, text=True, env=self.env()
            )
        wait_until(self.answers, "the hub answers")

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, self.log()

    def env(self) -> dict[str, str]:
        return {**os.environ, "COLUMNS": "200", **self.extra}

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            return bool(self.status())
        except ConnectionError:
            return False

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = call(self.state / "hub.sock", "status")
        return answer

    def readings(self) -> int:
        """How many readings the hub has recorded."""
        return int(self.status()["counts"]["readings"])

    def log(self) -> str:
        return (self.folder / "hub.log").read_text(encoding="utf-8")

    def cli(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run `gashub WORDS --config ...` and wait for its end."""
        return subprocess.run(
            [*GASHUB, *words, "--config", str(self.config)],
            capture_output=True, text=True, timeout=90, check=False, env={**self.env(), **env},
        )  # fmt: skip


def gashub(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command that needs no configuration."""
    return subprocess.run(
        [*GASHUB, *words], capture_output=True, text=True, timeout=90, check=False
    )


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def laser_line(ppm_m: str = "7.2", serial: str = "CH4AB-1047") -> bytes:
    """One line of a GasFinder."""
    body = f"GFDTA,{ppm_m},98,3.0,5527,2019/01/22 16:04:58,{serial},1"
    return f"${body}*{xor8(body.encode()):02X}\r\n".encode()


def hd402(heard: bytes) -> Sequence[bytes]:
    """A Delta OHM HD402ST: answers the request that it heard last, if that came whole."""
    request = heard[-8:]
    return (hd402_answer(request),) if request[-2:] == crc16_modbus(request[:-2]) else ()


def hd402_answer(request: bytes, pressure_pa: int = 12) -> bytes:
    """What a Delta OHM HD402ST says to a read of registers 4 to 26, or to a piece of it."""
    address, function, start, count = request[0], request[1], request[2:4], request[4:6]
    first = int.from_bytes(start)
    held = {4: pressure_pa.to_bytes(2, signed=True), 26: b"\0\0"}
    registers = b"".join(held.get(first + at, b"\0\0") for at in range(int.from_bytes(count)))
    body = bytes((address, function, len(registers))) + registers
    return body + crc16_modbus(body)
