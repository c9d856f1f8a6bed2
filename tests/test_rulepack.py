"""The rule pack: the shipped figures, and what is refused in another one."""

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from hub.rulepack import (
    SHIPPED,
    Figure,
    RulePackError,
    at_or_over_work_limit,
    load_pack,
    over_work_limit,
    read_pack,
)

DEFAULT = "\n".join(
    (SHIPPED / "default" / name).read_text(encoding="utf-8")
    for name in ("pack.toml", "judging.toml")
)
"""As one file, which is a pack as well."""


def test_the_default_holds_the_figures_of_the_specification() -> None:
    """Spot checks of the figures that decide; a changed figure must be changed here too."""
    figures = {
        key: figure.value for key, figure in load_pack().figures() if isinstance(figure, Figure)
    }
    expected = {
        "hold.riser.p_floor_pa": 5000, "hold.riser.hold_s": 900,
        "hold.riser.settle_min_s": 180, "hold.riser.settle_max_s": 1200,
        "hold.indoor.p_floor_pa": 5000, "hold.indoor.hold_s": 300,
        "hold.indoor.settle_min_s": 60, "hold.indoor.settle_max_s": 600,
        "hold.commercial.p_floor_pa": 5000, "hold.commercial.hold_s": 1800,
        "hold.commercial.settle_min_s": 600, "hold.commercial.settle_max_s": 1800,
        "hold.long.hold_s": 3600,
        "hold.instrument.range_factor": "1.5", "hold.instrument.resolution_pa": 10,
        "hold.instrument.zero_pa": 10, "hold.instrument.drift_pa": 10,
        "hold.instrument.u_temperature_k": "0.03", "hold.instrument.u_barometer_pa": 5,
        "hold.evidence.gap_s": 10, "hold.evidence.missing_pct": 5, "hold.evidence.short_s": 1,
        "hold.evidence.sample_max_s": 5, "hold.evidence.clock_jump_s": 2,
        "hold.evidence.live_share": "0.5", "hold.evidence.frozen_share_divisor": 3,
        "hold.evidence.sparse_s": 60, "hold.evidence.zero_after_wait_s": 120,
        "hold.settling.slope_window_s": 60, "hold.settling.slope_se_factor": 3,
        "hold.settling.steady_min_s": 120, "hold.settling.steady_pa_per_min": 1,
        "hold.settling.cannot_hold_share": "0.7", "hold.settling.cannot_hold_s": 10,
        "hold.settling.top_ups": 2, "hold.settling.rise_ends_s": 10,
        "hold.settling.target_factor": "1.04", "hold.settling.p_max_factor": "1.2",
        "hold.drop.limit_pa": 20, "hold.drop.limit_min_pa": 10, "hold.drop.limit_max_pa": 25,
        "hold.drop.manual_limit_pa": 10, "hold.drop.window_s": 10, "hold.drop.step_pa": 10,
        "hold.drop.step_limit_share": "0.5", "hold.drop.let_off_share": "0.1",
        "hold.drop.let_off_s": 30, "hold.drop.resolution_from_pa": 1,
        "hold.drop.environment_limit_share": "0.5", "hold.drop.settling_ratio": "0.6",
        "hold.drop.early_limit_factor": 5, "hold.drop.early_pa": 100, "hold.drop.early_s": 10,
        "hold.drop.atmosphere_pa": 101325, "hold.drop.weather_pa": 36,
        "hold.drop.weather_pa_per_h": 100,
        "job.residential_purge.tries": 3, "job.commercial_purge.tries": 3, "job.repair.tries": 3,
        "job.inspection.step.absent.count.days": 3,
        "work.limit_pct_lel": 20, "work.stop_pct_lel": 50,
        "work.attention_pct_lel": 10, "work.gas_lel_pct_vol": "4.4",
        "work.unknown_basis_pct_vol": 5, "work.dwell_s": 60, "work.dwell_t90": 3,
        "work.t90_s": 20, "work.points": 3, "work.span_s": 1800, "work.gap_s": 10,
        "purge.gas_min_pct_vol": 90, "purge.oxygen_below_pct_vol": 2,
        "purge.degas_max_pct_lel": 20, "purge.oxygen_min_pct_vol": "19.5", "purge.samples": 3,
        "purge.spacing_s": 300, "purge.span_s": 3600,
        "laser.excess_ppm_m": 50, "laser.sd_factor": 3, "laser.strong_ppm_m": 500,
        "laser.sweeps": 3, "laser.sweeps_over": 2, "laser.sweep_rows": 3,
        "laser.background_rows": 10, "laser.background_s": 10,
    }  # fmt: skip

    assert figures == {key: Decimal(value) for key, value in expected.items()}


def test_optional_rules_are_off_in_the_default() -> None:
    """The one-hour hold and the weather rule need a company's own decision."""
    pack = load_pack()

    assert not pack.hold.long.apply.on
    assert not pack.hold.drop.environment_unknown.on


def test_every_figure_has_clause_source_mark_and_owner() -> None:
    """No figure without its origin, and none in binary."""
    for key, figure in load_pack().figures():
        assert figure.clause, key
        assert figure.source, key
        assert figure.mark in {"S", "V", "V2", "M+", "M", "M-", "P"}, key
        assert figure.owner, key


def test_the_bytes_are_kept_for_the_record() -> None:
    """A pack read again from its recorded bytes is the same pack."""
    pack = load_pack()

    assert read_pack(pack.source_bytes) == pack
    assert read_pack(DEFAULT.encode()).hold == pack.hold  # as packs were recorded before
    assert len(pack.sha256) == 64


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("limit_pa = { value = 20,", "limit_pa = { value = 26,", "hold.drop.limit_pa is 26"),
        ("limit_pa = { value = 20,", "limit_pa = { value = 9,", "must lie between"),
        ("limit_pa = { value = 20,", "limit_pa = { value = -20,", "hold.drop.limit_pa.value"),
        ("limit_pa = { value = 20,", "limit_pa = { value = nan,", "hold.drop.limit_pa.value"),
        ("limit_pa = { value = 20,", 'limit_pa = { value = "x",', "'x' is not accepted"),
        (
            "\nwindow_s = {",
            "\nwindou_s = {",
            'hold.drop.windou_s: no such key; did you mean "window',
        ),
        ("\nwindow_s = {", "\n# window_s = {", "hold.drop.window_s: is missing"),
        ("[laser]\n", "[laser]\nexces_ppm_m = 1\n", 'did you mean "excess_ppm_m"'),
        ("hold_s = { value = 300", "hold_s = { value = 20", "hold.indoor.hold_s is 20"),
        ('mark = "S"', 'mark = "Q"', ".mark: 'Q' is not accepted"),
        ('owner = "gas engineering"', "", "owner: is missing"),
        ("id = ", "id ", "not TOML"),
    ],
)
def test_a_bad_pack_is_refused_with_key_and_remedy(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    """The error names file, key and value."""
    path = tmp_path / "ours.toml"
    path.write_text(DEFAULT.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(RulePackError) as error:
        load_pack(str(path))

    assert str(path) in str(error.value)
    assert says in str(error.value)


def test_an_unknown_id_is_refused_with_the_known_ones() -> None:
    """A misspelt id never falls back to the default."""
    with pytest.raises(RulePackError, match='did you mean "default"'):
        load_pack("defualt")
    with pytest.raises(RulePackError, match="cannot be read"):
        load_pack("/nowhere/pack.toml")


def test_validity_includes_both_ends() -> None:
    """The first and the last day are in force."""
    text = DEFAULT.replace(
        "valid_from = 2020-01-01", "valid_from = 2026-01-01\nvalid_until = 2026-12-31"
    )
    pack = read_pack(text.encode())
    first, last = pack.valid_from, pack.valid_until
    assert last is not None

    assert pack.in_force(first)
    assert pack.in_force(last)
    assert not pack.in_force(first.replace(year=2025, month=12))
    assert not pack.in_force(last.replace(year=2027, month=1))
    assert load_pack().in_force(last.replace(year=2099))


class Reading(NamedTuple):
    canonical: Decimal | None
    canonical_unit: str = "%LEL"
    quality: str = "good"
    lel_basis_pct_vol: str = ""


@pytest.mark.parametrize(
    ("reading", "over"),
    [
        (Reading(Decimal("17.6")), True),
        (Reading(Decimal("17.599")), False),
        (Reading(Decimal("19.99"), lel_basis_pct_vol="4.4"), False),
        (Reading(Decimal(20), lel_basis_pct_vol="5.0"), True),
        (Reading(Decimal("0.88"), "%vol", lel_basis_pct_vol="5.0"), True),
        (Reading(Decimal("0.879999"), "%vol"), False),
        (Reading(None, quality="over_range"), True),
        (Reading(Decimal(0), quality="over_range"), True),
        (Reading(Decimal(99), quality="fault"), None),
        (Reading(None), None),
    ],
)
def test_the_alarm_watch_uses_the_same_limit(reading: Reading, over: bool | None) -> None:
    """True over, False below, None when there is no value to compare."""
    assert over_work_limit(reading, load_pack()) is over


def test_the_limit_is_exact_in_decimal() -> None:
    """0.88 %vol is 20 % of 4.4, which binary arithmetic would round below."""
    assert at_or_over_work_limit(Decimal("0.88"), "%vol", load_pack(), basis_declared=False)
