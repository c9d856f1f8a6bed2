"""Jobs of the regulations: each comes to its end by the way they describe, and by no other."""

from collections.abc import Callable

import pytest

from hub.jobs import folded
from tests.job_rig import Run
from tests.job_ways import WAYS, hazard_leak, inspection_absent, repair, residential_purge


@pytest.mark.parametrize("way", WAYS)
def test_each_job_comes_to_its_end(way: Callable[[], Run]) -> None:
    run = way()
    assert run.state.ended in ("done", "inspected", "absent", "closed")
    assert run.state.phase == "ended"


@pytest.mark.parametrize("way", WAYS)
def test_the_same_events_give_the_same_state(way: Callable[[], Run]) -> None:
    """Whoever has the record can say where a job stands."""
    run = way()
    again = Run(run.state.kind, run.state.facts)
    assert folded(run.pack, again.state, run.events) == run.state


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_done_after_the_end(way: Callable[[], Run]) -> None:
    run = way()
    for step in run.job.step:
        assert ("ended", run.job.step[step].clause) in run.refused(step)


def test_ignition_needs_its_passes_by_clause() -> None:
    """R25: no ignition while airtightness fails; and none before the purge is complete."""
    run = residential_purge(until="samples")
    assert ("need_absent", "1.6.4") in run.refused("ignite")
    run.test("samples", "FAIL")
    assert ("need_failed", "1.6.4") in run.refused("ignite")
    run = residential_purge(until="ignite")
    run.test("indoor_hold", "INCONCLUSIVE")
    assert run.refused("ignite") == [("need_failed", "1.6.5")]


def test_a_pass_is_over_when_people_leave() -> None:
    run = residential_purge(until="ignite")
    run.do("leave")
    run.wait(h=1)
    run.do("arrive", consent="yes")
    told = run.refused("ignite")
    assert ("need_visit", "1.6.5") in told
    assert ("need_visit", "1.6.4") in told


def test_a_riser_pass_is_over_after_its_time() -> None:
    run = residential_purge(until="open_valve")
    run.wait(h=24.1)
    assert run.refused("open_valve", guarded="yes") == [("need_old", "1.6.1")]


def test_another_gauge_ends_the_pass_of_the_first() -> None:
    run = residential_purge(until="ignite")
    run.test("indoor_hold", serials={"pm-1": "S-999"})
    run.test("indoor_hold", serials={"pm-1": "S-100"})
    run = residential_purge(until="open_valve")
    run.test("indoor_hold", serials={"pm-1": "S-999"})
    assert run.refused("open_valve", guarded="yes") == [("need_over", "1.6.1")]


def test_gas_over_the_stop_limit_stops_the_work_until_a_supervisor_says_otherwise() -> None:
    run = repair(until="worked")
    run.signal("gas_over")
    assert run.state.phase == "stopped"
    assert ("phase", "4.4.3") in run.refused("worked", what="x")
    assert run.refused("resume", "T-1", reason="aired") == [("no_supervisor", "4.4.9")]
    run.do("resume", "S-1", reason="aired, source found")
    assert run.refused("start_work", valve="yes") == [("need_over", "4.4.9")]


def test_work_pauses_when_the_concentration_is_not_measured_again() -> None:
    run = repair(until="worked")
    run.wait(h=2)
    assert run.tick() == ["remeasure"]
    assert run.state.phase == "paused"


def test_two_visits_on_a_day_count_once() -> None:
    run = inspection_absent(until="visit")
    for _ in range(3):
        run.do("visit", outcome="absent", notice_photo="5e" * 32)
    assert run.refused("absent") == [("count", "3.7.5")]


def test_a_leak_that_stays_overnight_is_told() -> None:
    run = hazard_leak(until="mend")
    run.at(23, 59)
    assert "leak" not in run.tick()
    run.at(0, 0, days=1)
    assert "leak" in run.tick()
