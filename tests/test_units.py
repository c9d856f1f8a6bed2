"""Units: closed per quantity, exact, never guessed."""

from decimal import Decimal

import pytest

from hub.units import AMBIGUOUS, QUANTITIES, UNITS, UnknownUnit, canonical, canonical_span, known


@pytest.mark.parametrize(
    ("quantity", "value", "unit", "expected"),
    [
        ("pressure", "5.2", "kPa", ("5200", "Pa")),
        ("pressure", "5.2", "KPa", ("5200", "Pa")),
        ("pressure", "52", "mbar", ("5200", "Pa")),
        ("pressure", "52", "hPa", ("5200", "Pa")),
        ("pressure", "0.052", "bar", ("5200", "Pa")),
        ("pressure", "0.0052", "MPa", ("5200", "Pa")),
        ("pressure", "5200", "Pa", ("5200", "Pa")),
        ("pressure", "1", "mmH2O", ("9.80665", "Pa")),
        ("pressure", "1", "mH2O", ("9806.65", "Pa")),
        ("pressure", "1", "inH2O", ("249.0889", "Pa")),
        ("pressure", "1", "mmHg", ("133.322387415", "Pa")),
        ("pressure", "1", "kgf/cm2", ("98066.5", "Pa")),
        ("pressure", "1", "psi", ("6894.757293168361", "Pa")),
        ("barometer", "1013.25", "hPa", ("101325", "Pa")),
        ("gas", "20", "%LEL", ("20", "%LEL")),
        ("gas", "0.88", "%vol", ("0.88", "%vol")),
        ("gas", "8800", "ppm", ("0.88", "%vol")),
        ("gas_path", "98", "ppm.m", ("98", "ppm.m")),
        ("gas_path", "98", "ppm·m", ("98", "ppm.m")),
        ("gas_path", "0.5", "%vol.m", ("5000", "ppm.m")),
        ("gas_path", "0.5", "LEL.m", ("0.5", "LEL.m")),
        ("oxygen", "20.9", "%vol", ("20.9", "%vol")),
        ("gas_temperature", "20", "degC", ("20", "degC")),
        ("gas_temperature", "293.15", "K", ("20", "degC")),
        ("gas_temperature", "20", "°C", ("20", "degC")),
        ("gas_temperature", "20", "℃", ("20", "degC")),
    ],
)
def test_canonical_value_is_exact(
    quantity: str, value: str, unit: str, expected: tuple[str, str]
) -> None:
    """A value in any unit of its quantity becomes exactly the canonical one."""
    assert canonical(quantity, Decimal(value), unit) == (Decimal(expected[0]), expected[1])


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [
        ("pressure", "%LEL"),
        ("pressure", "kpa"),
        ("pressure", ""),
        ("gas", "ppm.m"),
        ("gas_path", "ppm"),
        ("oxygen", "ppm"),
        ("gas_temperature", "Pa"),
        ("flow", "m3"),
    ],
)
def test_a_unit_of_another_quantity_is_unknown(quantity: str, unit: str) -> None:
    """The error names unit and quantity and what would have been right."""
    with pytest.raises(UnknownUnit) as error:
        canonical(quantity, Decimal(1), unit)

    assert not known(quantity, unit)
    assert quantity in str(error.value)
    assert "use one of" in str(error.value)


def test_a_wrong_letter_case_is_pointed_out() -> None:
    """kpa is refused with the right spelling; it is not corrected in silence."""
    with pytest.raises(UnknownUnit, match='did you mean "kPa"'):
        canonical("pressure", Decimal(1), "kpa")


@pytest.mark.parametrize("unit", sorted(AMBIGUOUS))
def test_a_name_that_says_too_little_is_refused_with_the_reason(unit: str) -> None:
    """Which temperature, which pound, which atmosphere: not ours to choose."""
    with pytest.raises(UnknownUnit, match="says too little"):
        canonical("pressure", Decimal(1), unit)


def test_columns_and_kilograms_agree_with_each_other() -> None:
    """10 m of water is one kgf/cm2; a column is density times g_n times height."""
    ten_metres, _ = canonical("pressure", Decimal(10), "mH2O")
    assert canonical("pressure", Decimal(1), "kgf/cm2") == (ten_metres, "Pa")
    assert canonical("pressure", Decimal(1000), "mmH2O") == canonical(
        "pressure", Decimal(1), "mH2O"
    )
    mercury = Decimal("13595.1") * Decimal("9.80665") / 1000
    assert canonical("pressure", Decimal(1), "mmHg") == (mercury, "Pa")


def test_a_difference_has_no_offset() -> None:
    """A resolution of 0.1 K is 0.1 degC, not -273.05 degC."""
    assert canonical_span("gas_temperature", Decimal("0.1"), "K") == Decimal("0.1")
    assert canonical_span("pressure", Decimal("0.1"), "kPa") == Decimal(100)
    with pytest.raises(UnknownUnit):
        canonical_span("pressure", Decimal(1), "K")


def test_every_declared_unit_is_known() -> None:
    """The flat table of the hot path holds exactly the units of the readable one."""
    assert all(known(quantity, unit) for quantity in QUANTITIES for unit in UNITS[quantity])
