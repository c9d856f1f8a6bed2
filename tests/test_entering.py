"""Readings that a person hands in: on a real ledger, from the entry to the verdict and its replay.

Only time is by hand. The last test is a hub process and the command line.
"""

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from hub.commands import Commands
from hub.control import call
from hub.desk import Desk
from hub.doing import Doing
from hub.errors import CommandRefused
from hub.ledger import Ledger, LedgerReader, Transaction, verify
from hub.measuring import measure
from hub.model import Intake, way_of
from hub.outbox import Outbox
from hub.registry import Registry
from hub.replaying import replay_verdicts
from hub.rulepack import load_pack
from hub.testing import HandClock, site, wait_until
from plugins.import_file.driver import ImportDriver
from plugins.import_file.settings import ImportSettings
from plugins.manual.driver import ManualDriver
from plugins.manual.settings import ManualSettings

GAUGE = {
    "name": "u-1", "quantity": "pressure", "unit": "mmH2O", "range_pa": 10000, "resolution": 1,
    "calibrated_until": "2027-12-31", "zero_before_pa": 0, "zero_after_pa": 0,
}  # fmt: skip
COLUMN = {"column": "P", "instrument": "u-1", "quantity": "pressure", "unit": "Pa"}


class Desktop:
    """Ledger, desk and commands without threads; a new one on the same folder is a restart."""

    def __init__(self, folder: Path, clock: HandClock) -> None:
        self.folder, self.clock = folder, clock
        self.ledger = Ledger.open(folder, clock, "gw-test", 0)
        self.registry = Registry([])
        self.desk = Desk(self.registry, load_pack(), {})
        with LedgerReader(folder) as reader:
            self.desk.restore(reader)
        plate = COLUMN | {"serial": "S1"}
        links: dict[str, object] = {"hand": ManualDriver("hand", ManualSettings(), site(clock))}
        for name, column in (
            ("files", COLUMN), ("files-s1", plate), ("files-u2-s1", plate | {"instrument": "u-2"}),
        ):  # fmt: skip
            importing = ImportSettings.model_validate({"zone": "UTC", "columns": [column]})
            links[name] = ImportDriver(name, importing, site(clock))
        outbox = Outbox([], folder, self.submit, clock)
        self.commands = Commands(
            self.desk, outbox, self.registry, clock, Doing(self.submit), dict, links=links
        ).table()

    def submit(self, act: Callable[[Transaction], Any]) -> "Future[Any]":
        done: Future[Any] = Future()
        with self.ledger.transaction() as tx:
            done.set_result(act(tx))
        return done

    def do(self, name: str, **request: Any) -> Any:
        return self.commands[name](request)

    def begin(self, source: str) -> None:
        self.know(source, "WO-1")
        self.do("order.open", number="WO-1")

    def know(self, source: str, number: str, gauge: str = "u-1") -> None:
        order = {
            "number": number, "procedure": "indoor_hold", "p_design_pa": 5000,
            "source": source, "instruments": [GAUGE | {"name": gauge}],
        }  # fmt: skip
        self.do("order.add", text=json.dumps(order))

    def read(self, mm: str, photo: bytes, /, **more: str) -> Any:
        given = {"number": "WO-1", "instrument": "u-1", "value": mm, "unit": "mmH2O"}
        given |= {"operator": "Li Lei", "photo": "a.jpg"}
        given["photo_sha256"] = sha256(photo).hexdigest()
        return self.do("order.reading", **given | more)

    def hand_in(self, data: bytes, number: str = "WO-1", name: str = "files") -> Any:
        given = {"number": number, "as": name, "file": "a.csv"}
        return self.do("order.import", base64=b64encode(data).decode(), **given)

    def rule(self) -> Any:
        """The verdict, once there is one; it is recorded."""
        rulings = self.desk.review(self.clock.now_us())
        for ruling in rulings:
            with self.ledger.transaction() as tx:
                self.desk.record(tx, ruling, self.clock.now_us())
        return rulings[0].verdict if rulings else None

    def replayed(self) -> Any:
        (told,) = replay_verdicts(self.folder, self.registry)
        return told


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Desktop]:
    made = Desktop(tmp_path, HandClock())
    with closing(made.ledger):
        yield made


@pytest.mark.parametrize(("last", "verdict"), [("529", "PASS"), ("528", "FAIL")])
def test_two_readings_by_eye_are_judged_by_their_own_rule(
    house: Desktop, last: str, verdict: str
) -> None:
    """One division may be lost, two may not; flag, evidence and replay say how it was read."""
    house.begin("manual")
    house.do("order.event", number="WO-1", word="pump_off")
    house.clock.move(65)
    house.read("530", b"one")
    house.clock.move(300)
    house.read(last, b"two")
    house.clock.move(130)
    told = house.rule()
    assert told.verdict == verdict
    assert "manual" in told.flags
    assert house.replayed()["same"]
    with LedgerReader(house.folder) as reader:
        blocks = [entry.block() for entry in reader.entries(0, None, kinds=("readings",))]
    frames = [frame for block in blocks for frame in block.frames]
    assert [way_of(frame.source) for frame in frames] == ["manual", "manual"]
    entry = json.loads(frames[0].raw)
    assert (entry["operator"], entry["photo_sha256"]) == ("Li Lei", sha256(b"one").hexdigest())


def test_a_restart_between_the_two_readings_loses_nothing(tmp_path: Path) -> None:
    """The first one is in the record before it is answered."""
    clock = HandClock()
    before = Desktop(tmp_path, clock)
    with closing(before.ledger):
        before.begin("manual")
        before.do("order.event", number="WO-1", word="pump_off")
        clock.move(65)
        before.read("530", b"one")
    after = Desktop(tmp_path, clock)
    with closing(after.ledger):
        clock.move(300)
        after.read("530", b"two")
        clock.move(130)
        assert after.rule().verdict == "PASS"
        assert after.replayed()["same"]


def test_an_order_of_another_source_refuses_them(house: Desktop) -> None:
    """The text says of which source it is, and how its readings come; nothing is recorded."""
    house.begin("instrument")
    size = house.ledger.head().size
    with pytest.raises(CommandRefused, match="is of source instrument and takes no manual"):
        house.read("530", b"one")
    with pytest.raises(CommandRefused, match="is of source instrument and takes no imported"):
        house.hand_in(series(house.clock, 3))
    assert house.ledger.head().size == size


@pytest.mark.parametrize("source", ["manual", "imported"])
def test_what_an_instrument_sends_is_no_part_of_such_an_order(house: Desktop, source: str) -> None:
    """Nor what came the other way by hand."""
    house.begin(source)
    attempt = house.desk.attempt("WO-1")
    at_us = house.clock.now_us()
    reading = measure(instrument="u-1", quantity="pressure", value="5200", unit="Pa", at_us=at_us)
    for other in (
        "line-a",
        "wire a/#",
        {"manual": "files #imported x", "imported": "hand #manual"}[source],
    ):
        house.desk.observe([Intake(other, b"", at_us, (reading,))])
    assert attempt.rows == []


def test_one_photo_stands_for_one_reading(house: Desktop) -> None:
    """A second reading with it is refused, whatever it says."""
    house.begin("manual")
    house.read("530", b"one")
    for mm in ("530", "529"):
        with pytest.raises(CommandRefused, match="photo stands for an earlier reading"):
            house.read(mm, b"one")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"instrument": "u-9"}, "has no instrument 'u-9'"),
        ({"unit": "psi"}, "not on a scale"),
        ({"as": "files"}, "no manual link 'files'"),
        ({"number": "WO-9"}, "no order"),
    ],
)
def test_an_entry_that_fits_nothing_is_refused(
    house: Desktop, more: dict[str, str], why: str
) -> None:
    """Before anything reaches the record."""
    house.begin("manual")
    size = house.ledger.head().size
    given = {"number": "WO-1", "instrument": "u-1", "value": "530", "unit": "mmH2O"}
    given |= {"operator": "Li Lei", "photo_sha256": "ab" * 32}
    with pytest.raises(CommandRefused, match=why):
        house.do("order.reading", **given | more)
    assert house.ledger.head().size == size


def series(clock: HandClock, seconds: int, fall_pa: int = 0) -> bytes:
    """A logger's file of the last *seconds*: empty for 10 s, filled by 15 s, then held."""
    from_s = clock.now_us() // 1_000_000 - seconds
    rows = ["time,P"]
    for n in range(seconds):
        at = datetime.fromtimestamp(from_s + n, UTC).strftime("%Y-%m-%d %H:%M:%S")
        held = 5200 - n % 2 - (fall_pa * max(0, n - 75) // 300)
        rows.append(f"{at},{0 if n < 10 else 1040 * (n - 9) if n < 14 else held}")
    return ("\n".join(rows) + "\n").encode()


@pytest.mark.parametrize(("fall_pa", "verdict"), [(0, "PASS"), (60, "FAIL")])
def test_a_loggers_file_is_judged_by_the_rules_of_a_series(
    house: Desktop, fall_pa: int, verdict: str
) -> None:
    """The flag says that it was imported, and replay comes to the same."""
    house.begin("imported")
    house.clock.move(600)
    house.hand_in(series(house.clock, 600, fall_pa))
    house.do("order.event", number="WO-1", word="close")
    told = house.rule()
    assert told.verdict == verdict, told
    assert "imported" in told.flags
    assert house.replayed()["same"]


def test_a_record_without_the_series_is_inconclusive(house: Desktop) -> None:
    """First and last value alone pass nothing that is not read by eye."""
    house.begin("imported")
    house.clock.move(600)
    lines = series(house.clock, 600).splitlines(keepends=True)
    house.hand_in(lines[0] + lines[100] + lines[450])
    house.do("order.event", number="WO-1", word="close")
    assert house.rule().verdict == "INCONCLUSIVE"


def test_a_test_whose_file_is_not_there_yet_waits_for_it(house: Desktop) -> None:
    """Its events alone decide nothing, however long it takes to fetch the logger."""
    house.begin("imported")
    for word in ("zeroed", "pump_on", "pump_off", "vent_open"):
        house.clock.move(30)
        house.do("order.event", number="WO-1", word=word)
    house.clock.move(3600)
    assert house.rule() is None


CONFIG = """
[hub]
gateway = "gw-test"
state_dir = "{0}/state"
plugins = ["manual", "import_file"]
reserve_mib = 0
[[link]]
name = "hand"
kind = "manual"
[[link]]
name = "files"
kind = "import_file"
zone = "UTC"
folder = "{0}/inbox"
quiet_s = 0.1
[[link.columns]]
column = "P"
instrument = "u-1"
quantity = "pressure"
unit = "Pa"
"""


def test_through_the_command_line_and_the_folder_of_a_running_hub(tmp_path: Path) -> None:
    """The photo's hash is in the record, the photo in its place; the file goes to done/."""
    (tmp_path / "inbox").mkdir()
    config, photo, order = (tmp_path / name for name in ("gw.toml", "one.jpg", "order.json"))
    config.write_text(CONFIG.format(tmp_path))
    photo.write_bytes(b"\xff\xd8 a scale")
    order.write_text(
        json.dumps(
            {"number": "WO-1", "procedure": "indoor_hold", "source": "manual",
             "instruments": [GAUGE]}
        )
    )  # fmt: skip
    gashub = [sys.executable, "-m", "hub"]
    hub = subprocess.Popen([*gashub, "run", str(config)], stderr=subprocess.DEVNULL, env=os.environ)

    def cli(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*gashub, *words, "-c", str(config)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def answers() -> bool:
        try:
            return bool(call(tmp_path / "state/hub.sock", "status"))
        except ConnectionError:
            return False

    try:
        wait_until(answers)
        assert cli("order", "add", str(order)).returncode == 0
        assert cli("order", "open", "WO-1").returncode == 0
        words = ["--instrument", "u-1", "--value", "530", "--unit", "mmH2O", "--operator", "Li Lei"]
        first = cli("order", "reading", "WO-1", *words, "--photo", str(photo))
        assert first.returncode == 0, first.stderr
        unseen = cli("order", "reading", "WO-1", *words)
        assert unseen.returncode == 2
        assert "photo" in unseen.stderr
        now = HandClock(int(datetime.now(UTC).timestamp()) * 1_000_000)
        (tmp_path / "file.csv").write_bytes(series(now, 20))
        wrong = cli("import", str(tmp_path / "file.csv"), "--as", "files", "--order", "WO-1")
        assert "source manual" in wrong.stderr
        (tmp_path / "inbox/a.csv").write_bytes(series(now, 20))
        (tmp_path / "inbox/b.csv").write_bytes(b"rubbish")
        wait_until((tmp_path / "inbox/done/a.csv").exists)
        wait_until((tmp_path / "inbox/refused/b.csv").exists)
    finally:
        hub.terminate()
        hub.wait(20)
    assert photo.exists()
    assert verify(tmp_path / "state").ok
    with LedgerReader(tmp_path / "state") as reader:
        blocks = [entry.block() for entry in reader.entries(0, None, kinds=("readings",))]
    readings = [reading for block in blocks for reading in block.readings]
    assert readings[0].seq == f"photo-{sha256(photo.read_bytes()).hexdigest()}"
    assert len(readings) == 21
    assert sum(len(block.dead) for block in blocks) == 1
