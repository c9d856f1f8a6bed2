"""What was handed in is evidence of one test, for good: on a real ledger, and on a running hub.

Only time is by hand, but for the last tests, which are hub processes; one of them is killed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub import evidence
from hub.control import call
from hub.errors import CommandRefused
from hub.ledger import LedgerReader, verify
from hub.testing import HandClock, wait_until
from tests.test_entering import CONFIG, GAUGE, Desktop, series

HELD_S = 600


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Desktop]:
    """Three orders are known, one of another gauge, and none is open."""
    made = Desktop(tmp_path, HandClock())
    with closing(made.ledger):
        made.know("imported", "WO-1")
        made.know("imported", "WO-2")
        made.know("imported", "WO-3", gauge="u-2")
        yield made


def recorded(house: Desktop, fall_pa: int = 0) -> bytes:
    house.clock.move(HELD_S)
    return series(house.clock, HELD_S, fall_pa)


def judged(house: Desktop, data: bytes, number: str = "WO-1", name: str = "files") -> str:
    opened(house, number).hand_in(data, number, name)
    house.do("order.event", number=number, word="close")
    return str(house.rule().verdict)


def opened(house: Desktop, number: str) -> Desktop:
    house.do("order.open", number=number)
    return house


def with_other_line_ends(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def with_other_digits(data: bytes) -> bytes:
    lines = data.decode().splitlines()
    return "\n".join([lines[0], *(line + ".0" for line in lines[1:])]).encode() + b"\n"


def with_another_column(data: bytes) -> bytes:
    lines = data.decode().splitlines()
    turned = [",".join(["x", *reversed(line.split(","))]) for line in lines]
    return "\n".join(turned).encode() + b"\n"


def with_one_pressure_better(data: bytes) -> bytes:
    return data.replace(b",5199\n", b",5200\n")


def with_its_first_half_alone(data: bytes) -> bytes:
    return b"\n".join(data.split(b"\n")[: HELD_S // 2]) + b"\n"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (bytes, "a.csv is evidence of order WO-1 already"),
        (with_other_line_ends, "has the same times and values as what is evidence of order WO-1"),
        (with_other_digits, "has the same times and values as what is evidence of order WO-1"),
        (with_another_column, "has the same times and values as what is evidence of order WO-1"),
        (with_one_pressure_better, "these times overlap"),
        (with_its_first_half_alone, "these times overlap"),
    ],
)
def test_a_file_serves_one_order_whatever_it_looks_like(
    house: Desktop, changed: Callable[[bytes], bytes], why: str
) -> None:
    data = recorded(house)
    assert judged(house, data) == "PASS"
    size = opened(house, "WO-2").ledger.head().size
    with pytest.raises(CommandRefused, match=why):
        house.hand_in(changed(data), "WO-2")
    assert house.ledger.head().size == size


def test_a_failed_hold_is_not_handed_in_again_with_better_numbers(house: Desktop) -> None:
    """The second attempt of the same order wants a hold of its own."""
    data = recorded(house, fall_pa=60)
    assert judged(house, data) == "FAIL"
    opened(house, "WO-1")
    with pytest.raises(CommandRefused, match="is evidence of order WO-1 already"):
        house.hand_in(data)
    with pytest.raises(CommandRefused, match="these times overlap"):
        house.hand_in(with_one_pressure_better(data))
    house.hand_in(recorded(house))
    house.do("order.event", number="WO-1", word="close")
    assert house.rule().verdict == "PASS"


def test_the_same_file_once_more_changes_nothing(house: Desktop) -> None:
    """A retry whose first answer was lost; other bytes for the same times are no retry."""
    house.clock.move(HELD_S)
    data = series(house.clock, 20)
    first = opened(house, "WO-1").hand_in(data)
    size = house.ledger.head().size
    assert house.hand_in(data) == first
    assert house.ledger.head().size == size
    with pytest.raises(CommandRefused, match="overlap"):
        house.hand_in(data.replace(b",0\n", b",1\n"))


def test_two_parts_of_one_hold_are_taken_one_after_the_other(house: Desktop) -> None:
    lines = recorded(house).splitlines(keepends=True)
    head, rows = lines[0], lines[1:]
    opened(house, "WO-1").hand_in(b"".join([head, *rows[:200]]))
    house.hand_in(b"".join([head, *rows[200:]]))
    house.do("order.event", number="WO-1", word="close")
    assert house.rule().verdict == "PASS"


@pytest.mark.parametrize(
    ("first", "second", "number", "changed"),
    [
        ("files-s1", "files-u2-s1", "WO-3", with_one_pressure_better),  # two names, one plate
        ("files", "files-u2-s1", "WO-3", with_other_digits),  # renaming changes no series
        ("files-s1", "files", "WO-2", with_one_pressure_better),  # no plate told: the name counts
    ],
)
def test_a_logger_is_known_by_its_plate_else_by_its_name(
    house: Desktop, first: str, second: str, number: str, changed: Callable[[bytes], bytes]
) -> None:
    data = recorded(house)
    assert judged(house, data, "WO-1", first) == "PASS"
    opened(house, number)
    with pytest.raises(CommandRefused, match="order WO-1 already"):
        house.hand_in(changed(data), number, second)


def test_two_loggers_may_have_recorded_at_the_same_time(house: Desktop) -> None:
    data = recorded(house)
    assert judged(house, data, "WO-1", "files") == "PASS"
    other = data.replace(b",5199\n", b",5198\n")
    assert judged(house, other, "WO-3", "files-u2-s1") == "PASS"


def test_a_recording_older_than_its_order_is_refused(house: Desktop) -> None:
    """Whatever was measured before the hub knew of the order was measured for something else."""
    data = recorded(house)
    house.know("imported", "WO-4")
    with pytest.raises(CommandRefused, match="before order WO-4 was known here") as told:
        opened(house, "WO-4").hand_in(data, "WO-4")
    assert "gashub order add FILE" in str(told.value)
    house.hand_in(recorded(house), "WO-4")
    house.do("order.event", number="WO-4", word="close")
    assert house.rule().verdict == "PASS"


def test_a_photo_serves_one_order(house: Desktop) -> None:
    """Also when that order is decided, and under another name."""
    house.know("manual", "WO-5")
    house.know("manual", "WO-6", gauge="u-2")
    opened(house, "WO-5").read("530", b"one", number="WO-5")
    opened(house, "WO-6")
    given = {"number": "WO-6", "instrument": "u-2", "photo": "b.jpg"}
    with pytest.raises(CommandRefused, match="earlier reading already, of order WO-5"):
        house.read("531", b"one", **given)
    house.do("order.abort", number="WO-5", reason="stopped")
    with pytest.raises(CommandRefused, match="earlier reading already, of order WO-5"):
        house.read("531", b"one", **given)
    house.read("531", b"two", **given)


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    clock = HandClock()
    before = Desktop(tmp_path, clock)
    with closing(before.ledger):
        before.know("imported", "WO-1")
        before.know("imported", "WO-2")
        data = recorded(before)
        assert judged(before, data) == "PASS"
    after = Desktop(tmp_path, clock)
    with closing(after.ledger):
        opened(after, "WO-2")
        with pytest.raises(CommandRefused, match="order WO-1 already"):
            after.hand_in(data, "WO-2")


def rows(house: Desktop) -> list[tuple[object, ...]]:
    with LedgerReader(house.folder) as reader:
        return sorted(reader.sql.execute("SELECT * FROM evidence"))


def test_the_table_is_made_again_from_the_log(house: Desktop) -> None:
    """As it was, where it is lost, and when it comes to a record of an earlier version."""
    house.know("manual", "WO-4", gauge="u-3")
    for photo in (b"one", b"two"):
        given = {"number": "WO-4", "instrument": "u-3"}
        (house if photo == b"two" else opened(house, "WO-4")).read("530", photo, **given)
    assert judged(house, recorded(house)) == "PASS"
    kept = rows(house)
    assert len(kept) == 3
    with house.ledger.transaction() as tx:
        tx.sql.execute("DELETE FROM evidence")
    with LedgerReader(house.folder) as reader:
        evidence.ready(house.ledger, reader)
        assert rows(house) == kept
        evidence.ready(house.ledger, reader)  # and is not made twice
    assert rows(house) == kept


def test_what_was_taken_is_found_by_index(house: Desktop) -> None:
    """Years of evidence cost an import nothing: every look-up names an index, none walks."""
    wanted = {
        "file": "", "series": "", "instrument": "", "serial": "", "quantity": "",
        "first_us": 0, "last_us": 0, "attempt": "",
    }  # fmt: skip
    asked: list[str] = []
    with LedgerReader(house.folder) as reader:
        reader.sql.set_trace_callback(asked.append)
        found = evidence.Series("f", "s", "u-1", "S1", "pressure", 1, 2)
        evidence.is_kept(reader.sql, [found], "a")
        evidence.refuse_photo_again(reader.sql, [found], "en")
        evidence.refuse_file_again(reader.sql, "f", [found], "en")
        reader.sql.set_trace_callback(None)
        plans = [
            step[-1]
            for query in asked
            for step in reader.sql.execute(f"EXPLAIN QUERY PLAN {query}", wanted)
        ]
    assert len(asked) == 6
    assert not [step for step in plans if step.startswith("SCAN")], plans
    assert sum("evidence_" in step for step in plans) == 6


def test_the_text_is_in_the_language_of_the_gateway(tmp_path: Path) -> None:
    with running(tmp_path, 'language = "zh"') as gateway:
        gateway.add("WO-1")
        file = gateway.file("a.csv", series(gateway.now(), 2))
        assert gateway.cli("import", file, "--as", "files", "--order", "WO-1").returncode == 0
        assert gateway.cli("order", "abort", "WO-1", "--reason", "-").returncode == 0
        gateway.add("WO-2")
        again = gateway.cli("import", file, "--as", "files", "--order", "WO-2")
        assert again.returncode == 2
        assert "a.csv 已是工单 WO-1" in again.stderr
    # without a running hub, the command writes the ledger itself and knows no less
    shown = gateway.cli("order", "show", "WO-2")
    assert json.loads(shown.stdout)["attempts"][0]["state"] == "open"
    again = gateway.cli("import", file, "--as", "files", "--order", "WO-2")
    assert again.returncode == 2
    assert "a.csv 已是工单 WO-1" in again.stderr
    assert verify(tmp_path / "state").ok


def test_a_folder_refuses_what_serves_another_order(tmp_path: Path) -> None:
    """In words beside the file, and as a notice in the record; a folder is no way around."""
    with running(tmp_path, 'language = "en"') as gateway:
        gateway.add("WO-1")
        data = series(gateway.now(), 2)
        gateway.file("inbox/a.csv", data)
        wait_until((tmp_path / "inbox/done/a.csv").exists)
        assert gateway.cli("order", "abort", "WO-1", "--reason", "wrong section").returncode == 0
        gateway.add("WO-2")
        gateway.file("inbox/b.csv", with_one_pressure_better(data).replace(b",0\n", b",1\n"))
        gateway.file("inbox/c.csv", series(gateway.now(), 3600))
        for name in ("b.csv", "c.csv"):
            wait_until((tmp_path / f"inbox/refused/{name}").exists)
    told = {
        name: (tmp_path / f"inbox/refused/{name}.reason.txt").read_text()
        for name in ("b.csv", "c.csv")
    }
    assert "overlap" in told["b.csv"]
    assert "WO-1" in told["b.csv"]
    assert len(notices(tmp_path)) == 2
    assert verify(tmp_path / "state").ok


def notices(folder: Path) -> list[str]:
    with LedgerReader(folder / "state") as reader:
        found = [entry.record() for entry in reader.entries(0, None, kinds=("notice",))]
    return [one["detail"] for one in found if one["what"] == "file_refused"]


def test_a_hub_killed_before_the_file_was_moved_takes_it_once(tmp_path: Path) -> None:
    """As the kill leaves it: in the record and still in the folder. It is moved, and not read."""
    with running(tmp_path) as gateway:
        gateway.add("WO-1")
        gateway.file("inbox/a.csv", series(gateway.now(), 2))
        wait_until((tmp_path / "inbox/done/a.csv").exists)
        gateway.hub.kill()
        gateway.hub.wait()
    (tmp_path / "inbox/done/a.csv").rename(tmp_path / "inbox/a.csv")
    with running(tmp_path):
        wait_until((tmp_path / "inbox/done/a.csv").exists)
    with LedgerReader(tmp_path / "state") as reader:
        blocks = [entry.block() for entry in reader.entries(0, None, kinds=("readings",))]
    assert sum(len(block.readings) for block in blocks) == 2
    assert notices(tmp_path) == []
    assert verify(tmp_path / "state").ok


class Gateway:
    """A running hub with a watched folder, and its command line."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder, self.config = folder, config
        self.hub = subprocess.Popen(
            [sys.executable, "-m", "hub", "run", str(config)],
            stderr=subprocess.DEVNULL, env=os.environ,
        )  # fmt: skip

    def answers(self) -> bool:
        try:
            return bool(call(self.folder / "state/hub.sock", "status"))
        except ConnectionError:
            return False

    def now(self) -> HandClock:
        return HandClock(int(datetime.now(UTC).timestamp()) * 1_000_000)

    def cli(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "hub", *words, "-c", str(self.config)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def add(self, *numbers: str) -> None:
        """Orders that are open, and have been for some seconds."""
        for number in numbers:
            order = {
                "number": number, "procedure": "indoor_hold", "source": "imported",
                "instruments": [GAUGE],
            }  # fmt: skip
            file = self.file(f"{number}.json", json.dumps(order).encode())
            assert self.cli("order", "add", file).returncode == 0
            assert self.cli("order", "open", number).returncode == 0
        known_s = datetime.now(UTC).timestamp()
        wait_until(lambda: datetime.now(UTC).timestamp() > known_s + 3)

    def file(self, name: str, data: bytes) -> str:
        path = self.folder / name
        path.write_bytes(data)
        return str(path)


@contextmanager
def running(folder: Path, *more: str) -> Iterator[Gateway]:
    (folder / "inbox").mkdir(exist_ok=True)
    config = folder / "gw.toml"
    text = CONFIG.format(folder)
    config.write_text(text.replace("reserve_mib = 0", "\n".join(["reserve_mib = 0", *more])))
    gateway = Gateway(folder, config)
    try:
        wait_until(gateway.answers)
        yield gateway
    finally:
        gateway.hub.terminate()
        gateway.hub.wait(20)
