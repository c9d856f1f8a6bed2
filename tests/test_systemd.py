"""The unit file is sound and tight, and systemd is told the truth about the hub."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.watchdog import Watchdog

UNITS = Path(__file__).parent.parent / "systemd"
GASHUB = Path(sys.executable).with_name("gashub")
MOST_EXPOSURE = 1.6


def analyze(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["systemd-analyze", *map(str, words)], capture_output=True, text=True, check=False
    )


ALL = sorted(path.name for path in UNITS.glob("*.service"))


def as_installed(folder: Path, text: str, name: str = "gashub.service") -> Path:
    """The unit as it would be installed, but starting the gashub that is here."""
    unit = folder / name
    unit.write_text(text.replace("/opt/gashub/.venv/bin/gashub", str(GASHUB)))
    return unit


@pytest.mark.parametrize("name", ALL)
def test_a_unit_has_no_word_that_systemd_does_not_know(tmp_path: Path, name: str) -> None:
    """`verify` exits 0 on unknown keys, so any word on stderr fails."""
    text = (UNITS / name).read_text()
    said = analyze("verify", "--man=no", as_installed(tmp_path, text, name))

    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_a_misspelt_key_in_the_unit_would_be_seen(tmp_path: Path) -> None:
    """The check above can fail: one wrong letter makes systemd complain."""
    wrong = unit_text().replace("ProtectSystem=", "ProtectSytem=")

    assert "ProtectSytem" in analyze("verify", "--man=no", as_installed(tmp_path, wrong)).stderr


@pytest.mark.parametrize("name", ALL)
def test_a_unit_is_hardened(name: str) -> None:
    """At most 1.6 of 10 in systemd's own exposure score."""
    said = analyze("security", "--offline=true", "--no-pager", UNITS / name).stdout

    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert score, said
    assert float(score[1]) <= MOST_EXPOSURE


def test_the_user_and_its_groups_are_created(tmp_path: Path) -> None:
    """systemd-sysusers makes the user gashub, in group dialout, with no shell."""
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "group").write_text("dialout:x:20:\n")
    subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", UNITS / "gashub.sysusers"],
        check=True,
        capture_output=True,
    )

    user = (etc / "passwd").read_text().splitlines()[0].split(":")
    assert (user[0], user[5], user[6]) == ("gashub", "/var/lib/gashub", "/usr/sbin/nologin")
    assert "dialout:x:20:gashub" in (etc / "group").read_text().splitlines()


def unit_text() -> str:
    return (UNITS / "gashub.service").read_text()


# -- the messages, without a hub


class Listener:
    """systemd's end of the notification socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def heard(self, within_s: float = 0.0) -> list[str]:
        """What has been said so far; waits up to *within_s* for the first message."""
        said: list[str] = []
        self._socket.settimeout(within_s or 0.001)
        while True:
            try:
                said.append(self._socket.recv(4096).decode())
            except TimeoutError:
                return said
            self._socket.settimeout(0.001)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with closing(Listener(tmp_path / "notify")) as ours:
        yield ours


class Seconds:
    """A monotonic clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def watchdog(
    listener: Listener, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watchdog]:
    monkeypatch.setenv("NOTIFY_SOCKET", str(listener.path))
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    with closing(Watchdog(seconds)) as ours:
        yield ours


def test_progress_feeds_four_times_an_interval_and_no_more(
    watchdog: Watchdog, listener: Listener, seconds: Seconds
) -> None:
    """Thousands of turns a minute make eight messages, not thousands."""
    for turn in range(6000):
        seconds.now = turn / 100
        watchdog.progress()

    assert listener.heard() == ["WATCHDOG=1"] * 8


def test_without_progress_nothing_is_said(
    watchdog: Watchdog, listener: Listener, seconds: Seconds
) -> None:
    """Time alone never feeds the watchdog."""
    watchdog.progress()
    seconds.now = 3600.0

    assert listener.heard() == ["WATCHDOG=1"]


def test_a_foreign_text_in_the_status_cannot_feed_the_watchdog(
    watchdog: Watchdog, listener: Listener
) -> None:
    """Line breaks separate messages, so none survives; Chinese arrives as it is."""
    watchdog.status("仪表 pm-1\nWATCHDOG=1\r\nREADY=1")

    assert listener.heard() == ["STATUS=仪表 pm-1 WATCHDOG=1 READY=1"]


def test_ready_and_stopping_are_said_in_the_protocols_words(
    watchdog: Watchdog, listener: Listener
) -> None:
    watchdog.ready("running")
    watchdog.stopping()

    assert listener.heard() == ["READY=1\nSTATUS=running", "STOPPING=1"]


def test_a_watchdog_meant_for_another_process_is_not_fed(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that inherits the environment stays quiet."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(listener.path))
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    with closing(Watchdog()) as child:
        child.progress()

    assert listener.heard() == []


def test_a_full_or_vanished_socket_does_not_stop_judging(
    watchdog: Watchdog, listener: Listener
) -> None:
    """Messages to nobody are lost; the call returns at once."""
    for _ in range(5000):
        watchdog.status("x" * 1000)
    listener.close()

    watchdog.status("still here")


def test_without_systemd_everything_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with closing(Watchdog()) as alone:
        alone.ready("running")
        alone.progress()
        alone.stopping()
