"""When a filing is due: said while there is time, told once when there is none."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hub.clock import local_day
from hub.errors import CommandRefused
from hub.filing.deadlines import Deadlines, Filing, Owed, owed, read_owed
from hub.filing.period import span
from hub.filing.profile import ScheduleOf
from hub.ledger import LedgerReader, Transaction, verify
from hub.model import Said
from tests.filing_rig import Office, profile_file, refused
from tests.foreman_rig import Yard
from tests.test_app import Hub
from tests.test_filing_hub import SINK

MONTH = ScheduleOf(every="month", within_days=10)
DAY_S = 86_400


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Yard(tmp_path) as yard:
        refused(yard.staffed())
        yield Office(yard)


def watch(office: Office, **more: Any) -> Deadlines:
    """As a start builds it, which remembers nothing."""
    return Deadlines(
        office.yard.folder, {"city": profile_file("example_city")}, office.yard.clock,
        more.get("do", lambda act: office.yard.submit(act).result()), office.outbox.tell_filing,
    )  # fmt: skip


def until(office: Office, day: str) -> None:
    while local_day(office.yard.clock.now_us()) < date.fromisoformat(day):
        office.yard.wait(DAY_S)


def rows(office: Office) -> list[tuple[str, int]]:
    return [(one["period"], one["days_left"]) for one in watch(office).all("en")]


def late(office: Office) -> list[dict[str, Any]]:
    return [one for one in office.told() if one.get("overdue")]


# -- pure


def filing(id: str, period: str, state: Any, corrects: str = "", took: bool = False) -> Filing:
    return Filing(id, period, state, corrects, 1, 0, took)


@pytest.mark.parametrize(
    ("filings", "standing"),
    [
        ([], ""),
        ([("A", "2026-11", "prepared")], "A"),
        ([("A", "2026-11", "queued")], "A"),
        ([("A", "2026-11", "submitted_unknown")], "A"),
        ([("A", "2026-11", "rejected")], "A"),
        ([("A", "2026-11", "discarded")], ""),
        ([("A", "2026-12", "accepted")], ""),
        ([("A", "2026-11", "corrected"), ("B", "2026-12", "prepared", "A")], "B"),
        ([("A", "2026-11", "corrected"), ("B", "2026-12", "discarded", "A")], "A"),
        ([("A", "2026-11", "submitted")], "met"),
        ([("A", "2026-11", "accepted"), ("B", "2026-11", "prepared")], "met"),
        ([("A", "2026-11", "duplicate_of")], "met"),
        ([("A", "2026-11", "corrected"), ("B", "2026-12", "accepted", "A")], "met"),
        ([("A", "2026-11", "corrected", "", True), ("B", "2026-12", "prepared", "A")], "met"),
    ],
)  # fmt: skip
def test_a_period_is_owed_until_its_filing_was_handed_over(
    filings: list[tuple[Any, ...]], standing: str
) -> None:
    """What is under way, unknown, rejected or given up is not handed over."""
    given = [filing(*one) for one in filings]
    found = owed("city", MONTH, given, date(2026, 11, 5), date(2026, 12, 9))
    told = [one.filing.id if one.filing else "" for one in found]
    assert told == ([] if standing == "met" else [standing])


def test_periods_are_owed_from_the_first_on_and_each_by_itself() -> None:
    given = [filing("A", "2026-10", "accepted")]
    found = owed("city", MONTH, given, date(2026, 9, 30), date(2026, 12, 10))
    today = date(2026, 12, 10)
    assert [(one.period, one.until, one.days_left(today)) for one in found] == [
        ("2026-09", date(2026, 10, 10), -61), ("2026-11", date(2026, 12, 10), 0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("today", "en", "zh"),
    [
        ("2026-11-30", "is not over yet; its filing is due until 2026-12-10", "尚未结束"),
        ("2026-12-07", "3 day(s) left, until 2026-12-10", "还剩 3 天，截止 2026-12-10"),
        ("2026-12-10", "today, 2026-12-10, is the last day", "今天 2026-12-10 是最后一天"),
        ("2026-12-12", "overdue (nothing drafted)", "已逾期（尚未起草）"),
    ],
)
def test_it_is_said_plainly_in_both_languages(today: str, en: str, zh: str) -> None:
    one = Owed("city", "2026-11", date(2026, 11, 30), date(2026, 12, 10), None)
    day = date.fromisoformat(today)
    assert en in one.sentence("en", day)
    assert zh in one.sentence("zh", day)


# -- in the record


def test_a_period_is_owed_the_day_after_its_last_and_told_the_day_after_its_time(
    office: Office,
) -> None:
    """Once, however often it is looked and started anew; with the day on which it was over."""
    assert watch(office).look()
    assert rows(office) == []
    until(office, "2026-11-30")
    assert rows(office) == []
    until(office, "2026-12-01")
    assert rows(office) == [("2026-11", 9)]
    until(office, "2026-12-10")
    watch(office).look()
    assert (rows(office), late(office)) == ([("2026-11", 0)], [])

    until(office, "2026-12-11")
    for _ in range(3):
        office.yard.again()
        assert watch(office).look()
    (told,) = late(office)
    assert (told["filing"], told["state"], told["stands"]) == ("city 2026-11", "prepared", "none")
    assert (told["channel"], told["period"]) == ("city", "2026-11")
    assert told["due_at"] == "2026-12-10T16:00:00.000000Z"
    with LedgerReader(office.yard.folder) as reader:
        (entry,) = reader.entries(kinds=("filing_overdue",))
    assert told["ledger"]["entry"] == entry.index
    until(office, "2027-01-11")
    watch(office).look()
    assert [one["period"] for one in late(office)] == ["2026-11", "2026-12"]
    assert verify(office.yard.folder).ok


def test_a_filing_in_time_is_not_told_and_one_that_waits_is_with_its_state(office: Office) -> None:
    watch(office).look()
    office.wait_until_over()
    made = office.draft()
    until(office, "2026-12-11")
    watch(office).look()
    (told,) = late(office)
    assert (told["filing"], told["state"], told["stands"]) == (
        made["filing"], "prepared", "prepared"
    )  # fmt: skip
    office.approve(made)
    office.submit(made)
    assert rows(office) == [("2026-11", -1)]
    office.hear(Said("submitted"))
    assert rows(office) == []
    office.hear(Said("rejected", "BA-1", ("E1",)))
    assert rows(office) == [("2026-11", -1)]
    watch(office).look()
    assert len(late(office)) == 1


def test_what_was_accepted_is_not_late_while_it_is_corrected(office: Office) -> None:
    watch(office).look()
    office.wait_until_over()
    filing = office.sent()
    office.hear(Said("accepted", "R-1"))
    until(office, "2026-12-20")
    office.draft(corrects=filing)
    watch(office).look()

    assert (rows(office), late(office)) == ([], [])
    row = office.yard.ledger_sql("SELECT state, receipt FROM filings WHERE id=?", filing)
    assert row == [("corrected", "R-1")]


def test_what_was_rejected_is_late_until_its_correction_is_handed_over(office: Office) -> None:
    watch(office).look()
    office.wait_until_over()
    filing = office.sent()
    office.hear(Said("rejected", "BA-1", ("E1",)))
    office.draft(corrects=filing)
    until(office, "2026-12-11")
    assert rows(office) == [("2026-11", -1)]


def test_a_period_before_the_first_start_is_not_owed_but_what_was_drafted_is(
    office: Office,
) -> None:
    """A gateway that is new owes nothing of the time before it."""
    until(office, "2027-02-05")
    watch(office).look()
    assert rows(office) == []
    with LedgerReader(office.yard.folder) as reader:
        assert read_owed(reader.sql, "county", MONTH, date(2027, 2, 5)) == []
    office.span = office.span._replace(name="2027-01", last=date(2027, 1, 31))
    office.draft()
    assert rows(office) == [("2027-01", 5)]


def test_a_record_that_takes_nothing_is_tried_again(office: Office) -> None:
    """Nothing is told that is not recorded; the next look tells it."""

    def full(act: Any) -> Any:
        raise CommandRefused("not done: disk full", "busy")

    watch(office).look()
    until(office, "2026-12-11")
    assert not watch(office, do=full).look()
    assert late(office) == []
    assert watch(office).look()
    assert len(late(office)) == 1


def test_a_cut_between_entry_and_parcel_leaves_neither(office: Office) -> None:
    class Cut(Exception):
        pass

    def cut(tx: Transaction, body: Any, entry: int) -> None:
        raise Cut

    watch(office).look()
    until(office, "2026-12-11")
    broken = Deadlines(
        office.yard.folder, {"city": profile_file("example_city")}, office.yard.clock,
        lambda act: office.yard.submit(act).result(), cut,
    )  # fmt: skip
    with pytest.raises(Cut):
        broken.look()
    assert office.yard.entries("filing_overdue") == []
    watch(office).look()
    assert len(late(office)) == len(office.yard.entries("filing_overdue")) == 1


# -- by command


def test_due_status_and_doctor_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a real hub, whose record owes a day from before; and without one."""
    monkeypatch.setenv("GASHUB_SECRET_FILING_SIGN", "11" * 32)
    (tmp_path / "state").mkdir()
    text = profile_file("example_city").read_text(encoding="utf-8")
    profile = tmp_path / "profile.toml"
    text = text.replace('every = "month"', 'every = "day"')
    profile.write_text(text.replace("within_days = 10", "within_days = 0"), "utf-8")
    with Yard(tmp_path / "state") as yard:
        refused(yard.staffed())
        office = Office(yard, profile=profile)
        office.span = span("day", local_day(yard.clock.now_us()).isoformat())
        period = office.span.name
        office.wait_until_over()
        office.draft()
    sink = SINK.format(profile=profile, url="http://127.0.0.1:9")
    hub = Hub(tmp_path, '"filing"', sink)
    due = json.loads(hub.cli("filing", "due", "city", "--period", period, "--json").stdout)
    assert due["days_left"] < 0
    assert "overdue (prepared)" in due["says"] or "已逾期（prepared）" in due["says"]
    assert due["owed"][0]["period"] <= period
    told = json.loads(hub.cli("doctor", "--json").stdout)["findings"]
    assert "filings.overdue" in [one["key"] for one in told]

    hub.start()
    rows = json.loads(hub.cli("status", "--json").stdout)["filings_owed"]
    assert (rows[0]["authority"], rows[0]["days_left"] < 0) == ("city", True)
    told = json.loads(hub.cli("doctor", "--json").stdout)["findings"]
    (one, *_) = [one for one in told if one["key"] == "filings.overdue"]
    assert one["state"] == "broken"
    assert "gashub filing due city --period" in one["do"]
    assert hub.stop() == 0
