"""Jobs on a real ledger: what is allowed is recorded, what is refused as well, nothing is lost."""

from pathlib import Path
from typing import Any

import pytest

from hub.errors import CommandRefused
from hub.ledger import verify
from tests.foreman_rig import DETECTOR, PHOTO_SHA, Yard, purge_order
from tests.job_rig import items

NUMBER = "2026-2001"


@pytest.fixture
def yard(tmp_path: Path) -> Any:
    with Yard(tmp_path) as made:
        yield made.staffed()


def prepared(yard: Yard) -> Yard:
    """A purge on site, everything looked at, nothing tested."""
    yard.photo()
    assert yard.open(purge_order())["done"]
    yard.step(NUMBER, "acceptance", accepted="yes", record="AR-1")
    yard.step(NUMBER, "plan", approved="yes", document="PL-1")
    yard.step(NUMBER, "arrive", consent="yes")
    yard.step(NUMBER, "site", items=items("site_residential"))
    yard.step(NUMBER, "isolation", valves="both ends closed", as_ordered="yes")
    yard.step(NUMBER, "vent_point", place="top_outdoors", photo=PHOTO_SHA)
    return yard


def test_a_purge_goes_from_order_to_end_by_real_verdicts(yard: Yard) -> None:
    """Every test is decided by its readings; ignition is refused until they have passed."""
    prepared(yard)
    assert ("need_absent", "1.6.1") in yard.refused(NUMBER, "open_valve", guarded="yes")
    assert yard.hold(NUMBER, "riser_hold") == "PASS"
    yard.step(NUMBER, "open_valve", guarded="yes")
    yard.step(NUMBER, "vent")
    assert yard.samples(NUMBER, "samples") == "PASS"
    yard.step(NUMBER, "connect")
    yard.step(NUMBER, "joint_check", method="fluid", result="none")
    assert yard.refused(NUMBER, "ignite") == [("need_absent", "1.6.5")]
    assert yard.hold(NUMBER, "indoor_hold") == "PASS"
    yard.step(NUMBER, "ignite")
    yard.step(NUMBER, "flame", flame="normal", meter_before="0.1", meter_after="0.2")
    yard.step(NUMBER, "inspect", items=items("inspection"), talk="yes")
    yard.step(NUMBER, "sign", fees="yes", signature=PHOTO_SHA, cleaned="yes")
    assert yard.step(NUMBER, "close")["ended"] == "done"
    assert verify(yard.folder).ok


def test_a_leaking_pipe_is_never_lit_and_its_leak_is_a_hazard(yard: Yard) -> None:
    prepared(yard)
    yard.hold(NUMBER, "riser_hold")
    yard.step(NUMBER, "open_valve", guarded="yes")
    yard.step(NUMBER, "vent")
    yard.samples(NUMBER, "samples")
    yard.step(NUMBER, "connect")
    yard.step(NUMBER, "joint_check", method="fluid", result="none")
    assert yard.hold(NUMBER, "indoor_hold", drop_pa=300) == "FAIL"
    assert yard.refused(NUMBER, "ignite") == [("need_failed", "1.6.5")]
    hazard = yard.show(f"{NUMBER}-H1")
    assert (hazard["kind"], hazard["facts"]["code"]) == ("hazard", "L1-1")
    assert hazard["facts"]["leak"] == "yes"
    assert [one["deadline"] for one in hazard["deadlines"]] == ["leak"]


def test_a_start_after_a_kill_knows_where_everything_stands(yard: Yard) -> None:
    prepared(yard)
    yard.hold(NUMBER, "riser_hold")
    before = yard.show(NUMBER)
    yard.again()
    assert yard.show(NUMBER) == before
    yard.step(NUMBER, "open_valve", guarded="yes")


def test_the_same_order_twice_is_one_job_and_another_content_is_refused(yard: Yard) -> None:
    first = yard.open(purge_order())
    assert yard.open(purge_order()) == first
    with pytest.raises(CommandRefused, match="known already, with other content"):
        yard.open(purge_order(user_class="rural"))
    assert len(yard.entries("job")) == 1


def test_what_is_refused_is_in_the_record_with_its_clause(yard: Yard) -> None:
    yard.open(purge_order())
    yard.refused(NUMBER, "ignite")
    (entry,) = yard.entries("job_refused")
    body = entry.record()
    assert (body["tried"], body["by"]) == ("ignite", "T-1")
    assert {"key": "need_absent", "clause": "1.6.5"} in body["refusals"]


def test_an_unsigned_pack_begins_no_job(tmp_path: Path) -> None:
    """What the regulations leave open and could be dangerous must be answered by name."""
    with Yard(tmp_path, pack="default") as yard:
        answer = yard.staffed().open(purge_order())
        assert not answer["done"]
        keys = {one["key"] for one in answer["refusals"]}
        assert keys == {"open_point", "not_signed_off"}


def test_another_class_of_user_has_another_chapter(yard: Yard) -> None:
    answer = yard.open(purge_order(user_class="commercial"))
    assert [(one["key"], one["clause"]) for one in answer["refusals"]] == [("user_class", "1.1.2")]


def test_a_hold_on_the_wrong_section_is_no_order(yard: Yard) -> None:
    order = purge_order()
    order["tests"]["riser_hold"]["section"] = {"id": "A-7-2-301"}
    with pytest.raises(CommandRefused, match="riser_hold is about section A-7-2"):
        yard.open(order)


def test_a_gauge_out_of_calibration_does_not_begin_a_test(yard: Yard) -> None:
    order = purge_order()
    order["tests"]["riser_hold"]["instruments"][0]["calibrated_until"] = "2026-11-23"
    yard.open(order)
    yard.step(NUMBER, "acceptance", accepted="yes", record="AR-1")
    yard.step(NUMBER, "plan", approved="yes", document="PL-1")
    yard.step(NUMBER, "arrive", consent="yes")
    yard.step(NUMBER, "isolation", valves="both", as_ordered="yes")
    assert yard.refused(NUMBER, "riser_hold") == [("calibration_over", "1.3.4")]


def test_abnormal_pressure_stops_a_purge_at_once_and_tells_dispatch(yard: Yard) -> None:
    prepared(yard)
    yard.hold(NUMBER, "riser_hold")
    yard.step(NUMBER, "open_valve", guarded="yes")
    yard.step(NUMBER, "vent")
    yard.read("line-1", "2000", "Pa", "pressure")
    assert yard.show(NUMBER)["phase"] == "purging"
    yard.read("line-1", "120", "Pa", "pressure")
    shown = yard.show(NUMBER)
    assert shown["phase"] == "stopped"
    data = yard.told[-1]["data"]
    assert (data["what"], data["step"], data["tells"]) == (
        "signal", "abnormal_pressure", "dispatch"
    )  # fmt: skip
    assert data["clause"] == "1.6.8"
    assert yard.refused(NUMBER, "resume", reason="it is fine") == [("no_supervisor", "1.6.8")]
    yard.step(NUMBER, "resume", by="S-1", reason="regulator set again")
    assert ("need_over", "1.6.1") in yard.refused(NUMBER, "open_valve", guarded="yes")


def test_no_event_or_log_line_names_the_customer(
    yard: Yard, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(yard)
    said = str(yard.told) + capsys.readouterr().out
    others = [
        entry.record() for entry in yard.entries() if entry.kind not in ("personal", "readings")
    ]
    for word in ("张小明", "13812345678", "幸福路", "8800123456", "M0099887766"):
        assert word not in said
        assert word not in str(others)
    (personal,) = yard.entries("personal")
    assert personal.record()["fields"]["name"] == "张小明"
    assert personal.refs["subject"] not in ("", "8800123456")


def test_a_pass_of_the_same_riser_serves_the_next_home(yard: Yard) -> None:
    prepared(yard)
    yard.hold(NUMBER, "riser_hold")
    verdict = yard.ledger_sql("SELECT verdict_id FROM attempts WHERE verdict='PASS'")[0][0]
    other = purge_order("2026-2002", sections={"riser": "A-7-2", "indoor": "A-7-2-302"})
    yard.open(other)
    yard.step("2026-2002", "acceptance", accepted="yes", record="AR-1")
    yard.step("2026-2002", "plan", approved="yes", document="PL-1")
    yard.step("2026-2002", "arrive", consent="yes")
    yard.step("2026-2002", "isolation", valves="both", as_ordered="yes")
    with pytest.raises(CommandRefused, match="speaks of its own section only"):
        yard.do("job.adopt", number="2026-2002", step="indoor_hold", verdict=verdict, by="T-1")
    answer = yard.do("job.adopt", number="2026-2002", step="riser_hold", verdict=verdict, by="T-1")
    assert answer["done"]
    yard.step("2026-2002", "site", items=items("site_residential"))
    yard.step("2026-2002", "vent_point", place="top_outdoors", photo=PHOTO_SHA)
    yard.step(NUMBER, "pipe_work", what="a valve exchanged")
    told = yard.refused("2026-2002", "open_valve", guarded="yes")
    assert told == [("need_worked", "1.6.1")]


def repair_order(section: str) -> dict[str, Any]:
    return {
        "number": "2026-4001",
        "job": "repair",
        "user_class": "residential",
        "facts": {
            "scope": "post_meter", "hot_work": "no", "affects": "home",
            "reported_at": "2026-11-24T11:00:00+08:00",
            "promised_at": "2026-11-24T13:00:00+08:00",
        },
        "sections": {"worked": section},
        "tests": {"leak_test": {"instruments": [{**DETECTOR, "lel_basis_pct_vol": 4.4}], "points": {
            "ceiling": "ceiling", "suspect": "suspect", "door": "other"}}},
    }  # fmt: skip


def test_work_of_another_job_that_is_going_on_holds_a_pass_back(yard: Yard) -> None:
    """From its beginning to its end: what was tested in between says nothing."""
    prepared(yard)
    assert yard.open(repair_order("A-7-2"))["done"]
    yard.step("2026-4001", "dispatch", to="T-1")
    yard.step("2026-4001", "arrive", tools="yes")
    assert yard.air("2026-4001", "leak_test") == "PASS"
    yard.step("2026-4001", "start_work", valve="yes")
    assert yard.hold(NUMBER, "riser_hold") == "PASS"
    told = [("need_worked", "1.6.1")]
    assert yard.refused(NUMBER, "open_valve", guarded="yes") == told
    yard.step("2026-4001", "worked", what="joint remade")
    assert yard.refused(NUMBER, "open_valve", guarded="yes") == told


def test_an_adopted_pass_is_of_the_visit_in_which_it_was_reached(yard: Yard) -> None:
    """What the indoor pipe was an hour ago, before anybody came here, lights nothing."""
    prepared(yard)
    yard.hold(NUMBER, "indoor_hold")
    verdict = yard.ledger_sql("SELECT verdict_id FROM attempts WHERE verdict='PASS'")[0][0]
    yard.step(NUMBER, "leave")
    yard.wait(60)
    yard.step(NUMBER, "arrive", consent="yes")
    yard.step(NUMBER, "isolation", valves="both", as_ordered="yes")
    answer = yard.do("job.adopt", number=NUMBER, step="indoor_hold", verdict=verdict, by="T-1")
    assert answer["done"]
    assert ("need_visit", "1.6.5") in yard.refused(NUMBER, "ignite")


def test_a_photo_that_the_hub_does_not_have_proves_nothing(yard: Yard) -> None:
    yard.open(purge_order())
    yard.step(NUMBER, "acceptance", accepted="yes", record="AR-1")
    yard.step(NUMBER, "plan", approved="yes", document="PL-1")
    yard.step(NUMBER, "arrive", consent="yes")
    told = yard.refused(NUMBER, "vent_point", place="top_outdoors", photo="ab" * 32)
    assert told == [("file_absent", "1.6.3")]


def test_a_test_of_a_job_is_not_begun_behind_its_back(yard: Yard) -> None:
    yard.open(purge_order())
    with pytest.raises(CommandRefused, match="is a job"):
        yard.do("order.open", number=NUMBER, test="riser_hold")
    with pytest.raises(CommandRefused, match="is a job"):
        yard.do("order.abort", number=NUMBER)
