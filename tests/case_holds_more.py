"""More hold cases: stages, top-ups, fillings, the zero afterwards, limits inside the table."""

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
    temperature,
)
from tests.toy import (
    Level,
    Pipe,
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


def plateaus(middle: object, last: object) -> Level:
    """Level for 10 s, `middle` around 150 s, `last` for the last 10 s, lines between."""
    points = [(10, Decimal(5200)), (145, Decimal(str(middle))), (155, Decimal(str(middle))),
              (290, Decimal(str(last)))]  # fmt: skip

    def level(second: int) -> object:
        if second <= 10:
            return 5200
        for (a, pa), (b, pb) in pairwise(points):
            if a <= second <= b:
                return round(pa + (pb - pa) * (second - a) / (b - a), 4)
        return points[-1][1]

    return level


def air_each_5_s(b_last: tuple[str, str, str]) -> list[Row]:
    """20 degC all along; barometer 1013.25 hPa, and three values in the last window."""
    seconds = range(85, 386, 5)
    values = dict(zip((375, 380, 385), b_last, strict=True))
    return [
        *climate("t", "gas_temperature", "degC", [(s, 20) for s in seconds]),
        *climate("b", "barometer", "hPa", [(s, values.get(s, "1013.25")) for s in seconds]),
    ]


def pressed(*points: tuple[int, object], vent_s: int | None = None) -> list[Row]:
    """Zero to 10 s, pumped to 25 s, then a reading every 5 s along these (second, value) steps."""
    rows = until(held(vent=False), 25)
    steps = dict(points)
    value = steps[30]
    last = max(steps)
    for second in range(30, last + 1, 5):
        value = steps.get(second, value)
        rows.append(reading(second, Decimal(str(value)) + second // 5 % 2))
    if vent_s is not None:
        rows += [event(vent_s, "vent_open")]
        rows += [reading(second, 0) for second in range(last + 5, last + 45, 5)]
    return rows


def bent(second: int, by: str) -> Decimal:
    """6 Pa/min and a little more each minute, exactly."""
    return 5300 - Decimal(second) / 10 - Decimal(by) * second * second


TOP_UP_CASES: list[Spec] = [
    ("top-up-with-pump-events", "top_up, pump_on and pump_off are one top-up, ended by pump_off",
     order(), [*pressed((30, 5100), (80, 5200), (450, 5200)), event(66, "top_up"),
               event(67, "pump_on"), event(82, "pump_off")],
     passes(figures={"top_ups": 1, "stabilise_s": "63"})),
    ("pump-on-first", "the same with pump_on before the word",
     order(), [*pressed((30, 5100), (80, 5200), (450, 5200)), event(66, "pump_on"),
               event(67, "top_up"), event(82, "pump_off")],
     passes(figures={"top_ups": 1, "stabilise_s": "63"})),
    ("pumped-without-the-word", "the pump's own events count as a top-up",
     order(), [*pressed((30, 5100), (80, 5200), (450, 5200)), event(66, "pump_on"),
               event(82, "pump_off")], passes(figures={"top_ups": 1, "stabilise_s": "63"})),
    ("pump-off-pressed-again", "a second pump_off begins stabilising again",
     order(), [*pressed((30, 5200), (450, 5200)), event(52, "pump_off")],
     passes(figures={"top_ups": 0, "stabilise_s": "63"})),
    ("undeclared-top-up", "a step of 30 Pa that nobody declared is a top-up",
     order(), pressed((30, 5170), (60, 5200), (450, 5200)),
     passes(figures={"top_ups": 1, "stabilise_s": "60"})),
    ("undeclared-step-10", "10 Pa are no step", order(),
     [*(r._replace(value=str(5190 if r.at_us < reading(60, 0).at_us else 5200))
        if r.quantity == "pressure" and reading(30, 0).at_us <= r.at_us <= reading(80, 0).at_us
        else r for r in held())], passes(figures={"top_ups": 0})),
    ("top-up-declared-late", "the word that follows its own step is no second top-up",
     order(), [*pressed((30, 5170), (60, 5200), (450, 5200)), event(78, "top_up")],
     passes(figures={"top_ups": 1})),
    ("top-up-declared-long-after", "but 25 s later it is",
     order(), [*pressed((30, 5170), (60, 5200), (500, 5200)), event(96, "top_up")],
     passes(figures={"top_ups": 2})),
    ("third-top-up-after-sag", "a third top-up with the pressure under p_req",
     order(), [*pressed((30, 5100), (50, 5200), (70, 5200), (80, 5060), (90, 5200), (110, 4999),
                        (115, 5200), (500, 5200)),
               event(46, "top_up"), event(86, "top_up"), event(112, "top_up")],
     fails("cannot_hold", flags=[], figures={"top_ups": 2})),
    ("third-top-up-without-sag", "a third top-up that was not needed costs nothing but time",
     order(), [*pressed((30, 5100), (50, 5200), (80, 5060), (90, 5200), (110, 5050),
                        (115, 5200), (500, 5200)),
               event(46, "top_up"), event(86, "top_up"), event(112, "top_up")],
     passes(figures={"top_ups": 3})),
    ("third-top-up-at-5000", "a pressure of exactly p_req has not fallen below it",
     order(), [*pressed((30, 5100), (50, 5200), (80, 5060), (90, 5200), (110, 5000),
                        (115, 5200), (500, 5200)),
               event(46, "top_up"), event(86, "top_up"), event(112, "top_up")],
     passes(figures={"top_ups": 3})),
    ("third-top-up-at-once", "a third one before any reading shows a fall",
     order(), [*pressed((30, 5100), (50, 5200), (80, 5060), (90, 5200), (500, 5200)),
               event(46, "top_up"), event(86, "top_up"), event(87, "pump_off"),
               event(88, "top_up")], passes(figures={"top_ups": 3})),
    ("sag-at-tolerance", "after two top-ups a mean of exactly p_req less one step holds",
     order(), [*until(pressed((30, 5100), (50, 5200), (80, 5060), (90, 5200)), 90),
               event(46, "top_up"), event(86, "top_up"), event(460, "vent_open"),
               *(reading(s, 4999) for s in range(95, 461, 5)),
               *(reading(s, 0) for s in range(465, 500, 5))],
     passes(figures={"top_ups": 2, "p1_pa": "4999"})),
    ("top-up-never-ends", "a top-up whose end is not seen is no hold",
     order(), [*pressed((30, 5100), (70, 5200)), event(66, "top_up")], open_("too_short")),
    ("low-after-two-top-ups", "row 3 after two top-ups is a pipe that cannot hold",
     order(), [*pressed((30, 4985), (50, "4997.9"), (90, "4998.5"), (500, "4998.5")),
               event(46, "top_up"), event(86, "top_up")], fails("cannot_hold", flags=[])),
    ("sagging-into-the-hold", "row 3: p1 falls below p_req after two top-ups",
     order(), [*pressed((30, 5100), (50, 5200), (80, 5060), (90, 5000), (155, 4990), (500, 4990)),
               event(46, "top_up"), event(86, "top_up")],
     fails("cannot_hold", flags=[], figures={"top_ups": 2, "stabilise_s": "60"})),
    ("sagging-after-one", "after one it is only too low",
     order(), [*pressed((30, 5100), (90, 5000), (155, 4990), (500, 4990)), event(86, "top_up")],
     open_("pressure_low", figures={"top_ups": 1})),
    ("pump-off-in-hold", "a pump_off in the hold says that the pump was there",
     order(), [*held(), event(200, "pump_off")], open_("repressurised")),
    ("pump-on-at-the-end", "at the end of the hold it is none of it",
     order(), [*held(), event(385, "pump_on")], passes()),
    ("pump-on-in-hold", "the pump's event in the hold is a top-up too",
     order(), [*held(), event(200, "pump_on")], open_("repressurised")),
    ("gross-for-5-s", "below 70 % for 5 s, then pumped up again unsaid: a top-up",
     order(), pressed((30, 5200), (50, 3600), (60, 5201), (500, 5201)),
     passes(figures={"top_ups": 1})),
]  # fmt: skip

FILLING_CASES: list[Spec] = [
    ("pump-off-by-mistake", "a pump_off before the pressure is there does not begin stabilising",
     order(), [*held(), event(16, "pump_off")], passes(figures={"stabilise_s": "60"})),
    ("filled-again-and-leaking", "filled twice in one attempt: both must pass",
     order(), [*held(), *(r for r in shifted(held(falling("40")), 500)
                          if r.value != "zeroed" and r.quantity == "event"),
               *(r._replace(seq="") for r in shifted(held(falling("40")), 500)
                 if r.quantity != "event")], fails("drop")),
    ("filled-again-and-tight", "and do",
     order(), [*held(), *(r for r in shifted(held(), 500) if r.value != "zeroed"
                          and r.quantity == "event"),
               *(r._replace(seq="") for r in shifted(held(), 500) if r.quantity != "event")],
     passes()),
    ("later-test-without-pump-off", "a later test that lacks the event is judged by itself",
     order(), [*held(), *(r._replace(seq="") for r in shifted(held(falling("40")), 500)
                          if r.value != "pump_off")], fails("drop", figures={"attempts": 2})),
    ("zeroed-again-afterwards", "a new zero after the test begins no attempt",
     order(), [*held(), event(440, "zeroed"), reading(450, 0)],
     passes(figures={"attempts": 1})),
    ("zeroed-another-instrument", "another instrument's zero begins no attempt",
     order(instruments=[gauge(), gauge(name="h")]), [*held(), event(200, "zeroed", "h")],
     passes()),
    ("zeroed-in-hold", "a zero in the hold ends the attempt",
     order(), [*held(), event(200, "zeroed")], open_("too_short")),
    ("inferred-half-way", "without the event and without p_req it never was high enough",
     order(), [r for r in held(lambda s: 4000 + s // 5 % 2, ramp=(1000, 3000, 4000))
               if r.value != "pump_off"],
     open_("pressure_low", flags=["pump_off_inferred"])),
    ("pump-off-between-readings", "the peak lies between two readings: the higher stands for it",
     order(), [r._replace(at_us=r.at_us - 1_000_000) if r.value == "pump_off" else r
               for r in held(ramp=(1000, 2400, 5200))],
     passes(figures={"p_pump_off_pa": "5200", "stabilise_s": "61"})),
    ("no-reading-at-pump-off", "the gauge was away when the pump came off",
     order(), without(held(), 15, 20, 25, 30, 35), open_("no_liveness")),
    ("drift-added-to-calibration", "calibration of a repeated test counts from its own zero",
     order(instruments=[gauge(calibrated_until="2026-11-23")]),
     [*(r._replace(seq="") for r in shifted(held(), 13 * 3600 + 55 * 60)),
      *(r._replace(seq="") for r in shifted(held(), 14 * 3600 + 60))],
     open_("instrument", figures={"attempts": 2})),
]  # fmt: skip


def vented(*values: object, every_s: int = 1) -> list[Row]:
    """A tight hold whose readings after the vent are these."""
    rows = [row for row in until(held(), 390) if row.value != "vent_open"]
    rows.append(event(390, "vent_open"))
    return rows + [reading(391 + every_s * k, value) for k, value in enumerate(values)]


PEAK_CASES: list[Spec] = [
    ("over-pressure", "more than 1.2 times p_req may have tripped a meter or a valve",
     order(), held(lambda s: 5500 + s // 5 % 2, ramp=(1000, 3000, "6000.1")),
     passes(figures={"over_pressure": True, "p_pump_off_pa": "6000.1"})),
    ("target-shown", "until the pump is off the figures say what to pump to",
     order(), until(held(), 20), open_("instrument", figures={"p_target_pa": "5200"})),
]  # fmt: skip

ZERO_CASES: list[Spec] = [
    ("rest-of-three", "three readings together at the end of the record are a rest",
     order(), vented(3000, 900, 4, 5, 6), passes(figures={"zero_after_pa": "5"})),
    ("rest-of-two", "two are not", order(), vented(3000, 900, 4, 5), passes(
        flags=["uncorrected", "no_zero_after"])),
    ("still-falling", "a pipe that is still emptying shows no zero",
     order(), vented(3000, 900, 300, 100, 50, 30), passes(
        flags=["uncorrected", "no_zero_after"])),
    ("drifted-and-resting", "a gauge that rests at 12 Pa has drifted",
     order(), vented(900, *([12] * 15)), open_("instrument", figures={"faults": ["zero_drift"]})),
    ("slow-emptying", "a slow fall through 30 Pa is no drift: the rest comes later",
     order(), vented(*(round(60 * 0.5 ** (k / 2)) for k in range(20)), every_s=5),
     passes(figures={"zero_after_pa": "1.333333"})),
    ("rest-until-pumped-again", "what is read after the next pumping is no zero",
     order(), [*vented(900, 50, 3, 3), event(396, "pump_on"),
               *(reading(397 + k, 300) for k in range(20))],
     passes(flags=["uncorrected", "no_zero_after"])),
    ("zero-before-pump-on", "readings after pump_on are no zero, however low",
     order(), held(zero=0, ramp=(9, 3000, 5200)), passes(figures={"zero_before_pa": "0"})),
    ("zero-left-before-pump-on", "nor those that leave the first one by more than 10 Pa",
     order(), [reading("10.5", 60), *(r for r in held())],
     passes(figures={"zero_before_pa": "0"})),
    ("zero-after-rest-window", "one window of 10 s is averaged",
     order(), vented(*([7] * 20)), passes(figures={"zero_after_pa": "7", "drop_raw_pa": "7"})),
]  # fmt: skip

LIMIT_CASES: list[Spec] = [
    ("environment-10", "the sensors explain 10 Pa of 20.69: 29/3 Pa of barometer, scaled",
     sensed(), [*held(falling(20)), *air_each_5_s(("1013.35", "1013.35", "1013.34"))],
     open_("environment")),
    ("environment-9.99", "a little less is no explanation",
     sensed(), [*held(falling(20)), *air_each_5_s(("1013.35", "1013.349", "1013.34"))],
     fails("drop")),
    ("environment-corr-20", "corrected it is exactly the limit: 87/3 - 29/3 Pa, scaled",
     sensed(), [*held(falling(29)), *air_each_5_s(("1013.35", "1013.35", "1013.34"))],
     open_("environment", figures={"drop_corr_pa": "20"})),
    ("environment-corr-20.1", "corrected it is over the limit",
     sensed(), [*held(falling("29.1")), *air_each_5_s(("1013.35", "1013.35", "1013.34"))],
     fails("drop")),
    ("settling-0.6", "0.6 times as much is not less than 0.6", order(),
     held(plateaus(5175, 5160)), fails("drop")),
    ("settling-0.5999", "a little less is", order(), held(plateaus(5175, "5160.01")),
     open_("settling")),
    ("settling-early-half", "a first half that fell, a second that stands", order(),
     held(plateaus(5170, 5170)), open_("settling")),
    ("masked-not-quite", "0.14 K of warming is within L + U_corr",
     sensed(), [*held(), *air(20, "20.14", "1013.25", "1013.25")], passes(flags=[])),
    ("masked-just", "0.16 K is not: 58 scaled to 60 against 53.9",
     sensed(), [*held(), *air(20, "20.16", "1013.25", "1013.25")], open_("masked")),
    ("rise-corrected-not-quite", "0.14 K of cooling unseen by the gauge is within L + U_corr",
     sensed(), [*held(), *air(20, "19.86", "1013.25", "1013.25")], passes(flags=[])),
    ("rise-corrected", "0.16 K is a rise",
     sensed(), [*held(), *air(20, "19.84", "1013.25", "1013.25")], open_("rise")),
    ("rise-corrected-one-sensor", "one sensor alone makes no rise",
     order(instruments=[gauge(), temperature()]),
     [*held(), *climate("t", "gas_temperature", "degC", [(90, 20), (380, "19.5")])], passes()),
    ("gauge-uncertainty", "a declared uncertainty of the gauge widens U_corr",
     order(instruments=[gauge(u=10), temperature(), barometer()]),
     [*held(), *air(20, "20.16", "1013.25", "1013.25")], passes(flags=[])),
    ("early-with-sensors", "both sensors agree at once",
     sensed(), [*held(lambda s: 5200 - s), *air_each_5_s(("1013.25", "1013.25", "1013.25"))],
     fails("drop", flags=["early"])),
    ("early-sensors-far", "sensors that are silent just then cannot agree before they speak again",
     sensed(), [*held(lambda s: 5200 - s), *air(20, 20, "1013.25", "1013.25")],
     fails("drop", flags=["early"], figures={"hold_s": "235"})),
    ("early-9-s", "9.999 s below are not 10 s", order(),
     [*until(held(lambda s: 5200 if s <= 30 else 5050, vent=False), 125),
      reading("129.999", 5050), *(reading(135 + 5 * k, 5190 + k % 2) for k in range(52))],
     open_("repressurised")),
    ("early-and-gross", "both at the same reading: cannot_hold first", order(),
     held(lambda s: steady(s) if s <= 150 else 3000 - s % 7),
     fails("cannot_hold", "drop", flags=["gross", "early"])),
    ("gross-in-hold", "below 70 % of pump-off in a hold that began just above it",
     order(), held(lambda s: 3645 if s <= 100 else 3630 - s % 3, settling=lambda s: 3645),
     fails("cannot_hold", flags=["gross"])),
    ("vent-in-last-second", "a vent within the tolerated second ends the hold, no more",
     order(), [*until(held(vent=False), 380), reading("384.2", 5200), event("384.5", "vent_open"),
               *(reading(385 + k, 0) for k in range(20))], passes()),
    ("vent-1.001-before-end", "a vent earlier than that is let off",
     order(), [*held(vent=False), event("383.999", "vent_open")], open_("vented")),
    ("steady-fall-with-gap", "two whole windows are needed for a steady fall",
     order(), [r for r in Pipe(every_s=5, settle_s=200, shape=lambda t: -0.2 * t).rows()
               if r.quantity == "event" or not 62 < (r.at_us - reading(0, 0).at_us) / 1e6 < 78],
     fails("drop", flags=["steady_fall"], figures={"stabilise_s": "150"})),
    ("steady-bend", "a fall that bends by 0.72 Pa/min each minute is steady",
     order(), held(lambda s: bent(s + 120, "0.0001"), settle_s=120,
                   settling=lambda s: bent(s, "0.0001"), ramp=(1000, 3000, 5300)),
     fails("drop", flags=["steady_fall"], figures={"stabilise_s": "120"})),
    ("no-steady-bend", "one that bends by 1.44 is not",
     order(), held(lambda s: bent(s + 120, "0.0002"), settle_s=120,
                   settling=lambda s: bent(s, "0.0002"), ramp=(1000, 3000, 5300), vent=False),
     open_("too_short", flags=[])),
    ("corrected-within", "0.05 K of warming hides 18 Pa, which is within L",
     sensed(), [*held(), *air(20, "20.05", "1013.25", "1013.25")], passes(flags=[])),
    ("steady-rise", "a steady rise is no steady fall",
     order(), Pipe(every_s=5, settle_s=600, shape=lambda t: 0.2 * t).rows(),
     open_("rise", flags=["unstable_start"])),
    ("abort-before-zero-seen", "a pass is not given before its zero afterwards is seen",
     order(), [*held(), event(396, "abort")], {"verdict": "ABORTED", "reasons": ["abort"]}),
    ("abort-after-fail", "a fail is given when the hold time is over",
     order(), [*held(falling("40")), event(396, "abort")], fails("drop")),
    ("abort-at-the-end", "an abort at that very moment comes too late for it",
     order(), [*held(falling("40")), event(385, "abort")], fails("drop")),
    ("abort-just-before", "a moment earlier it does not",
     order(), [*held(falling("40")), event("384.9", "abort")],
     {"verdict": "ABORTED", "reasons": ["abort"]}),
    ("abort-declared-zero", "with a declared zero a pass is given at the end as well",
     order(instruments=[gauge(zero_after_pa=0)]), [*held(vent=False), event(386, "abort")],
     passes()),
    ("abort-after-the-wait", "without any zero it is given after 120 s",
     order(), [*held(vent=False), event(505, "abort")], passes()),
    ("abort-within-the-wait", "and not before",
     order(), [*held(vent=False), event("504.9", "abort")],
     {"verdict": "ABORTED", "reasons": ["abort"]}),
    ("drift-corrected", "the drift is added to both drops",
     sensed(), [*held(rest=8), *air(20, 20, "1013.25", "1013.25")],
     passes(figures={"drop_raw_pa": "8", "drop_corr_pa": "8"})),
    ("corrected-coarse", "a gauge of 5 Pa adds 5/sqrt(12) Pa to the uncertainty",
     order(instruments=[gauge(resolution_pa=5), temperature(), barometer()]),
     [*held(), *air(20, 20, "1013.25", "1013.25")],
     passes(figures={"u_corr_pa": "34.163526"})),
    ("zero-rest-spread", "a window at rest spreads no more than 10 Pa",
     order(), vented(900, *([3, 13] * 10)), passes(figures={"zero_after_pa": "7.545455"})),
    ("zero-no-rest-spread", "10.1 Pa are no rest; the last three readings are none either",
     order(), vented(900, *([0, "10.1"] * 10)), passes(
         flags=["uncorrected", "no_zero_after"])),
    ("zero-below", "a zero below is a zero",
     order(), vented(900, *([-9] * 20)), passes(figures={"zero_after_pa": "-9"})),
    ("late-temperature", "a nearest reading on both sides counts half each",
     sensed(), [*held(), *climate("t", "gas_temperature", "degC",
                [(90, 20), (370, "20.2"), (390, "19.8")]),
                *climate("b", "barometer", "hPa", [(90, "1013.25"), (380, "1013.25")])],
     passes(flags=[])),
    ("impossible-sensor", "a barometer of 0 and a gas below absolute zero are no readings",
     sensed(), [*held(), *air("-273.15", 20, "1013.25", "1013.25")], open_("instrument")),
    ("impossible-barometer", "no air has no pressure",
     sensed(), [*held(), *air(20, 20, 0, "1013.25")], open_("instrument")),
    ("cold-is-possible", "gas at -10 degC is a reading",
     sensed(), [*held(), *air(-10, -10, "1013.25", "1013.25")], passes(flags=[])),
    ("barometer-unclear", "an uncertainty without a unit is not guessed",
     order(instruments=[gauge(), temperature(), {**barometer(u=0.05), "unit": "hPa"}]),
     [*held(), *air(20, 20, "1013.25", "1013.25")], passes(flags=[])),
    ("barometer-unit-absent", "a barometer's uncertainty needs its unit",
     order(instruments=[gauge(), {k: v for k, v in barometer(u=5).items() if k != "unit"}]),
     held(), open_("instrument", figures={"faults": ["uncertainty_unclear", "climate_absent"]})),
    ("gauge-uncertainty-unclear", "nor is the gauge's",
     order(instruments=[gauge(unit=None, u=1)]), held(), open_("instrument")),
    ("negative-uncertainty", "nor a negative one",
     order(instruments=[gauge(u=-1)]), held(), open_("instrument")),
    ("zero-resolution", "a resolution of 0 is none",
     order(instruments=[gauge(resolution_pa=0)]), held(), open_("instrument")),
    ("volume-and-operating", "leak rates are told where the volume is known",
     order(volume_l=10, p_operating_pa=2000), held(falling("14.5")),
     passes(figures={"leak_l_h": "0.017765"})),
    ("volume-not-positive", "a volume of 0 is a slip in the order",
     order(volume_l=0), held(), open_("order")),
    ("period-not-positive", "so is a period of 0", order(sample_period_s=0), held(),
     open_("order")),
    ("design-not-positive", "and a design pressure of 0", order("riser_hold", p_design_pa=0),
     held(hold_s=900, settle_s=180), open_("order")),
    ("level-design", "p_level design is what a riser has anyway",
     order("riser_hold", p_level="design"), held(hold_s=900, settle_s=180), passes()),
    ("isolation-not-declared", "isolation that is not declared is not checked",
     order(isolation={"declared": False, "by": "x"}), held(),
     passes(not_checked=["let_by", "isolation", "temperature", "barometer",
                         "environment_unknown"])),
    ("no-gauge", "a hold without a gauge",
     order(instruments=[temperature()]), [], open_("instrument")),
    ("clock-and-conflict", "all doubts of row 1 are listed",
     order(instruments=[gauge(zero_before_pa=0)]),
     [*(r._replace(seq="41") if r.seq == "40" else r._replace(seq="40") if r.seq == "41" else r
        for r in held(zero=5200, ramp=(5200, 5201, 5200))), reading(500, 7, seq="30")],
     open_("no_liveness", "clock", "conflict")),
    ("gap-and-too-short", "both reasons of row 2",
     order(), until(without(held(), 200, 205, 210), 300), open_("data_gap", "too_short")),
]  # fmt: skip

MORE_MANUAL_CASES: list[Spec] = [
    ("manual-step-unseen", "the step between two eye readings is no resolution",
     *eye(4985, 4965, unit="Pa"), open_("pressure_low")),
    ("manual-pump-on", "the pump's own events count as well",
     *eye(530, 530, event(200, "pump_on")), open_("repressurised")),
    ("manual-pump-at-first", "at the moment of a reading they do not",
     *eye(530, 530, event(85, "pump_on"), event(385, "top_up")), passes()),
    ("manual-top-up-at-first", "a top-up at the moment of the first reading is before it",
     *eye(500, 500, event(50, "top_up"), event(85, "top_up")), fails("cannot_hold")),
    ("manual-vented-then-aborted", "what is let off is decided",
     *eye(530, 530, event(200, "vent_open"), event(210, "abort")), open_("vented", "too_short")),
    ("manual-vent-with-last", "let off at the moment of the last reading",
     *eye(530, 530, event(385, "vent_open")), passes()),
    ("manual-vent-with-pump-off", "let off at the moment of pump_off is before it",
     *eye(530, 530, event(25, "vent_open")), passes()),
    ("manual-higher-later", "what is read after the hold is none of it",
     *eye(530, 530, reading(500, 540, "mmH2O")), passes()),
    ("manual-half", "half of p_req begins a hold, which is then too low",
     *eye(2500, 2500, unit="Pa", off_s=None), open_("pressure_low")),
    ("manual-without-pump-off", "the first reading under pressure begins the hold",
     *eye(530, 530, event(1, "zeroed"), reading(2, 0), off_s=None),
     passes(figures={"hold_s": "300"})),
    ("manual-read-too-early", "a reading before the least stabilising is none of the hold",
     *eye(530, 530, off_s=40), open_("too_short")),
    ("manual-vented", "let off before the second reading",
     *eye(530, 530, event(200, "vent_open")), open_("vented", "too_short")),
    ("manual-vent-afterwards", "let off after it", *eye(530, 530, event(390, "vent_open")),
     passes()),
    ("manual-vent-before", "let off before the pump came off, and closed again",
     *eye(530, 530, event(20, "vent_open")), passes()),
    ("manual-vent-before-first", "without pump_off a vent before the first reading is none",
     *eye(530, 530, event(20, "vent_open"), off_s=None), passes()),
    ("manual-pumped", "topped up between the readings", *eye(530, 530, event(200, "top_up")),
     open_("repressurised")),
    ("manual-topped-up-before", "topped up before the first one",
     *eye(530, 530, event(30, "top_up")), passes(figures={"top_ups": 1})),
    ("manual-low-after-two", "too low after two top-ups",
     *eye(500, 500, event(24, "top_up"), event(50, "top_up")), fails("cannot_hold")),
    ("manual-low-after-one", "too low after one", *eye(500, 500, event(50, "top_up")),
     open_("pressure_low")),
    ("manual-at-tolerance", "one division below p_req is the tolerance",
     *eye("4990.19335", "4990.19335", unit="Pa"), passes()),
    ("manual-under-tolerance", "more is too low",
     *eye("4990.193", "4990.193", unit="Pa"), open_("pressure_low")),
    ("manual-drift", "a zero of 9 Pa afterwards is added",
     *eye(5200, 5198, unit="Pa", scale={"zero_after_pa": 9}),
     fails("drop", figures={"drop_raw_pa": "11"})),
    ("manual-drift-down", "one below is not", *eye(5200, 5195, unit="Pa",
                                                   scale={"zero_after_pa": -9}),
     passes(figures={"drop_raw_pa": "5"})),
    ("manual-between", "a reading in between that lies two divisions lower, then back",
     *eye(530, 530, reading(200, 528, "mmH2O")), open_("rise")),
    ("manual-rise-10", "10 Pa up is one division", *eye(5200, 5210, unit="Pa"), passes()),
    ("manual-rise-10.001", "more is a rise", *eye(5200, "5210.001", unit="Pa"), open_("rise")),
    ("manual-second-late", "the first reading after the hold time ends it",
     *eye(530, 530, reading(500, 0, "mmH2O")), passes(figures={"hold_s": "300"})),
    ("manual-one-second-short", "299 s are enough", *eye(530, 530, last_s=384), passes()),
    ("manual-no-calibration", "the gate holds for eyes too",
     *eye(530, 530, scale={"calibrated_until": None}),
     open_("instrument", figures={"faults": ["calibration_absent"]})),
    ("manual-conflict", "one number, two readings",
     *eye(530, 530, reading(390, 1, "mmH2O", seq="1"), reading(391, 2, "mmH2O", seq="1")),
     open_("conflict")),
    ("manual-clock", "time runs backwards",
     *eye(530, 530, reading(391, 1, "mmH2O", seq="1"), reading(390, 2, "mmH2O", seq="2")),
     open_("clock")),
    ("manual-no-zero-after", "without a zero afterwards it is flagged",
     *eye(530, 530, scale={"zero_after_pa": None}, isolation={"declared": False}),
     passes(flags=["manual", "no_zero_after", "uncorrected"], not_checked=[
         "photos", "let_by", "temperature", "barometer", "isolation", "zero_after"])),
    ("manual-isolated", "the event takes isolation off the list",
     *eye(530, 530, event(3, "isolated"), isolation=None),
     passes(not_checked=["photos", "let_by", "temperature", "barometer"])),
    ("manual-aborted", "an abort stops a reading by eye too", *eye(530, 530, event(200, "abort")),
     {"verdict": "ABORTED", "reasons": ["abort"]}),
    ("manual-abort-afterwards", "after the second reading it is too late",
     *eye(530, 528, event(386, "abort")), fails("drop")),
    ("manual-no-sensors", "declared sensors are not asked",
     *eye(530, 530, instruments=[
         gauge(resolution_pa=None, resolution=1, unit="mmH2O", zero_before_pa=0, zero_after_pa=0),
         temperature(calibrated_until="2020-01-01")]), passes()),
    ("manual-nothing-read", "no reading under pressure at all",
     *eye(1, 1, off_s=None), open_("too_short")),
]  # fmt: skip

MORE_HOLD_CASES: list[Spec] = [
    *TOP_UP_CASES,
    *FILLING_CASES,
    *PEAK_CASES,
    *ZERO_CASES,
    *LIMIT_CASES,
    *MORE_MANUAL_CASES,
]
