"""What an order and a rule pack ask of one hold test."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from hub.procedures.case import TestOrder
from hub.procedures.series import US
from hub.rulepack import Figure, HoldKind, RulePack

_PART_OF: Final[Mapping[str, str]] = {"riser_hold": "riser", "indoor_hold": "indoor"}


@dataclass(frozen=True, slots=True)
class HoldSpec:
    """One hold as it must be done. faults: what the order lacks, the test cannot be judged."""

    p_req_pa: Decimal
    hold_us: int
    settle_min_us: int
    settle_max_us: int
    limit_pa: Decimal
    figures: Mapping[str, Figure]
    flags: tuple[str, ...]
    not_checked: tuple[str, ...]
    faults: tuple[str, ...]

    @property
    def hold_s(self) -> Decimal:
        return Decimal(self.hold_us) / US


def us(figure: Figure) -> int:
    """A figure in seconds as microseconds."""
    return int(figure.value * US)


def resolve(order: TestOrder, pack: RulePack) -> HoldSpec:
    """The hold that this order asks for, with everything that is wrong or missing in it."""
    kind, faults = _kind(order)
    rules: HoldKind = getattr(pack.hold, kind)
    p_req_pa, p_faults, flags = _pressure(order, kind, rules.p_floor_pa.value)
    faults += p_faults
    drop = pack.hold.drop
    least_pa = max(drop.early_limit_factor.value * drop.limit_pa.value, drop.early_pa.value)
    if not p_faults and p_req_pa <= least_pa:
        faults.append("p_req")  # so little pressure cannot fall by what would fail it
    faults += _medium_faults(order, p_req_pa)
    if order.volume_l is not None and order.volume_l <= 0:
        faults.append("volume_l")
    if order.sample_period_s is not None and order.sample_period_s <= 0:
        faults.append("sample_period_s")
    manual = order.source == "manual"
    hold, long_off = _hold_time(order, pack, rules)
    limit = pack.hold.drop.manual_limit_pa if manual else pack.hold.drop.limit_pa
    if order.source != "instrument":
        flags.append(order.source)
    return HoldSpec(
        p_req_pa=p_req_pa,
        hold_us=us(hold),
        settle_min_us=us(rules.settle_min_s),
        settle_max_us=us(rules.settle_max_s),
        limit_pa=limit.value,
        figures={"hold_s": hold, "p_floor_pa": rules.p_floor_pa, "drop_pa": limit},
        flags=tuple(flags),
        not_checked=_not_checked(order, manual, long_off),
        faults=tuple(faults),
    )


def _kind(order: TestOrder) -> tuple[str, list[str]]:
    """The kind whose figures hold; part and procedure must agree."""
    if order.procedure == "commercial_hold":
        return "commercial", []
    if order.procedure == "post_repair_hold":
        if order.part is not None:
            return order.part, []
        return ("indoor" if order.p_operating_pa is not None else "riser"), []
    part = _PART_OF[order.procedure]
    return part, ([] if order.part in (None, part) else ["section.part"])


def _pressure(
    order: TestOrder, kind: str, floor_pa: Decimal
) -> tuple[Decimal, list[str], list[str]]:
    """Required pressure, what is missing for it, and flags."""
    faults = [
        key
        for key, value in (
            ("p_design_pa", order.p_design_pa),
            ("p_operating_pa", order.p_operating_pa),
        )
        if value is not None and value <= 0
    ]
    if order.p_level == "operating" and kind != "indoor":
        faults.append("p_level")
    at_operating = kind == "indoor" and (
        order.procedure == "post_repair_hold" or order.p_level == "operating"
    )
    if at_operating:
        if order.p_operating_pa is None:
            return floor_pa, [*faults, "p_operating_pa"], []
        flags = ["p_level_by_config"] if order.procedure == "indoor_hold" else []
        return order.p_operating_pa, faults, flags
    if order.p_design_pa is None:
        missing = [] if kind == "indoor" else ["p_design_pa"]
        return floor_pa, [*faults, *missing], []
    return max(order.p_design_pa, floor_pa), faults, []


def _medium_faults(order: TestOrder, p_req_pa: Decimal) -> list[str]:
    """Gas may fill the pipe only after a repair, and then only up to the operating pressure."""
    if order.medium != "gas":
        return []
    operating_pa = order.p_operating_pa
    if order.procedure == "post_repair_hold" and operating_pa is not None:
        return [] if p_req_pa <= operating_pa else ["medium"]
    return ["medium"]


def _hold_time(order: TestOrder, pack: RulePack, rules: HoldKind) -> tuple[Figure, bool]:
    if order.hose_class != "long_hold":
        return rules.hold_s, False
    if not pack.hold.long.apply.on:
        return rules.hold_s, True
    return max(rules.hold_s, pack.hold.long.hold_s, key=lambda figure: figure.value), False


def _not_checked(order: TestOrder, manual: bool, long_off: bool) -> tuple[str, ...]:
    absent = []
    if order.medium is None:
        absent.append("medium")
    if order.hose_class is None:
        absent.append("hose_class")
    if long_off:
        absent.append("long_hold")
    if manual:
        absent.append("photos")
    absent.append("let_by")
    return tuple(absent)
