"""What the benches run: a real broker, real simulators on ptys, a real hub process.

Everything lives in one folder and listens on the loopback only.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

PYTHON = sys.executable
GASHUB = str(Path(sys.executable).with_name("gashub"))
NEVER = threading.Event()
"""Waiting on it with a limit is the one way of waiting here."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[int]:
    """A mosquitto that keeps every message for an absent session. Yields its port."""
    program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    if program is None:
        raise SystemExit(
            "mosquitto is not installed; the benches need it: apt-get install mosquitto"
        )
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        "max_queued_messages 0\nmax_inflight_messages 0\nmax_packet_size 2000000\n"
        "log_dest none\n"
    )
    with process([program, "-c", str(config)], folder / "mosquitto.log"):
        wait_for(lambda: listening(port), "mosquitto to listen")
        yield port


@contextlib.contextmanager
def process(
    command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A child that is ended, at the latest, when the block is left."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            env={**os.environ, **(env or {})},
        )  # fmt: skip
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], bool], within_s: float, every_s: float = 0.02) -> bool:
    """Wait until *condition* holds; False when it does not within *within_s*."""
    end_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end_s:
            return False
        NEVER.wait(every_s)
    return True


def wait_for(condition: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
    if not until(condition, within_s):
        raise SystemExit(f"gave up after {within_s:.0f} s waiting for {what}")


def unit_environment() -> dict[str, str]:
    """What the shipped unit sets for the hub."""
    unit = (Path(__file__).parent.parent / "systemd" / "gashub.service").read_text()
    lines = [
        line.partition("=")[2] for line in unit.splitlines() if line.startswith("Environment=")
    ]
    return dict(line.split("=", 1) for line in lines)


class Hub:
    """One hub process at a time, on one state folder; it can be killed and started again."""

    def __init__(
        self,
        folder: Path,
        config: str,
        before: Sequence[str] = (),
        python_path: Path | None = None,
    ) -> None:
        self.state_dir = folder / "state"
        self.config = folder / "gateway.toml"
        self.config.write_text(config)
        self.log = folder / "hub.log"
        self._before = list(before)
        self._env = {**os.environ, **unit_environment()}
        if python_path is not None:
            self._env["PYTHONPATH"] = str(python_path)
        self._notify = folder / "notify"
        self._listener: socket.socket | None = None
        self._ready = False
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._ready = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.unlink(missing_ok=True)
        self._listener.bind(str(self._notify))
        env = {**self._env, "NOTIFY_SOCKET": str(self._notify)}
        with self.log.open("ab") as out:
            self.child = subprocess.Popen(
                [*self._before, PYTHON, "-m", "hub", "run", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=self.config.parent,
            )  # fmt: skip

    def wait_ready(self, within_s: float = 60.0) -> None:
        """Wait until the hub says READY=1 in systemd's protocol."""
        assert self._listener is not None
        assert self.child is not None
        if self._ready:
            return
        self._listener.settimeout(0.1)
        for _ in range(round(within_s / 0.1)):
            with contextlib.suppress(TimeoutError):
                if b"READY=1" in self._listener.recv(4096):
                    self._ready = True
                    return
            if self.child.poll() is not None:
                break
        raise SystemExit(
            f"the hub did not get ready (exit {self.child.poll()}):\n{self.last_words()}"
        )

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def kill(self) -> None:
        """End it by kill -9."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()
        self._forget()

    def stop(self, within_s: float = 60.0) -> int:
        """SIGTERM to the hub itself, also when another program (strace) runs it."""
        assert self.child is not None
        os.kill(self.pid(), signal.SIGTERM)
        code = self.child.wait(within_s)
        self._forget()
        return code

    def pid(self) -> int:
        assert self.child is not None
        if not self._before:
            return self.child.pid
        children = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children")
        return int(children.read_text().split()[0])

    def _forget(self) -> None:
        assert self._listener is not None
        self._listener.close()
        self._listener = None
        self.child = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.child is not None:
            self.kill()

    def gashub(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a gashub command on this hub's config."""
        return subprocess.run(
            [GASHUB, *words, "--config", str(self.config)],
            capture_output=True, text=True, check=False, env=self._env, cwd=self.config.parent,
        )  # fmt: skip


class Load:
    """Publishes numbered readings at QoS 1 and keeps account of what the broker has taken.

    Instruments g-1 to g-N take turns; each counts its own readings from 1. `taken` holds
    (instrument, number) of every reading that the broker has acknowledged.
    """

    def __init__(self, port: int, per_s: float, instruments: int = 4) -> None:
        self._per_s = per_s
        self._names = [f"g-{n}" for n in range(1, instruments + 1)]
        self.sent = 0
        self.taken: set[tuple[str, str]] = set()
        self._waiting: dict[int, tuple[str, str]] = {}
        self._answered: deque[int] = deque()
        self._stop = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.max_inflight_messages_set(0)
        # paho calls this with its own lock held, so it must not wait for one of ours.
        self._client.on_publish = lambda _c, _d, mid, *_: self._answered.append(mid)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run, name="load")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def finish(self) -> None:
        """End publishing and wait until the broker has answered for everything."""
        self._stop.set()
        self._thread.join()
        wait_for(self._settled, "the broker's acknowledgements")

    def _run(self) -> None:
        while not self._stop.wait(1 / self._per_s):
            name = self._names[self.sent % len(self._names)]
            number = self.sent // len(self._names) + 1
            self.sent += 1
            body = {
                "instrument": name, "quantity": "gas", "unit": "%LEL",
                "value": f"{number % 7 / 10:.1f}", "seq": number,
            }  # fmt: skip
            info = self._client.publish(f"bench/{name}", json.dumps(body), qos=1)
            self._waiting[info.mid] = (name, str(number))
            self._settled()

    def _settled(self) -> bool:
        while self._answered:
            self.taken.add(self._waiting.pop(self._answered.popleft()))
        return not self._waiting


def planted(folder: Path, faults: Mapping[str, Sequence[tuple[str, str]]]) -> Path:
    """A copy of the program with faults put in: {file: [(sound text, faulty text), ...]}.

    A bench that has not been seen to find a planted fault proves nothing.
    """
    root = Path(__file__).parent.parent
    tree = folder / "planted"
    for package in ("hub", "plugins"):
        shutil.copytree(
            root / package, tree / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copytree(root / "config" / "rulepacks", tree / "config" / "rulepacks")
    for name, changes in faults.items():
        text = (root / name).read_text()
        for sound, faulty in changes:
            if text.count(sound) != 1:
                raise SystemExit(f"{name}: expected {sound!r} once; mend the planted fault")
            text = text.replace(sound, faulty)
        (tree / name).write_text(text)
    return tree


def gateway_toml(state_dir: Path, broker_port: int, riser: Path | None = None) -> str:
    """A gateway that reads the load's topic and, where given, a pressure transmitter on a pty."""
    plugins = '"mqtt"' if riser is None else '"mqtt", "modbus"'
    text = f"""
[hub]
gateway = "bench"
state_dir = "{state_dir}"
plugins = [{plugins}]

[log]
form = "console"
level = "warning"

[[link]]
name = "broker"
kind = "mqtt"
host = "127.0.0.1"
port = {broker_port}

[[link.topics]]
filter = "bench/+"
decoder = "plain_json"
"""
    if riser is not None:
        text += f"""
[[line]]
name = "riser"
port = "{riser}"
baud = 9600

[[line.instrument]]
name = "pm-1"
kind = "modbus"
profile = "delta_ohm_hd402st"
address = 1
"""
    return text


def report(figures: Mapping[str, Any], out: Path | None) -> None:
    """The result as JSON: to *out* when given, always to standard output."""
    text = json.dumps(figures, indent=2)
    print(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n")
