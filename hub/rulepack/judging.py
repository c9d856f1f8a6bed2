"""What verdicts rest on: the figures of holds, safe-to-work, purging and the laser screen."""

from hub.rulepack.entries import Figure, Frozen, Switch


class InstrumentRules(Frozen):
    """The instrument gate of a hold."""

    range_factor: Figure
    resolution_pa: Figure
    zero_pa: Figure
    drift_pa: Figure
    u_temperature_k: Figure
    u_barometer_pa: Figure


class EvidenceRules(Frozen):
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


class SettlingRules(Frozen):
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


class DropRules(Frozen):
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


class HoldKind(Frozen):
    """Pressure and times of one kind of hold."""

    p_floor_pa: Figure
    hold_s: Figure
    settle_min_s: Figure
    settle_max_s: Figure


class LongHold(Frozen):
    """The one-hour hold for hoses, when switched on."""

    apply: Switch
    hold_s: Figure


class HoldRules(Frozen):
    riser: HoldKind
    indoor: HoldKind
    commercial: HoldKind
    long: LongHold
    instrument: InstrumentRules
    evidence: EvidenceRules
    settling: SettlingRules
    drop: DropRules


class WorkRules(Frozen):
    """K1: safe to work, and the alarm limit of any point-gas reading."""

    limit_pct_lel: Figure
    stop_pct_lel: Figure | None = None
    attention_pct_lel: Figure
    gas_lel_pct_vol: Figure
    unknown_basis_pct_vol: Figure
    dwell_s: Figure
    dwell_t90: Figure
    t90_s: Figure
    points: Figure
    span_s: Figure
    gap_s: Figure


class PressureBand(Frozen):
    """Outside it the pressure of a pipe that is being purged is abnormal; open without an end."""

    low_pa: Figure | None = None
    high_pa: Figure | None = None


class PurgeRules(Frozen):
    """K2 and K3: three samples. The band is what the company says; nothing is assumed."""

    gas_min_pct_vol: Figure
    oxygen_below_pct_vol: Figure
    degas_max_pct_lel: Figure
    oxygen_min_pct_vol: Figure
    samples: Figure
    spacing_s: Figure
    span_s: Figure
    pressure: PressureBand = PressureBand()


class LaserRules(Frozen):
    """K4: outdoor laser screen."""

    excess_ppm_m: Figure
    sd_factor: Figure
    strong_ppm_m: Figure
    sweeps: Figure
    sweeps_over: Figure
    sweep_rows: Figure
    background_rows: Figure
    background_s: Figure
