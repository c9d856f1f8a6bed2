"""A running test: its stages, and when it is decided."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from hub.procedures import Assessment, Row, TestOrder, assess, judge
from hub.rulepack import load_pack
from tests.case_gas import detector, samples, screen, stay, swept, walk, work
from tests.case_gas import purge as purge_order
from tests.case_holds import eye, still
from tests.make_cases import ALL_CASES
from tests.toy import (
    at_us,
    event,
    falling,
    gauge,
    held,
    order,
    parsed,
    reading,
    sample,
    steady,
    until,
    without,
)

PACK = load_pack()
INDOOR = parsed(order())


def look(rows: list[Row], second: float, given: TestOrder = INDOOR) -> Assessment:
    """What a hub would see at a moment: the rows up to then."""
    return assess(given, until(rows, second), PACK, at_us(second))


def decided_at(rows: list[Row], given: TestOrder = INDOOR, last_s: int = 700) -> int | None:
    """First whole second with a verdict."""
    return next((s for s in range(last_s) if look(rows, s, given).verdict is not None), None)


def test_the_stages_follow_one_another() -> None:
    """waiting, zeroed, pressurising, stabilising, holding, venting, evaluated: each once."""
    stages = [look(held(), s).stage for s in range(430)]
    seen = [stages[0], *(b for a, b in pairwise(stages) if b != a)]

    assert seen == [
        "waiting", "zeroed", "pressurising", "stabilising", "holding", "venting", "evaluated",
    ]  # fmt: skip


def test_a_display_gets_time_and_pressure() -> None:
    """In the hold: since when, what is left, the newest value."""
    now = look(held(), 185)

    assert now.stage == "holding"
    assert now.since_us == at_us(85)
    assert now.remaining_s == Decimal(200)
    assert now.latest == (Decimal(5200), "Pa")
    assert now.figures["top_ups"] == 0


def test_a_touch_of_the_gauge_is_no_pumping() -> None:
    """30 Pa for a moment, and zero again: still zeroed."""
    rows = [event(1, "zeroed"), reading(5, 0), reading(10, 30), reading(15, 0)]

    assert look(rows, 11).stage == "pressurising"
    assert look(rows, 16).stage == "zeroed"


def test_venting_shows_how_long_the_zero_is_waited_for() -> None:
    """120 s from the end of the hold at 385."""
    assert look(held(), 390).remaining_s == 115


def test_a_coarse_display_and_a_drifting_zero_both_stay_open() -> None:
    """Steps of 100 Pa and a rest at 100: later readings may still show finer steps and a zero."""
    rows = [
        *held(lambda s: 5200 + 100 * (s // 5 % 2), settling=lambda s: 5200, rest=100),
        *(reading(430 + k, k % 2) for k in range(20)),
    ]

    seen = look(rows, 420)
    assert seen.stage == "venting"
    assert seen.verdict is None
    told = look(rows, 449).verdict
    assert told is not None
    assert "faults" not in told.figures


def test_stabilising_shows_the_longest_it_may_take() -> None:
    """At most 600 s from pump-off indoors."""
    now = look(held(), 45)

    assert (now.stage, now.since_us, now.remaining_s) == ("stabilising", at_us(25), 580)


def test_a_pass_waits_for_the_zero_afterwards() -> None:
    """Vent at 390, rest seen from 395 on for at least three readings over half a window."""
    assert look(held(), 390).stage == "venting"
    assert look(held(), 390).verdict is None

    verdict = look(held(), 405).verdict

    assert verdict is not None
    assert verdict.verdict == "PASS"
    assert "no_zero_after" not in verdict.flags


def test_a_pass_waits_no_longer_than_two_minutes() -> None:
    """Without a vent it is decided as it stands, 120 s after the hold time."""
    rows = held(vent=False)

    assert look(rows, 504.9).verdict is None
    verdict = look(rows, 505).verdict
    assert verdict is not None
    assert verdict.flags == ("uncorrected", "no_zero_after")


def test_a_pipe_that_empties_slowly_is_waited_for() -> None:
    """Neither three readings together nor a level far from zero is taken for the zero."""
    rows = [row for row in until(held(), 390) if row.value != "vent_open"]
    slow = [reading(391 + k, round(60 * 0.5 ** (k / 8))) for k in range(80)]
    rows += [event(390, "vent_open"), *(row._replace(seq="") for row in slow[::5])]
    level = [row._replace(value="12") for row in slow[::5]]

    assert look(rows, 421).verdict is None
    told = look(rows, 470).verdict
    assert told is not None
    assert told.verdict == "PASS"
    drifted = [*rows[: -len(level)], *level]
    assert look(drifted, 470).verdict is None
    late = assess(INDOOR, drifted, PACK, at_us(505)).verdict
    assert late is not None
    assert late.figures["faults"] == ["zero_drift"]


def test_a_fail_by_a_zero_that_may_still_fall_waits() -> None:
    """A fall of 15 Pa, and a tail of 8 Pa that is not yet a rest: no leak yet."""
    rows = [row for row in until(held(falling("14.5")), 390) if row.value != "vent_open"]
    tail = [reading(391 + k, value) for k, value in enumerate((9, 8, 7))]
    rest = [reading(396 + 5 * k, 0) for k in range(4)]
    rows += [event(390, "vent_open"), *tail]

    assert judge(INDOOR, rows, PACK).verdict == "FAIL"
    assert look(rows, 393).verdict is None
    told = assess(INDOOR, [*rows, *rest], PACK, at_us(411)).verdict
    assert told is not None
    assert told.verdict == "PASS"


def test_a_declared_zero_needs_no_waiting() -> None:
    """The order already says it."""
    given = parsed(order(instruments=[gauge(zero_after_pa=0)]))

    assert decided_at(held(), given) == 385


def test_a_fail_is_told_when_the_hold_is_over() -> None:
    """Nothing later can cure it."""
    rows = held(lambda s: 5200 - s // 5)

    assert decided_at(rows) == 385
    verdict = look(rows, 385).verdict
    assert verdict is not None
    assert verdict.reasons == ("drop",)


def test_an_early_fail_is_told_at_once() -> None:
    """100 Pa below for 10 s, and longer ago within the limit than a let-off takes."""
    assert decided_at(held(lambda s: 5200 - s)) == 85 + 120


def test_a_sudden_fall_waits_until_it_cannot_be_a_let_off() -> None:
    """Within the limit until 235 s: up to 265 s the pipe may have been let off on purpose."""
    rows = held(lambda s: steady(s) if s <= 150 else 4500 - s // 5)

    assert look(rows, 264).verdict is None
    verdict = look(rows, 265).verdict
    assert verdict is not None
    assert verdict.flags == ("early",)


def test_a_let_off_is_told_when_seen() -> None:
    """Below a tenth within 30 s."""
    rows = held(lambda s: steady(s) if s <= 150 else max(0, 5200 - 1040 * (s - 150) // 5))

    assert decided_at(rows) == 260


def test_nothing_remains_of_a_decided_test() -> None:
    """Time that is left ends with the verdict, and never goes below nothing."""
    vented = [*until(held(), 235), event(236, "vent_open")]

    assert look(vented, 235).remaining_s == 150
    assert (look(vented, 236).stage, look(vented, 236).remaining_s) == ("evaluated", None)
    assert look(until(held(), 45), 634).remaining_s == 0


def test_a_display_gets_numbers_and_no_lists() -> None:
    """Events and marks are for the file."""
    shown = look(held(lambda s: 5500 + s // 5 % 2, ramp=(1000, 3000, "6000.1")), 185).figures

    assert shown["p_pump_off_pa"] == "6000.1"
    assert not {"events", "over_pressure"} & set(shown)


def test_a_vent_in_the_hold_is_told_at_once() -> None:
    """The operator let the pressure off."""
    assert decided_at([*held(), event(201, "vent_open")]) == 201


@pytest.mark.parametrize("word", ["abort", "instrument_fault", "gas_alarm", "abnormal_pressure"])
def test_an_abort_is_told_at_once(word: str) -> None:
    """In any stage."""
    for second in (5, 50, 200):
        verdict = look([*held(), event(second, word)], second).verdict
        assert verdict is not None
        assert verdict.verdict == "ABORTED"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (order("riser_hold", p_design_pa=None), "order"),
        (order(instruments=[gauge(calibrated_until=None)]), "instrument"),
        (order(instruments=[gauge(range_pa=7000)]), "instrument"),
        (order(instruments=[gauge(resolution_pa=50)]), "instrument"),
        (order("laser_screen"), "instrument"),
        (screen(weather="fog"), "invalid"),
    ],
)
def test_what_the_order_lacks_is_told_before_any_reading(
    given: dict[str, Any], reason: str
) -> None:
    """Nobody pumps up a pipe for nothing."""
    verdict = assess(parsed(given), [], PACK, at_us(0)).verdict

    assert verdict is not None
    assert verdict.reasons[0] == reason


def test_an_expired_calibration_is_told_at_the_first_reading() -> None:
    """The day of the first reading decides, so it is awaited."""
    given = parsed(order(instruments=[gauge(calibrated_until="2026-11-22")]))

    assert assess(given, [], PACK, at_us(0)).verdict is None
    assert decided_at(held(), given) == 0


def test_a_missing_zero_is_awaited_until_the_pump_is_off() -> None:
    """The gauge may still be zeroed."""
    rows = [row for row in held() if row.value != "zeroed"]

    assert look(rows, 24).verdict is None
    assert look(rows, 25).verdict is not None


def test_a_gauge_without_a_usable_reading_is_awaited() -> None:
    """It may wake up; only closing ends such a test."""
    rows = [event(1, "zeroed"), reading(2, 1, quality="warming_up")]

    assert look(rows, 3600).verdict is None
    closed = look([*rows, event(3600, "close")], 3600).verdict
    assert closed is not None
    assert closed.reasons == ("instrument",)


def test_a_pulled_cable_is_told_after_the_longest_gap() -> None:
    """Last reading at 250 s: at 260 s a reading could still close the gap, after it none can."""
    rows = until(held(), 250)

    assert look(rows, 260).verdict is None
    verdict = assess(INDOOR, rows, PACK, at_us(260) + 1).verdict
    assert verdict is not None
    assert verdict.reasons == ("too_short",)


def test_a_gauge_silent_while_stabilising_is_given_the_longest_wait() -> None:
    """600 s of stabilising and one gap after pump-off nothing can begin any more."""
    rows = until(held(), 45)

    assert look(rows, 634).verdict is None
    assert look(rows, 635).verdict is not None


def test_a_gauge_that_never_rose_is_told_at_pump_off() -> None:
    """No reading after it can show the rise."""
    given = parsed(order(instruments=[gauge(zero_before_pa=0)]))
    rows = held(zero=5200, ramp=(5200, 5201, 5200))

    assert decided_at(rows, given) == 25


def test_a_frozen_value_is_given_time_to_fall() -> None:
    """A gauge that stood still is alive if it falls with the vent."""
    rows = held(still(5200, 50, 155))

    assert look(rows, 390).verdict is None
    verdict = look(rows, 410).verdict
    assert verdict is not None
    assert verdict.verdict == "PASS"
    frozen = held(still(5200, 50, 155), vent=False)
    assert look(frozen, 504).verdict is None
    told = look(frozen, 505).verdict
    assert told is not None
    assert told.reasons == ("no_liveness",)


def test_clock_and_conflict_are_told_at_once() -> None:
    """They stay in the record."""
    backwards = [reading(101, 5200, seq="900"), reading("100.5", 5200, seq="901")]

    assert decided_at([*held(), reading(100, 7, seq="5")]) == 100
    assert decided_at([*held(), *backwards]) == 101


def test_a_rise_that_was_contradicted_is_awaited() -> None:
    """Peak and nothing in one moment, no pump_off: its event may still come and say which."""
    rows = [*held(settling=lambda _: 5200), reading(25, 9)]
    unsaid = [row for row in rows if row.value != "pump_off"]

    assert look(unsaid, 60).verdict is None
    told = look([*unsaid, event("25.5", "pump_off")], 410).verdict
    assert told is not None
    assert told.verdict == "PASS"


def test_a_gap_in_the_hold_leaves_room_for_a_fail() -> None:
    """A hole has come and gone; the rest may still show a leak."""
    rows = without(held(lambda s: 5200 - s), 120, 125, 130)

    shown = look(rows, 160)
    assert shown.verdict is None
    verdict = look(rows, 210).verdict
    assert verdict is not None
    assert verdict.verdict == "FAIL"


def test_closing_decides_anything() -> None:
    """The desk closes a test that nobody will finish; the verdict is that of its rows."""
    rows = until(held(), 200)
    closed = [*rows, event(201, "close")]

    verdict = assess(INDOOR, closed, PACK, at_us(201)).verdict

    assert verdict == judge(INDOOR, rows, PACK) == judge(INDOOR, closed, PACK)


def test_work_is_decided_when_all_points_are_done() -> None:
    """The third point's 60 s end at 265 s, one period after the last reading."""
    given = parsed(work())

    assert decided_at(walk(), given) == 265
    assert look(walk(), 264, given).stage == "sampling"


def test_gas_is_told_at_once() -> None:
    """The first reading at the limit."""
    assert decided_at(walk(20), parsed(work())) == 110


def test_work_is_not_awaited_for_ever() -> None:
    """After 30 minutes the points can no longer be within 30 minutes."""
    given = parsed(work())
    rows = [event(0, "zeroed"), *stay("ceiling", 10, 0)]

    assert assess(given, rows, PACK, at_us(1810)).verdict is None
    verdict = assess(given, rows, PACK, at_us(1810) + 1).verdict
    assert verdict is not None
    assert verdict.reasons == ("points",)


def test_a_hole_at_every_point_done_is_told() -> None:
    """Each point had its time; the hole stays."""
    rows = without(walk(), 20, 25)

    assert decided_at(rows, parsed(work())) == 265


def test_a_purge_is_decided_by_the_third_sample() -> None:
    """And not before."""
    assert decided_at(samples(95, 95, 95), parsed(purge_order())) == 600


def test_a_purge_expires() -> None:
    """An hour after the first counted sample three can no longer lie within it."""
    given = parsed(purge_order())
    rows = samples(95, 95)

    assert assess(given, rows, PACK, at_us(3600)).verdict is None
    assert assess(given, rows, PACK, at_us(3600) + 1).verdict is not None
    assert assess(given, samples(95, 50), PACK, at_us(9999)).verdict is None


def test_a_screen_is_decided_by_closing_it() -> None:
    """Nobody but the operator knows whether another opening follows."""
    given = parsed(screen())
    rows = swept(20, 20, 20)

    assert assess(given, rows, PACK, at_us(9999)).verdict is None
    closed = assess(given, [*rows, event(300, "close")], PACK, at_us(300)).verdict
    assert closed is not None
    assert closed.outcome == "no_anomaly"


def test_a_top_up_shows_as_pressurising() -> None:
    """Until its end is seen the pump is at work."""
    rows = [*until(held(), 60), event(61, "top_up"), reading(62, 5210), reading(66, 5230)]

    assert look(rows, 66).stage == "pressurising"


def test_pumping_shows_by_event_or_by_reading() -> None:
    """pump_on, or a newest reading over the allowed zero."""
    zeroed = [event(1, "zeroed"), reading(2, 50), reading(3, 10)]

    assert look(zeroed, 3).stage == "zeroed"
    assert look([*zeroed, reading(4, "10.1")], 4).stage == "pressurising"
    assert look([*zeroed, event(4, "pump_on")], 4).stage == "pressurising"


def test_a_pipe_that_cannot_hold_is_told_at_once() -> None:
    """Below 70 % for 10 s; or again below p_req after two top-ups."""
    gross = held(lambda _: 3500, settling=lambda s: 5200 - s if s < 20 else 5200 - 60 * s)

    assert decided_at(gross) == 65
    assert decided_at([*until(held(), 60), event(61, "vent_open")]) == 61


def test_a_display_of_the_gas_checks() -> None:
    """Since when, what is left of the half hour, the newest usable value."""
    rows = [*walk(7), *stay("door", 271, 99, seconds=0, quality="fault")]
    now = look(rows, 130, parsed(work()))

    assert (now.stage, now.since_us, now.remaining_s) == ("sampling", at_us(10), 1680)
    assert now.latest == (7, "%LEL")
    assert look(rows, 271, parsed(work())).latest == (0, "%LEL")
    assert look(walk(7), 5, parsed(work())).stage == "waiting"
    two = parsed(work(instruments=[detector(name="e"), detector()]))
    early = [event(0, "zeroed"), *stay("joint", 10, 3, seconds=0)]
    later = [row._replace(instrument="e") for row in stay("joint", 20, 5, seconds=0)]
    assert assess(two, [*later, *early], PACK, at_us(21)).latest == (5, "%LEL")


def test_a_display_of_the_samples() -> None:
    """The newest sample with a value, and when it was taken."""
    given = parsed(purge_order())
    rows = [*samples(95, 20), sample(400, 95, quality="fault")]

    now = assess(given, rows, PACK, at_us(500))

    assert (now.stage, now.since_us, now.latest) == ("sampling", at_us(300), (20, "%vol"))
    assert assess(given, [], PACK, at_us(0)).stage == "waiting"


def test_a_display_of_the_laser() -> None:
    """In ppm.m whatever the device sends; nothing while the newest row has no value."""
    given = parsed(screen())
    lel = reading(300, "0.001", "LEL.m", instrument="l", quantity="gas_path", point="vent#1")

    now = assess(given, [*swept(20, 21, 22), lel], PACK, at_us(301))

    assert (now.stage, now.since_us, now.latest) == ("sampling", at_us(1), (50, "ppm.m"))
    bad = [*swept(20, 20, 20), lel._replace(quality="fault")]
    assert assess(given, bad, PACK, at_us(301)).latest is None
    assert assess(given, [], PACK, at_us(0)).stage == "waiting"


def test_a_display_of_a_reading_by_eye() -> None:
    """From the first reading under pressure on it is a hold."""
    given, rows = eye(530, 530)
    before = assess(parsed(given), [event(25, "pump_off")], PACK, at_us(30))
    between = look(rows, 100, parsed(given))

    assert (before.stage, before.since_us, before.latest) == ("pressurising", None, None)
    assert (between.stage, between.since_us) == ("holding", at_us(85))
    assert between.latest == (Decimal("5197.5245"), "Pa")
    assert between.verdict is None


def test_a_reading_by_eye_is_told_like_any_other() -> None:
    """A fail at the second reading; a pass when the zero is known, or after 120 s."""
    given, rows = eye(530, 528)
    unseen, tight = eye(530, 530, scale={"zero_after_pa": None})

    assert decided_at(rows, parsed(given)) == 385
    assert decided_at(eye(530, 530)[1], parsed(given)) == 385
    assert decided_at(tight, parsed(unseen)) == 505
    assert decided_at([*tight, event(200, "vent_open")], parsed(unseen)) == 200
    vented = [*tight, event(386, "vent_open"), *(reading(387 + k, 0) for k in range(12))]
    assert decided_at(vented, parsed(unseen)) == 392
    assert decided_at(vented[:-9], parsed(unseen)) == 505
    assert decided_at(tight, parsed(order(source="manual"))) == 0
    doubtful = [*tight, reading(100, 1, seq="1"), reading(101, 2, seq="1")]
    assert decided_at(doubtful, parsed(unseen)) == 101


def test_spacing_expires_too() -> None:
    """Three quick samples are told after the hour, not before."""
    given = parsed(purge_order())
    rows = samples(95, 95, 95, every_s=10)

    assert assess(given, rows, PACK, at_us(3600)).verdict is None
    verdict = assess(given, rows, PACK, at_us(3600) + 1).verdict
    assert verdict is not None
    assert verdict.reasons[0] == "spacing"


@pytest.mark.parametrize("given", [purge_order(instruments=[detector()]), work(
    instruments=[detector(lel_basis_pct_vol=0)])])  # fmt: skip
def test_a_wrong_detector_is_told_at_once(given: dict[str, Any]) -> None:
    """Before it has sent a row."""
    assert assess(parsed(given), [], PACK, at_us(0)).verdict is not None


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: str(case[0]))
def test_a_running_test_tells_what_the_file_would(
    case: tuple[str, str, dict[str, Any], list[Row], dict[str, Any]],
) -> None:
    """Whenever a verdict is told it is that of the rows so far, and it then stays."""
    given, rows = parsed(case[2]), sorted(case[3])
    for share in (3, 5, 8, 10):
        some = rows[: len(rows) * share // 10]
        for late_s in (0, 15, 5000):
            now_us = (some[-1].at_us if some else at_us(0)) + late_s * 1_000_000
            told = assess(given, some, PACK, now_us).verdict
            if told is not None:
                assert told == judge(given, some, PACK)
                assert assess(given, some, PACK, now_us + 10**9).verdict == told


def test_a_worn_detector_is_told_before_it_is_carried_around() -> None:
    """Static faults of a detector need no reading."""
    given = parsed(work(instruments=[detector(calibrated_until=None)]))

    assert assess(given, [], PACK, at_us(0)).verdict is not None
