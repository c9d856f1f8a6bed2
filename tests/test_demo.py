"""The demo: every verdict as promised with receipt and filing, else exit 1; nothing left behind."""

import base64
import dataclasses
import io
import json
import os
import signal
import string
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import pytest
from openpyxl import load_workbook
from rich.console import Console

from hub.control import call
from hub.demo import run_demo
from hub.demo.processes import DemoFailed, Fleet
from hub.demo.report import Line, missing
from hub.demo.scenarios import SCENARIOS
from hub.demo.screen import Screen, curve
from hub.demo.site import write_config
from hub.demo.watch import Standing
from hub.demo.words import WORDS, word

LONG_S = 240.0
"""Real seconds after which a test gives up."""
LASER = SCENARIOS[-1]
ROOT = Path(__file__).parents[1]


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def newest(out: Path) -> Path:
    return (out / "latest").resolve()


def events(folder: Path) -> list[dict[str, Any]]:
    """What the CRM has accepted, from its own file, each event once."""
    lines = (folder / "crm.jsonl").read_text().splitlines()
    bodies = {
        request["key"]: base64.b64decode(request["body"])
        for request in map(json.loads, lines)
        if request["accepted"]
    }
    return [json.loads(body) for body in bodies.values()]


def filed(folder: Path) -> list[str]:
    """Event ids in the filing batches whose digests fit and whose workbook opens."""
    found: list[str] = []
    for digests in folder.glob("*.sha256"):
        for line in digests.read_text().splitlines():
            digest, name = line.split()
            assert sha256((folder / name).read_bytes()).hexdigest() == digest
        load_workbook(digests.with_suffix(".xlsx")).close()
        batch = json.loads(digests.with_suffix(".json").read_text())
        found += [record["event"] for record in batch["records"]]
    return found


# ------------------------------------------------------------------ the whole of it


@pytest.mark.timeout(LONG_S)
def test_the_whole_demo_ends_well(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Six orders, seven verdicts as expected, each at the CRM and in a filing batch; exit 0.

    Counted from what the CRM and the folder have, not from what the demo says of itself. The
    broker is the embedded one, which a machine without mosquitto gets.
    """
    before = children()
    assert run_demo(tmp_path, lang="en", embedded_broker=True) == 0
    assert children() == before
    assert "all as expected: 7 verdicts" in capfd.readouterr().out
    folder = newest(tmp_path)
    sent = events(folder)
    verdicts = [event for event in sent if event["type"] == "gashub.verdict.v1"]
    came: dict[str, list[str]] = {}
    for event in verdicts:
        came.setdefault(event["subject"], []).append(event["data"]["verdict"]["verdict"])
    assert came == {one.number: list(one.expected) for one in SCENARIOS}
    assert any(event["type"] == "gashub.alarm.v1" for event in sent)
    assert sorted(filed(folder / "filing")) == sorted(event["id"] for event in verdicts)


@pytest.mark.timeout(LONG_S)
def test_a_verdict_that_is_not_as_expected_fails_the_demo(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The screen finds the plume; who expected none is told so, with exit 1."""
    hopeful = dataclasses.replace(LASER, expected=("PASS",))
    before = children()
    assert run_demo(tmp_path, lang="en", scenarios=[hopeful]) == 1
    assert children() == before
    shown = capfd.readouterr().out
    assert "missing: WO-0006: PASS expected, FAIL came" in shown
    assert "all as expected" not in shown


def started(out: Path, *, keep: bool = False, scenarios: str = "[-1:]") -> subprocess.Popen[str]:
    """A demo in a process of its own."""
    code = (
        "import sys, pathlib; from hub.demo import run_demo\n"
        "from hub.demo.scenarios import SCENARIOS\n"
        f"sys.exit(run_demo(pathlib.Path({str(out)!r}), lang='en', keep={keep},"
        f" scenarios=SCENARIOS{scenarios}))"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"the demo ended without saying {words!r}")


@pytest.mark.timeout(LONG_S)
def test_kept_running_it_serves_until_ctrl_c(tmp_path: Path) -> None:
    """With keep the hub still answers after the table; Ctrl-C then ends all of it with 0."""
    with started(tmp_path, keep=True) as demo:
        read_until(demo, "left running")
        family = psutil.Process(demo.pid).children(recursive=True)
        assert len(family) >= 8
        assert call(newest(tmp_path) / "state" / "hub.sock", "status")["gateway"] == "demo-gw"
        demo.send_signal(signal.SIGINT)
        assert demo.wait(LONG_S) == 0
        assert not any(child.is_running() for child in family)


@pytest.mark.timeout(LONG_S)
def test_ctrl_c_in_the_middle_ends_every_process(tmp_path: Path) -> None:
    """Exit 1, and none of the children is left."""
    with started(tmp_path, scenarios="") as demo:
        read_until(demo, "stabilising")
        family = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(LONG_S) == 1
        assert not any(child.is_running() for child in family)


@pytest.mark.timeout(LONG_S)
def test_a_hub_that_dies_fails_the_demo(tmp_path: Path) -> None:
    """The demo says which process ended, where its log is, and exits with 1, nothing left."""
    with started(tmp_path, scenarios="") as demo:
        hub = int(read_until(demo, "hub running").split("pid ")[1].split(")")[0])
        family = psutil.Process(demo.pid).children(recursive=True)
        read_until(demo, "stabilising")
        os.kill(hub, signal.SIGKILL)
        read_until(demo, "hub ended with -9")
        assert demo.wait(LONG_S) == 1
        assert not any(child.is_running() for child in family)


# ------------------------------------------------------------------ its parts


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(tmp_path / "log", {}) as made:
        yield made


def test_an_end_of_the_fleet_leaves_no_process(fleet: Fleet) -> None:
    """Ended in order, even one that does not want to hear of it is gone afterwards."""
    child = fleet.start("sleeper", [sys.executable, "-c", "import sys; sys.stdin.read()"])
    other = fleet.start("waiter", [sys.executable, "-c", "import signal; signal.pause()"])
    fleet.end()
    assert not child.running
    assert not other.running


def test_a_child_that_ends_by_itself_is_named(fleet: Fleet) -> None:
    """With its exit code and its last words."""
    child = fleet.start("hasty", [sys.executable, "-c", "import sys; sys.exit('no such port')"])
    child.popen.wait(LONG_S)
    with pytest.raises(DemoFailed, match=r"hasty ended with 1: no such port; see .*hasty\.log"):
        fleet.check()


def test_a_refused_command_is_no_success(fleet: Fleet, tmp_path: Path) -> None:
    """A scenario must not go on as if the pump were running."""
    link = str(tmp_path / "port")
    argv = [sys.executable, "-m", "hub.simulate", "modbus", "--attended", "--port-link", link]
    simulator = fleet.simulate("gauge", argv)
    simulator.ready()
    simulator.tell("vent")
    with pytest.raises(DemoFailed, match="gauge refused 'explode'"):
        simulator.tell("explode")


@pytest.mark.parametrize("rendered", [False, True], ids=["as shipped", "as rendered"])
def test_the_config_is_good(tmp_path: Path, rendered: bool) -> None:
    """`gashub check` takes the shipped file as it stands, and what the demo makes of it."""
    config = ROOT / "config" / "demo.toml"
    if rendered:
        config = write_config(tmp_path, broker=18901, crm=18902, lang="en")
        assert str(tmp_path / "state") in config.read_text()
        assert "18901" in config.read_text()
    checked = subprocess.run(
        [sys.executable, "-m", "hub", "check", str(config)],
        env={**os.environ, "GASHUB_SECRET_CRM_SIGNING": "whsec_" + "A" * 32},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "3 line(s) with 4 instrument(s), 1 link(s), 3 sink(s)" in checked.stdout


def test_the_curve_goes_from_lowest_to_highest_with_the_newest_last() -> None:
    """Few points: one character each. Many: squeezed, and the last one is always shown."""
    assert curve([]) == ""
    assert curve([1, 2, 3], 8) == "▁▅█"
    assert len(curve(list(range(1000)), 28)) == 28
    assert curve([0.0] * 999 + [5.0], 28)[-1] == "█"
    assert curve([7.0, 7.0], 4) == "▁▁"


@pytest.mark.parametrize("key", sorted(WORDS))
def test_every_text_is_there_in_both_languages(key: str) -> None:
    """Same facts in both, and neither empty."""
    zh, en = (
        {name for _, name, _, _ in string.Formatter().parse(text) if name} for text in WORDS[key]
    )
    assert zh == en
    assert all(WORDS[key])
    if not zh:
        assert word("zh", key) != ""


def line(verdict: str = "FAIL", receipt: str = "CRM-1", batch: str = "01B") -> Line:
    return Line(LASER, "01V", verdict, {"zh": "", "en": ""}, ["4.4.9"], receipt, batch)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        pytest.param([line()], [], id="all well"),
        pytest.param([], ["WO-0006: FAIL expected, no verdict came"], id="no verdict"),
        pytest.param([line("PASS")], ["WO-0006: FAIL expected, PASS came"], id="wrong"),
        pytest.param([line()] * 2, ["WO-0006: FAIL expected, FAIL, FAIL came"], id="one more"),
        pytest.param([line(receipt="")], ["WO-0006: FAIL has no CRM receipt"], id="no receipt"),
        pytest.param([line(batch="")], ["WO-0006: FAIL is in no filing batch"], id="not filed"),
    ],
)
def test_what_is_missing_is_said(lines: list[Line], says: list[str]) -> None:
    """Verdict, receipt and batch are each looked for."""
    assert missing([LASER], lines) == says


def test_without_a_terminal_each_change_is_one_line() -> None:
    """A stage is said once when it begins, a verdict once when it comes."""
    heard = io.StringIO()
    standing = Standing(LASER)
    with Screen(Console(file=heard, width=100), "en") as screen:
        for stage, verdicts in (
            ("waiting", ()),
            ("sampling", ()),
            ("sampling", ()),
            ("evaluated", ("FAIL",)),
            ("evaluated", ("FAIL",)),
        ):
            standing.stage, standing.verdicts = stage, verdicts
            screen.show([standing], 1_790_000_000_000_000)
    assert [text.split(": ")[1] for text in heard.getvalue().splitlines()] == ["sampling", "FAIL"]


def test_on_a_terminal_bar_reading_and_curve_are_shown() -> None:
    """The table has the reading, its curve and the verdict so far."""
    heard = io.StringIO()
    console = Console(file=heard, width=140, force_terminal=True)
    standing = Standing(LASER, "holding", "5187 Pa", 0.5, ("FAIL",))
    standing.curve.extend([0, 2000, 5187])
    with Screen(console, "en") as screen:
        screen.show([standing], 1_790_000_000_000_000)
    shown = heard.getvalue()
    for part in ("5187 Pa", "▁▄█", "FAIL", "holding", "WO-0006"):
        assert part in shown


def test_the_scenarios_use_each_instrument_once() -> None:
    """They run at the same time, so no two may share an instrument; numbers are unique."""
    used = [entry["name"] for one in SCENARIOS for entry in one.order["instruments"]]
    assert len(used) == len(set(used))
    assert len({one.number for one in SCENARIOS}) == len(SCENARIOS)
