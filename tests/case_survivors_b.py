"""Cases for slips that the others let pass: fillings, zeros, eye readings, gauges, laser points."""

from hub.procedures import Row
from tests.case_gas import filed, purge, screen, swept
from tests.case_holds import Spec, eye, fails, open_, passes
from tests.case_holds_more import pressed, vented
from tests.toy import (
    at_us,
    event,
    falling,
    gauge,
    held,
    order,
    reading,
    sample,
    shifted,
    sweep,
    until,
)

NO_ZERO_AFTER = ["uncorrected", "no_zero_after"]
ZERO_KNOWN = {"instruments": [gauge(zero_before_pa=0)]}
TWO_GAUGES = {"instruments": [gauge(), gauge(name="h")]}


def of(name: str, rows: list[Row]) -> list[Row]:
    """The same readings from another gauge, without events and numbers."""
    return [r._replace(instrument=name, seq="") for r in rows if r.quantity == "pressure"]


def but(rows: list[Row], *words: str) -> list[Row]:
    """Without these events."""
    return [row for row in rows if row.quantity != "event" or row.value not in words]


def idle(name: str) -> list[Row]:
    """A gauge that lies beside the pipe, its last digit alive."""
    return [reading(second, second // 5 % 2, instrument=name) for second in range(0, 431, 5)]


def before(rows: list[Row], *earlier: Row) -> list[Row]:
    """Something that was tried 100 s before the test: an earlier attempt in the record."""
    return [*shifted(earlier, -100), *rows]


def twice(rows: list[Row]) -> list[Row]:
    """Each reading two times at its moment, numbered through."""
    doubled = [row for row in rows for _ in (1, 2) if row.quantity == "pressure"]
    numbered = [row._replace(seq=str(k + 1)) for k, row in enumerate(doubled)]
    return [*numbered, *(row for row in rows if row.quantity == "event")]


def as_often() -> list[Row]:
    """A hold read every 5 s, then rest every second: since `zeroed` one such step fewer."""
    rows = held()
    moments = sum(row.quantity == "pressure" for row in rows)
    last_s = 425
    return [*rows, *(reading(last_s + 1 + k, 0) for k in range(moments - 3))]


FILLING_CASES: list[Spec] = [
    ("pump-off-pressed-twice", "two pump-offs without a reading between them are one filling",
     order(), [*but(held(), "pump_off"), event(26, "pump_off"), event(27, "pump_off")],
     passes(figures={"top_ups": 0, "stabilise_s": "63"})),
    ("topped-up-from-half", "a pressure that went down to exactly half never left its filling",
     order(), [*pressed((30, 2500), (35, 5200), (450, 5200)), event(31, "pump_on"),
               event(35, "pump_off")],
     passes(figures={"top_ups": 1, "stabilise_s": "60"})),
    ("pump-off-at-p-req", "pressurising ends with the pump off at exactly p_req",
     order(), [*(r._replace(value="5000") if r.seq == "6" else r
                 for r in pressed((30, 5100), (40, 5200), (450, 5200))),
               event(31, "pump_on"), event(40, "pump_off")],
     passes(figures={"top_ups": 1, "stabilise_s": "60"})),
    ("filled-half-way-first", "exactly half of p_req is a filling, and it must hold as well",
     order(), [*(r._replace(value="2500") if r.seq == "6" else r for r in until(held(), 25)),
               *(reading(s, 0) for s in range(30, 60, 5)),
               *(r._replace(seq="") for r in shifted(held(), 100)
                 if r.at_us > reading(110, 0).at_us)],
     fails("cannot_hold", flags=["gross"])),
    ("pumped-in-vain-before", "an earlier attempt that never got to a pump-off is counted",
     order(), before(held(), event(1, "zeroed"), reading(2, 0), event(12, "pump_on"),
                     reading(15, 900)), passes(figures={"attempts": 2})),
    ("zeroed-twice", "a zero that was taken again is no attempt",
     order(), before(held(), event(1, "zeroed"), reading(2, 0)),
     passes(figures={"attempts": 1})),
    ("filled-unsaid-before", "an earlier attempt without any event is seen by its readings",
     order(), before(held(), event(-100, "zeroed"), *(reading(s, v) for s, v in zip(
         range(-95, 0, 5), (0, 0, 3000, *([5200] * 16)), strict=True))),
     passes(figures={"attempts": 2})),
    ("stale-value-first", "without pump_off the first standstill over p_req counts: no rise, then",
     order(**ZERO_KNOWN), [reading(-20, 5200), *but(held(), "pump_off", "zeroed")],
     open_("no_liveness", flags=[])),
    ("never-low-and-unsaid", "a pipe that already stood over half of p_req was not filled",
     order(**ZERO_KNOWN), but(held(zero=3000, ramp=(3000, 4000, 5200)), "pump_off"),
     open_("no_liveness", flags=[])),
    ("inferred-after-10-s", "10 s without a higher reading end the rise",
     order(), until(but(held(), "pump_off"), 40),
     open_("too_short", flags=["pump_off_inferred"])),
]  # fmt: skip

GAUGE_CASES: list[Spec] = [
    ("second-gauge-idle", "a gauge that lay idle at pump-off has no say",
     order(**TWO_GAUGES), [*held(), *idle("h")], passes()),
    ("second-gauge-at-half", "one that stood at exactly half of p_req was under pressure",
     order(**TWO_GAUGES), [*held(), *until(idle("h"), 20),
                           *(reading(s, 2500 + s // 5 % 2 - 1, instrument="h")
                             for s in range(25, 391, 5))], open_("pressure_low")),
    ("pump-off-long-after", "a pump_off that filled nothing takes no gauge out of the test",
     order(**TWO_GAUGES), [*held(), *of("h", held(falling("40"))), event(600, "pump_off")],
     fails("drop", figures={"attempts": 1})),
    ("pump-off-long-after-seen", "not even where one gauge is still there and reads nothing",
     order(**TWO_GAUGES), [*held(falling("40")), *of("h", held()), event(600, "pump_off"),
                           reading(599, 0, instrument="h")], fails("drop")),
    ("first-gauge-gone-unsaid", "two gauges show the rise, 30 s apart, and the first then goes",
     order(**TWO_GAUGES), [*until(but(held(), "pump_off"), 41), *of("h", shifted(held(), 30))],
     open_("too_short", flags=["pump_off_inferred"])),
    ("gauge-changed-between", "the gauge at the last pump-off is judged, not one that went before",
     order(**TWO_GAUGES), [*until(held(falling("40")), 380), *of("h", shifted(held(), 500)),
                           event(501, "zeroed", "h"), event(512, "pump_on"),
                           event(525, "pump_off"), event(890, "vent_open")],
     passes(figures={"attempts": 2})),
    ("first-gauge-idle-unsaid", "without pump_off the gauge that rose is the one that served",
     order(instruments=[gauge(name="h"), gauge()]), [*but(held(), "pump_off"), *idle("h")],
     passes(flags=["pump_off_inferred", "uncorrected"])),
]  # fmt: skip

ZERO_CASES: list[Spec] = [
    ("rest-against-the-last", "three readings within 10 Pa of the middle one are no rest",
     order(), vented(3000, 900, 20, 12, 3), passes(flags=NO_ZERO_AFTER)),
    ("rest-within-10", "exactly 10 Pa apart are together",
     order(), vented(3000, 900, 10, 0, 0), passes(figures={"zero_after_pa": "3.333333"})),
    ("abort-before-three-rest", "the zero of three readings is seen with the third, not before",
     order(), [*vented(3000, 900, 4, 5, 6), event("394.5", "abort")],
     {"verdict": "ABORTED", "reasons": ["abort"]}),
    ("rest-begins-after-the-vent", "a reading at the vent is none of the zero after it",
     order(), [*(r for r in held(lambda s: 5200 - 30 * s if s <= 173 else 3) if
                 r.at_us <= reading(390, 0).at_us), *(reading(391 + k, 0) for k in range(3))],
     {"verdict": "FAIL", "figures": {"zero_after_pa": "0"}}),
    ("rest-with-a-jump-last", "the last reading of a window must be at rest as well",
     order(), vented(0, 0, 11, 0, 0, 0, every_s=5), passes(figures={"zero_after_pa": "0"})),
    ("rest-before-a-jump", "and what comes after the window need not",
     order(), vented(0, 0, 0, 11, every_s=5), passes(figures={"zero_after_pa": "0"})),
    ("rest-falling-at-first", "half a window against half: the fall lies in the first one",
     order(), vented(1, 4, *([0] * 10), every_s=2), passes(figures={"zero_after_pa": "0"})),
    ("rest-falling-at-last", "or in the last one",
     order(), vented(3, 3, 0, 2, *([0] * 8), every_s=2),
     passes(figures={"zero_after_pa": "0.333333"})),
    ("pump-on-at-the-vent", "a pump event at the very moment of the vent came before it",
     order(), [*held(), event(390, "pump_on")], passes(figures={"zero_after_pa": "0"})),
    ("rest-near-its-own-zero", "drift counts from the zero before: from 8 to 12 Pa is 4",
     order(), [*(r for r in held(zero=8) if r.at_us <= reading(390, 0).at_us),
               *(reading(395 + 5 * k, 12 if k < 3 else 9) for k in range(6))],
     passes(figures={"zero_after_pa": "12", "drop_raw_pa": "4"})),
    ("rest-at-drift-10", "exactly 10 Pa of drift are within: the first such rest is the zero",
     order(), vented(*([10] * 3), *([8] * 6), every_s=5),
     passes(figures={"zero_after_pa": "10"})),
    ("rest-without-a-zero-before", "without a zero before, the one after is held against 0",
     order(), but(vented(*(["-9.5"] * 3), *([0] * 6), every_s=5), "zeroed"),
     open_("instrument", figures={"faults": ["zero_absent"], "zero_after_pa": "-9.5"})),
    ("zero-leaves-at-10", "a reading exactly 10 Pa over the first one is still zero",
     order(), [r._replace(value="10") if r.seq == "3" else r for r in held()],
     passes(figures={"zero_before_pa": "5"})),
    ("zero-never-read", "pumping before the first reading leaves no zero",
     order(), [*(r for r in held() if r.seq not in {"1", "2", "3"})],
     open_("instrument", figures={"faults": ["zero_absent"]})),
    ("pump-off-by-mistake-at-zero", "a pump_off before the rise ends no zero",
     order(), [*(r._replace(value="4") if r.seq == "3" else r for r in but(held(), "pump_on")),
               event(6, "pump_off")], passes(figures={"zero_before_pa": "2"})),
]  # fmt: skip

VENT_CASES: list[Spec] = [
    ("silent-after-a-vent", "a silence after the vent is no hole in the hold",
     order(), [*until(held(), 235), event(236, "vent_open"), reading(252, 0), reading(253, 0)],
     open_("vented", "too_short")),
    ("manual-vented-stabilising", "let off while stabilising, read by eye",
     *eye(530, 530, event(60, "vent_open")), open_("vented", "too_short")),
    ("manual-vent-with-first", "a vent in the moment of the first reading came before it",
     *eye(530, 530, event(85, "vent_open"), off_s=None), passes()),
    ("manual-zero-15", "one mm declared is the step by eye, however far apart the readings are",
     *eye(530, 528, scale={"zero_before_pa": 15, "zero_after_pa": 15}),
     open_("instrument", figures={"faults": ["zero_off"]})),
]  # fmt: skip

SERIES_CASES: list[Spec] = [
    ("each-reading-twice", "readings at one moment do not run backwards, and make no interval",
     order(), twice(held()), passes()),
    ("one-short-step-fewer", "the lower median of the intervals is 5 s as long as 1 s are fewer",
     order(), as_often(), passes()),
]  # fmt: skip

GAS_CASES: list[Spec] = [
    ("k3-over-range-no-number", "over range without a number is a bad sample, of no unit",
     purge("degas_complete"), [sample(0, "", quality="over_range")],
     fails("not_reached", figures={"samples": [
         {"at_us": at_us(0), "instrument": "d", "point": "top", "value": None, "unit": "",
          "state": "bad"}]})),
]  # fmt: skip

LASER_CASES: list[Spec] = [
    ("k4-foreign-on-the-way", "a row in another unit between the points spoils no opening",
     screen(), [*swept(20, 20, 20), reading(300, 20, "%LEL", instrument="l", quantity="gas_path")],
     filed("no_anomaly")),
    ("k4-foreign-background", "one at the background leaves no background",
     screen(), [*swept(20, 20, 20), reading(30, 20, "%LEL", instrument="l", quantity="gas_path",
                                            point="background")], filed("invalid")),
    ("k4-fault-with-last", "a fault in the moment of the last good row is a row less, no more",
     screen(), [*swept(20, 20, 20), *sweep("door#3", 142, (99,), quality="fault")],
     filed("no_anomaly")),
    ("k4-exactly-three-sd", "squares of 30 four times: sd 20, and 60 is not more than three",
     screen(), swept(160, 160, 100, background=(130, 70, 130, 70, *([100] * 6))),
     filed("no_anomaly", figures={"background_ppm_m": "100"})),
]  # fmt: skip

SURVIVOR_CASES_B: list[Spec] = [
    *FILLING_CASES,
    *GAUGE_CASES,
    *ZERO_CASES,
    *VENT_CASES,
    *SERIES_CASES,
    *GAS_CASES,
    *LASER_CASES,
]
