"""The gas and laser cases: K1 to K4, both sides of each limit."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hub.procedures import Row
from tests.toy import changed, event, order, reading, sample, stay, sweep

Spec = tuple[str, str, dict[str, Any], list[Row], dict[str, Any]]

ROLES = {"ceiling": "ceiling", "joint": "suspect", "door": "other"}


def passes(**more: Any) -> dict[str, Any]:
    return {"verdict": "PASS", **more}


def fails(*reasons: str, **more: Any) -> dict[str, Any]:
    return {"verdict": "FAIL", "reasons": list(reasons), **more}


def open_(*reasons: str, **more: Any) -> dict[str, Any]:
    return {"verdict": "INCONCLUSIVE", "reasons": list(reasons), **more}


def detector(**changes: Any) -> dict[str, Any]:
    return changed(
        {
            "name": "d",
            "quantity": "gas",
            "unit": "%LEL",
            "lel_basis_pct_vol": 4.4,
            "t90_s": 15,
            "calibrated_until": "2027-06-30",
        },
        changes,
    )


def work(**changes: Any) -> dict[str, Any]:
    """K1 with declared points."""
    return order(
        "safe_to_work",
        **{
            "instruments": [detector()],
            "points": ROLES,
            "medium": None,
            "hose_class": None,
            "isolation": None,
            **changes,
        },
    )


def walk(
    peak: object = 3,
    unit: str = "%LEL",
    *,
    seconds: Sequence[int] = (60, 60, 60),
    every_s: int = 5,
    apart_s: int = 100,
    points: Sequence[str] = ("ceiling", "joint", "door"),
) -> list[Row]:
    """Zeroed, then one stay at each point; the middle one sees the peak."""
    rows = [event(0, "zeroed")]
    for k, (point, stayed) in enumerate(zip(points, seconds, strict=True)):
        value = peak if k == 1 else 0
        rows += stay(point, 10 + k * apart_s, value, unit, seconds=stayed, every_s=every_s)
    return rows


def no_basis() -> dict[str, Any]:
    return work(instruments=[detector(lel_basis_pct_vol=None)])


def by_volume(**changes: Any) -> dict[str, Any]:
    return work(instruments=[detector(unit="%vol", **changes)])


K1_CASES: list[Spec] = [
    ("k1-clear", "three points with their roles, 60 s each, all below",
     work(), walk(), passes(reasons=[], figures={
         "max_pct_lel": {"ceiling": "0", "joint": "3", "door": "0"}})),
    ("k1-19.99", "just below 20 %LEL on the declared basis", work(), walk("19.99"), passes()),
    ("k1-20", "exactly 20 is not below", work(), walk("20.0"), fails("at_or_over_limit")),
    ("k1-no-basis-17.59", "no basis: below 17.6", no_basis(), walk("17.59"), passes()),
    ("k1-no-basis-17.6", "no basis: 17.6 is not below", no_basis(), walk("17.6"),
     fails("at_or_over_limit")),
    ("k1-vol-0.879999", "below 20 % of 4.4 %vol", by_volume(), walk("0.879999", "%vol"), passes()),
    ("k1-vol-0.88", "0.88 %vol is not below 20 % LEL of 4.4", by_volume(), walk("0.88", "%vol"),
     fails("at_or_over_limit")),
    ("k1-vol-basis-5", "a declared basis does not help a reading in %vol",
     by_volume(lel_basis_pct_vol=5), walk("0.9", "%vol"), fails("at_or_over_limit")),
    ("k1-ppm-8799", "8,799 ppm", by_volume(), walk("8799.9", "ppm"), passes()),
    ("k1-ppm-8800", "8,800 ppm", by_volume(), walk(8800, "ppm"), fails("at_or_over_limit")),
    ("k1-one-peak", "the maximum decides, not the mean",
     work(), [*walk(), *stay("door", 271, 25, seconds=0)], fails("at_or_over_limit")),
    ("k1-over-range", "over range is over the limit, whatever value came with it",
     work(), [*walk(), *stay("door", 271, 0, seconds=0, quality="over_range")],
     fails("at_or_over_limit")),
    ("k1-over-limit-incomplete", "FAIL even when the procedure is not complete",
     work(), [event(0, "zeroed"), *stay("joint", 5, 30, seconds=5)], fails("at_or_over_limit")),
    ("k1-over-limit-not-zeroed", "FAIL even when the instrument was not zeroed",
     work(), [row for row in walk(21) if row.quantity != "event"], fails("at_or_over_limit")),
    ("k1-over-limit-interrupted", "gas in an interruption is still gas",
     work(), [*walk(), event(271, "interrupted"), event(273, "resumed"),
              *stay("door", 272, 40, seconds=0)], fails("at_or_over_limit")),
    ("k1-not-zeroed", "no zero and no self-test before the first reading",
     work(), [row for row in walk() if row.quantity != "event"], open_("instrument")),
    ("k1-self-test", "a self-test is as good", work(),
     [*(row for row in walk() if row.quantity != "event"), event(2, "self_test_ok", "d")],
     passes()),
    ("k1-zeroed-late", "a zero after the first reading does not count",
     work(), [*(row for row in walk() if row.quantity != "event"), event(12, "zeroed")],
     open_("instrument")),
    ("k1-calibration-absent", "no calibration date",
     work(instruments=[detector(calibrated_until=None)]), walk(), open_("instrument")),
    ("k1-calibration-expired", "calibrated until yesterday",
     work(instruments=[detector(calibrated_until="2026-11-22")]), walk(), open_("instrument")),
    ("k1-ppm-m", "ppm·m says nothing about a point", work(),
     [row._replace(unit="ppm.m") if row.quantity == "gas" else row for row in walk()],
     open_("unit")),
    ("k1-laser", "nor does a laser",
     work(instruments=[{"name": "d", "quantity": "gas_path", "unit": "ppm.m",
                        "calibrated_until": "2027-06-30"}]),
     [row._replace(unit="ppm.m", quantity="gas_path") if row.quantity == "gas" else row
      for row in walk()], open_("unit")),
    ("k1-two-points", "two points are not three", work(points=None),
     walk(seconds=(60, 60), points=("a", "b")), open_("points")),
    ("k1-undeclared-points", "three named points, roles not checked", work(points=None),
     walk(points=("a", "b", "c")), passes(not_checked=["ceiling", "suspect"])),
    ("k1-no-ceiling", "no point is the ceiling",
     work(points={"ceiling": "other", "joint": "suspect", "door": "other"}), walk(),
     open_("points")),
    ("k1-point-not-visited", "a declared point without readings",
     work(), walk(seconds=(60, 60), points=("ceiling", "joint")), open_("points")),
    ("k1-dwell-59", "54 s and a period of 5 s are 59", work(sample_period_s=5),
     [*walk(seconds=(60, 60), points=("ceiling", "joint")),
      *stay("door", 210, 0, seconds=54, every_s=6)], open_("dwell")),
    ("k1-dwell-60", "55 s and a period of 5 s are 60", work(),
     walk(seconds=(55, 55, 55)), passes()),
    ("k1-dwell-slow-sensor", "3 x t90 of 30 s are 90 s",
     work(instruments=[detector(t90_s=30)]), walk(seconds=(85, 85, 80)), open_("dwell")),
    ("k1-dwell-slow-sensor-90", "90 s are enough",
     work(instruments=[detector(t90_s=30)]), walk(seconds=(85, 85, 85)), passes()),
    ("k1-hole-10.001", "a hole of more than 10 s at a point",
     work(), [row._replace(at_us=row.at_us + (1000 if row.at_us >= walk()[-1].at_us - 30_000_000
                                              else 0))
              for row in walk() if row.at_us != walk()[-1].at_us - 35_000_000], open_("data_gap")),
    ("k1-hole-10", "10 s are allowed",
     work(), [row for row in walk() if row.at_us != walk()[-1].at_us - 35_000_000], passes()),
    ("k1-warming-up", "a sensor that is warming up sees nothing",
     work(), [row._replace(quality="warming_up") if row.point == "door" else row
              for row in walk()], open_("unusable")),
    ("k1-30-minutes", "all points within 30 minutes", work(), walk(apart_s=870), passes()),
    ("k1-over-30-minutes", "one second more", work(),
     [*walk(seconds=(60, 60), points=("ceiling", "joint"), apart_s=870),
      *stay("door", 1751, 0)], open_("points")),
    ("k1-gas-alarm", "a gas alarm before any verdict", work(), [*walk(), event(50, "gas_alarm")],
     {"verdict": "ABORTED", "reasons": ["gas_alarm"]}),
    ("k1-alarm-after-fail", "the limit was reached before the alarm",
     work(), [*walk(30), event(150, "gas_alarm")], fails("at_or_over_limit")),
]  # fmt: skip


def purge(procedure: str = "purge_complete", **changes: Any) -> dict[str, Any]:
    return order(
        procedure,
        **{
            "instruments": [
                {"name": "d", "quantity": "gas", "unit": "%vol", "range_pct_vol": 100,
                 "calibrated_until": "2027-06-30"}
            ],
            "medium": "air",
            "hose_class": None,
            "isolation": None,
            **changes,
        },
    )  # fmt: skip


def oxygen(procedure: str = "purge_complete", medium: str = "nitrogen") -> dict[str, Any]:
    return purge(procedure, medium=medium, instruments=[
        {"name": "d", "quantity": "oxygen", "unit": "%vol", "calibrated_until": "2027-06-30"}
    ])  # fmt: skip


def samples(
    *values: object, every_s: object = 300, unit: str = "%vol", quantity: str = "gas"
) -> list[Row]:
    step = Decimal(str(every_s))
    return [sample(step * k, v, unit, quantity=quantity) for k, v in enumerate(values)]


K2_CASES: list[Spec] = [
    ("k2-complete", "three at 90.0 %vol, 300 s apart", purge(), samples("90.0", 91, 95),
     passes(reasons=[], not_checked=["flushing"])),
    ("k2-89.99", "just below the criterion, and it ends so",
     purge(), samples(95, 95, "89.99"), fails("not_reached")),
    ("k2-quick", "three quick samples, as the plain rule may be read",
     purge(), samples(95, 95, 95, every_s=20), open_("spacing", "not_reached")),
    ("k2-299.999", "a millisecond too soon", purge(), samples(95, 95, 95, every_s="299.999"),
     open_("spacing", "not_reached")),
    ("k2-early-ignored", "a good sample that comes early is ignored",
     purge(), [*samples(95, 95, 95), sample(100, 96), sample(450, 96)], passes()),
    ("k2-early-bad-resets", "a bad one resets, also when it comes early",
     purge(), [*samples(95, 95, 95), sample(310, 50)], open_("not_reached")),
    ("k2-bad-then-three", "after a bad one three more, the first 300 s later",
     purge(), samples(50, 95, 95, 95), passes()),
    ("k2-two-good", "it ends good with two counted", purge(), samples(95, 95),
     open_("not_reached")),
    ("k2-expired", "the three span more than 60 minutes",
     purge(), [sample(0, 95), sample(1800, 95), sample("3600.001", 95)], open_("expired")),
    ("k2-60-minutes", "60 minutes are allowed",
     purge(), [sample(0, 95), sample(1800, 95), sample(3600, 95)], passes()),
    ("k2-range-89", "a range under the criterion",
     purge(instruments=[{"name": "d", "quantity": "gas", "unit": "%vol", "range_pct_vol": 89,
                         "calibrated_until": "2027-06-30"}]), samples(88, 88, 88),
     open_("instrument")),
    ("k2-lel-instrument", "a %LEL instrument can never certify a purge",
     purge(instruments=[detector()]), samples(95, 95, 95, unit="%LEL"), open_("instrument")),
    ("k2-calibration-absent", "no calibration date",
     purge(instruments=[{"name": "d", "quantity": "gas", "unit": "%vol"}]), samples(95, 95, 95),
     open_("instrument")),
    ("k2-ppm", "ppm is no unit of a purge sample", purge(),
     samples(950000, 950000, 950000, unit="ppm"), open_("unit")),
    ("k2-oxygen-1.99", "oxygen below 2 %vol with nitrogen", oxygen(),
     samples("1.99", 1, 1, quantity="oxygen"), passes()),
    ("k2-oxygen-2", "2.0 is not below", oxygen(), samples(1, 1, "2.0", quantity="oxygen"),
     fails("not_reached")),
    ("k2-oxygen-in-air", "oxygen says nothing without the inert stage", oxygen(medium="air"),
     samples(1, 1, 1, quantity="oxygen"), open_("unit")),
    ("k2-other-point", "another point starts a new series",
     purge(), [sample(0, 95), sample(300, 95), sample(600, 95, point="cellar")],
     open_("not_reached")),
    ("k2-over-range", "an over-range row is no sample",
     purge(), [*samples(95, 95), sample(600, 99, quality="over_range")], open_("not_reached")),
    ("k2-resent", "three resends of one sample are one sample",
     purge(), [sample(300 * k, 95, seq="7") for k in range(3)], open_("not_reached")),
    ("k2-vent-closed", "the vent was closed in between",
     purge(), [*samples(95, 95, 95), event(400, "vent_closed")], open_("not_reached")),
    ("k2-abnormal-pressure", "abnormal line pressure stops the purge",
     purge(), [*samples(95, 95, 95), event(400, "abnormal_pressure")],
     {"verdict": "ABORTED", "reasons": ["abnormal_pressure"]}),
]  # fmt: skip

K3_CASES: list[Spec] = [
    ("k3-20-lel", "at most 20 %LEL on the declared basis, inclusive",
     purge("degas_complete", instruments=[detector()]), samples(20, "20.0", 3, unit="%LEL"),
     passes(reasons=[])),
    ("k3-20.01-lel", "more is a bad sample", purge("degas_complete", instruments=[detector()]),
     samples(3, 3, "20.01", unit="%LEL"), fails("not_reached")),
    ("k3-no-basis-17.6", "no basis: at most 17.6",
     purge("degas_complete", instruments=[detector(lel_basis_pct_vol=None)]),
     samples("17.6", "17.6", "17.6", unit="%LEL"), passes()),
    ("k3-no-basis-17.61", "no basis: 17.61 is too much",
     purge("degas_complete", instruments=[detector(lel_basis_pct_vol=None)]),
     samples("17.6", "17.6", "17.61", unit="%LEL"), fails("not_reached")),
    ("k3-vol-0.88", "0.88 %vol, inclusive", purge("degas_complete"),
     samples("0.88", "0.88", "0.88"), passes()),
    ("k3-vol-0.881", "more is not", purge("degas_complete"), samples("0.88", "0.88", "0.881"),
     fails("not_reached")),
    ("k3-over-range", "over range is a bad sample", purge("degas_complete"),
     [*samples("0.1", "0.1"), sample(600, 0, quality="over_range")], fails("not_reached")),
    ("k3-quick", "too quick is too quick here as well", purge("degas_complete"),
     samples("0.1", "0.1", "0.1", every_s=10), open_("spacing", "not_reached")),
    ("k3-oxygen-19.5", "with nitrogen the oxygen must be back: 19.5 %vol, inclusive",
     oxygen("degas_complete"), samples("19.5", "19.5", "20.9", quantity="oxygen"),
     passes(not_checked=["flushing", "gas"])),
    ("k3-oxygen-19.49", "19.49 is too little", oxygen("degas_complete"),
     samples(20, 20, "19.49", quantity="oxygen"), fails("not_reached")),
    ("k3-nitrogen-no-oxygen", "nitrogen was used and nobody looked for oxygen",
     purge("degas_complete", medium="nitrogen"), samples("0.1", "0.1", "0.1"),
     open_("instrument")),
]  # fmt: skip


def screen(**changes: Any) -> dict[str, Any]:
    return order(
        "laser_screen",
        **{
            "instruments": [
                {"name": "l", "quantity": "gas_path", "unit": "ppm.m",
                 "calibrated_until": "2027-06-30"}
            ],
            "distance_m": 12,
            "reflector": "wall",
            "weather": "clear",
            "medium": None,
            "hose_class": None,
            "isolation": None,
            **changes,
        },
    )  # fmt: skip


def swept(
    *peaks: object, opening: str = "door", background: Sequence[object] = (20,) * 10
) -> list[Row]:
    """Background, then one sweep of three rows per peak."""
    rows = [event(0, "self_test_ok"), *sweep("background", 1, background)]
    for k, peak in enumerate(peaks):
        rows += sweep(f"{opening}#{k + 1}", 100 + 20 * k, (20, peak, 20))
    return rows


def filed(outcome: str, *before: str, **more: Any) -> dict[str, Any]:
    verdicts = {"no_anomaly": "PASS", "invalid": "INCONCLUSIVE"}
    return {
        "verdict": verdicts.get(outcome, "FAIL"),
        "reasons": [*before, outcome],
        "outcome": outcome,
        **more,
    }


K4_CASES: list[Spec] = [
    ("k4-no-anomaly", "three sweeps like the background", screen(), swept(22, 25, 21),
     filed("no_anomaly", not_checked=[], figures={
         "background_ppm_m": "20", "excess_ppm_m": {"door": "5"}})),
    ("k4-exactly-50", "50 over background is not more than 50", screen(), swept(70, 70, 70),
     filed("no_anomaly")),
    ("k4-50.001", "a thousandth more, in two of three sweeps", screen(),
     swept("70.001", "70.001", 20), filed("anomaly")),
    ("k4-one-sweep", "one sweep of three is chance", screen(), swept(400, 20, 20),
     filed("no_anomaly")),
    ("k4-noisy-background", "three standard deviations of a noisy background are 60 and more",
     screen(), swept(75, 75, 75, background=(0, 40) * 5), filed("no_anomaly")),
    ("k4-strong", "more than 500 over background in two sweeps", screen(), swept("520.1", 600, 20),
     filed("strong_anomaly")),
    ("k4-not-strong-500", "500 is not more than 500", screen(), swept(520, 520, 520),
     filed("anomaly")),
    ("k4-strong-once", "strong once, anomaly twice", screen(), swept(600, 100, 20),
     filed("anomaly")),
    ("k4-rain", "rain makes it invalid", screen(weather="rain"), swept(20, 20, 20),
     filed("invalid")),
    ("k4-snow", "snow does not", screen(weather="snow"), swept(20, 20, 20), filed("no_anomaly")),
    ("k4-glass", "glass head-on is no reflector", screen(reflector="glass_head_on"),
     swept(20, 20, 20), filed("invalid")),
    ("k4-no-distance", "the distance is unknown", screen(distance_m=None), swept(20, 20, 20),
     filed("invalid")),
    ("k4-two-sweeps", "two sweeps are not three", screen(), swept(20, 20), filed("invalid")),
    ("k4-saturated", "a saturated sweep spoils its opening", screen(),
     [*swept(20, 20, 20), *sweep("door#4", 200, (20, 20, 20), quality="over_range")],
     filed("invalid")),
    ("k4-empty-sweep", "so does an empty one", screen(),
     [*swept(20, 20, 20), *sweep("door#4", 200, (20, 20), quality="fault")], filed("invalid")),
    ("k4-thin-sweep", "a sweep of two rows does not count",
     screen(), [*swept(20, 20), *sweep("door#3", 200, (20, 20))], filed("invalid")),
    ("k4-short-background", "nine rows in eight seconds", screen(),
     swept(20, 20, 20, background=(20,) * 9), filed("invalid")),
    ("k4-sparse-background", "three rows over ten seconds", screen(),
     [row for row in swept(20, 20, 20, background=(20,) * 11)
      if row.point != "background" or (row.at_us // 1_000_000) % 5 == 1], filed("no_anomaly")),
    ("k4-no-background", "no background", screen(),
     [row for row in swept(20, 20, 20) if row.point != "background"], filed("invalid")),
    ("k4-anomaly-beats-invalid", "one opening shows it, another is invalid", screen(),
     [*swept(100, 100, 20), *sweep("window#1", 300, (20, 20, 20))], filed("anomaly")),
    ("k4-invalid-beats-clear", "one opening is clear, another is invalid", screen(),
     [*swept(20, 20, 20), *sweep("window#1", 300, (20, 20, 20))], filed("invalid")),
    ("k4-calibration-expired", "no calibrated instrument",
     screen(instruments=[{"name": "l", "quantity": "gas_path", "unit": "ppm.m",
                          "calibrated_until": "2026-11-22"}]), swept(20, 20, 20),
     filed("invalid", "instrument")),
    ("k4-lel-m", "LEL·m without a basis on the larger one: 0.0015 LEL.m are 75 ppm.m",
     screen(), [*swept(20, 20, 20), *(reading(
         200 + 10 * k + j, "0.0015", "LEL.m", instrument="l", quantity="gas_path",
         point=f"vent#{k}") for k in (1, 2, 3) for j in range(3))], filed("anomaly")),
]  # fmt: skip

GAS_CASES: list[Spec] = [*K1_CASES, *K2_CASES, *K3_CASES, *K4_CASES]
