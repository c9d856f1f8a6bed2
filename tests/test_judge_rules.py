"""Rules that a rule pack switches, and the whole shape of an answer."""

from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, localcontext
from typing import Any

import pytest

from hub.procedures import BUILT_IN, PROCEDURES, Row, assess, judge
from hub.procedures.gate import day_of
from hub.procedures.ruling import Ruling
from hub.procedures.wording import verdict_of
from hub.rulepack import SHIPPED, RulePack, load_pack, read_pack
from tests.case_gas import purge as purge_order
from tests.case_gas import samples, screen, swept
from tests.case_holds import air, eye, sensed, temperature
from tests.case_holds_more import plateaus
from tests.case_survivors_a import near
from tests.toy import (
    at_us,
    climate,
    event,
    falling,
    gauge,
    held,
    order,
    parsed,
    reading,
    until,
    without,
)

DEFAULT = "\n".join(
    (SHIPPED / "default" / name).read_text(encoding="utf-8")
    for name in ("pack.toml", "judging.toml")
)
"""As one file, which is a pack as well."""


def pack_with(*changes: str) -> RulePack:
    """The default with changes: old and new text in turn, each in its first place."""
    text = DEFAULT
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    return read_pack(text.encode())


WEATHER = pack_with("environment_unknown = { on = false", "environment_unknown = { on = true")


def verdict(given: dict[str, Any], rows: list[Row], pack: RulePack) -> tuple[str, tuple[str, ...]]:
    answer = judge(parsed(given), rows, pack)
    return answer.verdict, answer.reasons


@pytest.mark.parametrize(
    ("fall", "expected"),
    [
        # 36 + 100/12 Pa per 5 minutes are 44.333; scaled from 42.855 between the windows
        ("42.8555", ("INCONCLUSIVE", ("environment_unknown",))),
        ("42.8556", ("FAIL", ("drop",))),
        ("14", ("PASS", ())),
    ],
)
def test_weather_without_sensors(fall: str, expected: tuple[str, tuple[str, ...]]) -> None:
    """Switched on, a drop within ordinary weather is no verdict where no sensor was."""
    assert verdict(order(), held(falling(fall)), WEATHER) == expected
    assert "environment_unknown" not in judge(parsed(order()), held(), WEATHER).not_checked


def test_weather_with_sensors_is_no_excuse() -> None:
    """With both sensors a fall that they do not explain fails."""
    rows = [*held(falling("36")), *air(20, 20, "1013.25", "1013.25")]

    assert verdict(sensed(), rows, WEATHER) == ("FAIL", ("drop",))


def test_weather_with_one_sensor_is_still_unknown() -> None:
    """One sensor does not say what the other would."""
    given = order(instruments=[gauge(), temperature()])
    rows = [*held(falling("36")), *climate("t", "gas_temperature", "degC", [(90, 20), (380, 20)])]

    assert verdict(given, rows, WEATHER) == ("INCONCLUSIVE", ("environment_unknown",))


def test_weather_does_not_stop_an_early_fail() -> None:
    """A hundred pascal in minutes is no weather."""
    assert verdict(order(), held(lambda s: 5200 - s), WEATHER) == ("FAIL", ("drop",))


def test_the_settling_row_comes_before_the_weather() -> None:
    """First match wins."""
    rows = held(plateaus(5170, 5170))

    assert verdict(order(), rows, WEATHER) == ("INCONCLUSIVE", ("settling",))


@pytest.mark.parametrize(
    ("fall", "expected"),
    [("29", ("INCONCLUSIVE", ("environment_unknown",))), ("29.0001", ("FAIL", ("drop",)))],
)
def test_ordinary_weather_includes_its_limit(fall: str, expected: tuple[str, ...]) -> None:
    """5 + 300/12 Pa are 30, which 29 Pa between the windows are over the whole hold."""
    pack = pack_with(
        *("environment_unknown = { on = false", "environment_unknown = { on = true"),
        *("weather_pa = { value = 36", "weather_pa = { value = 5"),
        *("weather_pa_per_h = { value = 100", "weather_pa_per_h = { value = 300"),
    )

    assert verdict(order(), held(falling(fall)), pack) == expected


def test_five_limits_are_early_where_they_are_more_than_100_pa() -> None:
    """With a limit of 25 Pa a fall is early over 125 Pa, and so much must be there to fall."""
    pack = pack_with("limit_pa = { value = 20", "limit_pa = { value = 25")

    def sunk(pa: str) -> list[Row]:
        return held(lambda s: 5200 if s <= 10 else 5200 - Decimal(pa))

    assert verdict(order(), sunk("125"), pack) == ("INCONCLUSIVE", ("settling",))
    assert verdict(order(), sunk("125.1"), pack) == ("FAIL", ("drop",))
    for p_req_pa, reason in ((125, "order"), (126, "no_liveness")):
        given = order("post_repair_hold", p_operating_pa=p_req_pa)
        assert verdict(given, held(lambda s: 0, ramp=(0, 0, 0)), pack)[1] == (reason,)


SOON = ("settle_min_s = { value = 60", "settle_min_s = { value = 5")


def test_level_takes_a_whole_window_since_pump_off() -> None:
    """Where a pack lets a hold begin after 5 s, the slope is still that of 60 s without pumping."""
    answer = judge(parsed(order()), held(), pack_with(*SOON))

    assert (answer.verdict, answer.figures["stabilise_s"]) == ("PASS", "60")


def test_steps_are_looked_for_from_20_s_after_pump_off() -> None:
    """In a hold that begins 10 s after pump-off: not in the pumping, but as soon as it is over."""
    pack = pack_with(*SOON, "settle_max_s = { value = 600", "settle_max_s = { value = 10")

    def low_until(second: int) -> list[Row]:
        """12 Pa lower up to this second of the hold, which begins at 35 s."""
        return held(lambda s: 5200 + 12 * (s >= second) + s // 5 % 2, settle_s=10)

    assert verdict(order(), held(settle_s=10), pack) == ("PASS", ())
    assert verdict(order(), low_until(5), pack) == ("INCONCLUSIVE", ("repressurised",))


def test_a_window_with_two_readings_has_no_slope() -> None:
    """It is neither level nor steady: the hold begins when the time is up, or with more of them."""
    short = "slope_window_s = { value = 60"
    two = pack_with(short, "slope_window_s = { value = 5")
    three = pack_with(short, "slope_window_s = { value = 10")

    calm = judge(parsed(order()), held(settle_s=600), two)
    sinking = held(near("5274"), settle_s=130, settling=lambda s: 5300 - Decimal(s) / 5,
                   ramp=(1000, 3000, 5300))  # fmt: skip
    steady = judge(parsed(order()), without(sinking, 130), three)

    assert (calm.flags[0], calm.figures["stabilise_s"]) == ("unstable_start", "600")
    assert (steady.flags[0], steady.figures["stabilise_s"]) == ("steady_fall", "130")


def test_one_hour_for_hoses_where_switched_on() -> None:
    """The hold of a long_hold section is 3600 s, of any other as before."""
    hour = pack_with("apply = { on = false", "apply = { on = true")
    hoses = order(hose_class="long_hold")

    assert verdict(hoses, held(vent=False), hour) == ("INCONCLUSIVE", ("too_short",))
    assert verdict(hoses, held(hold_s=3600), hour) == ("PASS", ())
    assert verdict(order(), held(), hour) == ("PASS", ())
    assert "long_hold" not in judge(parsed(hoses), held(hold_s=3600), hour).not_checked
    assert judge(parsed(hoses), held(hold_s=3600), hour).limits["hold_s"]["value"] == "3600"


def test_the_long_hold_never_shortens() -> None:
    """A pack whose long hold is shorter than the hold of the kind changes nothing."""
    odd = read_pack(
        DEFAULT.replace("apply = { on = false", "apply = { on = true", 1)
        .replace("hold_s = { value = 3600", "hold_s = { value = 30", 1)
        .encode()
    )

    assert verdict(order(hose_class="long_hold"), held(), odd) == ("PASS", ())
    assert judge(parsed(order(hose_class="long_hold")), held(), odd).figures["hold_s"] == "300"


@pytest.mark.parametrize(
    ("given", "rows"),
    [(order(), held()), (purge_order(), samples(95, 95, 95)), (screen(), swept(20, 20, 20))],
)
def test_a_pack_out_of_force_decides_nothing(given: dict[str, Any], rows: list[Row]) -> None:
    """Figures that were not valid on the day give no verdict, whatever the readings say."""
    old = pack_with("valid_from = 2020-01-01", "valid_from = 2020-01-01\nvalid_until = 2026-11-22")
    current = pack_with(
        "valid_from = 2020-01-01", "valid_from = 2026-11-23\nvalid_until = 2026-11-23"
    )

    answer = judge(parsed(given), rows, old)

    assert (answer.verdict, answer.reasons) == ("INCONCLUSIVE", ("order",))
    assert answer.figures["faults"] == ["rule_pack"]
    assert answer.limits
    assert "rule pack" in answer.sentence["en"]
    assert answer.outcome == (None if given["procedure"] != "laser_screen" else "invalid")
    assert assess(parsed(given), rows, old, at_us(0)).verdict == answer
    assert judge(parsed(given), rows, current).verdict == "PASS"
    assert answer.not_checked == judge(parsed(given), rows, current).not_checked
    assert not set(answer.flags) - set(judge(parsed(given), rows, current).flags)


def test_a_stricter_limit_is_used_everywhere() -> None:
    """10 Pa instead of 20: drop, and the limit that is told."""
    strict = pack_with("limit_pa = { value = 20,", "limit_pa = { value = 10,")
    answer = judge(parsed(order()), held(falling("14.5")), strict)

    assert (answer.verdict, answer.limits["drop_pa"]["value"]) == ("FAIL", "10")
    assert "10 Pa are allowed" in answer.sentence["en"]


def test_the_whole_answer_of_a_tight_pipe() -> None:
    """Every key of the contract, with its kind of content."""
    answer = judge(parsed(order(section={"id": "S-1", "part": "indoor"})), held(), load_pack())

    assert answer.to_dict() == {
        "number": "T-1",
        "procedure": "indoor_hold",
        "verdict": "PASS",
        "reasons": [],
        "flags": ["uncorrected"],
        "figures": {
            "attempts": 1,
            "p_req_pa": "5000",
            "resolution_pa": "1",
            "zero_before_pa": "0",
            "zero_after_pa": "0",
            "top_ups": 0,
            "p_pump_off_pa": "5200",
            "stabilise_s": "60",
            "hold_s": "300",
            "p1_pa": "5200.333333",
            "p2_pa": "5200.333333",
            "drop_raw_pa": "0",
            "events": [
                {"at_us": at_us(1), "event": "zeroed"},
                {"at_us": at_us(12), "event": "pump_on"},
                {"at_us": at_us(25), "event": "pump_off"},
                {"at_us": at_us(390), "event": "vent_open"},
            ],
        },
        "limits": {
            "hold_s": {
                "value": "300", "unit": "s", "clause": "1.6.5", "mark": "S",
                "source": "company regulations, residential purge",
            },
            "p_floor_pa": {
                "value": "5000", "unit": "Pa", "clause": "1.6.5", "mark": "P",
                "source": "CJJ 94-2009 8.3.3; the company regulations name no pressure",
            },
            "drop_pa": {
                "value": "20", "unit": "Pa", "clause": "1.6.1, 1.6.5", "mark": "P",
                "source": "IGEM/UP/1B Edition 4, no perceptible movement (electronic gauge)",
            },
        },
        "clauses": ["1.6.5", "1.6.1"],
        "rule_pack": {"id": "default", "version": "2026.11.4"},
        "not_checked": ["let_by", "temperature", "barometer", "environment_unknown"],
        "sentence": {
            "zh": "户内保压：合格。300 秒内压力下降 0 Pa，允许 20 Pa；未修正（uncorrected）："
            "无燃气温度和大气压数据，升温或天气变化可能掩盖压降。",
            "en": "Indoor hold test: passed. The pressure fell 0 Pa in 300 s, 20 Pa are allowed; "
            "uncorrected: without gas temperature and barometer, warming or a weather change "
            "may hide a drop.",
        },
    }  # fmt: skip


def test_one_kind_for_each_procedure() -> None:
    """The door hands over eight kinds, judged by the same two functions."""
    assert [kind.name for kind in BUILT_IN] == list(PROCEDURES)
    assert all((kind.judge, kind.assess) == (judge, assess) for kind in BUILT_IN)


def test_absurd_numbers_are_told_without_breaking() -> None:
    """Values near the end of a double: no verdict from them, and no crash."""
    rows = [*until(held(), 200), reading(205, "1e308"), reading(210, "-1e308"), event(211, "abort")]

    assert judge(parsed(order()), rows, load_pack()).verdict == "ABORTED"
    assert judge(parsed(order()), rows[:-1], load_pack()).verdict == "INCONCLUSIVE"


def test_the_callers_arithmetic_does_not_matter() -> None:
    """A coarse decimal context around the judge changes nothing in it."""
    rows = [
        row._replace(value=f"{row.value}.000123") if row.quantity != "event" else row
        for row in held(falling("19.3343"))
    ]
    expected = judge(parsed(order()), rows, load_pack())

    with localcontext(Context(prec=3)):
        assert judge(parsed(order()), rows, load_pack()) == expected
        assert assess(parsed(order()), rows, load_pack(), at_us(9999)).verdict == expected


def test_one_reading_by_eye_is_no_hold() -> None:
    """Not even under a rule pack that forgives a hold as much as it lasts."""
    given, rows = eye(530, 530)
    lenient = pack_with("short_s = { value = 1,", "short_s = { value = 300,")

    assert verdict(given, rows, lenient) == ("PASS", ())
    alone = [row for row in rows if row.at_us != at_us(385)]
    assert verdict(given, alone, lenient) == ("INCONCLUSIVE", ("too_short",))


def test_a_sentence_says_which_figure_it_lacks() -> None:
    """A question mark, never a crash, and nothing that looks like a figure."""
    given, pack = parsed(order()), load_pack()

    failed = verdict_of(given, Ruling("FAIL", ["drop"]), pack).sentence["en"]
    passed = verdict_of(given, Ruling("PASS", []), pack).sentence["en"]

    assert "The pressure fell ? Pa, ? Pa are allowed" in failed
    assert "The pressure fell ? Pa in ? s, ? Pa are allowed" in passed
    assert "corrected for temperature and barometer ? Pa" in passed


def test_a_day_lasts_to_its_last_microsecond() -> None:
    """Also in years in which a binary fraction of a second can no longer tell them apart."""
    midnight = datetime(9998, 12, 31, 16, tzinfo=UTC)  # 00:00 of 1 January in Shanghai
    midnight_us = (midnight - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    assert day_of(midnight_us - 1) == date(9998, 12, 31)
    assert day_of(midnight_us) == date(9999, 1, 1)
