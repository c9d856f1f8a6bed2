"""Hold cases for edges that no other case stands on: windows, gaps, steps, top-ups, the gate."""

from decimal import Decimal
from itertools import pairwise

from hub.procedures import Row
from tests.case_holds import (
    Spec,
    air,
    barometer,
    eye,
    fails,
    open_,
    passes,
    sensed,
    still,
    temperature,
)
from tests.case_holds_more import plateaus, pressed
from tests.toy import (
    Level,
    climate,
    event,
    falling,
    gauge,
    held,
    order,
    reading,
    shifted,
    steady,
    until,
    without,
)

# Even about its middle, without a mean, and its squares sum to 2 x 1001: scattered over 13 values
# it leaves their slope alone and gives it a standard error of one step's scatter.
_HALF = (-2, -11, 14, -13, 11, 14, -14)
_SCATTER = (*reversed(_HALF[1:]), *_HALF)


def near(base: str, **values: object) -> Level:
    """The last digit alive, and other values at some seconds: s90=5180."""

    def level(second: int) -> object:
        return values.get(f"s{second}", Decimal(base) + Decimal(second // 5 % 2) / 10)

    return level


def line(*points: tuple[int, object]) -> Level:
    """Straight from point to point."""
    exact = [(second, Decimal(str(pa))) for second, pa in points]

    def level(second: int) -> object:
        for (a, first), (b, last) in pairwise(exact):
            if a <= second <= b:
                return round(first + (last - first) * (second - a) / (b - a), 4)
        return exact[-1][1]

    return level


def middle(last: str) -> Level:
    """Two straight falls by way of 5175 in the middle of the hold, though none reads 5175 there."""
    own: dict[int, object] = {145: 5177, 150: 5174, 155: 5174}
    falls = plateaus(5175, last)
    return lambda second: own.get(second, falls(second))


def each_3_s(settling: Level, settle_s: int) -> list[Row]:
    """Pump off at 25 s, then read every 3 s: `settling` up to settle_s, level from then on."""
    rows = [*until(held(vent=False), 20), event(25, "pump_off")]
    for second in range(0, settle_s + 330, 3):
        alive = Decimal(second // 3 % 2) / 10 if second > settle_s else Decimal(0)
        pa = Decimal(str(settling(min(second, settle_s)))) + alive
        rows.append(reading(25 + second, pa))
    return rows


def scattered(slope: str, error: str) -> list[Decimal]:
    """13 values around 5200 with this slope and this standard error of it, both per reading."""
    return [
        5200 + Decimal(slope) * k + Decimal(error) * one
        for k, one in zip(range(-6, 7), _SCATTER, strict=True)
    ]


def settled_by(values: list[Decimal]) -> list[Row]:
    """One value every 5 s from pump-off on; the last one begins the hold, and it stays there."""
    return held(
        lambda second: values[-1] + Decimal(second // 5 % 2) / 10,
        settle_s=5 * (len(values) - 1),
        settling=lambda second: values[second // 5],
        ramp=(1000, 3000, values[0]),
    )


LINE_AT_3_SE = scattered("-0.6", "0.2")
BEND_AT_3_SE = scattered("-1", "0.1")
BEND_AT_3_SE = [*(BEND_AT_3_SE[0] + Decimal("0.7") * k for k in range(12, 0, -1)), *BEND_AT_3_SE]


WINDOW_CASES: list[Spec] = [
    ("vent-1-before-end", "a vent exactly 1 s before the end is within the tolerated second",
     order(), [*until(held(vent=False), 380), reading(384, 5200), event(384, "vent_open"),
               *(reading(385 + k, 0) for k in range(20))], passes()),
    ("early-whatever-comes-later", "a fall that both sensors confirm then is told then",
     sensed(), [*held(near("5195", **{f"s{s}": 5200 for s in range(0, 30, 5)},
                           s30=5085, s35=5085, s40=5085)),
                *climate("t", "gas_temperature", "degC",
                         [(s, 20 if s <= 125 else "19.9") for s in range(85, 390, 5)]),
                *climate("b", "barometer", "hPa", [(s, "1013.25") for s in range(85, 390, 5)])],
     fails("drop", flags=["early"], figures={"hold_s": "40"})),
    ("early-corrected-100", "110 Pa, of which the barometer explains 10: 100 is not more than 100",
     sensed(), [*held(lambda s: 5200 if s < 30 else 5090),
                *climate("t", "gas_temperature", "degC", [(s, 20) for s in range(85, 390, 5)]),
                *climate("b", "barometer", "hPa", [(s, "1013.25" if s < 115 else "1013.35")
                                                   for s in range(85, 390, 5)])],
     open_("settling")),
    ("early-from-the-first-window-on", "low from the first reading after the first window on",
     order(), held(lambda s: 5200 if s <= 10 else 5050 - s // 5 % 2),
     fails("drop", flags=["early"], figures={"hold_s": "25"})),
    ("low-before-the-hold", "a low reading while stabilising is none of the hold",
     order(), held(line((0, 5200), (100, 5200), (200, "5215.9"), (250, 5216), (300, "5215.9")),
                   settling=near("5200", s55=5190)), passes()),
    ("rise-from-the-first-window", "20.5 Pa above the readings of the first 10 s is a rise",
     order(), held(near("5200.5", s0=5195, s5=5180, s10=5180, s15=5190, s20=5190, s25=5200,
                        s30=5200)), open_("rise")),
    ("rise-over-a-little-less", "20.3 Pa above a window that was 0.8 Pa lower than the first",
     order(), held(line((0, 5200), (50, 5200), (55, "5199.2"), (100, "5199.2"), (145, "5219.5"),
                        (200, "5219.5"), (240, 5205), (270, 5205), (300, "5205.2"))),
     open_("rise")),
    ("rise-over-one-window", "20.5 Pa above one window, which was the lowest",
     order(), held(near("5200", s25=5190, s30=5190, s35=5180, s40=5195, s45=5195, s50=5200,
                        **{f"s{s}": "5205.5" for s in range(55, 100, 5)})), open_("rise")),
    ("gap-from-the-last-second", "a gap that begins exactly 1 s before the end does not count",
     order(), [*until(held(vent=False), 380), reading(384, 5200), event(390, "vent_open"),
               *(reading(396 + k, 0) for k in range(20))], passes()),
    ("vented-6-s-after-a-reading", "no gap over 10 s between the last readings and the vent",
     order(), [*until(held(), 205), event(211, "vent_open")], open_("vented", "too_short")),
    ("missing-by-number", "57 of 61 readings, none of them late enough to be one missing",
     order(sample_period_s=5),
     [*until(held(vent=False), 85),
      *(reading(85 + Decimal("5.3") * k, 5200 + k % 2) for k in range(1, 59))],
     open_("data_gap")),
    ("missing-5-percent-and-short", "3 of 60 intervals are 5 % also where the last second lacks",
     order(), [*without(until(held(vent=False), 380), 200, 250, 300), reading(384, 5200)],
     passes()),
    ("missing-before-the-hold", "a reading that lacks just before the hold is not counted",
     order(), without(held(), 80, 200, 250, 300), passes()),
    ("missing-made-up-by-number", "4 lack, the first of the hold too; one more elsewhere is no use",
     order(), [*without(held(), 90, 150, 200, 250), reading("302.5", 5200)], open_("data_gap")),
    ("missing-5-percent-of-200-s", "2 of 40 intervals of a hold that ended early",
     order(), without(until(held(vent=False), 285), 200, 250), open_("too_short")),
    ("settling-middle-mean-0.6", "the middle is the mean of its window: 15 of 25 Pa",
     order(), held(middle("5160")), fails("drop")),
    ("settling-middle-mean-0.5999", "and a little less",
     order(), held(middle("5160.01")), open_("settling")),
    ("let-off-from-20-below", "exactly the limit below p1 is still within it, 25 s before",
     order(), held(line((0, 5200), (10, 5200), (55, 5180), (150, 5180), (175, 500), (180, 0),
                        (300, 0))), open_("vented")),
    ("let-off-to-a-tenth", "exactly a tenth of p1 is not below it: a pipe that cannot hold",
     order(), held(lambda s: 5200 if s <= 10 else steady(s) if s <= 150 else 520),
     fails("cannot_hold", "drop", flags=["gross", "early"])),
    ("frozen-from-the-second-reading", "105 s of one value after a first reading of another",
     order(), held(still(5200, 5, 110), vent=False), open_("no_liveness")),
    ("frozen-at-half", "one value of exactly half of p_req",
     order(), held(lambda s: 2500, settling=lambda s: 2500, ramp=(1, 2000, 2500), vent=False),
     open_("no_liveness")),
    ("frozen-while-stabilising", "one value for 155 s, but only 95 s of them in the hold",
     order(), held(still(5200, 0, 95), settling=lambda s: 5200, vent=False), passes()),
    ("step-into-the-hold", "a step of 11 Pa between windows that meet just before the hold",
     order(), held(near("5200", s0=5206, s5=5205), settling=near("5200", s55=5189)),
     open_("repressurised")),
    ("step-after-a-bump", "11 Pa above the 10 s before, though not above the 20 s before",
     order(), held(near("5200", s130=5205, s135=5205, s140=5195, s145=5195, s150=5206, s155=5206)),
     open_("repressurised")),
    ("gross-as-the-hold-begins", "below 70 % from 5 s before the hold to 5 s after its begin",
     order(), held(near("3700", s0=3630, s5=3630), settling=near("3645", s55=3639)),
     fails("cannot_hold", flags=["gross"])),
]  # fmt: skip

STAGE_CASES: list[Spec] = [
    ("gross-each-7-s", "readings 7 s apart are no gap",
     order(), [*until(held(vent=False), 25),
               *(reading(32 + 7 * k, 3500 + k % 2) for k in range(5))],
     fails("cannot_hold", flags=["gross"])),
    ("gross-over-10-s", "two readings below 70 % exactly 10 s apart are 10 s",
     order(), [*until(held(vent=False), 30), reading(35, 3500), reading(45, 3500),
               *(reading(50 + 5 * k, 3700) for k in range(10))],
     fails("cannot_hold", flags=["gross"])),
    ("gross-then-topped-up", "a top-up after it was clear changes nothing",
     order(), [*until(held(vent=False), 30), *(reading(s, 3500) for s in (35, 40, 45)),
               event(47, "top_up"), *(reading(s, steady(s)) for s in range(50, 500, 5))],
     fails("cannot_hold", flags=["gross"], figures={"top_ups": 0, "p_pump_off_pa": "5200"})),
    ("gross-after-a-top-up", "below 70 % from the first reading after a top-up on",
     order(), [*pressed((30, 5100), (80, 5200), (85, 3500), (500, 3500)), event(66, "top_up"),
               event(67, "pump_on"), event(82, "pump_off")],
     fails("cannot_hold", flags=["gross"], figures={"top_ups": 1})),
    ("vent-open-with-pump-off", "let off at the moment of pump_off is before it",
     order(), [*held(), event(25, "vent_open")], passes()),
    ("top-up-with-pump-off", "a top-up at the moment of pump_off belongs to the filling it ends",
     order(), [*(r for r in held() if r.value != "pump_off"), event(25, "pump_off", "g"),
               event(25, "top_up")], passes(figures={"top_ups": 0, "stabilise_s": "60"})),
    ("top-up-with-the-last-reading", "a top-up at the moment of the reading that would begin it",
     order(), [*pressed((30, 5200), (500, 5200)), event(85, "top_up")],
     passes(figures={"top_ups": 1})),
    ("third-top-up-higher", "what a third top-up after a sag reaches does not matter",
     order(), [*pressed((30, 5100), (50, 5200), (70, 5200), (80, 5060), (90, 5200), (110, 4999),
                        (115, 5300), (500, 5300)),
               event(46, "top_up"), event(86, "top_up"), event(112, "top_up")],
     fails("cannot_hold", flags=[], figures={"top_ups": 2, "p_pump_off_pa": "5201"})),
    ("third-top-up-undeclared", "a third top-up that nobody declared, after a sag",
     order(), [*pressed((30, 5100), (50, 5200), (80, 5060), (90, 5200), (115, 4990), (120, 5100),
                        (500, 5100)), event(46, "top_up"), event(86, "top_up")],
     fails("cannot_hold", flags=[], figures={"top_ups": 2})),
    ("sag-before-the-top-up", "the mean after a top-up begins with its end",
     order(), [*pressed((30, 5100), (50, 5200), (80, 5060), (85, 4300), (90, 5200), (500, 5200)),
               event(46, "top_up"), event(86, "top_up"), event(90, "pump_off")],
     passes(figures={"top_ups": 2})),
    ("sag-in-the-first-10-s", "the first whole 10 s after the last top-up decide, then an abort",
     order(), [*pressed((30, 5100), (50, 5200), (80, 5060), (90, 4990), (500, 4990)),
               event(46, "top_up"), event(86, "top_up"), event(90, "pump_off"),
               event(102, "abort")], fails("cannot_hold", flags=[])),
    ("sag-then-abort-then-top-up", "nor does a third top-up put off what was clear",
     order(),
     [*until(held(settling=lambda s: 5200 - 8 * s - s % 15), 65),
      event(66, "top_up"), *(reading(70 + 5 * k, 5200 - 41 * k) for k in range(8)),
      event(106, "top_up"), *(reading(110 + 5 * k, 5200 - 40 * k) for k in range(10)),
      event(147, "abort"), event(148, "top_up")],
     fails("cannot_hold", figures={"top_ups": 2})),
    ("gap-while-stabilising", "60 s without a gap settle a pipe, but for the 10 s it may be silent",
     order(), without(held(hold_s=330), 50, 55), passes(figures={"stabilise_s": "85"})),
    ("level-at-the-limit", "20 Pa in 300 s, exactly, is level",
     order(), each_3_s(lambda s: 5200 - Decimal(s // 3) / 5, 60),
     passes(flags=["uncorrected", "no_zero_after"], figures={"stabilise_s": "60"})),
    ("level-at-3-errors", "a slope of exactly three of its standard errors is level",
     order(), settled_by(LINE_AT_3_SE),
     passes(flags=["uncorrected"], figures={"stabilise_s": "60"})),
    ("steady-at-the-limit", "6 Pa/min, then 5 Pa/min: exactly 1 Pa/min less is steady",
     order(), each_3_s(lambda s: 5300 - Decimal(s // 3) * 3 / 10 if s <= 60 else
                       5294 - Decimal(s // 3 - 20) / 4, 120),
     passes(flags=["steady_fall", "uncorrected", "no_zero_after"],
            figures={"stabilise_s": "120"})),
    ("steady-at-3-errors", "two slopes exactly three of their joint errors apart are steady",
     order(), settled_by(BEND_AT_3_SE),
     passes(flags=["steady_fall", "uncorrected"], figures={"stabilise_s": "120"})),
    ("top-up-declared-after-20-s", "20 s after its own step the word is still the same top-up",
     order(), [*pressed((30, 5170), (60, 5200), (450, 5200)), event(80, "top_up")],
     passes(figures={"top_ups": 1})),
    ("top-up-declared-after-20.001-s", "later it is another",
     order(), [*pressed((30, 5170), (60, 5200), (450, 5200)), event("80.001", "top_up")],
     passes(figures={"top_ups": 2})),
    ("undeclared-step-at-once", "a step between the first and the second 10 s after pump-off",
     order(), pressed((30, 5170), (40, 5182), (450, 5182)), passes(figures={"top_ups": 1})),
]  # fmt: skip

# U_corr is exactly 4 Pa with these: 4 x (2 x 1 + 2 x 1) = 16 Pa2
FOUR_PA = order(instruments=[gauge(u=1), temperature(u=0), barometer(u=0.01)])

GATE_CASES: list[Spec] = [
    ("manual-expired-sensor-read", "a sensor that spoke is not asked either, read by eye",
     *eye(530, 530, *climate("t", "gas_temperature", "degC", [(90, 20), (380, 20)]), instruments=[
         gauge(resolution_pa=None, resolution=1, unit="mmH2O", zero_before_pa=0, zero_after_pa=0),
         temperature(calibrated_until="2020-01-01")]), passes()),
    ("manual-coarse", "a scale of 2 mm of water is too coarse; two readings show no step",
     *eye(530, 530, scale={"resolution": 2}),
     open_("instrument", figures={"faults": ["resolution_coarse"]})),
    ("certain-sensors", "an uncertainty of 0 is one for sensors too",
     order(instruments=[gauge(), temperature(u=0), barometer(u=0)]),
     [*held(), *air(20, 20, "1013.25", "1013.25")], passes(flags=[])),
    ("calibrated-when-zeroed", "a reading at the moment of the new zero is the first of its test",
     order(instruments=[gauge(calibrated_until="2026-11-23")]),
     [*(r._replace(seq="") for r in shifted(held(), 13 * 3600)),
      *(r._replace(seq="") for r in shifted([*held(), reading(1, 0)], 14 * 3600 - 2))],
     passes(figures={"attempts": 2})),
    ("zero-after-from-zero-before", "rest is measured from the zero before: 19 is 9 over 10",
     order(), [*(r for r in until(held(zero=10), 390) if r.value != "vent_open"),
               event(390, "vent_open"),
               *(reading(391 + k, 19 if k < 12 else 5) for k in range(32))],
     passes(figures={"zero_after_pa": "19", "drop_raw_pa": "9"})),
    ("resolution-seen-in-the-first", "the first reading of the attempt shows steps as well",
     order(instruments=[gauge(resolution_pa=0.1)]),
     [r._replace(value="0.5") if r.seq == "2" else r for r in held()],
     passes(figures={"resolution_pa": "0.5"})),
    ("resolution-unknown", "neither declared nor seen",
     order(instruments=[gauge(resolution_pa=None)]), [],
     open_("instrument", figures={"resolution_pa": "0"})),
    ("repair-gas-over-operating", "gas, where the test needs more than the operating pressure",
     order("post_repair_hold", medium="gas", p_design_pa=3000, p_operating_pa=2000,
           section={"part": "riser"}), held(hold_s=900, settle_s=180),
     open_("order", figures={"faults": ["medium"]})),
    ("design-1-pa", "a design pressure of 1 Pa is positive, and lowers nothing",
     order(p_design_pa=1), held(), passes(figures={"p_req_pa": "5000"})),
    ("p-req-100", "a required pressure of exactly 100 Pa cannot fall by more than 100",
     order("post_repair_hold", p_operating_pa=100), held(),
     open_("order", figures={"faults": ["p_req"]})),
    ("masked-at-u-corr", "24 Pa corrected are exactly L + U_corr",
     FOUR_PA, [*held(), *air(20, 20, "1013.25", "1013.018")],
     passes(flags=[], figures={"u_corr_pa": "4", "drop_corr_pa": "24"})),
    ("masked-over-u-corr", "a little more is masked",
     FOUR_PA, [*held(), *air(20, 20, "1013.25", "1013.01799")], open_("masked")),
    ("rise-at-u-corr", "24 Pa upward are exactly L + U_corr",
     FOUR_PA, [*held(), *air(20, 20, "1013.25", "1013.482")],
     passes(flags=[], figures={"drop_corr_pa": "-24"})),
    ("rise-over-u-corr", "a little more is a rise",
     FOUR_PA, [*held(), *air(20, 20, "1013.25", "1013.48201")], open_("rise")),
    ("thin-air", "any positive barometer is a reading",
     sensed(), [*held(), *air(20, 20, "0.01", "0.01")], passes(flags=[])),
    ("nearest-alone", "of two readings outside the window only the nearer counts",
     sensed(), [*held(), *climate("t", "gas_temperature", "degC", [(45, 21), (70, 20), (380, 20)]),
                *climate("b", "barometer", "hPa", [(90, "1013.25"), (380, "1013.25")])],
     passes(flags=[])),
]  # fmt: skip

FIGURE_CASES: list[Spec] = [
    ("pumped-to-1.2", "exactly 1.2 times p_req is not over it",
     order(), held(lambda s: 5500 + s // 5 % 2, ramp=(1000, 3000, 6000)),
     passes(figures={"p_pump_off_pa": "6000"})),
    ("leak-without-pressure", "a pipe that was never filled has no leak rate at operating pressure",
     order(volume_l=10, p_operating_pa=2000), held(lambda s: 0, ramp=(0, 0, 0),
                                                   settling=lambda s: 0),
     open_("no_liveness", figures={"p1_pa": "0", "leak_l_h": "0"})),
    ("leak-at-1-pa", "one with 1 Pa has",
     order(volume_l=10, p_operating_pa=2000), held(lambda s: 1, ramp=(0, 1, 1),
                                                   settling=lambda s: 1),
     open_("no_liveness", figures={"p1_pa": "1", "leak_operating_l_h": "0"})),
    ("leak-with-first-barometer", "the barometer of the first window counts",
     sensed(volume_l=10, p_operating_pa=2300),
     [*held(falling(50)), *air(20, 20, "900", "900.1")],
     fails("drop", figures={"leak_operating_l_h": "0.027891"})),
    ("leak-without-barometer", "a declared barometer that is silent leaves the standard atmosphere",
     sensed(volume_l=10, p_operating_pa=2300), held(falling(50)),
     open_("instrument", figures={"leak_operating_l_h": "0.024925"})),
]  # fmt: skip

SURVIVOR_CASES_A: list[Spec] = [*WINDOW_CASES, *STAGE_CASES, *GATE_CASES, *FIGURE_CASES]
