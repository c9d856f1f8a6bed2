"""Rules that a rule pack switches, and the whole shape of an answer."""

from decimal import Context, localcontext
from typing import Any

import pytest

from hub.procedures import BUILT_IN, PROCEDURES, Row, assess, judge
from hub.rulepack import SHIPPED, RulePack, load_pack, read_pack
from tests.case_gas import purge as purge_order
from tests.case_gas import samples, screen, swept
from tests.case_holds import air, sensed, temperature
from tests.case_holds_more import plateaus
from tests.toy import at_us, climate, event, falling, gauge, held, order, parsed, reading, until

DEFAULT = (SHIPPED / "default.toml").read_text(encoding="utf-8")


def pack_with(old: str, new: str) -> RulePack:
    """The default with one change."""
    assert old in DEFAULT
    return read_pack(DEFAULT.replace(old, new, 1).encode())


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
        "rule_pack": {"id": "default", "version": "2026.11.1"},
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
