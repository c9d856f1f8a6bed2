"""What a judgement is made from: a row, an instrument, a test order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal, NamedTuple

HOLDS: Final = ("riser_hold", "indoor_hold", "post_repair_hold", "commercial_hold")
PROCEDURES: Final = (
    *HOLDS,
    "safe_to_work",
    "purge_complete",
    "degas_complete",
    "laser_screen",
)
QUALITIES: Final = (
    "good",
    "late",
    "stale",
    "over_range",
    "under_range",
    "warming_up",
    "fault",
    "low_battery",
    "inhibited",
    "bad",
)
ABORTS: Final = ("abort", "instrument_fault", "gas_alarm", "abnormal_pressure")
EVENTS: Final = (
    "zeroed",
    "pump_on",
    "pump_off",
    "top_up",
    "vent_open",
    "vent_closed",
    "isolated",
    "interrupted",
    "resumed",
    *ABORTS,
    "self_test_ok",
)
# Live only: the desk closes a test that nobody will finish. In a file it is an unknown event.
CLOSE: Final = "close"

Part = Literal["riser", "indoor"]
Medium = Literal["air", "nitrogen", "gas"]
Source = Literal["instrument", "manual", "imported"]
Role = Literal["ceiling", "suspect", "other"]


class Row(NamedTuple):
    """One line of the record. at_us is the deciding time, microseconds since 1970 UTC.

    value is the text as sent; for an event (quantity "event") it is the event's word.
    """

    at_us: int
    instrument: str
    quantity: str
    value: str
    unit: str = ""
    quality: str = "good"
    seq: str = ""
    point: str = ""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument as the order declares it. None: not declared."""

    name: str
    quantity: str
    serial: str = ""
    unit: str | None = None
    range_pa: Decimal | None = None
    resolution_pa: Decimal | None = None
    resolution: Decimal | None = None
    range_pct_lel: Decimal | None = None
    range_pct_vol: Decimal | None = None
    lel_basis_pct_vol: Decimal | None = None
    t90_s: Decimal | None = None
    u: Decimal | None = None
    zero_before_pa: Decimal | None = None
    zero_after_pa: Decimal | None = None
    calibrated_until: date | None = None


@dataclass(frozen=True, slots=True)
class TestOrder:
    """What is to be tested, with what. None: not declared."""

    __test__ = False  # the name looks like a test class to pytest

    number: str
    procedure: str
    instruments: tuple[Instrument, ...]
    section_id: str | None = None
    part: Part | None = None
    p_design_pa: Decimal | None = None
    p_operating_pa: Decimal | None = None
    p_level: Literal["design", "operating"] | None = None
    medium: Medium | None = None
    volume_l: Decimal | None = None
    hose_class: Literal["rigid", "long_hold"] | None = None
    isolation: Mapping[str, object] | None = None
    source: Source = "instrument"
    sample_period_s: Decimal | None = None
    points: Mapping[str, Role] = field(default_factory=dict)
    distance_m: Decimal | None = None
    reflector: str | None = None
    weather: str | None = None
    rule_pack: str | None = None

    def of(self, quantity: str) -> tuple[Instrument, ...]:
        """The declared instruments of one quantity, in the order's order."""
        return tuple(one for one in self.instruments if one.quantity == quantity)
