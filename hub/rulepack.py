"""The rule pack: every figure a verdict rests on, with its clause, source, mark and owner.

No limit stands in code. The shipped default is hub/rulepacks/default.toml; a company's own
pack is another file of the same shape, named by path or by its id.
"""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

SHIPPED: Final = Path(__file__).parent / "rulepacks"
DEFAULT_ID: Final = "default"

Mark = Literal["S", "V", "V2", "M+", "M", "M-", "P"]


class RulePackError(Exception):
    """A rule pack that cannot be used; the text names file, key, value and remedy."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(_Frozen):
    """One number and where it comes from. Finite, never negative."""

    value: Decimal = Field(ge=0, allow_inf_nan=False)
    unit: str
    clause: str = Field(min_length=1)
    source: str = Field(min_length=1)
    mark: Mark
    owner: str = Field(min_length=1)


class Switch(_Frozen):
    """A rule that a company may turn on."""

    on: bool
    clause: str = Field(min_length=1)
    source: str = Field(min_length=1)
    mark: Mark
    owner: str = Field(min_length=1)


class InstrumentRules(_Frozen):
    """The instrument gate of a hold."""

    range_factor: Figure
    resolution_pa: Figure
    zero_pa: Figure
    drift_pa: Figure
    u_temperature_k: Figure
    u_barometer_pa: Figure


class EvidenceRules(_Frozen):
    """When a series is good enough to judge."""

    gap_s: Figure
    missing_pct: Figure
    short_s: Figure
    sample_max_s: Figure
    clock_jump_s: Figure
    live_share: Figure
    frozen_share_divisor: Figure
    sparse_s: Figure
    zero_after_wait_s: Figure


class SettlingRules(_Frozen):
    """From pump-off to the hold."""

    slope_window_s: Figure
    slope_se_factor: Figure
    steady_min_s: Figure
    steady_pa_per_min: Figure
    cannot_hold_share: Figure
    cannot_hold_s: Figure
    top_ups: Figure
    rise_ends_s: Figure
    target_factor: Figure
    p_max_factor: Figure


class DropRules(_Frozen):
    """What the hold is measured against."""

    limit_pa: Figure
    limit_min_pa: Figure
    limit_max_pa: Figure
    manual_limit_pa: Figure
    window_s: Figure
    step_pa: Figure
    step_limit_share: Figure
    let_off_share: Figure
    let_off_s: Figure
    resolution_from_pa: Figure
    environment_limit_share: Figure
    settling_ratio: Figure
    early_limit_factor: Figure
    early_pa: Figure
    early_s: Figure
    atmosphere_pa: Figure
    weather_pa: Figure
    weather_pa_per_h: Figure
    environment_unknown: Switch


class HoldKind(_Frozen):
    """Pressure and times of one kind of hold."""

    p_floor_pa: Figure
    hold_s: Figure
    settle_min_s: Figure
    settle_max_s: Figure


class LongHold(_Frozen):
    """The one-hour hold for hoses, when switched on."""

    apply: Switch
    hold_s: Figure


class HoldRules(_Frozen):
    riser: HoldKind
    indoor: HoldKind
    commercial: HoldKind
    long: LongHold
    instrument: InstrumentRules
    evidence: EvidenceRules
    settling: SettlingRules
    drop: DropRules


class WorkRules(_Frozen):
    """K1: safe to work, and the alarm limit of any point-gas reading."""

    limit_pct_lel: Figure
    attention_pct_lel: Figure
    gas_lel_pct_vol: Figure
    unknown_basis_pct_vol: Figure
    dwell_s: Figure
    dwell_t90: Figure
    t90_s: Figure
    points: Figure
    span_s: Figure
    gap_s: Figure


class PurgeRules(_Frozen):
    """K2 and K3: three samples."""

    gas_min_pct_vol: Figure
    oxygen_below_pct_vol: Figure
    degas_max_pct_lel: Figure
    oxygen_min_pct_vol: Figure
    samples: Figure
    spacing_s: Figure
    span_s: Figure


class LaserRules(_Frozen):
    """K4: outdoor laser screen."""

    excess_ppm_m: Figure
    sd_factor: Figure
    strong_ppm_m: Figure
    sweeps: Figure
    sweeps_over: Figure
    sweep_rows: Figure
    background_rows: Figure
    background_s: Figure


class RulePack(_Frozen):
    """One version of all figures. valid_until is the last day in force; absent: open."""

    id: str = Field(min_length=1)
    version: str = Field(min_length=1)
    valid_from: date
    valid_until: date | None = None
    owner: str = Field(min_length=1)
    hold: HoldRules
    work: WorkRules
    purge: PurgeRules
    laser: LaserRules
    _source: bytes = PrivateAttr(default=b"")

    @property
    def source_bytes(self) -> bytes:
        """The TOML it was read from, as it goes into the record."""
        return self._source

    @cached_property
    def sha256(self) -> str:
        """Digest of source_bytes, hex."""
        return hashlib.sha256(self._source).hexdigest()

    @property
    def work_limit_clause(self) -> str:
        """The clause behind the work limit."""
        return self.work.limit_pct_lel.clause

    def in_force(self, day: date) -> bool:
        """True if *day* lies within the pack's validity, both ends inclusive."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    def figures(self) -> Iterator[tuple[str, Figure | Switch]]:
        """Every figure and switch with its dotted key."""
        yield from _walk("", self)


def _walk(prefix: str, model: BaseModel) -> Iterator[tuple[str, Figure | Switch]]:
    for name in type(model).model_fields:
        child = getattr(model, name)
        key = f"{prefix}{name}"
        if isinstance(child, Figure | Switch):
            yield key, child
        elif isinstance(child, BaseModel):
            yield from _walk(f"{key}.", child)


class PointReading(Protocol):
    """What the alarm watch needs of a point-gas reading; `hub.model.Reading` has it."""

    @property
    def canonical(self) -> Decimal | None: ...
    @property
    def canonical_unit(self) -> str: ...
    @property
    def quality(self) -> str: ...
    @property
    def lel_basis_pct_vol(self) -> str: ...


def at_or_over_work_limit(value: Decimal, unit: str, pack: RulePack, basis_declared: bool) -> bool:
    """True if a point-gas value is at or over the work limit (clause of safe-to-work).

    value, unit      canonical: %LEL or %vol
    basis_declared   whether the instrument says what its 100 %LEL stands for; if not, the
                     display is taken on the unfavourable basis
    """
    work = pack.work
    if unit != "%LEL":
        return value * 100 >= work.limit_pct_lel.value * work.gas_lel_pct_vol.value
    if basis_declared:
        return value >= work.limit_pct_lel.value
    return (
        value * work.unknown_basis_pct_vol.value
        >= work.limit_pct_lel.value * work.gas_lel_pct_vol.value
    )


def over_work_limit(reading: PointReading, pack: RulePack) -> bool | None:
    """Whether a point-gas reading is at or over the work limit; None when it has no value.

    An over_range reading is over, whatever value came with it.
    """
    if reading.quality != "good":
        return True if reading.quality == "over_range" else None
    if reading.canonical is None:
        return None
    return at_or_over_work_limit(
        reading.canonical, reading.canonical_unit, pack, bool(reading.lel_basis_pct_vol)
    )


def load_pack(path_or_id: str | None = None) -> RulePack:
    """The rule pack at a path, or shipped under an id; None is the shipped default.

    raises  RulePackError
    """
    name = path_or_id or DEFAULT_ID
    path = Path(name)
    if not (path.suffix == ".toml" or "/" in name):
        path = _shipped(name)
    try:
        source = path.read_bytes()
    except (OSError, ValueError) as error:
        raise RulePackError(
            f"rule pack {name!r}: cannot be read ({error}); "
            f"give the path of a .toml file or one of the ids {', '.join(shipped_ids())}"
        ) from None
    return read_pack(source, str(path))


def shipped_ids() -> tuple[str, ...]:
    """Ids that load_pack knows without a path."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def _shipped(name: str) -> Path:
    ids = shipped_ids()
    if name not in ids:
        near = get_close_matches(name, ids, n=1)
        guess = f'; did you mean "{near[0]}"?' if near else ""
        raise RulePackError(
            f"rule pack {name!r}: no such id; use one of {', '.join(ids)} "
            f"or the path of a .toml file{guess}"
        )
    return SHIPPED / f"{name}.toml"


@lru_cache(maxsize=8)
def read_pack(source: bytes, file: str = "rule pack") -> RulePack:
    """A rule pack from its TOML bytes; *file* names it in errors.

    raises  RulePackError
    """
    try:
        tables = tomllib.loads(source.decode(), parse_float=Decimal)
    except (ArithmeticError, ValueError) as error:
        raise RulePackError(f"{file}: not TOML in UTF-8 ({error}); correct the line") from None
    owner = tables.get("owner")
    if isinstance(owner, str):
        _give_owner(tables, owner)
    try:
        pack = RulePack.model_validate(tables)
    except ValidationError as error:
        raise RulePackError(f"{file}: {_first_fault(error)}") from None
    drop = pack.hold.drop
    if not drop.limit_min_pa.value <= drop.limit_pa.value <= drop.limit_max_pa.value:
        raise RulePackError(
            f"{file}: hold.drop.limit_pa is {drop.limit_pa.value}; it must lie between "
            f"limit_min_pa {drop.limit_min_pa.value} and limit_max_pa {drop.limit_max_pa.value}"
        )
    for name, kind in (
        ("riser", pack.hold.riser),
        ("indoor", pack.hold.indoor),
        ("commercial", pack.hold.commercial),
        ("long", pack.hold.long),
    ):
        if kind.hold_s.value <= 2 * drop.window_s.value:
            raise RulePackError(
                f"{file}: hold.{name}.hold_s is {kind.hold_s.value}; it must be longer than the "
                f"first and the last window together ({2 * drop.window_s.value} s)"
            )
    pack._source = source  # noqa: SLF001  the model is frozen; its bytes are set once, here
    return pack


def _give_owner(table: dict[str, Any], owner: str) -> None:
    """A figure that names no owner belongs to the pack's."""
    for child in table.values():
        if not isinstance(child, dict):
            continue
        if "mark" in child:
            child.setdefault("owner", owner)
        else:
            _give_owner(child, owner)


def _first_fault(error: ValidationError) -> str:
    faults = error.errors(include_url=False)
    # A misspelt key is also a missing one: the spelling says more.
    fault = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        near = get_close_matches(str(fault["loc"][-1]), _names(fault["loc"][:-1]), n=1)
        guess = f'; did you mean "{near[0]}"?' if near else ""
        return f"{key}: no such key{guess}; remove or correct it"
    if fault["type"] == "missing":
        return f"{key}: is missing; add it (hub/rulepacks/default.toml shows its shape)"
    return f"{key}: {fault['input']!r} is not accepted ({fault['msg']}); correct the value"


def _names(loc: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = RulePack
    for part in loc:
        inner = model.model_fields.get(str(part))
        if inner is None or not isinstance(inner.annotation, type):
            return []
        if not issubclass(inner.annotation, BaseModel):
            return []
        model = inner.annotation
    return list(model.model_fields)


def as_limit(figure: Figure) -> Mapping[str, str]:
    """A figure as the answer lists it: value, unit, clause, source, mark."""
    return {
        "value": f"{figure.value.normalize():f}",
        "unit": figure.unit,
        "clause": figure.clause,
        "source": figure.source,
        "mark": figure.mark,
    }
