"""The demo of the instruments: all drivers read at once, every mishap named, else exit 1."""

import io
import os
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from hub.demo import run_instruments
from hub.demo.mishaps import MISHAPS, Course, Mishap
from hub.demo.record import Sight
from hub.demo.roll import Roll
from hub.demo.specimens import Assembly, Gap, Specimen, assemble
from hub.kit import begin
from hub.ledger import LedgerReader, verify
from hub.measuring import measure
from hub.model import DriverKind, LineDriverKind
from hub.registry import Registry, built_in_plugins
from hub.simulate.conventions import TALKERS
from plugins.modbus.loading import SHIPPED
from plugins.mqtt import sparkplug_wire
from tests.test_demo import LONG_S, children, newest, read_until

NOW_US = 1_790_000_000_000_000


@pytest.fixture(scope="module")
def everything() -> Assembly:
    return assemble()


def good_readings(folder: Path) -> Counter[str]:
    """By instrument, from the record; the demo is not asked."""
    with LedgerReader(folder / "state") as reader:
        return Counter(
            reading.instrument
            for entry in reader.entries(kinds=("readings",))
            for reading in entry.block().readings
            if reading.quality == "good"
        )


def kinds_read(folder: Path) -> dict[str, set[str]]:
    """Kind of driver -> its instruments, by the config that the hub ran with."""
    config = tomllib.loads((folder / "gateway.toml").read_text())
    found: dict[str, set[str]] = {}
    for line in config["line"]:
        for one in line["instrument"]:
            found.setdefault(one["kind"], set()).add(one["name"])
    return found


# ------------------------------------------------------------------ the whole of it


@pytest.mark.timeout(LONG_S)
def test_every_driver_is_read_and_every_mishap_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit 0; counted from the record, each built-in driver gave good readings; none is left."""
    before = children()
    assert run_instruments(tmp_path, seconds=12, lang="en") == 0
    assert children() == before
    folder = newest(tmp_path)
    good = good_readings(folder)
    lines = kinds_read(folder)
    drivers = Registry(built_in_plugins()).drivers
    assert lines.keys() == {n for n, kind in drivers.items() if isinstance(kind, LineDriverKind)}
    for kind, names in lines.items():
        assert all(good[name] >= 2 for name in names), (kind, good)
    assert len(lines["modbus"]) == len([*SHIPPED.glob("*.toml")])
    assert all(good[name.replace("_", "-")] >= 2 for name in TALKERS), good
    assert good["u-gauge"] >= 1
    assert good["logger"] == 4
    assert verify(folder / "state").ok
    shown = capfd.readouterr().out
    assert f"as expected: {len(drivers)} drivers, {len(good)} instruments, 9 faults" in shown
    for word in ("warming up", "lost: no answer", "other unit", "port lost", "low battery"):
        assert word in shown, word
    assert [path.name for path in tmp_path.iterdir() if path.name != "latest"] == [folder.name]
    assert [*(folder / "dev").iterdir()] == []


@pytest.mark.timeout(LONG_S)
def test_what_was_not_seen_is_said_and_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A mishap under another name, one for nobody, and what cannot be shown: exit 1, each told."""
    shown = assemble(["keller"])
    shown.gaps.append(Gap("mqtt", "sparkplug_b", "it needs protobuf"))
    wrong = [Mishap("keller", "", "warming_up", "inhibited"), Mishap("nobody", "", "fault", "bad")]
    assert (
        run_instruments(
            tmp_path, seconds=6, lang="en", assembly=shown, mishaps=wrong, grace_s=0,
            embedded_broker=True,
        )
        == 1
    )  # fmt: skip
    said = capfd.readouterr().out
    assert "missing: mqtt sparkplug_b: it needs protobuf" in said
    assert "missing: keller-1 inhibited: was not shown" in said
    assert "missing: nobody bad: there is no such instrument" in said
    assert "as expected" not in said


@pytest.mark.timeout(LONG_S)
def test_a_new_driver_shows_up_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What `new-plugin` has just written is put on a line, read and listed by itself."""
    package = tmp_path / "newly"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    begin("my_gauge", "serial-poll", package)
    shown = assemble(["newly.my_gauge"])
    assert run_instruments(tmp_path / "out", seconds=6, assembly=shown, mishaps=()) == 0
    (kind,) = kinds_read(newest(tmp_path / "out"))
    assert kind == "my_gauge"
    assert "my-gauge-1" in capfd.readouterr().out


@pytest.mark.timeout(LONG_S)
def test_ctrl_c_ends_every_process(tmp_path: Path) -> None:
    """In the middle of it: exit 1, and none of the children is left."""
    argv = [sys.executable, "-m", "hub", "demo", "--instruments", "--lang", "en", "--out", "."]
    with subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as demo:
        read_until(demo, "hub running")
        family = psutil.Process(demo.pid).children(recursive=True)
        assert len(family) >= 10
        demo.send_signal(signal.SIGINT)
        read_until(demo, "stopped")
        assert demo.wait(LONG_S) == 1
        assert not any(child.is_running() for child in family)


# ------------------------------------------------------------------ its parts


def test_one_of_everything_is_there(everything: Assembly) -> None:
    """Every kind of driver, every Modbus profile, every convention; nothing is left out."""
    drivers = Registry(built_in_plugins()).drivers
    shown = {line.kind for line in everything.lines} | {link.kind for link in everything.links}
    assert everything.gaps == []
    assert shown == set(drivers)
    assert any(isinstance(kind, DriverKind) for kind in drivers.values())
    names = [one.name for one in everything.specimens()]
    assert len(set(names)) == len(names)
    models = {one.model for one in everything.specimens()}
    assert {path.stem for path in SHIPPED.glob("*.toml")} | set(TALKERS) <= models


def test_lines_have_their_instruments_own_speed(everything: Assembly) -> None:
    """As delivered: a profile's where it names one, else the plugin's; addresses all different."""
    speeds = {line.name: line.speed for line in everything.lines}
    assert speeds["modbus-19200-8e1"] == (19200, "E", 1)
    assert speeds["modbus-9600-8n2"] == (9600, "N", 2)
    assert speeds["const-additel"] == (9600, "N", 2)
    assert speeds["hesai-dm100"] == (57600, "N", 1)
    for line in everything.lines:
        addresses = [one.settings.get("address") for one in line.specimens]
        assert len(set(addresses)) == len(addresses)


def test_each_mishap_has_its_instrument_to_itself(everything: Assembly) -> None:
    """Two faults of one instrument would hide each other."""
    sights = [Sight(one) for one in everything.specimens()]
    found = [mishap.finds(sights) for mishap in MISHAPS]
    assert None not in found
    assert len({sight.specimen.name for sight in found if sight}) == len(MISHAPS)


def test_without_protobuf_the_rest_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only Sparkplug is missing, and the reason names the extra."""
    sparkplug_wire.messages.cache_clear()
    monkeypatch.setitem(sys.modules, "google.protobuf.descriptor_pb2", None)
    try:
        shown = assemble(["mqtt"])
    finally:
        sparkplug_wire.messages.cache_clear()
    (gap,) = shown.gaps
    assert (gap.plugin, gap.model) == ("mqtt", "sparkplug_b")
    assert "protobuf, which is not installed" in gap.why
    assert len([*shown.specimens()]) == len(TALKERS) - 1


@pytest.mark.parametrize("words", [["--seconds", "1"], ["--keep"], ["--lang", "de"]])
def test_what_does_not_fit_is_refused(words: list[str], tmp_path: Path) -> None:
    """With a sentence, and nothing made."""
    argv = [sys.executable, "-m", "hub", "demo", "--instruments", "--out", str(tmp_path), *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert [*tmp_path.iterdir()] == []


def sight(name: str = "g-1", quality: str = "good", ago_s: int = 1) -> Sight:
    made = Sight(Specimen(name, "keller", "33X", "pressure", "line"))
    reading = measure(
        instrument=name, quantity="pressure", value="2031", unit="Pa", quality=quality,
        at_us=NOW_US - ago_s * 1_000_000,
    )  # fmt: skip
    made.hear(reading)
    return made


def test_a_sight_tells_how_it_stands() -> None:
    """The hub's state first, then whether port or device are gone, then the quality."""
    one = sight(quality="warming_up")
    assert (one.word, one.goods, one.readings) == ("warming_up", 0, 1)
    one.signs["port_lost"] = NOW_US
    assert one.word == "port_lost"
    one.state = "lost"
    one.signs["instrument_lost"] = NOW_US + 1
    assert (one.word, one.cause) == ("lost", "port_lost")
    assert Sight(one.specimen).word == "starting"


def test_an_old_sign_is_not_taken_for_a_new_one() -> None:
    """A mishap counts as named only by what was said after it began, and as overcome likewise."""
    one = sight(quality="warming_up", ago_s=60)
    one.good_us = NOW_US - 60_000_000
    course = Course([Mishap("keller", "", "warming_up", "warming_up")], {"g-1": one}, {})
    course._begun_us = course._mended_us = NOW_US
    assert course.unseen() == course.planned()
    assert course.unmended() == ["g-1"]
    one.signs["warming_up"] = one.good_us = NOW_US + 1
    assert course.unseen() == []
    assert course.unmended() == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_low_terminal_shows_the_rows_in_parts(lang: str) -> None:
    """As many as fit, and below them which of how many."""
    heard = io.StringIO()
    console = Console(file=heard, width=150, height=16, force_terminal=True)
    with Roll(console, "en" if lang == "en" else "zh") as roll:
        roll.show([sight(f"g-{at:02}") for at in range(30)], [], NOW_US)
    shown = heard.getvalue()
    assert "g-09" in shown
    assert "g-10" not in shown
    assert ("rows 1-10 of 30" if lang == "en" else "第 1–10 行，共 30 行") in shown


def test_the_whole_table_has_value_unit_quality_age_and_gaps() -> None:
    """And for what cannot be shown the reason, in words."""
    heard = io.StringIO()
    roll = Roll(Console(file=heard, width=160), "en")
    lost = sight("g-2")
    lost.state, lost.signs["silent"] = "lost", NOW_US
    roll.print([sight(), lost], [Gap("mqtt", "sparkplug_b", "needs protobuf")], NOW_US)
    first, second, third = heard.getvalue().splitlines()[1:]
    assert first.split() == [
        "g-1",
        "keller",
        "33X",
        "line",
        "2031",
        "Pa",
        "good",
        "1",
        "s",
        "1",
        "ok",
    ]
    assert "lost: no answer" in second
    assert "cannot be shown: needs protobuf" in third


@pytest.mark.parametrize("width", [72, 80, 100, 120, 140])
def test_on_a_narrow_terminal_the_state_is_what_stays(width: int) -> None:
    """Columns that say less are left out for it."""
    heard = io.StringIO()
    lost = sight("modbus-11")
    lost.specimen = replace(lost.specimen, where="modbus-19200-8e1", model="oldham_itrans2")
    lost.state, lost.signs["silent"] = "lost", NOW_US
    Roll(Console(file=heard, width=width), "en").print([lost], [], NOW_US)
    assert "lost: no answer" in heard.getvalue()


def test_make_lists_it_and_calls_it() -> None:
    """`make help` shows the target, whose name has a hyphen."""
    root = Path(__file__).parents[1]
    listed, called = (
        subprocess.run(["make", *words], cwd=root, capture_output=True, text=True, check=True)
        for words in (["help"], ["--dry-run", "demo-instruments"])
    )
    assert "make demo-instruments " in listed.stdout
    assert "gashub demo --instruments" in called.stdout
