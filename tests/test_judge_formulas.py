"""The formulas behind the figures: golden vectors, windows, slopes, canonical text."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from hub.procedures import Row
from hub.procedures.climate import Air, Climate, leak_at_operating_l_h, leak_l_h
from hub.procedures.gate import calibration_fault, day_of, declared_resolution_pa
from hub.procedures.series import Reading, number_of, period_us, read
from hub.procedures.verdict import text_of
from hub.procedures.windows import Track
from hub.rulepack import load_pack
from tests.toy import at_us, event, gauge, order, parsed, reading

PACK = load_pack()
SENSORS = [
    {"name": "t", "quantity": "gas_temperature", "unit": "degC"},
    {"name": "b", "quantity": "barometer", "unit": "Pa"},
]


def climate(*sensors: dict[str, object]) -> Climate:
    """Of an order with these sensors and no readings."""
    given = parsed(order(instruments=[gauge(), *sensors]))
    return Climate(given, read(given, [], PACK), PACK)


def track(*values: object, every_s: int = 1) -> Track:
    return Track(
        Reading(k * every_s * 1_000_000, Decimal(str(value)), "Pa", "good", "", "g", "Pa")
        for k, value in enumerate(values)
    )


@pytest.mark.parametrize(
    ("p1", "b1", "t1", "p2", "b2", "t2", "raw", "corr"),
    [
        (5100, 101325, "20.0", 5064, 101325, "19.9", 36, "-0.30"),
        (5100, 101325, "20.0", 5100, 101325, "20.2", 0, "72.56"),
        (5100, 101325, "20.0", 5040, 101385, "20.0", 60, "0.00"),
    ],
)
def test_golden_vectors_of_the_corrected_drop(
    p1: int, b1: int, t1: str, p2: int, b2: int, t2: str, raw: int, corr: str
) -> None:
    """CJJ 33-2005 12.4.5 with 273.15: 0.1 K, a hidden drop, a barometric fall."""
    first, last = Air(Fraction(t1), Fraction(b1)), Air(Fraction(t2), Fraction(b2))

    drop = climate(*SENSORS).corrected_drop(Fraction(p1), first, Fraction(p2), last)

    assert p1 - p2 == raw
    assert round(float(drop), 2) == float(corr)


def test_golden_vector_of_the_leak_at_operating_pressure() -> None:
    """10 l, 5 min, 50 to 49.5 hPa at 1013.25 hPa, 23 hPa operating: 0.0260 l/h."""
    leak = leak_at_operating_l_h(
        Decimal(10), 300_000_000, Fraction(101325), Fraction(5000), Fraction(4950), Decimal(2300)
    )

    assert round(float(leak), 4) == 0.026


def test_leak_rate_from_the_drop() -> None:
    """10 Pa in 5 min on 2 l are 0.0024 l/h."""
    leak = leak_l_h(Decimal(2), Fraction(10), 300_000_000, PACK)

    assert leak == Fraction(2 * 10 * 12, 101325)


def test_uncertainty_with_the_default_sensors() -> None:
    """0.03 K and 5 Pa: about 34 Pa; with 0.1 K and 10 Pa the well-known 106 Pa."""
    first = Air(Fraction(20), Fraction(101325))
    default = climate(*SENSORS).expanded_variance(Fraction(5100), first, Fraction(1, 12))
    ordinary = climate({**SENSORS[0], "u": Decimal("0.1")}, {**SENSORS[1], "u": 10})
    square = ordinary.expanded_variance(Fraction(5100), first, Fraction(1, 12))

    assert round(float(default) ** 0.5, 1) == 33.9
    assert round(float(square) ** 0.5) == 107


def test_one_sensor_takes_the_other_as_constant() -> None:
    """Only the barometer: its change counts one to one. Only the temperature: about 363 Pa/K."""
    by_barometer = climate(SENSORS[1]).corrected_drop(
        Fraction(5000), Air(None, Fraction(101325)), Fraction(5000), Air(None, Fraction(101225))
    )
    by_temperature = climate(SENSORS[0]).corrected_drop(
        Fraction(5000), Air(Fraction(20), None), Fraction(5000), Air(Fraction(21), None)
    )

    assert by_barometer == 100
    assert round(float(by_temperature)) == 361


def test_uncertainty_is_in_the_sensors_unit() -> None:
    """0.05 hPa are 5 Pa."""
    first = Air(None, Fraction(101325))
    square = climate(
        {"name": "b", "quantity": "barometer", "unit": "hPa", "u": Decimal("0.05")}
    ).expanded_variance(Fraction(5000), first, Fraction(0))

    assert square == 4 * 2 * 25


def test_slope_and_its_error() -> None:
    """Least squares over 0, 1, 3, 2 Pa: slope 0.8 Pa/s, variance 0.18."""
    slope = track(0, 1, 3, 2).slope((0, 4))

    assert slope is not None
    assert slope.pa_per_s == Decimal("0.8")
    assert slope.variance == Decimal("0.18")


def test_a_straight_line_has_no_error() -> None:
    """Three readings are enough; nothing is left over."""
    slope = track(0, 2, 4).slope((0, 3))

    assert slope is not None
    assert (slope.pa_per_s, slope.variance) == (2, 0)


@pytest.mark.parametrize("values", [(), (1,), (1, 2)])
def test_two_readings_have_no_slope(values: tuple[int, ...]) -> None:
    """A line through two points has no error, so it proves nothing."""
    assert track(*values).slope((0, len(values))) is None


def test_readings_at_one_moment_have_no_slope() -> None:
    """Nothing is divided by zero."""
    assert track(1, 2, 3, every_s=0).slope((0, 3)) is None


def test_means_are_exact_thirds() -> None:
    """5200, 5200 and 5201 have no decimal mean, and lose nothing."""
    assert track(5200, 5200, 5201).mean((0, 3)) == Fraction(15601, 3)


def test_windows_are_closed_or_open_at_the_left() -> None:
    """[from, to] has both ends; (from, to] leaves the first out."""
    some = track(1, 2, 3, 4, 5)

    assert some.closed(1_000_000, 3_000_000) == (1, 4)
    assert some.after(1_000_000, 3_000_000) == (2, 4)


def test_rises_is_strict_and_needs_both_windows() -> None:
    """Exactly the limit is no rise; an empty window says nothing."""
    some = track(10, 10, 20, 20)

    assert not some.rises((0, 2), (2, 4), Decimal(10))
    assert some.rises((0, 2), (2, 4), Decimal("9.99"))
    assert not some.rises((0, 0), (2, 4), Decimal(0))
    assert not some.rises((0, 2), (4, 4), Decimal(-99))


def test_the_end_of_a_rise_needs_ten_quiet_seconds() -> None:
    """The first reading with nothing higher for 10 s after it; None while that is not seen."""
    values = [0, 100, 200, 300, 400, *([399] * 12)]

    assert track(*values).rise_ends(0, 17, 10_000_000, Decimal(50)) == 4
    assert track(*values[:12]).rise_ends(0, 12, 10_000_000, Decimal(50)) is None
    assert track(*values).rise_ends(0, 17, 10_000_000, Decimal(401)) is None


def test_the_reading_of_a_moment() -> None:
    """The higher of both neighbours that are near enough; one at the moment stands for itself."""
    some = track(1, 2, every_s=10)

    assert some.near(9_000_000, 9_000_000) == 1
    assert some.near(9_000_000, 1_000_000) == 1
    assert some.near(2_000_000, 2_000_000) == 0
    assert some.near(0, 10_000_000) == 0
    assert some.near(30_000_000, 10_000_000) is None
    assert some.near(20_000_000, 10_000_000) == 1
    assert some.near(-11_000_000, 10_000_000) is None
    assert some.near(-10_000_000, 10_000_000) == 0
    assert track(2, 1, every_s=10).near(5_000_000, 5_000_000) == 0
    assert track(2, 2, every_s=10).near(5_000_000, 5_000_000) == 0
    assert track().near(0, 10) is None


def test_smallest_step_seen() -> None:
    """Between sorted values, not between neighbours in time."""
    assert track(0, 10, 3, 10).steps_pa((0, 4)) == 3
    assert track(5, 5).steps_pa((0, 2)) is None


def test_unbroken_stretches() -> None:
    """A gap over the limit begins a new stretch; exactly the limit does not."""
    assert track(1, 2, 3, every_s=10).unbroken_since(10_000_000) == [0, 0, 0]
    assert track(1, 2, 3, every_s=11).unbroken_since(10_000_000) == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5200", "5200"), (" 5200 ", "5200"), ("-.5", "-0.5"), ("5.", "5"), ("1e3", "1000"),
        ("1E-40", "0"), ("1e-30", "1e-30"), ("0", "0"), ("1e308", "1e308"),
        ("", None), ("NaN", None), ("inf", None), ("1e999", None), ("-1e999", None),
        ("5_200", None), ("５２００", None), ("5,2", None), ("0x10", None), ("1e", None),
        ("--1", None), ("1 2", None),
    ],
)  # fmt: skip
def test_numbers_of_a_value_field(text: str, number: str | None) -> None:
    """Plain decimal numbers, finite as a double; anything else is no value."""
    expected = None if number is None else Decimal(number)

    assert number_of(text) == expected


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Decimal("20.0010"), "20.001"),
        (Fraction(1, 3), "0.333333"),
        (Decimal("-0.0000001"), "0"),
        (Decimal("1E+3"), "1000"),
        (5000, "5000"),
        (Decimal("1e30"), "1" + "0" * 30),
        (Decimal("-1.5e31"), "-1.500000E+31"),
        (Decimal("0.0000005"), "0"),
        (Decimal("0.0000015"), "0.000002"),
        (Decimal("-0.5"), "-0.5"),
        (Decimal("1e300"), "1.000000E+300"),
    ],
)
def test_figures_are_plain_text(number: Decimal | Fraction | int, text: str) -> None:
    """Six decimals at most, no exponent for anything that can be measured."""
    assert text_of(number) == text


def test_expected_interval() -> None:
    """Declared, else the lower median, never over 5 s; resends at one moment do not count."""
    plain, declared = parsed(order()), parsed(order(sample_period_s=2))

    assert period_us(plain, [0, 0, 1, 2, 4, 9], PACK) == 1
    assert period_us(plain, [0, 6_000_000, 12_000_000], PACK) == 5_000_000
    assert period_us(plain, [], PACK) == 5_000_000
    assert period_us(declared, [0, 6_000_000], PACK) == 2_000_000
    assert period_us(parsed(order(sample_period_s=7)), [0, 1], PACK) == 5_000_000


def test_the_calibration_day_is_the_day_in_shanghai() -> None:
    """15:59:59.999999 UTC is the same day there, one microsecond later the next."""
    one = parsed(order()).instruments[0]
    midnight_us = at_us(14 * 3600)
    last = date(2026, 11, 23)

    assert day_of(midnight_us - 1) == last
    assert day_of(midnight_us) == last + timedelta(days=1)
    assert calibration_fault(one, midnight_us) is None
    assert day_of(10**20) is None
    assert calibration_fault(one, 10**20) == "calibration_expired"


def test_resolution_may_be_declared_both_ways() -> None:
    """The coarser counts; without a unit the second way says nothing."""

    def resolution(**changes: object) -> Decimal | None:
        return declared_resolution_pa(parsed(order(instruments=[gauge(**changes)])).instruments[0])

    assert resolution() == 1
    assert resolution(resolution=1, unit="mmH2O") == Decimal("9.80665")
    assert resolution(resolution=0.01, unit="mmH2O") == 1
    assert resolution(resolution=1, unit=None) is None


def values_with(*events: Row) -> list[Decimal | None]:
    """What is left of readings 0, 1, 2 ... 9 s among these events."""
    rows = [reading(second, second) for second in range(10)]
    return [one.value for one in read(parsed(order()), [*rows, *events], PACK).readings["g"]]


def test_an_interruption_takes_its_readings() -> None:
    """From `interrupted` on, up to but not including the moment of `resumed`."""
    kept = values_with(event(2, "interrupted"), event(5, "resumed"))

    assert kept == [0, 1, None, None, None, 5, 6, 7, 8, 9]


def test_an_interruption_without_an_end_takes_the_rest() -> None:
    """Nobody said that the work went on."""
    assert values_with(event(7, "interrupted")) == [0, 1, 2, 3, 4, 5, 6, None, None, None]


def test_interruptions_are_taken_one_by_one() -> None:
    """A second `interrupted` changes nothing; a lone `resumed` neither; a later one counts."""
    kept = values_with(
        event(0, "resumed"),
        event(1, "interrupted"),
        event(2, "interrupted"),
        event(3, "resumed"),
        event(4, "resumed"),
        event(6, "interrupted"),
        event(8, "resumed"),
    )

    assert kept == [0, None, None, 3, 4, 5, None, None, 8, 9]


def test_a_lost_reading_is_remembered() -> None:
    """As it was, so that gas in it is still gas."""
    rows = [reading(1, 7), event(1, "interrupted")]
    record = read(parsed(order()), rows, PACK)

    assert [one.value for one in record.lost] == [7]
    assert record.readings["g"][0].quality == "bad"
    assert read(parsed(order()), rows[:1], PACK).lost == []


def test_a_row_of_another_quantity_or_unit_is_set_aside() -> None:
    """Its number is never used; without any unit there is only no number."""
    rows = [
        reading(1, 7, "degC"),
        reading(2, 7, "degC", quantity="gas_temperature"),
        reading(3, 7, ""),
        reading(4, "x"),
        reading(5, "x", "K"),
    ]
    record = read(parsed(order()), rows, PACK)

    assert [row.at_us for row in record.misfits] == [at_us(1), at_us(2), at_us(5)]
    assert [one.value for one in record.readings["g"]] == [None] * 4


def test_the_clock_is_looked_at_for_each_instrument() -> None:
    """By number, not by place in the file; a number that is none is not looked at."""
    given = parsed(order(instruments=[gauge(), gauge(name="h")], sample_period_s=5))

    def fault(*rows: Row) -> bool:
        return read(given, rows, PACK).clock

    assert fault(reading(5, 1, seq="1"), reading(4, 1, seq="2"))
    assert not fault(reading(5, 1, seq="1"), reading(4, 1, seq="2", instrument="h"))
    assert not fault(reading(5, 1, seq="1"), reading(4, 1, seq="3"))
    assert not fault(reading(5, 1, seq="a1"), reading(4, 1, seq="a2"))
    assert not fault(reading(0, 1, seq="9"), reading(5, 1, seq="10"))
    assert fault(reading(0, 1, seq="9"), reading("7.001", 1, seq="10"))
    assert fault(reading(0, 1, seq="9"), reading("2.999", 1, seq="10"))
    assert not fault(reading(0, 1, seq="9"), reading(3, 1, seq="10"))
    assert not fault(reading(0, 1, seq="9"), reading(5, 1, seq="10"), reading(30, 1, seq="12"))
    assert fault(reading(0, 1, seq="9"), reading(20, 1, seq="12"), reading(99, 1, seq="13"))


def test_rows_of_a_stranger_are_not_looked_at() -> None:
    """The file reader refuses them; the rules do not trip over them."""
    given = parsed(order())

    record = read(given, [reading(0, 1, instrument="x")], PACK)

    assert record.readings == {"g": []}
    assert record.first_us() is None
