"""The units the hub knows, closed per quantity, and their canonical form.

Canonical: pressure Pa (gauge), barometer Pa (absolute), gas %LEL or %vol, gas_path ppm.m,
oxygen %vol, gas_temperature degC. %LEL and LEL.m stay as sent: what they are worth in %vol
depends on the basis the instrument declares, and that is a matter for the rules.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from hub.near import guess

ONE: Final = Decimal(1)
ZERO: Final = Decimal(0)
KELVIN_AT_0_DEGC: Final = Decimal("273.15")

# Exact by definition: a column's conventional density (water 1000 kg/m3, mercury 13595.1 kg/m3)
# times g_n 9.80665 m/s2; kgf/cm2 and psi from g_n, lb and inch (NIST SP 811, appendix B.8).
# Of mmHg those tables have the conventional one alone, of inHg three.
# inH2O is that of 4 degC. A display may mean water of 20 degC, 0.18 % less: whoever reads one has
# to know, so a driver takes a water column only from a document or an operator that says so.
_PASCALS: Final[dict[str, Decimal]] = {
    "Pa": ONE,
    "hPa": Decimal(100),
    "kPa": Decimal(1000),
    "KPa": Decimal(1000),
    "MPa": Decimal(1_000_000),
    "bar": Decimal(100_000),
    "mbar": Decimal(100),
    "mmH2O": Decimal("9.80665"),
    "mH2O": Decimal("9806.65"),
    "inH2O": Decimal("249.0889"),
    "mmHg": Decimal("133.322387415"),
    "kgf/cm2": Decimal("98066.5"),
    "psi": Decimal("6894.757293168361"),
}

AMBIGUOUS: Final = {
    "inHg": "of mercury at 32 or at 60 degF, 0.28 % apart",
    "ftH2O": "of water at 4, 16 or 20 degC",
    "kgf": "it is a force; the area is missing",
    "kg/cm2": 'kg is no force; if kilogram-force is meant, write "kgf/cm2"',
}
"""Names seen on instruments that are refused, and why: set the instrument to Pa, kPa or mbar."""


@dataclass(frozen=True, slots=True)
class UnitRule:
    """canonical = sent * factor + offset."""

    canonical: str
    factor: Decimal
    offset: Decimal = ZERO


def _table() -> dict[str, dict[str, UnitRule]]:
    pascals = {unit: UnitRule("Pa", factor) for unit, factor in _PASCALS.items()}
    return {
        "pressure": pascals,
        "barometer": pascals,
        "gas": {
            "%LEL": UnitRule("%LEL", ONE),
            "%vol": UnitRule("%vol", ONE),
            "ppm": UnitRule("%vol", Decimal("0.0001")),
        },
        "gas_path": {
            "ppm.m": UnitRule("ppm.m", ONE),
            "ppm·m": UnitRule("ppm.m", ONE),
            "%vol.m": UnitRule("ppm.m", Decimal(10_000)),
            "LEL.m": UnitRule("LEL.m", ONE),
        },
        "oxygen": {"%vol": UnitRule("%vol", ONE)},
        "gas_temperature": {
            "degC": UnitRule("degC", ONE),
            "°C": UnitRule("degC", ONE),
            "℃": UnitRule("degC", ONE),
            "K": UnitRule("degC", ONE, -KELVIN_AT_0_DEGC),
        },
    }


UNITS: Final = _table()
QUANTITIES: Final = tuple(UNITS)
ALL_UNITS: Final = frozenset(unit for units in UNITS.values() for unit in units)

# One flat table: the hub converts every reading of every instrument through it.
_FLAT: Final = {
    (quantity, unit): (
        rule.canonical,
        None if rule.factor == 1 else rule.factor,
        rule.offset or None,
    )
    for quantity, units in UNITS.items()
    for unit, rule in units.items()
}


class UnknownUnit(ValueError):
    """A unit that its quantity does not have; the text names what it may be."""

    def __init__(self, quantity: str, unit: str) -> None:
        self.quantity = quantity
        self.unit = unit
        super().__init__(_explain(quantity, unit))


def _explain(quantity: str, unit: str) -> str:
    units = UNITS.get(quantity)
    if units is None:
        return f"quantity {quantity!r} is unknown; use one of {', '.join(QUANTITIES)}"
    folded = next((known for known in units if known.casefold() == unit.casefold()), "")
    hint = guess(folded or unit, units, cutoff=0.5)
    if unit in AMBIGUOUS and quantity in ("pressure", "barometer"):
        hint = f"; it says too little: {AMBIGUOUS[unit]}"
    return f"unit {unit!r} is not a unit of {quantity}; use one of {', '.join(units)}{hint}"


def known(quantity: str, unit: str) -> bool:
    """True if *unit* may be sent for *quantity*."""
    return (quantity, unit) in _FLAT


def canonical(quantity: str, value: Decimal, unit: str) -> tuple[Decimal, str]:
    """The value and unit in canonical form.

    raises  UnknownUnit
    """
    try:
        name, factor, offset = _FLAT[quantity, unit]
    except KeyError:
        raise UnknownUnit(quantity, unit) from None
    if factor is not None:
        value = value * factor
    if offset is not None:
        value = value + offset
    return value, name


def canonical_span(quantity: str, span: Decimal, unit: str) -> Decimal:
    """A difference (resolution, uncertainty) in the canonical unit: no offset is applied.

    raises  UnknownUnit
    """
    rule = UNITS.get(quantity, {}).get(unit)
    if rule is None:
        raise UnknownUnit(quantity, unit)
    return span * rule.factor


# Values of different quantities do not mix: each is its own type, so that a checker refuses
# a barometer where a gauge pressure is wanted.


@dataclass(frozen=True, slots=True)
class GaugePressure:
    pa: Decimal


@dataclass(frozen=True, slots=True)
class Barometer:
    pa: Decimal


@dataclass(frozen=True, slots=True)
class GasTemperature:
    deg_c: Decimal


@dataclass(frozen=True, slots=True)
class PointGas:
    """unit is %LEL or %vol; lel_basis_pct_vol is what the instrument calls 100 %LEL, if known."""

    value: Decimal
    unit: str
    lel_basis_pct_vol: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PathGas:
    ppm_m: Decimal


@dataclass(frozen=True, slots=True)
class Oxygen:
    pct_vol: Decimal
