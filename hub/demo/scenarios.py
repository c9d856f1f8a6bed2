"""What the demo works through: orders, what the technician does, and the verdicts that must come.

Times are hub seconds. The thresholds are the rule pack's, nothing is shortened.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.demo.operator import Operator

PUMP_TO_PA = 5300
DECIDED_WITHIN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One order. `expected` has one verdict per attempt, in order."""

    number: str
    title: Mapping[str, str]
    order: Mapping[str, Any]
    work: Callable[[Operator], None]
    expected: Sequence[str]


def _instruments(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def _pump_up(op: Operator, gauge: str, line: str, unit: int) -> None:
    """Zero at the open vent, pump beyond the required pressure, let the heat go, disconnect."""
    op.event("isolated")
    op.event("zeroed", gauge)
    op.wait(15)
    op.event("pump_on")
    op.hands(line, f"pump {PUMP_TO_PA} @{unit}")
    op.wait(120)
    op.hands(line, f"pump_off @{unit}")
    op.event("pump_off")


def _let_off(op: Operator, line: str, unit: int) -> None:
    """After the hold: open the vent, so that the gauge shows whether its zero has moved."""
    if op.progress() is not None:
        op.event("vent_open")
    op.hands(line, f"vent @{unit}")


def tight_riser(op: Operator) -> None:
    op.open()
    _pump_up(op, "pm-1", "rs485-a", 1)
    op.until_stage("venting", DECIDED_WITHIN_S)
    _let_off(op, "rs485-a", 1)
    op.until_decided(DECIDED_WITHIN_S)


def leaking_indoor(op: Operator) -> None:
    op.open()
    _pump_up(op, "pm-2", "rs485-a", 2)
    op.until_decided(DECIDED_WITHIN_S)
    _let_off(op, "rs485-a", 2)


def pulled_cable(op: Operator) -> None:
    op.open()
    _pump_up(op, "pm-3", "rs485-b", 1)
    op.until_stage("holding", DECIDED_WITHIN_S)
    op.wait(120)
    op.hands("rs485-b", "unplug")
    op.wait(45)
    op.hands("rs485-b", "plug")
    op.until_stage("venting", DECIDED_WITHIN_S)
    _let_off(op, "rs485-b", 1)
    op.until_decided(DECIDED_WITHIN_S)


def _fresh_air(op: Operator) -> None:
    """Zero the detector outside, and only then let it report: the rule wants the zero first."""
    op.hands("detector-1", "jump 0")
    op.hands("detector-1", "silence")
    op.wait(5)
    op.open()
    op.event("zeroed", "detector-1")
    op.hands("detector-1", "clear")
    op.wait(5)


def _probe(op: Operator, points: Sequence[tuple[str, float]]) -> None:
    """Hold the probe at each point (name, %vol there) for longer than the rule asks."""
    for point, pct_vol in points:
        op.hands("detector-1", f"jump {pct_vol}")
        op.event("point", point=point)
        op.wait(75)
        if op.progress() is None:
            return


def kitchen_twice(op: Operator) -> None:
    _fresh_air(op)
    _probe(op, [("ceiling", 1.35), ("cooker", 1.2), ("door", 0.9)])
    op.until_decided(DECIDED_WITHIN_S)
    op.hands("detector-1", "settle 0.2")  # the windows are open now
    op.wait(300)
    _fresh_air(op)
    _probe(op, [("ceiling", 0.31), ("cooker", 0.22), ("door", 0.09)])
    if op.progress() is not None:
        op.event("close")
    op.until_decided(DECIDED_WITHIN_S)


def purge(op: Operator) -> None:
    op.open()
    op.event("point", point="vent-1")
    op.hands("analyser-1", "settle 97")
    op.until_decided(DECIDED_WITHIN_S)


def doorway(op: Operator) -> None:
    op.open()
    op.event("self_test_ok", "laser-1")
    op.event("point", point="background")
    op.wait(15)
    for sweep in (1, 2, 3):
        op.hands("laser", "aim 180")
        op.event("point", point=f"door#{sweep}")
        op.wait(7)
    op.event("point", point="")
    op.hands("laser", "aim 0")
    if op.progress() is not None:
        op.event("close")
    op.until_decided(DECIDED_WITHIN_S)


SCENARIOS: Sequence[Scenario] = (
    Scenario(
        "WO-0001",
        {"zh": "立管气密，完好", "en": "riser, tight"},
        {
            "procedure": "riser_hold",
            "section": {"id": "B3-U2-riser", "part": "riser"},
            "p_design_pa": 5000,
            "medium": "air",
            "volume_l": 30,
            "isolation": {"declared": True},
            "sample_period_s": 1,
            "instruments": _instruments("pm-1", "thermometer-1", "barometer-1"),
        },
        tight_riser,
        ("PASS",),
    ),
    Scenario(
        "WO-0002",
        {"zh": "户内管，漏气", "en": "indoor pipe, leaking"},
        {
            "procedure": "indoor_hold",
            "section": {"id": "B3-U2-0501", "part": "indoor"},
            "p_level": "design",
            "medium": "air",
            "volume_l": 2,
            "isolation": {"declared": True},
            "sample_period_s": 1,
            "instruments": _instruments("pm-2"),
        },
        leaking_indoor,
        ("FAIL",),
    ),
    Scenario(
        "WO-0003",
        {"zh": "立管，保压中拔线", "en": "riser, cable pulled in the hold"},
        {
            "procedure": "riser_hold",
            "section": {"id": "B4-U1-riser", "part": "riser"},
            "p_design_pa": 5000,
            "medium": "air",
            "volume_l": 30,
            "isolation": {"declared": True},
            "sample_period_s": 1,
            "instruments": _instruments("pm-3"),
        },
        pulled_cable,
        ("INCONCLUSIVE",),
    ),
    Scenario(
        "WO-0004",
        {"zh": "厨房作业条件，通风前后", "en": "kitchen, before and after ventilation"},
        {
            "procedure": "safe_to_work",
            "section": {"id": "B3-U2-0501", "part": "indoor"},
            "points": {"ceiling": "ceiling", "cooker": "suspect", "door": "other"},
            "sample_period_s": 1,
            "instruments": _instruments("detector-1"),
        },
        kitchen_twice,
        ("FAIL", "PASS"),
    ),
    Scenario(
        "WO-0005",
        {"zh": "置换取样三次", "en": "purge, three samples"},
        {
            "procedure": "purge_complete",
            "section": {"id": "B3-U2-riser", "part": "riser"},
            "sample_period_s": 1,
            "instruments": _instruments("analyser-1"),
        },
        purge,
        ("PASS",),
    ),
    Scenario(
        "WO-0006",
        {"zh": "门口激光，有异常", "en": "doorway by laser, anomaly"},
        {
            "procedure": "laser_screen",
            "distance_m": 30,
            "reflector": "door",
            "weather": "clear",
            "sample_period_s": 1,
            "instruments": _instruments("laser-1"),
        },
        doorway,
        ("FAIL",),
    ),
)
