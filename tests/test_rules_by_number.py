"""Each rule that a machine decides, by its number: what keeps it, and what would break it.

Verdicts are those of the judge on a series; what they let loose is the engine's word.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from hub.covering import covered
from hub.jobs import Ruled
from hub.procedures import Row, Verdict, judge
from hub.rulepack import load_pack
from tests.case_gas import purge, samples, screen, swept, walk, work
from tests.job_rig import PACK, PHOTO, Run, items
from tests.job_ways import (
    commercial_purge,
    hazard_leak,
    inspection,
    inspection_absent,
    repair,
    residential_purge,
)
from tests.toy import held, order, parsed

LOW: Any = {"ramp": (800, 1500, 2100), "level": lambda second: 2100 + second // 5 % 2}
"""A pipe held at 2.1 kPa, which is an operating pressure."""
HIGH: Any = {"ramp": (2000, 6000, 8300), "level": lambda second: 8300 + second // 5 % 2}


def judged(given: dict[str, Any], rows: list[Row]) -> str:
    return judge(parsed(given), rows, PACK).verdict


def do_test(run: Run, step: str, given: dict[str, Any], rows: list[Row]) -> str:
    """The test as the judge decides it on this series, inside the job."""
    run.do(step)
    run.wait(s=1800)
    verdict: Verdict = judge(parsed(given), rows, PACK)
    section = run.state.sections.get(run.job.step[step].section, "")
    outcome = getattr(verdict, "outcome", "") or ""
    run.take(Ruled(step, run.now_us, "A-1", verdict.verdict, section, {"g": "PM-1"}, outcome))
    return verdict.verdict


def riser(**more: Any) -> list[Row]:
    return held(hold_s=900, settle_s=180, **more)


# ---------------------------------------------------------------------- chapter 1


def test_R19_the_riser_is_held_at_design_pressure_not_below_the_floor_for_its_time() -> None:
    """The greater of design and 5 kPa, for 900 s, neither of them less."""
    assert judged(order("riser_hold"), riser()) == "PASS"
    assert judged(order("riser_hold"), riser(**LOW)) == "INCONCLUSIVE"
    assert judged(order("riser_hold", p_design_pa=8000), riser()) == "INCONCLUSIVE"
    assert judged(order("riser_hold", p_design_pa=8000), riser(**HIGH)) == "PASS"
    short = held(hold_s=890, settle_s=180, vent=False)
    assert judged(order("riser_hold"), short) == "INCONCLUSIVE"


def test_R20_the_riser_valve_is_opened_only_after_the_riser_hold_has_passed() -> None:
    run = residential_purge(until="riser_hold")
    run.do("vent_point", place="top_outdoors", photo=PHOTO)
    assert run.refused("open_valve", guarded="yes") == [("need_absent", "1.6.1")]
    do_test(run, "riser_hold", order("riser_hold"), riser(**LOW))
    assert run.refused("open_valve", guarded="yes") == [("need_failed", "1.6.1")]
    do_test(run, "riser_hold", order("riser_hold"), riser())
    run.do("open_valve", guarded="yes")


def test_R23_a_purge_ends_with_three_samples_that_qualify() -> None:
    run = residential_purge(until="samples")
    for rows in (samples(95, 95), samples(95, 95, 80), samples(95, 95, 95, every_s=20)):
        assert do_test(run, "samples", purge(), rows) != "PASS"
        assert run.state.phase == "purging"
        assert "phase" in [key for key, _ in run.refused("ignite")]
    run.do("decide", "S-1", decision="flush the line and sample again")
    assert do_test(run, "samples", purge(), samples(92, 94, 95)) == "PASS"
    assert run.state.phase == "purged"


def test_R24_the_indoor_pipe_is_held_for_five_minutes() -> None:
    assert judged(order("indoor_hold"), held(hold_s=300)) == "PASS"
    assert judged(order("indoor_hold"), held(hold_s=290, vent=False)) == "INCONCLUSIVE"
    leaking = held(lambda second: 5200 - second // 10)
    assert judged(order("indoor_hold"), leaking) == "FAIL"


def test_R25_no_ignition_while_airtightness_fails() -> None:
    run = residential_purge(until="ignite")
    leaking = held(lambda second: 5200 - second // 10)
    assert do_test(run, "indoor_hold", order("indoor_hold"), leaking) == "FAIL"
    assert run.refused("ignite") == [("need_failed", "1.6.5")]
    assert run.state.hazards[-1][0] == "L1-1"
    do_test(run, "indoor_hold", order("indoor_hold"), held())
    run.do("ignite")


# ---------------------------------------------------------------------- chapter 3


def mild_hazard() -> Run:
    """Level 2, without a leak, noticed at noon on the 24th."""
    facts = {"code": "L2-3", "found_at": "2026-11-24T11:40:00+08:00", "place": "kitchen"}
    run = Run("hazard", facts)
    run.do(
        "notice", number="N-1", risk="yes", deadline="2026-12-31T18:00:00+08:00", signed="yes",
        scan=PHOTO,
    )  # fmt: skip
    return run


def test_R62_customers_mend_their_own_hazards_within_seven_days() -> None:
    """The day of the notice is not counted; the last moment is the end of the seventh."""
    run = mild_hazard()
    run.at(23, 59, days=7)
    assert run.tick() == []
    run.at(0, 0, days=1)
    assert run.tick() == ["self_fix"]
    mended = mild_hazard()
    mended.do("mend", how="restored", what="new hose", photo=PHOTO)
    mended.do("verify", result="gone", photo=PHOTO)
    mended.at(0, 0, days=8)
    assert mended.tick() == []


def test_R63_a_leak_goes_to_repair_at_once_and_comes_back_with_a_result() -> None:
    """Before anything but mending it on the spot; a fault of a meter is referred by its number."""
    run = hazard_leak(until="hand_over")
    notice = {
        "number": "N-1", "risk": "yes", "deadline": "2026-11-24T18:00:00+08:00",
        "signed": "yes", "scan": PHOTO,
    }  # fmt: skip
    assert run.refused("notice", **notice) == [("after", "5.3.4, 3.7.2")]
    run.do("hand_over", to="R-77")
    run.do("notice", **notice)
    assert "phase" in [key for key, _ in run.refused("close")]
    found = inspection(until="talk")
    found.do("refer", to="repair", number="R-78", what="meter does not count")
    assert found.refused("refer", to="repair", what="meter") == [
        ("unanswered", "3.7.2, 3.7.3, 3.7.4")
    ]


def test_R66_three_absences_on_three_dates_bring_the_outdoor_check() -> None:
    """What it finds decides; that it finds nothing is no inspection."""
    run = inspection_absent(until="visit")
    for _ in range(3):
        run.do("visit", outcome="absent", notice_photo=PHOTO)
    assert run.refused("absent") == [("count", "3.7.5")]
    for _ in range(2):
        run.wait(d=1)
        run.do("visit", outcome="absent", notice_photo=PHOTO)
    run.do("absent")
    assert do_test(run, "laser", screen(), swept(400, 400, 400)) == "FAIL"
    assert ("after", "3.7.5") in run.refused("screened")
    assert do_test(run, "laser", screen(), swept(22, 25, 21)) == "PASS"
    run.do("screened")
    assert run.state.ended == "absent"


# ---------------------------------------------------------------------- chapter 4


def test_R69_the_concentration_is_measured_before_the_work() -> None:
    """By an instrument, in this visit."""
    run = repair(until="leak_test")
    assert run.refused("start_work", valve="yes") == [("need_absent", "4.4.9")]
    assert do_test(run, "leak_test", work(), walk()) == "PASS"
    run.do("start_work", valve="yes")
    began_us = run.state.steps["start_work"].at_us
    assert run.state.steps["leak_test"].at_us <= began_us


def test_R73_a_crew_arrives_within_the_promised_time() -> None:
    """Promised for 13:00; a report must be dispatched before anybody arrives."""
    late = repair(until="arrive")
    late.at(13, 1)
    assert late.tick() == ["arrival"]
    kept = repair(until="leak_test")
    kept.at(14)
    assert kept.tick() == []
    assert repair(until="dispatch").refused("arrive", tools="yes") == [("after", "4.4.4")]


def test_R75_gas_is_supplied_after_a_hold_at_operating_pressure() -> None:
    behind = order(
        "post_repair_hold", medium="gas", p_operating_pa=2000, section={"part": "indoor"}
    )
    run = repair(until="post_hold")
    assert run.refused("resupply") == [("need_absent", "4.4.7")]
    falling = held(**{**LOW, "level": lambda second: 2100 - second // 10})
    assert do_test(run, "post_hold", behind, falling) == "FAIL"
    assert run.refused("resupply") == [("need_failed", "4.4.7")]
    assert do_test(run, "post_hold", behind, held(**LOW)) == "PASS"
    run.do("resupply")


def test_R77_work_starts_only_below_the_limit_of_concentration() -> None:
    """Exactly 20 %LEL is not below it."""
    run = repair(until="leak_test")
    assert do_test(run, "leak_test", work(), walk("20.0")) == "FAIL"
    assert run.refused("start_work", valve="yes") == [("need_failed", "4.4.9")]
    assert do_test(run, "leak_test", work(), walk("19.99")) == "PASS"
    run.do("start_work", valve="yes")


def with_notice(step: str, hours: float, **facts: str) -> Run:
    """On site so long after the notice, with the air measured."""
    run = repair(until="arrive", **facts)
    proof = {"where": "door"} if step == "notice_48h" else {"how": "phone"}
    picture = "photo" if step == "notice_48h" else "proof"
    run.do(step, **proof, **{picture: PHOTO})
    run.wait(h=hours)
    run.do("arrive", tools="yes")
    run.test("leak_test", lasts_s=0)
    return run


def test_R79_work_before_the_meter_is_announced_forty_eight_hours_before() -> None:
    """Exactly; two persons may let it be, for a leak, and that is recorded."""
    early = with_notice("notice_48h", 47.99, scope="pre_meter")
    assert early.refused("start_work", valve="yes") == [("notice_late", "4.5.1(1)")]
    with_notice("notice_48h", 48, scope="pre_meter").do("start_work", valve="yes")
    run = repair(until="start_work", scope="pre_meter")
    assert run.refused("start_work", valve="yes") == [("notice_absent", "4.5.1(1)")]
    assert "one_person" in run.waive("notice_48h", "S-1", "S-1")
    assert run.waive("notice_48h", "T-1", "S-1") == []
    run.do("start_work", valve="yes")


def test_R80_after_work_before_the_meter_the_hold_is_that_of_a_riser() -> None:
    """5 kPa for 900 s on a riser; neither the operating pressure nor five minutes will do."""
    run = with_notice("notice_48h", 48, scope="pre_meter")
    run.do("start_work", valve="yes")
    run.do("worked", what="regulator replaced", damage="wear")
    assert "not_here" in [key for key, _ in run.refused("post_hold")]
    for rows in (held(vent=False), riser(**LOW)):
        assert do_test(run, "riser_hold", order("riser_hold"), rows) == "INCONCLUSIVE"
        assert run.refused("resupply") == [("need_failed", "4.4.7")]
    assert do_test(run, "riser_hold", order("riser_hold"), riser()) == "PASS"
    run.do("resupply")


def test_R84_a_planned_exchange_of_meters_is_announced_twenty_four_hours_before() -> None:
    """And nobody may let that be."""
    early = with_notice("notice_24h", 23.99, scope="meter")
    assert early.refused("start_work", valve="yes") == [("notice_late", "4.5.2(3)")]
    assert early.waive("notice_24h", "T-1", "S-1") == ["not_waivable"]
    with_notice("notice_24h", 24, scope="meter").do("start_work", valve="yes")


# ---------------------------------------------------------------------- chapter 5


def test_R88_only_the_catalogue_describes_a_hazard() -> None:
    for code in ("smells of gas", "L9-9", "leak", ""):
        run = commercial_purge(until="inspect")
        told = run.refused("inspect", equipment="wok", hazards=[code], talk="yes")
        assert told == [("answer_hazard", "5.2")]
    checked = inspection(until="items")
    wild = items("inspection", I1={"result": "not_ok", "hazard": "gas smell"})
    assert checked.refused("items", items=wild) == [("item_hazard", "3.5.1")]


@pytest.mark.parametrize("how", ["verify", "suspend"])
def test_R89_a_leak_is_dealt_with_the_same_day(how: str) -> None:
    """Mended and seen to be, or the supply suspended, before midnight of the day it was found."""
    late = hazard_leak(until="mend")
    late.at(23, 59)
    assert "leak" not in late.tick()
    late.at(0, 0, days=1)
    assert "leak" in late.tick()
    kept = hazard_leak(until="close" if how == "verify" else "mend")
    if how == "suspend":
        kept.do("suspend", valve="meter valve", sealed="yes", photo=PHOTO)
    kept.at(0, 0, days=1)
    assert kept.tick() == []


# ---------------------------------------------------------------------- chapter 6


def test_R101_the_tightness_test_is_repeated_at_design_pressure_before_valves_are_opened() -> None:
    """30 minutes, which is our reading: the regulations name none."""
    run = commercial_purge(until="tightness")
    run.do("fans", fans_on="yes", guarded="yes", no_flame="yes")
    short = held(hold_s=900, settle_s=600, vent=False)
    assert do_test(run, "tightness", order("commercial_hold"), short) == "INCONCLUSIVE"
    assert run.refused("open_valve") == [("need_failed", "6.6.1")]
    low = held(hold_s=1800, settle_s=600)
    assert judged(order("commercial_hold", p_design_pa=8000), low) == "INCONCLUSIVE"
    whole = held(hold_s=1800, settle_s=600)
    assert do_test(run, "tightness", order("commercial_hold"), whole) == "PASS"
    run.do("open_valve")


def test_R103_commercial_samples_go_on_until_three_in_a_row_qualify() -> None:
    """One that does not begins the row anew, and no colour of a flame replaces them."""
    run = commercial_purge(until="samples")
    run.do("bag", flame="orange_yellow", photo=PHOTO)
    assert ("need_absent", "6.6.3") in run.refused("ignite")
    assert do_test(run, "samples", purge(), samples(95, 95, 80, 95)) == "INCONCLUSIVE"
    assert run.state.phase == "purging"
    assert do_test(run, "samples", purge(), samples(95, 95, 80, 95, 95, 95)) == "PASS"
    assert run.state.phase == "purged"


# ---------------------------------------------------------------------- none is missing


def test_every_rule_that_is_decided_and_carried_out_has_its_test() -> None:
    """Here, or beside what carries it out. None is there for a rule that waits for a version."""
    wanted = {
        one.number
        for one in covered(load_pack())
        if one.rule.hub == "decides" and one.state in ("carried out", "partly")
    }
    tested = {
        number
        for path in Path(__file__).parent.glob("test_*.py")
        for number in re.findall(r"^def test_(R\d+)_", path.read_text("utf-8"), re.MULTILINE)
    }
    assert tested == wanted
