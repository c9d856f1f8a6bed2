"""The decision table of a hold, rows 2 to 12: the first row that matches gives the verdict."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hub.procedures.climate import Air, Climate
from hub.procedures.hold_evidence import Hold
from hub.procedures.verdict import Word
from hub.rulepack import RulePack


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Word
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drops:
    """What the pressure did over the hold, Pa, scaled and with a positive zero drift added.

    corr        None without temperature and barometer; with one of them the other is constant
    u_corr_sq   square of U_corr; meaningless without corr
    both        temperature and barometer both served
    """

    p2: Fraction
    raw: Fraction
    corr: Fraction | None = None
    u_corr_sq: Fraction = Fraction(0)
    both: bool = False

    def corr_over(self, limit: Fraction) -> bool:
        """drop_corr > limit + U_corr, compared without a root."""
        if self.corr is None or self.corr <= limit:
            return False
        return (self.corr - limit) ** 2 > self.u_corr_sq

    def corr_under(self, limit: Fraction) -> bool:
        """drop_corr < -(limit + U_corr)."""
        if self.corr is None or self.corr >= -limit:
            return False
        return (self.corr + limit) ** 2 > self.u_corr_sq


def drops(hold: Hold, climate: Climate, drift_pa: Fraction, up_sq: Fraction) -> Drops:
    """Both drops of a hold whose windows hold readings."""
    p2 = hold.track.mean(hold.last)
    raised = max(drift_pa, Fraction(0))
    raw = hold.scale(hold.p1 - p2) + raised
    first_us, last_us = hold.windows_us
    first, last = climate.at(*first_us), climate.at(*last_us)
    if not climate.instruments or first is None or last is None:
        return Drops(p2, raw)
    corr = hold.scale(_corrected(climate, hold, first, p2, last)) + raised
    u_corr_sq = climate.expanded_variance(hold.p1, first, up_sq)
    return Drops(p2, raw, corr, u_corr_sq, both=climate.both)


def _corrected(climate: Climate, hold: Hold, first: Air, p2: Fraction, last: Air) -> Fraction:
    return climate.corrected_drop(hold.p1, first, p2, last)


def row_2(hold: Hold, period_us: int, until_us: int, ended: bool) -> Finding | None:
    """Holes, and a series that ends before the hold time. ended: let off, so not short of data."""
    reasons = []
    if hold.gap(until_us) or (not ended and hold.missing(period_us)):
        reasons.append("data_gap")
    if not ended and not hold.over:
        reasons.append("too_short")
    return Finding("INCONCLUSIVE", tuple(reasons)) if reasons else None


def row_3(hold: Hold, step_pa: Decimal) -> Finding | None:
    """The hold began below the required pressure, with a tolerance of one step."""
    if hold.p1 >= Fraction(hold.spec.p_req_pa - step_pa):
        return None
    if hold.course.top_ups >= hold.pack.hold.settling.top_ups.value:
        return Finding("FAIL", ("cannot_hold",))
    return Finding("INCONCLUSIVE", ("pressure_low",))


def rows_4_to_6(
    hold: Hold, pumped: bool, let_off_us: int | None, found: Drops | None
) -> Finding | None:
    """Pumped up again; rising; let off. found is None when the hold did not reach its end."""
    if pumped or hold.steps_up():
        return Finding("INCONCLUSIVE", ("repressurised",))
    limit = Fraction(hold.spec.limit_pa)
    rises = found is not None and (found.raw < -limit or (found.both and found.corr_under(limit)))
    if rises or hold.climbs():
        return Finding("INCONCLUSIVE", ("rise",))
    if hold.vented_us is None and let_off_us is None:
        return None
    return Finding("INCONCLUSIVE", ("vented",) if hold.over else ("vented", "too_short"))


def rows_7_to_12(hold: Hold, found: Drops, step_pa: Decimal, pack: RulePack) -> Finding:
    """The drop against the limit."""
    rules = pack.hold.drop
    limit = Fraction(hold.spec.limit_pa)
    step = Fraction(step_pa)
    if step > Fraction(rules.resolution_from_pa.value) and abs(found.raw - limit) < step:
        return Finding("INCONCLUSIVE", ("resolution",))
    if found.raw <= limit:
        if found.corr_over(limit):
            return Finding("INCONCLUSIVE", ("masked",))
        return Finding("PASS", ())
    share = Fraction(rules.environment_limit_share.value)
    if (
        found.both
        and found.corr is not None
        and found.corr <= limit
        and found.raw - found.corr >= limit * share
    ):
        return Finding("INCONCLUSIVE", ("environment",))
    if hold.fades(found.p2):
        return Finding("INCONCLUSIVE", ("settling",))
    if rules.environment_unknown.on and not found.both and found.raw <= _weather(hold, pack):
        return Finding("INCONCLUSIVE", ("environment_unknown",))
    return Finding("FAIL", ("drop",))


def _weather(hold: Hold, pack: RulePack) -> Fraction:
    """What ordinary weather may do to a tight pipe during the hold, Pa."""
    rules = pack.hold.drop
    hours = Fraction(hold.spec.hold_s) / 3600
    return Fraction(rules.weather_pa.value) + Fraction(rules.weather_pa_per_h.value) * hours
