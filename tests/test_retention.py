"""Jobs go by a named approval when their time is over, and the ledger still verifies."""

from pathlib import Path
from typing import Any

import pytest

from hub.errors import CommandRefused
from hub.foreman.keeping import data_of
from hub.ledger import verify
from tests.foreman_rig import PHOTO, PHOTO_SHA, Yard, purge_order

NUMBER = "2026-2001"
YEAR_S = 365.25 * 86400


@pytest.fixture
def yard(tmp_path: Path) -> Any:
    with Yard(tmp_path) as made:
        yield made.staffed()


def ended(yard: Yard, number: str = NUMBER) -> None:
    """A purge that was given up; its time begins now."""
    yard.photo()
    yard.open(purge_order(number))
    yard.step(number, "acceptance", accepted="yes", record="AR-1")
    yard.step(number, "plan", approved="yes", document="PL-1")
    yard.step(number, "arrive", consent="yes")
    yard.step(number, "vent_point", place="top_outdoors", photo=PHOTO_SHA)
    yard.step(number, "leave")
    yard.step(number, "give_up", reason="no access to the roof", safe="yes")


def erase(yard: Yard, *numbers: str, what: str = "all") -> Any:
    return yard.do(
        "retention.erase",
        numbers=list(numbers),
        what=what,
        approved_by="Zhao Min",
        reason="time is over",
    )


def test_R30_a_work_order_is_kept_for_its_years(yard: Yard) -> None:
    """Two years from the end, by the pack; before that nobody can approve an erasure."""
    ended(yard)
    yard.wait(1.99 * YEAR_S)
    with pytest.raises(CommandRefused, match=r"is to be kept until 2028-11-24 .*clause 1\.7\.1"):
        erase(yard, NUMBER)
    yard.wait(0.02 * YEAR_S)
    assert erase(yard, NUMBER)["files"] == 1


def test_R60_an_inspection_is_kept_longer_than_its_cycle(yard: Yard) -> None:
    """Three years: the longer reading of "cycle + 1 year"."""
    yard.open(
        {
            "number": "2026-3001", "job": "inspection", "user_class": "residential",
            "facts": {"cycle": "2026"},
        }
    )  # fmt: skip
    yard.step("2026-3001", "give_up", reason="house gone")
    yard.wait(2.5 * YEAR_S)
    with pytest.raises(CommandRefused, match=r"kept until 2029-11-24 .*clause 3\.8\.3"):
        erase(yard, "2026-3001")
    yard.wait(0.6 * YEAR_S)
    assert erase(yard, "2026-3001")["entries"] > 0


def test_what_is_gone_is_gone_and_the_record_still_proves_itself(yard: Yard) -> None:
    ended(yard)
    yard.wait(2.1 * YEAR_S)
    path = yard.folder / "files" / PHOTO_SHA[:2] / PHOTO_SHA
    assert path.read_bytes() == PHOTO
    erase(yard, NUMBER)
    assert not path.exists()
    assert verify(yard.folder).ok
    raw = (yard.folder / "ledger.db").read_bytes()
    assert "张小明".encode() not in raw
    with pytest.raises(CommandRefused, match="was erased when its time was over"):
        yard.show(NUMBER)
    (kept,) = yard.entries("retention")
    assert kept.record()["approved_by"] == "Zhao Min"


def test_personal_data_can_go_alone(yard: Yard) -> None:
    ended(yard)
    yard.wait(2.1 * YEAR_S)
    erase(yard, NUMBER, what="personal")
    assert yard.show(NUMBER)["ended"] == "given_up"
    subject = yard.ledger_sql("SELECT subject FROM jobs")[0][0]
    assert [one["fields"] for one in data_of(yard.folder, subject=subject)["personal"]] == [
        "erased"
    ]
    assert verify(yard.folder).ok


def test_a_job_that_runs_or_is_held_stays_and_so_do_the_others(yard: Yard) -> None:
    """All of them or none."""
    ended(yard)
    yard.open(purge_order("2026-2002", sections={"riser": "B", "indoor": "B-1"}))
    yard.wait(2.1 * YEAR_S)
    with pytest.raises(CommandRefused, match="2026-2002: has not ended"):
        erase(yard, NUMBER, "2026-2002")
    assert yard.show(NUMBER)["ended"] == "given_up"
    yard.do("retention.hold", number=NUMBER, by="legal", reason="lawsuit 2028-7")
    with pytest.raises(CommandRefused, match="is held: lawsuit 2028-7"):
        erase(yard, NUMBER)
    yard.do("retention.hold", number=NUMBER, by="legal", reason="")
    erase(yard, NUMBER)


def test_an_erasure_needs_a_name_and_a_reason(yard: Yard) -> None:
    ended(yard)
    yard.wait(2.1 * YEAR_S)
    with pytest.raises(CommandRefused, match="who approved it"):
        yard.do("retention.erase", numbers=[NUMBER], what="all", approved_by=" ", reason="x")


def test_a_picture_that_another_job_names_stays(yard: Yard) -> None:
    ended(yard)
    yard.wait(2.1 * YEAR_S)
    other = "2028-1"
    yard.open(purge_order(other, sections={"riser": "B", "indoor": "B-1"}))
    yard.do(
        "staff.put",
        text='{"id": "T-1", "certificates": {"purge": {"number": "C-9", "until": "2030-01-01"}}}',
    )
    yard.step(other, "acceptance", accepted="yes", record="AR-1")
    yard.step(other, "plan", approved="yes", document="PL-1")
    yard.step(other, "arrive", consent="yes")
    yard.step(other, "vent_point", place="top_outdoors", photo=PHOTO_SHA)
    assert erase(yard, NUMBER)["files"] == 0
    assert (yard.folder / "files" / PHOTO_SHA[:2] / PHOTO_SHA).exists()


def test_everything_of_one_customer_can_be_told(yard: Yard) -> None:
    ended(yard)
    found = data_of(yard.folder, user_no="8800123456")
    assert [one["job"] for one in found["jobs"]] == [NUMBER]
    assert found["personal"][0]["fields"]["phone"] == "13812345678"
    assert found["files"] == [{"job": NUMBER, "sha256": PHOTO_SHA}]
    with pytest.raises(CommandRefused, match="nothing is kept of"):
        data_of(yard.folder, user_no="1")


def test_a_job_stays_while_a_hazard_that_it_has_found_is_open(yard: Yard) -> None:
    """How the leak was found, and in whose home, is needed until it is mended."""
    yard.photo()
    yard.open(purge_order())
    yard.step(NUMBER, "acceptance", accepted="yes", record="AR-1")
    yard.step(NUMBER, "plan", approved="yes", document="PL-1")
    yard.step(NUMBER, "arrive", consent="yes")
    yard.step(NUMBER, "isolation", valves="both", as_ordered="yes")
    assert yard.hold(NUMBER, "indoor_hold", drop_pa=300) == "FAIL"
    yard.step(NUMBER, "give_up", reason="a leak", safe="yes")
    yard.wait(3 * 366 * 86400)
    for what in ("personal", "all"):
        with pytest.raises(CommandRefused, match="2026-2001-H1, which came out of it"):
            erase(yard, NUMBER, what=what)
