"""What happens to orders, jobs and instruments is told once, by one type, over its own entry."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.clock import HandClock, HubClock
from hub.desk import Desk
from hub.errors import CommandRefused
from hub.events import Event
from hub.happenings import notice_event, of_interest
from hub.ledger import Ledger, LedgerReader, Transaction
from hub.model import Notice
from hub.registry import Registry
from hub.rulepack import load_pack
from hub.timekeeping import Timekeeper
from tests.foreman_rig import PHOTO_SHA, Yard, purge_order
from tests.test_inbound import add, order

HOME = "2026-3001"
DAY_S = 86_400


def inspection(number: str = HOME) -> dict[str, Any]:
    return {
        "number": number,
        "job": "inspection",
        "user_class": "residential",
        "facts": {"cycle": "2026-2"},
        "sections": {},
        "customer": {"user_no": "8800123456", "name": "张小明"},
    }


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with Yard(tmp_path) as made:
        yield made.staffed()


def told(yard: Yard, kind: str) -> list[Mapping[str, Any]]:
    return [one["data"] for one in yard.told if one["type"] == f"gashub.{kind}.v1"]


def test_an_order_is_accepted_once_however_often_it_is_sent(yard: Yard) -> None:
    """The same order again is the first one, and no news."""
    yard.photo()
    yard.open(inspection())
    yard.open(inspection())

    (order,) = told(yard, "order")
    assert (order["state"], order["order"], order["kind"]) == ("accepted", HOME, "inspection")
    assert "what" not in order


def test_an_order_that_the_regulations_refuse_is_told_with_its_clause(tmp_path: Path) -> None:
    """There will be no job, so nothing else would tell the CRM what became of its order."""
    with Yard(tmp_path, pack="default") as yard:
        yard.staffed()
        answer = yard.open(purge_order())

        (order,) = told(yard, "order")
        assert not answer["done"]
        assert order["state"] == "refused"
        assert order["reasons"][0]["clause"] == answer["refusals"][0]["clause"]

        yard.open({**purge_order("2026-2099"), "trial": True})
        assert [one.get("trial") for one in told(yard, "order")] == [None, True]


def test_an_order_of_tests_is_told_with_its_procedures(yard: Yard) -> None:
    text = (Path(__file__).parent / "cases" / "drop-20" / "order.json").read_text()
    number = yard.do("order.add", text=text)["number"]
    yard.do("order.add", text=text)

    (order,) = told(yard, "order")
    assert (order["order"], order["state"]) == (number, "accepted")
    assert len(order["procedures"]) == 1


def test_an_order_that_is_amended_and_cancelled_tells_each_once(yard: Yard) -> None:
    """Each over its own entry; the same again, and what was refused, is no news."""
    version = add(yard, order())["version"]
    changed = json.dumps(order("WO-1", "first", "third", "fourth"))
    for _ in range(2):
        version = yard.do("order.amend", text=changed, version=version)["version"]
    with pytest.raises(CommandRefused):
        yard.do("order.amend", text=json.dumps(order("WO-1", "first")), version="0")
    for _ in range(2):
        yard.do("order.abort", number="WO-1", reason="张小明 has moved away")

    first, amended, cancelled = told(yard, "order")
    assert "change" not in first
    assert (amended["change"], amended["state"]) == ("amended", "accepted")
    assert len(amended["procedures"]) == 3
    assert amended["ledger"]["entry"] == int(version)
    assert (cancelled["change"], cancelled["state"]) == ("cancelled", "refused")
    assert kind_at(yard, cancelled["ledger"]["entry"]) == "event"
    assert "张小明" not in json.dumps(cancelled, ensure_ascii=False)


def test_an_amendment_with_a_key_is_told_once_and_as_the_trial_that_it_is(yard: Yard) -> None:
    """Its head ends with its own entry: nothing was recorded between the two."""
    version = add(yard, order(trial=True))["version"]
    changed = json.dumps(order("WO-1", "first", trial=True))
    asked = {"do": "order.amend", "text": changed, "version": version}
    answers = [yard.do("once", caller="erp", key="k-1", request=asked) for _ in range(2)]

    assert [one["again"] for one in answers] == [False, True]
    first, amended = told(yard, "order")
    assert (first["trial"], amended["trial"]) == (True, True)
    assert amended["ledger"]["size"] == amended["ledger"]["entry"] + 1
    assert kind_at(yard, amended["ledger"]["entry"]) == "order"


def kind_at(yard: Yard, entry: int) -> str:
    with LedgerReader(yard.folder) as reader:
        return next(one.kind for one in reader.entries() if one.index == entry)


def test_a_visit_is_told_by_what_came_of_it(yard: Yard) -> None:
    """Absent, refused or entered as answered; and the word with which the job has ended."""
    yard.photo()
    yard.open(inspection())
    yard.step(HOME, "visit", outcome="absent", notice_photo=PHOTO_SHA)
    yard.wait(DAY_S)
    yard.step(HOME, "visit", outcome="entered", consent="yes")
    yard.step(HOME, "enter")
    yard.step(HOME, "broken_off", reason="the customer had to leave")

    assert [one["outcome"] for one in told(yard, "visit")] == ["absent", "entered", "broken_off"]
    assert [one["step"] for one in told(yard, "job")] == ["enter"]


def test_a_hazard_is_opened_goes_on_and_misses_its_time(yard: Yard) -> None:
    """With code, level and the next deadline, so that a CRM can make a task of it."""
    yard.photo()
    yard.open(inspection())
    yard.step(HOME, "visit", outcome="entered", consent="yes")
    yard.step(HOME, "enter")
    yard.step(HOME, "leak_check", result="leak", photo=PHOTO_SHA)
    hazard = f"{HOME}-H1"
    yard.step(hazard, "isolate", point="meter union", how="valve")
    yard.wait(2 * DAY_S)
    yard.turn()

    opened, advanced = told(yard, "hazard")
    assert (opened["state"], opened["code"], opened["level"]) == ("opened", "L1-1", "1")
    assert (opened["parent"], opened["order"]) == (HOME, hazard)
    assert (advanced["state"], advanced["step"]) == ("advanced", "isolate")
    (notice,) = told(yard, "notice")
    assert (notice["notice"], notice["due_at"]) == ("leak", opened["next_due_at"])
    assert (notice["code"], notice["tells"]) == ("L1-1", "dispatch")


def test_everything_recorded_of_a_job_is_told_exactly_once(yard: Yard) -> None:
    """Entry by entry: nothing is left out, nothing has two types."""
    yard.photo()
    yard.open(inspection())
    yard.step(HOME, "visit", outcome="entered", consent="yes")
    yard.step(HOME, "enter")
    yard.step(HOME, "leak_check", result="leak", photo=PHOTO_SHA)
    yard.step(f"{HOME}-H1", "isolate", point="meter union", how="valve")
    yard.wait(2 * DAY_S)
    yard.turn()

    recorded = [entry.index for entry in yard.entries("job", "job_event")]
    entries = Counter(one["data"]["ledger"]["entry"] for one in yard.told)
    assert entries == Counter(recorded)


def test_no_event_names_the_customer_or_what_was_written_freely(yard: Yard) -> None:
    yard.photo()
    yard.open(inspection())
    yard.step(HOME, "visit", outcome="entered", consent="yes")
    yard.step(HOME, "enter")
    yard.step(HOME, "broken_off", reason="张小明 had to leave")

    assert "张小明" not in str(yard.told)


@pytest.mark.parametrize(
    ("what", "kind", "state"),
    [
        ("instrument_lost", "instrument", "lost"),
        ("instrument_back", "instrument", "back"),
        ("identity_changed", "instrument", "changed"),
        ("port_lost", "hub", "lost"),
        ("link_refused", "hub", "refused"),
        ("clock_step", "hub", "stepped"),
    ],
)
def test_a_notice_of_an_instrument_or_the_gateway_is_an_event(
    tmp_path: Path, what: str, kind: str, state: str
) -> None:
    """Without its words: they may hold what somebody typed into a device."""
    ledger = Ledger.open(tmp_path, HandClock(), "gw-7")
    notice = Notice(1_790_000_000_000_000, "pm-1", what, "free words")
    with ledger.transaction() as tx:
        event = notice_event("gw-7", notice, tx.append("notice", {}, 1), tx.checkpoint())
    ledger.close()

    assert of_interest(notice)
    assert event.kind == kind
    assert f'"state":"{state}"'.encode() in event.body
    assert b"free words" not in event.body


@pytest.mark.parametrize("what", ["parcel_refused", "sink_lost", "file_refused", "seq_gap"])
def test_a_notice_about_deliveries_is_never_delivered(what: str) -> None:
    """A refused event about a refused event would have no end."""
    assert not of_interest(Notice(0, "crm", what))


def test_a_start_is_told_in_the_transaction_that_records_it(tmp_path: Path) -> None:
    told: list[Event] = []

    def address(_tx: Transaction, event: Event) -> None:
        told.append(event)

    clock = HubClock()
    ledger = Ledger.open(tmp_path, clock, "gw-7")
    with LedgerReader(tmp_path) as reader:
        desk = Desk(Registry([]), load_pack(), {})
        Timekeeper(clock, "gw-7").start(ledger, reader, desk, address)
    ledger.close()

    (event,) = told
    assert event.kind == "hub"
    assert b'"state":"started"' in event.body
    assert b'"clock_trusted":true' in event.body
