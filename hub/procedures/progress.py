"""What a running test still lacks, for the people who watch it. No part of any verdict."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hub.procedures.case import HOLDS, TestOrder
from hub.procedures.hold_spec import us
from hub.procedures.ruling import Ruling
from hub.procedures.safe_to_work import ROLES, best_stay, find_stays
from hub.procedures.series import US, Record
from hub.procedures.verdict import text_of
from hub.procedures.wording import rounded
from hub.rulepack import RulePack
from hub.texts import LANGUAGES, say


def progress_of(
    order: TestOrder, record: Record, pack: RulePack, ruling: Ruling
) -> Mapping[str, Any]:
    """Figures beside those of the ruling; empty where there is nothing to tell.

    hints          sentences in each language: what to do next
    points         safe to work, each point that is declared or was seen: `stayed_s` of `needed_s`,
                   the largest value, whether it is `enough`; `hole`: go there again, see judge.md
    roles_missing  roles of points at which nobody has stayed long enough yet
    """
    if order.procedure in HOLDS:
        return _hold(pack, ruling)
    return _points(order, record, pack) if order.procedure == "safe_to_work" else {}


def _hold(pack: RulePack, ruling: Ruling) -> Mapping[str, Any]:
    """A pipe that is to settle below its required pressure passes only after a top-up."""
    figures = ruling.figures
    used_up = figures.get("top_ups", 0) >= pack.hold.settling.top_ups.value
    if ruling.stage != "stabilising" or ruling.latest is None or used_up:
        return {}
    now_pa, p_req_pa = ruling.latest[0], Decimal(figures["p_req_pa"])
    # Early on few values are seen, and the steps between them are larger than the gauge's own.
    step_pa = min(Decimal(figures["resolution_pa"]), pack.hold.instrument.resolution_pa.value)
    if now_pa >= p_req_pa - step_pa:
        return {}
    told = {"p_req_pa": rounded(p_req_pa, 1), "now_pa": rounded(now_pa, 1, beside=p_req_pa)}
    return {"hints": [_hint("progress.top_up", **told)]}


def _points(order: TestOrder, record: Record, pack: RulePack) -> Mapping[str, Any]:
    stays = find_stays(order, record, pack)
    gap_us = us(pack.work.gap_s)
    points: list[dict[str, Any]] = []
    for name in dict.fromkeys((*order.points, *stays)):
        point: dict[str, Any] = {"point": name, "role": order.points.get(name, "")}
        if name in stays:
            stay = best_stay(stays[name], gap_us)
            hole = stay.hole(gap_us)
            point |= {
                "stayed_s": text_of(Fraction(stay.dwell_us, US)),
                "needed_s": text_of(stay.need_us / US),
                "enough": stay.enough and not hole,
                "hole": hole,
                **_largest(order, record, name),
            }
        else:
            point |= {"stayed_s": "0", "enough": False, "hole": False}
        points.append(point)
    done = {point["role"] for point in points if point["enough"]}
    missing = [role for role in ROLES if order.points and role not in done]
    return {
        "points": points,
        "points_needed": text_of(pack.work.points.value),
        "roles_missing": missing,
        "hints": [_hint(f"progress.role.{role}") for role in missing],
    }


def _largest(order: TestOrder, record: Record, point: str) -> dict[str, str]:
    largest: dict[str, Decimal] = {}
    for one in order.of("gas"):
        for reading in record.readings[one.name]:
            if reading.point == point and reading.value is not None:
                so_far = largest.get(reading.unit, reading.value)
                largest[reading.unit] = max(so_far, reading.value)
    keys = {"%LEL": "max_pct_lel", "%vol": "max_pct_vol"}
    return {keys[unit]: text_of(value) for unit, value in largest.items()}


def _hint(key: str, **figures: str) -> dict[str, str]:
    return {lang: say(lang, key, **figures) for lang in LANGUAGES}
