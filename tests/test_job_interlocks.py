"""What a PASS is worth, and that a safe action is always open: each of these was possible once."""

import dataclasses
from collections.abc import Callable

import pytest

from hub.jobs import Around, Ruled, Swapped
from tests.job_rig import PEOPLE, PHOTO, Run, items
from tests.job_ways import (
    commercial_purge,
    hazard_leak,
    inspection_absent,
    repair,
    residential_purge,
)

# ---------------------------------------------------------------------- a test that is running


def verdict(run: Run, step: str, began_us: int = 0) -> None:
    """The PASS of a test that was begun before, or elsewhere."""
    section = run.state.sections.get(run.job.step[step].section, "")
    run.take(Ruled(step, run.now_us, "A-1", "PASS", section, {"pm-1": "S-100"}, began_us=began_us))


def test_a_stop_ends_the_test_that_is_running() -> None:
    """Its PASS comes later, counts for nothing, and brings the job out of nothing."""
    run = residential_purge(until="samples")
    run.do("samples")
    run.signal("abnormal_pressure")
    run.wait(s=900)
    verdict(run, "samples")
    assert run.state.phase == "stopped"
    run.do("resume", "S-1", reason="regulator repaired")
    assert ("need_over", "1.6.4") in run.refused("ignite")


def test_work_on_the_pipe_ends_the_test_that_is_running() -> None:
    run = residential_purge(until="riser_hold")
    run.do("riser_hold")
    run.do("pipe_work", what="valve packing tightened")
    run.wait(s=900)
    verdict(run, "riser_hold")
    assert ("need_over", "1.6.1") in run.refused("open_valve", guarded="yes")


def test_work_of_another_job_on_the_section_ends_the_test_that_is_running() -> None:
    run = residential_purge(until="open_valve")
    worked_us = run.state.steps["riser_hold"].began_us + 1
    run.around = Around(PEOPLE, {"A-7-2 riser": worked_us})
    assert run.refused("open_valve", guarded="yes") == [("need_worked", "1.6.1")]


def test_a_test_that_ran_on_into_the_next_visit_is_none_of_that_visit() -> None:
    run = residential_purge(until="indoor_hold")
    run.do("indoor_hold")
    run.do("leave")
    run.wait(h=2)
    run.do("arrive", consent="yes")
    verdict(run, "indoor_hold")
    assert ("need_visit", "1.6.5") in run.refused("ignite")


def test_a_verdict_does_not_move_a_job_that_has_gone_elsewhere() -> None:
    run = residential_purge(until="samples")
    run.do("samples")
    run.do("leave")
    run.do("arrive", consent="yes")
    verdict(run, "samples")
    assert run.state.phase == "on_site"


def test_a_swap_while_the_test_runs_ends_it() -> None:
    run = residential_purge(until="riser_hold")
    run.do("riser_hold")
    run.take(Swapped("pm-1", "S-200", run.now_us + 1))
    run.wait(s=900)
    verdict(run, "riser_hold")
    assert ("need_over", "1.6.1") in run.refused("open_valve", guarded="yes")


def test_a_verdict_that_nobody_asked_for_counts_for_nothing() -> None:
    run = residential_purge(until="riser_hold")
    verdict(run, "riser_hold")
    assert ("need_over", "1.6.1") in run.refused("open_valve", guarded="yes")


def test_a_verdict_reached_elsewhere_counts_from_when_that_began() -> None:
    """Unless something has undone the test since then."""
    run = residential_purge(until="riser_hold")
    began_us = run.now_us
    run.wait(h=1)
    verdict(run, "riser_hold", began_us=began_us)
    run.do("vent_point", place="top_outdoors", photo=PHOTO)
    assert run.act("open_valve", guarded="yes")[1] == []
    run.do("pipe_work", what="end cap replaced")
    verdict(run, "riser_hold", began_us=began_us)
    assert ("need_over", "1.6.1") in run.refused("open_valve", guarded="yes")


def test_a_verdict_of_an_instrument_that_was_heard_to_be_another_since_counts_for_nothing() -> None:
    run = residential_purge(until="riser_hold")
    began_us = run.now_us
    run.wait(h=1)
    run.test("indoor_hold", serials={"pm-1": "S-200"})
    verdict(run, "riser_hold", began_us=began_us)
    assert ("need_over", "1.6.1") in run.refused("open_valve", guarded="yes")


def test_a_purge_is_over_when_another_job_lets_air_into_the_pipe() -> None:
    """Samples name no section: they speak of all that the job is about."""
    run = residential_purge(until="ignite")
    run.around = Around(PEOPLE, {"A-7-2 riser": run.now_us})
    assert run.refused("ignite") == [("need_worked", "1.6.4")]


def test_a_test_on_a_section_that_the_order_does_not_name_releases_nothing() -> None:
    run = residential_purge(until="open_valve")
    run.state = dataclasses.replace(run.state, sections={"indoor": "A-7-2 indoor"})
    assert run.refused("open_valve", guarded="yes") == [("need_section", "1.6.1")]


def test_a_failed_test_that_was_undone_is_not_held_against_the_next() -> None:
    """It failed before the repair; what decides is the test after it."""
    run = hazard_leak(until="leak_test")
    run.test("leak_test", "FAIL")
    assert run.refused("verify", result="gone", photo=PHOTO) == [("need_failed", "5.3.4")]
    run.do("still_there", why="still bubbles")
    run.do("isolate", point="hose joint", how="valve")
    run.do("sticker", photo=PHOTO)
    run.do("mend", how="restored", what="joint replaced", photo=PHOTO)
    run.test("hold")
    run.do("verify", result="gone", photo=PHOTO)


# ---------------------------------------------------------------------- clocks and counts


def test_a_notice_from_before_the_clock_stood_is_of_unknown_age() -> None:
    run = repair(until="dispatch", scope="pre_meter")
    run.do("notice_48h", where="door", photo=PHOTO)
    posted_us = run.now_us
    run.wait(h=49)
    run.do("dispatch", to="T-1")
    run.do("arrive", tools="yes")
    run.test("leak_test")
    run.around = Around(PEOPLE, untrusted_us=posted_us + 1)
    assert run.refused("start_work", valve="yes") == [("notice_clock", "4.5.1(1)")]


def test_a_notice_of_a_clock_that_was_set_right_since_is_of_unknown_age() -> None:
    """The clock stood days behind; to set it right is not to have waited."""
    run = repair(until="dispatch", scope="pre_meter")
    act, told = run.act("notice_48h", where="door", photo=PHOTO)
    assert told == []
    run.take(act._replace(trusted=False))
    run.wait(h=49)
    run.do("dispatch", to="T-1")
    run.do("arrive", tools="yes")
    run.test("leak_test")
    assert run.refused("start_work", valve="yes") == [("notice_clock", "4.5.1(1)")]


def test_a_test_broken_off_does_not_hide_those_that_came_to_nothing() -> None:
    """Three INCONCLUSIVE are for a supervisor, with an ABORTED between them as well."""
    run = residential_purge(until="riser_hold")
    for word in ("INCONCLUSIVE", "ABORTED", "INCONCLUSIVE", "ABORTED", "INCONCLUSIVE"):
        run.test("riser_hold", word)
    assert run.refused("riser_hold") == [("tries", "domain c.3")]


def test_a_deadline_runs_again_when_what_kept_it_is_undone() -> None:
    run = hazard_leak(until="close")
    run.do("still_there", why="smell is back")
    run.at(0, 0, days=1)
    assert "leak" in run.tick()


def test_a_deadline_is_not_put_off_by_another_notice() -> None:
    given = {
        "number": "N-2", "risk": "yes", "deadline": "2027-11-24T18:00:00+08:00",
        "signed": "yes", "scan": PHOTO,
    }  # fmt: skip
    assert hazard_leak(until="mend").refused("notice", **given) == [("done", "5.3.4, 3.8.1")]


@pytest.mark.parametrize("word", ["FAIL", "INCONCLUSIVE", "ABORTED"])
def test_work_pauses_when_the_new_measurement_does_not_pass(word: str) -> None:
    """It was `working` for as long as anybody liked: only a PASS has an age."""
    run = repair(until="worked")
    run.wait(h=1)
    run.test("leak_test", word)
    assert run.state.phase == "paused"


# ---------------------------------------------------------------------- purges


@pytest.mark.parametrize("way", [residential_purge, commercial_purge])
@pytest.mark.parametrize("step", ["open_valve", "samples", "ignite", "sign", "close"])
def test_gas_can_be_shut_off_by_anybody_at_any_time(way: Callable[..., Run], step: str) -> None:
    """Without a certificate, and when everybody has left."""
    run = way(until=step)
    run.do("leave")
    run.do("shut_off", "T-3", valve="riser valve: smell on the stairs")
    assert run.state.phase == "stopped"
    run.do("shut_off", "T-3", valve="main valve as well")
    run.do("resume", "S-1", reason="source found")
    tests = [name for name, step in run.job.step.items() if step.test]
    assert not any(run.state.steps[name].stands for name in tests if name in run.state.steps)


def test_whoever_is_not_let_in_has_not_arrived() -> None:
    """And may come again: the visit did not begin."""
    run = residential_purge(until="arrive")
    run.do("arrive", consent="no")
    assert ("no_visit", "1.4, 1.6.2") in run.refused("site", items=items("site_residential"))
    run.do("arrive", consent="yes")
    assert run.state.phase == "on_site"


def test_a_signature_is_void_once_the_pipe_was_opened_again() -> None:
    run = residential_purge(until="close")
    run.do("pipe_work", what="meter turned")
    assert not run.state.steps["sign"].stands
    assert ("undone", "1.5.6") in run.refused("close")


def test_the_medium_pressure_section_is_purged_again_after_work() -> None:
    run = commercial_purge(until="open_valve")
    run.state = dataclasses.replace(run.state, facts={**run.state.facts, "medium_pressure": "yes"})
    assert ("after", "6.7.1") in run.refused("open_valve")


def test_a_vent_that_was_opened_again_is_closed_again() -> None:
    run = commercial_purge(until="ignite")
    run.do("leave")
    run.do("arrive", consent="yes")
    run.do("site", items=items("site_commercial"))
    run.do(
        "drawings", agree="yes", drawing="D-9", vent="outdoors", photo=PHOTO, appliance_order="wok"
    )
    run.do("fans", fans_on="yes", guarded="yes", no_flame="yes")
    run.do("open_valve")
    run.do("vent")
    run.test("samples")
    assert ("undone", "6.7.6") in run.refused("joint_check", method="fluid", result="none")


# ---------------------------------------------------------------------- repair


def test_a_leak_found_after_the_signature_voids_it() -> None:
    run = repair(until="close")
    run.do("leak_again", closed="yes")
    run.test("leak_test")
    run.do("start_work", valve="yes")
    run.do("worked", what="joint remade", damage="wear")
    run.test("post_hold")
    run.do("resupply")
    told = run.refused("close")
    assert ("undone", "4.4.10") in told
    assert ("undone", "4.4.3") in told


def test_gas_over_the_stop_limit_counts_after_the_supply_is_back() -> None:
    run = repair(until="final_check")
    run.signal("gas_over")
    assert run.state.phase == "stopped"
    assert not run.state.steps["resupply"].stands


def test_what_was_measured_while_stopped_starts_no_work() -> None:
    run = repair(until="worked")
    run.signal("gas_over")
    run.test("leak_test")
    run.do("resume", "S-1", reason="aired")
    assert run.refused("start_work", valve="yes") == [("need_over", "4.4.9")]


def test_a_repair_goes_on_after_everybody_left_with_the_supply_back() -> None:
    """It could not be ended: the check needs a visit, and no visit could begin."""
    run = repair(until="final_check")
    run.do("leave")
    run.wait(h=20)
    run.do("come_back", tools="yes")
    run.do("final_check", method="fluid", result="none", lights="yes")


def test_work_can_be_stopped_by_somebody_whose_certificate_has_ended() -> None:
    run = repair(until="worked")
    run.do("interrupt", "T-2")
    run.do("ventilate", "T-2", what="windows open")


def test_a_leak_after_supply_is_told_when_nobody_is_there_any_more() -> None:
    run = repair(until="final_check")
    run.do("leave")
    run.do("leak_again", "T-3", closed="yes")
    assert run.state.phase == "on_site"


def test_a_hold_that_failed_leads_back_to_work() -> None:
    run = repair(until="post_hold")
    run.test("post_hold", "FAIL")
    run.do("start_work", valve="yes")
    assert run.state.phase == "working"


def test_work_lasts_until_its_end_for_other_jobs_on_the_section() -> None:
    """A hold of theirs that began while it went on is over."""
    run = repair(until="worked")
    run.wait(h=1)
    run.do("worked", what="hose replaced", damage="wear")
    assert run.state.disturbed_us == run.now_us


@pytest.mark.parametrize("end", ["gas_over", "remeasure", "FAIL"])
def test_work_lasts_until_whatever_ends_it(end: str) -> None:
    """A stop, a measurement that was not done, or one that failed."""
    run = repair(until="worked")
    run.wait(h=1)
    if end == "gas_over":
        run.signal(end)
    elif end == "FAIL":
        run.test("leak_test", end)
    else:
        run.wait(h=2)
        assert run.tick() == [end]
    ended_us = run.events[-1].at_us
    assert run.state.phase in ("stopped", "paused")
    assert run.state.disturbed_us == ended_us


def test_a_measurement_that_was_still_running_when_its_time_was_over_does_not_count() -> None:
    """Work that was paused for it goes on after one that was begun since."""
    run = repair(until="worked")
    run.wait(h=1.9)
    run.do("leak_test")
    run.wait(h=0.2)
    assert run.tick() == ["remeasure"]
    run.take(Ruled("leak_test", run.now_us, "A-9", "PASS", "", {"gd-1": "G-1"}))
    assert run.state.phase == "paused"
    assert ("need_over", "4.4.9") in run.refused("start_work", valve="yes")
    run.test("leak_test", serials={"gd-1": "G-1"})
    run.do("start_work", valve="yes")


# ---------------------------------------------------------------------- inspection and hazards


def entered(run: Run) -> None:
    run.do("visit", outcome="entered", consent="yes")
    run.do("enter")


def test_a_leak_found_after_the_signature_needs_its_notice() -> None:
    run = Run("inspection", {"cycle": "2026"})
    entered(run)
    run.do("items", items=items("inspection"))
    run.do("leak_check", result="none", photo=PHOTO)
    run.do("talk", talk="yes", told="yes")
    run.do("sign", signature=PHOTO, form=PHOTO)
    run.do("leak_check", result="leak", photo=PHOTO)
    assert ("undone", "3.3.3-5, 3.2.1") in run.refused("done")
    assert ("after", "3.8.1") in run.refused("sign", signature=PHOTO, form=PHOTO)


def test_an_inspection_broken_off_after_three_absences_can_still_end() -> None:
    run = inspection_absent(until="laser")
    entered(run)
    run.do("broken_off", "T-2", reason="customer called away")
    run.do("absent")
    run.test("laser")
    run.do("screened")


def test_an_anomaly_is_looked_at_after_each_screen() -> None:
    run = inspection_absent(until="laser")
    run.test("laser", "FAIL")
    run.do("recheck", result="none", photo=PHOTO)
    run.test("laser", "FAIL")
    assert ("undone", "3.7.5") in run.refused("screened")


def suspended() -> Run:
    run = hazard_leak(until="mend")
    run.do("suspend", valve="meter valve", sealed="yes", photo=PHOTO)
    return run


def test_gas_comes_back_to_a_leak_only_after_a_hold() -> None:
    """A detector finds nothing in a pipe without gas."""
    run = suspended()
    assert ("phase", "5.3.5, 4.4.7") in run.refused("resupply")
    run.do("mend", how="restored", what="hose replaced", photo=PHOTO)
    run.test("leak_test")
    assert run.refused("resupply") == [("need_absent", "4.4.7")]
    run.test("hold")
    run.do("resupply")
    run.do("verify", result="gone", photo=PHOTO)
    run.do("close")


def test_gas_found_on_again_opens_the_hazard_and_its_clock() -> None:
    run = suspended()
    run.do("reopen")
    assert run.state.phase == "open"
    run.at(0, 0, days=1)
    assert "leak" in run.tick()


def test_a_leak_can_be_isolated_in_any_state_of_its_hazard() -> None:
    for step in ("sticker", "mend", "verify"):
        run = hazard_leak(until=step)
        run.do("isolate", "T-3", point="riser", how="valve")
    suspended().do("isolate", "T-3", point="riser", how="valve")


def test_a_leak_that_is_not_mended_at_once_is_handed_over_before_its_notice() -> None:
    run = hazard_leak(until="hand_over")
    given = {
        "number": "N-1", "risk": "yes", "deadline": "2026-11-24T18:00:00+08:00",
        "signed": "yes", "scan": PHOTO,
    }  # fmt: skip
    assert run.refused("notice", **given) == [("after", "5.3.4, 3.7.2")]


def test_mending_is_work_on_the_pipe_for_other_jobs() -> None:
    run = hazard_leak(until="leak_test")
    assert run.state.disturbed_us > 0
