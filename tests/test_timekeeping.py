"""Hub time over restarts: no clock change hides a gap, and none is followed in silence."""

import json
import time
from pathlib import Path

import pytest

from hub.clock import HubClock, boot_id, boot_us
from hub.desk import Desk
from hub.ledger import Ledger, LedgerReader
from hub.registry import Registry
from hub.rulepack import load_pack
from hub.timekeeping import Timekeeper, anchor, catch_up, record_clock

HOUR_US = 3_600_000_000


def start(folder: Path, clock: HubClock) -> None:
    """One start of a hub, as far as time is concerned."""
    ledger = Ledger.open(folder, clock, "gw-test", 0)
    desk = Desk(Registry([]), load_pack(), {})
    with LedgerReader(folder) as reader:
        Timekeeper(clock).start(ledger, reader, desk)
    ledger.close()


def pretend(folder: Path, clock: HubClock, **start_: object) -> None:
    """Change what the last start left behind, as another boot would have."""
    ledger = Ledger.open(folder, clock, "gw-test", 0)
    with ledger.transaction() as tx:
        (value,) = tx.sql.execute("SELECT value FROM hub_state WHERE key='start'").fetchone()
        changed = json.dumps({**json.loads(value), **start_})
        tx.sql.execute("UPDATE hub_state SET value=? WHERE key='start'", (changed,))
    ledger.close()


def test_in_the_same_boot_hub_time_goes_on_whatever_the_wall_clock_says(tmp_path: Path) -> None:
    """An hour's step of the wall clock between two starts changes nothing."""
    first = HubClock()
    start(tmp_path, first)
    stepped = HubClock(first.anchor_us - HOUR_US)
    start(tmp_path, stepped)

    assert stepped.anchor_us == first.anchor_us


def test_after_another_boot_the_wall_clock_counts(tmp_path: Path) -> None:
    """Time since boot means nothing across boots."""
    first = HubClock()
    start(tmp_path, first)
    pretend(tmp_path, first, boot_id="another")
    later = HubClock(first.anchor_us + HOUR_US)
    start(tmp_path, later)

    assert later.anchor_us == first.anchor_us + HOUR_US


def test_a_wall_clock_behind_the_record_is_not_trusted(tmp_path: Path) -> None:
    """Hub time goes on from the newest entry, and the start entry says so."""
    first = HubClock()
    start(tmp_path, first)
    pretend(tmp_path, first, boot_id="another")
    wrong = HubClock(first.anchor_us - HOUR_US)
    start(tmp_path, wrong)

    assert wrong.now_us() > first.now_us() - 5_000_000
    with LedgerReader(tmp_path) as reader:
        starts = [entry.record() for entry in reader.entries(kinds={"start"})]
    assert [one["trusted"] for one in starts] == [True, False]


def test_a_first_start_has_nothing_to_go_on_from(tmp_path: Path) -> None:
    """The wall clock is all there is, and it is trusted."""
    clock = HubClock()
    ledger = Ledger.open(tmp_path, clock, "gw-test", 0)
    with LedgerReader(tmp_path) as reader:
        assert anchor(clock, reader) is False
    ledger.close()


def test_a_step_of_the_wall_clock_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hub time does not move; the notice names the step; a second look says nothing."""
    clock = HubClock()
    keeper = Timekeeper(clock)
    assert keeper.step() == ""
    before_us = clock.now_us()
    wall_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: wall_ns() + HOUR_US * 1000)

    assert "+3600.0 s" in keeper.step()
    assert keeper.step() == ""
    assert clock.now_us() - before_us < 60_000_000


def test_hub_time_is_anchored_to_this_boot() -> None:
    """The kernel's own names and counters are what it rests on."""
    assert len(boot_id()) == 36
    assert boot_us() > 0


def test_a_reader_of_the_record_has_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API goes by the newest entry where its own wall clock stands years before that."""
    first = HubClock()
    start(tmp_path, first)
    pretend(tmp_path, first, boot_id="another")
    with LedgerReader(tmp_path) as reader:
        newest_us = reader.read(reader.size() - 1).at_us
        monkeypatch.setattr(time, "time_ns", lambda: 1_577_836_800 * 10**9)
        assert record_clock(tmp_path).now_us() > newest_us
        late = HubClock()
        catch_up(late, reader)
        assert late.now_us() >= newest_us
        before_us = late.anchor_us
        catch_up(late, reader)
        assert late.anchor_us == before_us
    assert record_clock(tmp_path / "none").now_us() > 0
