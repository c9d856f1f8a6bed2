"""The hub as a process: it starts, says what is wrong, goes on, and stops cleanly."""

import ast
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.control import call
from hub.errors import CommandRefused
from hub.ledger import LedgerReader, verify
from hub.testing import wait_until

GASHUB = [sys.executable, "-m", "hub"]
PLAIN = """
[hub]
gateway = "gw-test"
state_dir = "{state}"
plugins = [{plugins}]
reserve_mib = 0
{more}
"""
ORDER = {
    "number": "WO-1",
    "procedure": "indoor_hold",
    "instruments": [{"name": "pm-1", "quantity": "pressure"}],
}


class Hub:
    """A hub process on a folder of its own."""

    def __init__(self, folder: Path, plugins: str = "", more: str = "") -> None:
        self.folder = folder
        self.state = folder / "state"
        self.config = folder / "gateway.toml"
        self.config.write_text(
            PLAIN.format(state=self.state, plugins=plugins, more=more), encoding="utf-8"
        )
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with (self.folder / "hub.log").open("a") as log:
            self.process = subprocess.Popen(
                [*GASHUB, "run", str(self.config)],
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(self.folder)},
                text=True,
            )
        wait_until(self.answers, within_s=20)

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

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*GASHUB, *words, "--config", str(self.config)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(20)

    def log(self) -> str:
        return (self.folder / "hub.log").read_text(encoding="utf-8")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()


def write_plugin(folder: Path, name: str, text: str) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("")
    (folder / name / "mod.py").write_text(text)


def test_it_starts_answers_and_stops_with_a_whole_record(hub: Hub) -> None:
    """SIGTERM ends it with exit 0; the ledger verifies; the socket is gone."""
    hub.start()
    assert hub.status()["store"] == "ok"

    assert hub.stop() == 0
    assert verify(hub.state).ok
    assert not (hub.state / "hub.sock").exists()


def test_a_second_hub_on_the_same_folder_is_refused_with_the_first_ones_pid(hub: Hub) -> None:
    """Exit 2, one line, and the first one goes on."""
    hub.start()
    assert hub.process is not None
    second = subprocess.run(
        [*GASHUB, "run", str(hub.config)], capture_output=True, text=True, timeout=30, check=False
    )

    assert second.returncode == 2
    assert str(hub.process.pid) in second.stderr
    assert "Traceback" not in second.stderr
    assert hub.answers()


def test_a_wrong_config_is_exit_2_and_says_where(tmp_path: Path) -> None:
    """Nothing is created, nothing is started."""
    config = tmp_path / "gateway.toml"
    config.write_text('[hub]\ngatway = "x"\n', encoding="utf-8")
    for word in ("run", "check"):
        said = subprocess.run(
            [*GASHUB, word, str(config)], capture_output=True, text=True, timeout=30, check=False
        )
        assert said.returncode == 2
        assert 'did you mean "gateway"' in said.stderr
        assert "Traceback" not in said.stderr
    assert list(tmp_path.iterdir()) == [config]


def test_a_damaged_ledger_is_kept_and_the_hub_stays_up_to_say_so(hub: Hub) -> None:
    """No fresh start in silence: status names the state, the bytes stay as they are."""
    hub.start()
    hub.stop()
    ledger = hub.state / "ledger.db"
    bad = b"\0" * ledger.stat().st_size
    ledger.write_bytes(bad)
    for side in ("ledger.db-wal", "ledger.db-shm"):
        (hub.state / side).unlink(missing_ok=True)
    hub.start()

    assert hub.status()["store"].startswith("damaged")
    assert hub.stop() == 0
    assert ledger.read_bytes() == bad


def test_commands_work_with_a_hub_and_without_one(hub: Hub) -> None:
    """The same words, the same answer; without a hub the CLI takes the lock itself."""
    order = hub.folder / "order.json"
    order.write_text(json.dumps(ORDER), encoding="utf-8")
    alone = hub.cli("order", "add", str(order), "--json")
    assert alone.returncode == 0, alone.stderr
    hub.start()
    again = hub.cli("order", "add", str(order), "--json")

    assert json.loads(again.stdout) == json.loads(alone.stdout)
    listed = json.loads(hub.cli("order", "list", "--json").stdout)
    assert [one["number"] for one in listed] == ["WO-1"]
    opened = hub.cli("order", "open", "WO-1", "--json")
    assert json.loads(opened.stdout)["procedure"] == "indoor_hold"
    wait_until(lambda: json.loads(hub.cli("order", "list", "--json").stdout)[0]["verdict"] != "")
    shown = json.loads(hub.cli("order", "show", "WO-1", "--json").stdout)
    assert shown["attempts"][0]["verdict"]["reasons"] == ["instrument"]
    wrong = hub.cli("order", "open", "WO-9")
    assert wrong.returncode == 2
    assert "no order 'WO-9'" in wrong.stderr


def test_a_drivers_bug_stops_that_link_alone(tmp_path: Path) -> None:
    """The one that raises is named in log and record; the other's readings go on."""
    write_plugin(
        tmp_path,
        "acme_links",
        """
from hub import DriverKind, Intake, Settings, hookimpl, measure

class Good:
    def __init__(self, name, settings, site):
        self.name, self.clock, self.k = name, site.clock, 0
    def open(self): ...
    def read(self, within_s):
        self.k += 1
        if self.k > 5:
            return []
        now = self.clock.now_us()
        reading = measure(instrument="pm-1", quantity="pressure", value=str(self.k), unit="Pa",
                          at_us=now)
        return [Intake(self.name, b"x", now, (reading,))]
    def settle(self, receipts): ...
    def close(self): ...

class Bad(Good):
    def read(self, within_s):
        raise ZeroDivisionError("a stranger's bug")

@hookimpl
def register_drivers():
    return [DriverKind("good", Settings, Good), DriverKind("bad", Settings, Bad)]
""",
    )
    hub = Hub(
        tmp_path,
        '"acme_links.mod"',
        '[[link]]\nname = "g"\nkind = "good"\n[[link]]\nname = "b"\nkind = "bad"\n',
    )
    hub.start()
    wait_until(lambda: hub.status()["counts"]["readings"] == 5)
    with LedgerReader(hub.state) as reader:
        wait_until(
            lambda: any(
                n.record()["what"] == "driver_failed" for n in reader.entries(kinds={"notice"})
            )
        )

    assert hub.stop() == 0
    assert "a stranger's bug" in hub.log()


def test_the_judges_bug_ends_the_process(tmp_path: Path) -> None:
    """A procedure that raises is no plugin's private matter: exit non-zero, record whole."""
    write_plugin(
        tmp_path,
        "acme_rules",
        """
from hub import ProcedureKind, hookimpl

def raises(*_):
    raise ZeroDivisionError("a bug in a rule")

@hookimpl
def register_procedures():
    return [ProcedureKind("laser_screen_of_acme", raises, raises)]
""",
    )
    hub = Hub(tmp_path, '"acme_rules.mod"')
    hub.start()
    order = {**ORDER, "procedure": "laser_screen_of_acme"}
    call(hub.state / "hub.sock", "order.add", text=json.dumps(order))
    call(hub.state / "hub.sock", "order.open", number="WO-1")
    assert hub.process is not None

    assert hub.process.wait(20) == 1
    assert "a bug in a rule" in hub.log()
    assert verify(hub.state).ok


def test_an_order_that_a_plugin_knows_is_taken_when_it_is_opened(tmp_path: Path) -> None:
    """Recorded first, then opened."""
    write_plugin(
        tmp_path,
        "acme_orders",
        f"""
from hub import hookimpl

@hookimpl
def find_work_order(number):
    return {{**{ORDER!r}, "number": number}} if number == "WO-7" else None
""",
    )
    hub = Hub(tmp_path, '"acme_orders.mod"')
    hub.start()
    opened = call(hub.state / "hub.sock", "order.open", number="WO-7")
    assert opened["order"] == "WO-7"
    with pytest.raises(CommandRefused, match="no order 'WO-8'"):
        call(hub.state / "hub.sock", "order.open", number="WO-8")
    assert hub.stop() == 0


FULL_DISK = '''
import pathlib, threading
from hub import DriverKind, Intake, Settings, hookimpl, measure
from hub.ledger import LedgerReader

STATE = pathlib.Path({state!r})
OUT = pathlib.Path({out!r})
SETTLED = []

class Gauge:
    """Sends one reading a turn, and knows which of them the hub has called durable."""
    def __init__(self, name, settings, site):
        self.name, self.clock, self.k = name, site.clock, 0
    def open(self): ...
    def read(self, within_s):
        self.clock.wait(threading.Event(), 0.01)
        self.k += 1
        now = self.clock.now_us()
        reading = measure(instrument="pm-1", quantity="pressure", value=str(self.k), unit="Pa",
                          at_us=now)
        return [Intake(self.name, b"x", now, (reading,), receipt=self.k)]
    def settle(self, receipts):
        SETTLED.extend(receipts)
    def close(self): ...

class Janitor(Gauge):
    """Fills the disk, looks that nothing is called durable meanwhile, and makes room again."""
    turns = 0
    def read(self, within_s):
        self.clock.wait(threading.Event(), 0.1)
        self.turns += 1
        filler = STATE / "filler"
        if self.turns == 10:
            with filler.open("wb", buffering=0) as file:
                try:
                    while file.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
        if self.turns == 50:
            self.before = len(SETTLED)
        if self.turns == 70:
            OUT.with_suffix(".stalled").write_text(str(len(SETTLED) - self.before))
            filler.unlink()
        if self.turns == 130:
            with LedgerReader(STATE) as reader:
                kept = [int(r.value) for _, b in reader.blocks(-1, 10**6) for r in b.readings]
            settled = list(SETTLED)
            OUT.write_text(repr((kept, settled[: len(kept)], self.before)))
        return []

@hookimpl
def register_drivers():
    return [DriverKind("gauge", Settings, Gauge), DriverKind("janitor", Settings, Janitor)]
'''


def test_a_full_disk_is_a_state_that_ends_by_itself(tmp_path: Path) -> None:
    """Nothing is acknowledged while full, the watchdog is fed, and afterwards nothing is missing.

    The disk is a small tmpfs of the hub's own, so the tester lives in a plugin beside it.
    """
    state, out, notify = tmp_path / "state", tmp_path / "said", tmp_path / "notify"
    state.mkdir()
    write_plugin(tmp_path, "acme_disk", FULL_DISK.format(state=str(state), out=str(out)))
    config = tmp_path / "gateway.toml"
    links = '[[link]]\nname = "g"\nkind = "gauge"\n[[link]]\nname = "j"\nkind = "janitor"\n'
    config.write_text(PLAIN.format(state=state, plugins='"acme_disk.mod"', more=links))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(notify))
        systemd.settimeout(0.2)
        mount = 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"'
        with (tmp_path / "hub.log").open("w") as log:
            process = subprocess.Popen(
                ["unshare", "-Urm", "sh", "-c", mount, str(state), *GASHUB, "run", str(config)],
                stderr=log,
                env={
                    **os.environ,
                    "PYTHONPATH": str(tmp_path),
                    "NOTIFY_SOCKET": str(notify),
                    "WATCHDOG_USEC": "1000000",
                },
            )
        fed: list[bool] = []
        try:
            while not out.exists():
                assert process.poll() is None, (tmp_path / "hub.log").read_text()
                try:
                    message = systemd.recv(4096)
                except TimeoutError:
                    continue
                full = "store_refuses" in (tmp_path / "hub.log").read_text()
                if b"WATCHDOG=1" in message and not out.with_suffix(".stalled").exists():
                    fed.append(full)
        finally:
            process.terminate()
            process.wait(20)

    said = (tmp_path / "hub.log").read_text()
    kept, settled, before = ast.literal_eval(out.read_text())
    assert "store_refuses" in said
    assert "store_recovered" in said
    assert out.with_suffix(".stalled").read_text() == "0"
    assert sum(fed) >= 2  # fed once a second while the store took nothing
    assert kept == list(range(1, len(kept) + 1))
    assert settled == kept[: len(settled)]
    assert len(kept) > before


def test_a_storm_of_signals_never_hangs_the_stop(tmp_path: Path) -> None:
    """Twenty hubs, each told to stop by a volley in mid loop: every one ends, with exit 0."""
    for k in range(20):
        folder = tmp_path / str(k)
        folder.mkdir()
        hub = Hub(folder)
        hub.start()
        assert hub.process is not None
        for _ in range(50):
            hub.process.send_signal(signal.SIGTERM)
            hub.process.send_signal(signal.SIGINT)

        assert hub.process.wait(20) == 0, hub.log()


def test_a_service_leaves_the_log_librarys_luggage_behind() -> None:
    """Until somebody needs it: asyncio is there when it is looked into."""
    script = """
import sys
from hub.service import _travel_light
_travel_light()
import structlog, hub.app
assert not {"asyncio.base_events", "rich.console"} & sys.modules.keys()
import asyncio
asyncio.run(asyncio.sleep(0))
assert "asyncio.base_events" in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
