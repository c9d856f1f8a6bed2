"""The entries of a job, and of an attempt, count themselves: what is left out shows."""

from pathlib import Path
from typing import Any

import pytest

from hub.ledger import Entry, verify
from hub.replaying import replay_verdicts
from tests.foreman_rig import Yard, purge_order

NUMBER = "2026-2001"
OF_JOB = ("job", "job_event", "job_refused", "personal")


@pytest.fixture
def yard(tmp_path: Path) -> Any:
    with Yard(tmp_path) as made:
        yield made.staffed()


def links(entries: list[Entry]) -> list[tuple[int, int]]:
    """`seq` and `prev` of each, as they stand in the bodies."""
    return [(entry.record()["seq"], entry.record()["prev"]) for entry in entries]


def whole(entries: list[Entry]) -> list[tuple[int, int]]:
    """What `links` must be when nothing is missing."""
    return list(enumerate([-1, *(entry.index for entry in entries[:-1])]))


def of(yard: Yard, number: str) -> list[Entry]:
    return [entry for entry in yard.entries(*OF_JOB) if entry.refs["order"] == number]


def begun(yard: Yard, number: str = NUMBER, **order: Any) -> None:
    yard.open(purge_order(number, **order))
    yard.step(number, "acceptance", accepted="yes", record="AR-1")
    yard.refused(number, "ignite")
    yard.step(number, "plan", approved="yes", document="PL-1")
    yard.step(number, "arrive", consent="yes")
    yard.step(number, "isolation", valves="both ends closed", as_ordered="yes")


def test_a_job_with_its_refusals_and_personal_data_is_one_chain(yard: Yard) -> None:
    """Over a kill and a new start as well."""
    begun(yard)
    yard.again()
    yard.refused(NUMBER, "ignite")

    found = of(yard, NUMBER)
    assert [entry.kind for entry in found][:3] == ["job", "personal", "job_event"]
    assert [entry.kind for entry in found].count("job_refused") == 2
    assert links(found) == whole(found)


def test_two_jobs_do_not_share_a_chain(yard: Yard) -> None:
    begun(yard)
    yard.open(purge_order("2026-2002", sections={"riser": "B-1", "indoor": "B-1-1"}))
    yard.refused(NUMBER, "ignite")

    for number in (NUMBER, "2026-2002"):
        found = of(yard, number)
        assert links(found) == whole(found)


def test_a_refused_opening_is_the_first_link_of_its_number(yard: Yard) -> None:
    yard.open(purge_order(user_class="commercial"))
    yard.open(purge_order())

    found = of(yard, NUMBER)
    assert [entry.kind for entry in found] == ["job_refused", "job", "personal"]
    assert links(found) == whole(found)


def test_an_attempt_is_one_chain_from_its_opening_to_its_verdict(yard: Yard) -> None:
    begun(yard)
    yard.hold(NUMBER, "riser_hold")

    entries = yard.entries("attempt", "event", "verdict")
    assert [entry.kind for entry in entries] == ["attempt", *["event"] * 3, "verdict"]
    assert len({entry.refs["attempt"] for entry in entries}) == 1
    assert links(entries) == whole(entries)
    assert yard.ledger_sql("SELECT name FROM chains") == [(f"job {NUMBER}",)]


def test_a_verdict_says_on_which_rows_it_rests(yard: Yard) -> None:
    """Their number and digest; the same come out of the log, in whatever blocks they stand."""
    begun(yard)
    yard.hold(NUMBER, "riser_hold")

    (verdict,) = (entry.record() for entry in yard.entries("verdict"))
    assert verdict["rows"] > 900
    assert [one["same"] for one in replay_verdicts(yard.folder, yard.registry)] == [True]


def test_an_act_says_what_it_rested_on_besides_the_job(yard: Yard) -> None:
    """The register's entry of whoever acts, and work of other jobs on the pipe."""
    begun(yard)
    begun(yard, "2026-2002", sections={"riser": "A-7-2", "indoor": "A-7-2-302"})
    yard.step("2026-2002", "pipe_work", what="a valve exchanged")
    yard.step(NUMBER, "leave")

    staff = {entry.refs["staff"]: entry.index for entry in yard.entries("staff")}
    work = of(yard, "2026-2002")[-1]
    around = of(yard, NUMBER)[-1].record()["around"]
    assert around == {
        "staff": {"T-1": staff["T-1"]},
        "worked": {"A-7-2": [work.at_us, work.index]},
        "untrusted_us": 0,
    }


def test_a_chain_that_began_before_entries_counted_goes_on(yard: Yard) -> None:
    """As after an update in the middle of a job: it counts from there."""
    begun(yard)
    with yard.ledger.transaction() as tx:
        tx.sql.execute("DELETE FROM chains")
    yard.refused(NUMBER, "ignite")
    yard.refused(NUMBER, "ignite")

    last = of(yard, NUMBER)[-2:]
    assert links(last) == whole(last)
    assert verify(yard.folder).ok
