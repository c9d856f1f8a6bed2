"""Jobs on a real ledger: what is allowed is recorded, what is refused as well, nothing is lost."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.errors import CommandRefused
from hub.ledger import verify
from hub.rulepack import load_pack
from tests.foreman_rig import DETECTOR, GAUGE, PHOTO, PHOTO_SHA, Yard, purge_order
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


def test_an_answer_that_the_job_cannot_go_on_with_is_told_at_once(yard: Yard) -> None:
    """It is recorded, and whoever gave it must not learn of it three steps later only."""
    prepared(yard)
    told = yard.step(NUMBER, "vent_point", place="indoors", photo=PHOTO_SHA)
    assert told["stands"] is False
    assert [(one["key"], one["clause"]) for one in told["notes"]] == [("not_in_order", "1.6.6")]
    assert "Where is the vent?" in told["notes"][0]["text"]["en"]
    told = yard.step(NUMBER, "vent_point", place="top_outdoors", photo=PHOTO_SHA)
    assert (told["stands"], told["notes"]) == (True, [])


def test_a_hazard_that_a_step_has_opened_is_told_with_its_number(yard: Yard) -> None:
    prepared(yard)
    assert yard.hold(NUMBER, "riser_hold") == "PASS"
    yard.step(NUMBER, "open_valve", guarded="yes")
    yard.step(NUMBER, "vent")
    yard.samples(NUMBER, "samples")
    yard.step(NUMBER, "connect")
    told = yard.step(NUMBER, "joint_check", method="fluid", result="leak")
    assert [one["key"] for one in told["notes"]] == ["not_in_order", "hazard"]
    assert f"{NUMBER}-H1" in told["notes"][1]["text"]["zh"]
    assert yard.show(f"{NUMBER}-H1")["facts"]["code"] == "L1-1"


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


def test_an_instrument_that_nobody_knows_is_told_of_when_the_job_is_opened(yard: Yard) -> None:
    """What is watched under a mistyped name would never stop anything."""
    answer = yard.open(purge_order(watch=["pm-lien"]))
    assert answer["done"]
    assert '"pm-lien"' in answer["warnings"][-1]
    test = {"medium": "air", "instruments": [{"name": "gs-9", "quantity": "gas"}]}
    order = purge_order("2026-2002")
    del order["tests"]["samples"]
    yard.open(order)
    answer = yard.do("job.test", number="2026-2002", step="samples", text=json.dumps(test))
    assert '"gs-9"' in answer["warnings"][0]


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


@pytest.mark.parametrize("started_again", [False, True])
def test_an_exchanged_gauge_ends_its_pass_as_soon_as_it_is_heard(
    yard: Yard, started_again: bool
) -> None:
    """Whoever opens the valve opens it by the gauge that held; after a start of the hub, too."""
    prepared(yard)
    yard.hold(NUMBER, "riser_hold")
    if started_again:
        yard.again()
    yard.read("pm-1", "0", "Pa", "pressure")
    assert not [
        one for one in yard.entries("job_event") if one.record()["event"]["what"] == "swapped"
    ]
    yard.read("pm-1", "0", "Pa", "pressure", serial="S-777")
    yard.read("pm-1", "1", "Pa", "pressure", serial="S-777")
    (swapped,) = [
        one.record()["event"]
        for one in yard.entries("job_event")
        if one.record()["event"]["what"] == "swapped"
    ]
    assert (swapped["instrument"], swapped["serial"]) == ("pm-1", "S-777")
    assert ("need_over", "1.6.1") in yard.refused(NUMBER, "open_valve", guarded="yes")


def test_an_instrument_that_tells_no_serial_proves_no_exchange(yard: Yard) -> None:
    prepared(yard)
    yard.hold(NUMBER, "riser_hold")
    yard.read("pm-1", "0", "Pa", "pressure", serial="")
    yard.step(NUMBER, "open_valve", guarded="yes")


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


def passed_and_next(yard: Yard, **order: Any) -> tuple[str, str]:
    """A riser that has passed, and the next home on it: the verdict, and that job's number."""
    prepared(yard)
    assert yard.hold(NUMBER, "riser_hold") == "PASS"
    ((verdict,),) = yard.ledger_sql("SELECT verdict_id FROM attempts")
    number = "2026-2002"
    sections = {"riser": "A-7-2", "indoor": "A-7-2-302"}
    assert yard.open(purge_order(number, **{"sections": sections, **order}))["done"]
    yard.step(number, "acceptance", accepted="yes", record="AR-1")
    yard.step(number, "plan", approved="yes", document="PL-1")
    yard.step(number, "arrive", consent="yes")
    yard.step(number, "isolation", valves="both", as_ordered="yes")
    return verdict, number


def test_a_pass_is_not_taken_back_up_after_a_fail(yard: Yard) -> None:
    """Nor by the job that reached it, whose newest verdict it is not any more."""
    verdict, number = passed_and_next(yard)
    assert yard.hold(NUMBER, "riser_hold", drop_pa=300) == "FAIL"
    for job in (NUMBER, number):
        with pytest.raises(CommandRefused, match="not the newest of that section"):
            yard.do("job.adopt", number=job, step="riser_hold", verdict=verdict, by="T-1")
    assert ("need_failed", "1.6.1") in yard.refused(NUMBER, "open_valve", guarded="yes")


def test_a_pass_is_over_when_another_job_finds_the_section_to_fail(yard: Yard) -> None:
    verdict, number = passed_and_next(yard)
    yard.do("job.adopt", number=number, step="riser_hold", verdict=verdict, by="T-1")
    yard.step(number, "site", items=items("site_residential"))
    yard.step(number, "vent_point", place="top_outdoors", photo=PHOTO_SHA)
    assert yard.hold(NUMBER, "riser_hold", drop_pa=300) == "FAIL"
    assert yard.refused(number, "open_valve", guarded="yes") == [("need_worked", "1.6.1")]


def test_a_pass_under_less_pressure_serves_nobody_who_needs_more(yard: Yard) -> None:
    hold = {"p_design_pa": 12000, "medium": "air", "instruments": [dict(GAUGE)]}
    verdict, number = passed_and_next(yard, tests={"riser_hold": hold})
    with pytest.raises(CommandRefused, match="p_design_pa 5000, where this job's order has 12000"):
        yard.do("job.adopt", number=number, step="riser_hold", verdict=verdict, by="T-1")


def test_a_pass_by_another_rule_pack_serves_no_job(tmp_path: Path) -> None:
    """The shipped pack has not the company's word for its figures."""
    with Yard(tmp_path) as yard:
        verdict, number = passed_and_next(yard.staffed())
        yard.pack = load_pack("default").lean()
        yard.again()
        with pytest.raises(CommandRefused, match="by another rule pack"):
            yard.do("job.adopt", number=number, step="riser_hold", verdict=verdict, by="T-1")


def test_a_job_is_judged_by_no_rule_pack_that_its_order_chooses(yard: Yard) -> None:
    hold = {"rule_pack": "default", "p_design_pa": 5000, "instruments": [dict(GAUGE)]}
    with pytest.raises(CommandRefused, match="leave rule_pack out"):
        yard.open(purge_order(tests={"riser_hold": hold}))


def test_a_job_takes_no_test_of_another_kind_by_the_orders_way(yard: Yard) -> None:
    """A tight stub at the step of the purge samples says nothing about the gas in the pipe."""
    stub = {
        "procedure": "indoor_hold", "section": {"id": "B-1"}, "medium": "air",
        "instruments": [dict(GAUGE)],
    }  # fmt: skip
    order = {"number": NUMBER, "steps": [{"step": "samples", "tests": [stub]}]}
    text = orjson.dumps(order, default=str).decode()
    yard.do("order.add", text=text)
    with pytest.raises(CommandRefused, match="known already, as an order"):
        yard.open(purge_order(tests={}))
    yard.open(purge_order("2026-2002", tests={}))
    with pytest.raises(CommandRefused, match="is a job"):
        yard.do("order.add", text=text.replace(NUMBER, "2026-2002"))


@pytest.mark.parametrize("first", ["hazard", "order"])
def test_the_numbers_of_a_jobs_hazards_are_its_own(yard: Yard, first: str) -> None:
    """A leak was found, and whoever has taken its number must not keep it out of the record."""
    taken = f"{NUMBER}-H1"

    def take() -> Any:
        if first == "order":
            hold = {"number": taken, "procedure": "indoor_hold", "instruments": [dict(GAUGE)]}
            return yard.do("order.add", text=orjson.dumps(hold, default=str).decode())
        return yard.open(
            {
                "number": taken,
                "job": "hazard",
                "user_class": "residential",
                "facts": {
                    "code": "L1-1", "found_at": "2026-11-24T11:00:00+08:00", "found_in": "call",
                    "place": "kitchen",
                },
                "sections": {"leaking": "B-1"},
            }
        )  # fmt: skip

    prepared(yard)
    with pytest.raises(CommandRefused, match="for what job 2026-2001 finds"):
        take()
    assert yard.hold(NUMBER, "indoor_hold", drop_pa=300) == "FAIL"
    assert yard.show(taken)["facts"]["found_in"] == NUMBER


def test_a_job_is_not_opened_where_the_number_of_its_hazard_is_taken(yard: Yard) -> None:
    assert yard.open(purge_order(f"{NUMBER}-H2"))["done"]
    with pytest.raises(CommandRefused, match=f"{NUMBER}-H2 is taken"):
        yard.open(purge_order())


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


def test_a_job_that_ends_ends_its_test_and_lets_go_of_the_instrument(yard: Yard) -> None:
    prepared(yard)
    attempt = yard.step(NUMBER, "riser_hold")["attempt"]
    yard.step(NUMBER, "give_up", reason="nobody at home", safe="yes")
    yard.turn()
    assert yard.verdict(attempt) == "ABORTED"


def test_a_verdict_after_the_end_is_of_no_job(yard: Yard) -> None:
    """Even where the job itself is gone: a verdict is recorded, whatever became of the order."""
    prepared(yard)
    yard.step(NUMBER, "give_up", reason="nobody at home", safe="yes")
    yard.wait(3 * 366 * 86400)
    gone = {"numbers": [NUMBER], "what": "all", "approved_by": "Zhao Min", "reason": "time is over"}
    yard.do("retention.erase", **gone)
    with yard.ledger.transaction() as tx:
        yard.jobs.decided(tx, {"order": NUMBER, "step": "riser_hold"}, yard.clock.now_us())
    with pytest.raises(CommandRefused, match="known already"):
        yard.open(purge_order())


@pytest.mark.parametrize(
    ("fact", "moment"),
    [
        ("promised_at", "9999-12-31T23:59:59Z"),
        ("promised_at", "9999-12-31T23:59:59-12:00"),
        ("reported_at", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_moment_that_no_calendar_can_count_from_is_asked_again(
    yard: Yard, fact: str, moment: str
) -> None:
    order = repair_order("A-7-2")
    answer = yard.open({**order, "facts": {**order["facts"], fact: moment}})
    assert [one["key"] for one in answer["refusals"]] == ["answer_time"]


@pytest.mark.parametrize("number", ["N" * 101, "2026\n2001", "2026-\u202e1002", " 2026-2001"])
def test_a_number_that_nobody_can_read_is_no_number(yard: Yard, number: str) -> None:
    hold = {"number": number, "procedure": "indoor_hold", "instruments": [dict(GAUGE)]}
    for do in (
        lambda: yard.open(purge_order(number)),
        lambda: yard.do("order.add", text=orjson.dumps(hold, default=str).decode()),
    ):
        with pytest.raises(CommandRefused, match="that can be seen"):
            do()


@pytest.mark.parametrize("remark", ["\x1b[2J", "\u202eok", "a\0b"])
def test_a_remark_holds_no_characters_that_hide(yard: Yard, remark: str) -> None:
    yard.open(purge_order())
    yard.step(NUMBER, "acceptance", accepted="yes", record="AR-1")
    yard.step(NUMBER, "plan", approved="yes", document="PL-1")
    yard.step(NUMBER, "arrive", consent="yes")
    looked = items("site_residential")
    looked[next(iter(looked))] = {"result": "ok", "remark": remark}
    ((key, _),) = yard.refused(NUMBER, "site", items=looked)
    assert key == "answer_item"


@pytest.mark.parametrize("text", ["[]", "7", '"N"'])
def test_an_order_that_is_no_table_is_refused(yard: Yard, text: str) -> None:
    with pytest.raises(CommandRefused, match="expected a table"):
        yard.do("order.add", text=text)


def test_half_a_character_is_in_no_order(yard: Yard) -> None:
    text = orjson.dumps(purge_order(), default=str).decode().replace("张小明", "\\ud800")
    with pytest.raises(CommandRefused, match="half of a character"):
        yard.do("job.open", text=text, by="office")


def test_a_file_is_as_long_as_it_is_and_not_as_it_is_told_again(yard: Yard) -> None:
    """A kill between file and entry leaves the file; who sends it again may tell another size."""
    path = yard.folder / "files" / PHOTO_SHA[:2] / PHOTO_SHA
    path.parent.mkdir(parents=True)
    path.write_bytes(PHOTO)
    yard.do("file.put", sha256=PHOTO_SHA, size="9")
    (entry,) = yard.entries("file")
    assert entry.record()["bytes"] == len(PHOTO)


NAMED = "张小明 13812345678"


def test_a_name_in_the_place_of_an_id_or_number_goes_nowhere(yard: Yard, capsys: Any) -> None:
    """What is refused is recorded, told and shown to authorities: not before it names nobody."""
    yard.open(purge_order())
    waiver = {"number": NUMBER, "notice": "notice_48h", "by": "T-1", "second": "S-1", "reason": "r"}
    for what, request in (
        ("job.open", {"text": orjson.dumps(purge_order("2026-7"), default=str).decode()}),
        ("job.do", {"number": NUMBER, "step": "acceptance"}),
        ("job.signal", {"number": NUMBER, "signal": "gas_alarm"}),
        ("job.adopt", {"number": NUMBER, "step": "riser_hold", "verdict": "V"}),
        ("job.waive", waiver),
    ):
        with pytest.raises(CommandRefused, match="no staff id"):
            yard.do(what, **{**request, "by": NAMED})
    for odd in ({"second": NAMED}, {"notice": NAMED}):
        with pytest.raises(CommandRefused):
            yard.do("job.waive", **{**waiver, **odd})
    with pytest.raises(CommandRefused, match="no job of this gateway"):
        yard.open(purge_order("2026-2002", parent=NAMED))
    assert not any(NAMED in str(told) for told in yard.told)
    assert not any(NAMED.encode() in (entry.body or b"") for entry in yard.entries())
    assert NAMED not in "".join(capsys.readouterr())


def test_a_phone_number_in_free_text_goes_nowhere(yard: Yard) -> None:
    """Answers, remarks and reasons are never erased, and leave in bundles for the authority."""
    yard.open({
        "number": "2026-8", "job": "inspection", "user_class": "residential",
        "facts": {"cycle": "2026"},
    })  # fmt: skip
    visit = {"outcome": "refused", "refusal_scan": yard.photo(), "refusal": "139-1234-5678 says no"}
    ((key, _),) = yard.refused("2026-8", "visit", **visit)
    assert key == "names_somebody"
    yard.step("2026-8", "visit", **{**visit, "refusal": "says no, notice 330106202611300001"})

    signal = {"number": "2026-8", "signal": "gas_alarm", "by": "T-1", "detail": NAMED}
    hold = {"number": "2026-8", "by": "legal", "reason": NAMED}
    for what, request in (("job.signal", signal), ("retention.hold", hold),
                          ("order.abort", {"number": "2026-8", "reason": NAMED})):  # fmt: skip
        with pytest.raises(CommandRefused, match="leave it out"):
            yard.do(what, **request)
    assert not any(b"5678" in (entry.body or b"") for entry in yard.entries())


def test_one_person_has_one_id(yard: Yard) -> None:
    """Where two persons are asked for, two ids of one are not two."""
    again = {"id": "T-9", "supervisor": True, "certificates": {"purge": {"number": "C-1"}}}
    again["certificates"]["purge"]["until"] = "2027-06-30"
    with pytest.raises(CommandRefused, match="is held by T-1"):
        yard.do("staff.put", text=orjson.dumps(again).decode())


@pytest.mark.parametrize("detail", ["x" * 2001, "a\nb", "\u202eb"])
def test_what_is_said_of_a_signal_is_one_line(yard: Yard, detail: str) -> None:
    prepared(yard)
    with pytest.raises(CommandRefused, match="one line"):
        yard.do("job.signal", number=NUMBER, signal="gas_alarm", by="T-1", detail=detail)


def test_a_photo_that_was_changed_on_the_disk_is_put_back_by_sending_it_again(yard: Yard) -> None:
    yard.photo()
    path = yard.folder / "files" / PHOTO_SHA[:2] / PHOTO_SHA
    path.write_bytes(b"another")
    yard.photo()
    assert path.read_bytes() == PHOTO
    assert len(yard.entries("file")) == 1
