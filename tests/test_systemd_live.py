"""A real `gashub run`: what systemd hears from it, and what the unit's filters would refuse it."""

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.control import call
from hub.testing import PtyPair, wait_until

UNIT = (Path(__file__).parent.parent / "systemd" / "gashub.service").read_text()
INTERVAL_S = 1.0
STRANGER = '''
"""A plugin whose news hook hangs as soon as the file it is told to look at is there."""
import os
import threading
from hub import DriverKind, Intake, Settings, hookimpl

class Ticker:
    def __init__(self, name, settings, site):
        self.clock, self.never = site.clock, threading.Event()
    def open(self): pass
    def read(self, within_s):
        self.never.wait(within_s)
        return [Intake("tick", b"", self.clock.now_us(), dropped="tick")]
    def settle(self, receipts): pass
    def close(self): pass

@hookimpl
def register_drivers():
    return [DriverKind("ticker", Settings, Ticker)]

@hookimpl
def readings_recorded(intakes):
    if os.path.exists(os.environ["HANG"]):
        threading.Event().wait()
'''


class Systemd:
    """The notification socket, and the hub process that talks to it."""

    def __init__(self, folder: Path, config: str, before: tuple[str, ...] = ()) -> None:
        self.state_dir = folder / "state"
        self.hang = folder / "hang"
        self.log = folder / "hub.log"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        file = folder / "gateway.toml"
        file.write_text(f'[hub]\ngateway = "gw"\nstate_dir = "{self.state_dir}"\n{config}')
        (folder / "strangers").mkdir()
        (folder / "strangers" / "hangs.py").write_text(STRANGER)
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", "hub", "run", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={
                    **os.environ,
                    "NOTIFY_SOCKET": str(folder / "notify"),
                    "WATCHDOG_USEC": str(round(INTERVAL_S * 1e6)),
                    "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]),
                    "HANG": str(self.hang),
                },
            )

    def hear(self, within_s: float) -> str:
        """The next message, or "" when there is none within *within_s*."""
        if not select.select([self._socket], [], [], within_s)[0]:
            return ""
        return self._socket.recv(4096).decode()

    def hear_until(self, word: str, within_s: float = 60.0) -> list[str]:
        """Messages up to the first that has *word* in a line of its own."""
        heard: list[str] = []
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s and self.process.poll() is None:
            message = self.hear(0.1)
            if message:
                heard.append(message)
            if word in message.splitlines():
                return heard
        raise AssertionError(f"no {word} in {within_s} s, but {heard}; {self.log.read_text()}")

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._socket.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Systemd]]:
    started: list[Systemd] = []

    def begin(config: str, before: tuple[str, ...] = ()) -> Systemd:
        started.append(Systemd(tmp_path, config, before))
        return started[-1]

    yield begin
    for each in started:
        each.end()


WITH_STRANGER = """
plugins = ["strangers.hangs"]
[[link]]
name = "ticks"
kind = "ticker"
"""


def test_a_running_hub_says_ready_then_feeds_the_watchdog_then_says_stopping(
    start: Callable[..., Systemd],
) -> None:
    """READY=1 once, WATCHDOG=1 again and again, STOPPING=1 on SIGTERM, exit 0."""
    systemd = start("plugins = []\n")

    before = systemd.hear_until("READY=1")
    systemd.hear_until("WATCHDOG=1")
    systemd.hear_until("WATCHDOG=1")
    systemd.process.send_signal(signal.SIGTERM)
    systemd.hear_until("STOPPING=1")

    assert not any("READY=1" in message for message in before[:-1])
    assert systemd.process.wait(60) == 0


def test_a_stuck_judge_no_longer_feeds_the_watchdog(
    start: Callable[..., Systemd],
) -> None:
    """A plugin's hook hangs on the judging thread: the process lives and answers, and yet no
    message comes for twice the interval, so systemd would end it.
    """
    systemd = start(WITH_STRANGER)
    systemd.hear_until("READY=1")
    systemd.hear_until("WATCHDOG=1")

    systemd.hang.touch()
    wait_until(lambda: systemd.hear(INTERVAL_S) == "", "the watchdog messages to end")
    silence = systemd.hear(2 * INTERVAL_S)

    assert silence == ""
    assert systemd.process.poll() is None
    assert call(systemd.state_dir / "hub.sock", "status")["store"] == "ok"


# -- what the unit's filters would refuse


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    assert program, "mosquitto is not installed"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest none\n")
    with subprocess.Popen([program, "-c", str(config)]) as process:
        try:
            yield port
        finally:
            process.terminate()


def named_sets() -> dict[str, list[str]]:
    """The named sets of system calls: "@basic-io" -> calls and other sets."""
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    sets: dict[str, list[str]] = {}
    name = ""
    for line in said.splitlines():
        if line.startswith("@"):
            name = line.strip()
            sets[name] = []
        elif name and line.strip() and not line.strip().startswith("#"):
            sets[name].append(line.strip())
    return sets


def allowed_calls() -> set[str]:
    """What the unit's SystemCallFilter= lines leave."""
    sets = named_sets()

    def expand(word: str) -> set[str]:
        return set().union(*map(expand, sets[word])) if word.startswith("@") else {word}

    calls: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT, re.MULTILINE):
        named = set().union(*map(expand, line.removeprefix("~").split()))
        calls = calls - named if line.startswith("~") else calls | named
    return calls


def test_the_units_filters_let_through_all_that_a_hub_does(
    start: Callable[..., Systemd], tmp_path: Path
) -> None:
    """Every system call and address family of a hub at work is one that the unit allows, and it
    maps no memory that is both writable and executable (MemoryDenyWriteExecute=).

    glibc asks over netlink which address families there are, and does without an answer. SQLite
    gives new files the owner of the old one, but only where it runs as root.
    """
    only_as_root = {"fchown"} if os.geteuid() == 0 else set()
    trace = tmp_path / "trace"
    with mosquitto(tmp_path) as port, PtyPair() as cable:
        systemd = start(
            f"""
admin_gid = {os.getgid()}
plugins = ["mqtt", "modbus"]
[[link]]
name = "broker"
kind = "mqtt"
host = "localhost"
port = {port}
topics = [{{filter = "a/+", decoder = "plain_json"}}]
[[line]]
name = "riser"
port = "{cable.path}"
[[line.instrument]]
name = "pm-1"
kind = "modbus"
profile = "delta_ohm_hd402st"
address = 1
""",
            ("strace", "-f", "-qq", "-s", "16", "-e", "signal=none", "-o", str(trace)),
        )
        systemd.hear_until("READY=1", 90)
        wait_until(lambda: bool(cable.receive(8)), "the hub to poll the line", 60)
        wait_until(lambda: "htons" in trace.read_text(), "the hub to connect")
        call(systemd.state_dir / "hub.sock", "ledger.checkpoint")
        children = Path(f"/proc/{systemd.process.pid}/task/{systemd.process.pid}/children")
        os.kill(int(children.read_text().split()[0]), signal.SIGTERM)
        assert systemd.process.wait(60) == 0
    lines = trace.read_text().splitlines()

    called = {m[1] for line in lines if (m := re.match(r"\d+ +(\w+)\(", line))}
    families = {m[1] for line in lines if (m := re.search(r" socket\((AF_\w+)", line))}
    allowed_families = re.search(r"^RestrictAddressFamilies=(.*)$", UNIT, re.MULTILINE)
    both = [line for line in lines if "PROT_WRITE" in line and "PROT_EXEC" in line]
    assert {"fdatasync", "sendto", "flock"} <= called, "the trace has seen the hub at work"
    assert called - allowed_calls() <= only_as_root
    assert allowed_families
    assert families - {"AF_NETLINK"} <= set(allowed_families[1].split())
    assert both == []
