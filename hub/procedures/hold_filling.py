"""One filling of the pipe with everything that its judgement rests on."""

from fractions import Fraction

from hub.procedures.case import TestOrder
from hub.procedures.climate import Climate, span_of
from hub.procedures.hold_evidence import Fall, Hold
from hub.procedures.hold_gate import GateSeen, look, resolution_pa
from hub.procedures.hold_spec import HoldSpec, us
from hub.procedures.hold_stages import Course, Stages
from hub.procedures.hold_table import Drops, drops
from hub.procedures.pressurising import Attempt
from hub.procedures.ruling import NEVER
from hub.procedures.series import Record
from hub.rulepack import RulePack


class Filling:
    """The parts are worked out once, top to bottom; nothing is decided here.

    course      None: the pump has not come off yet
    hold        None: the hold has not begun
    fall        a fall that decides before the end; let_off_us: let off without `vent_open`
    found       the drops; None unless the hold went its whole time
    """

    def __init__(
        self,
        order: TestOrder,
        record: Record,
        attempt: Attempt,
        pump_off_us: int | None,
        spec: HoldSpec,
        pack: RulePack,
    ) -> None:
        self.order = order
        self.record = record
        self.attempt = attempt
        self.spec = spec
        self.pack = pack
        self.climate = Climate(order, record, pack)
        self.step_pa = resolution_pa(attempt)
        self.course: Course | None = None
        self.hold: Hold | None = None
        self.fall: Fall | None = None
        self.let_off_us: int | None = None
        if pump_off_us is not None:
            self.course = Stages(attempt, pump_off_us, spec, pack, self.step_pa).walk()
        if self.course is not None and self.course.hold_from is not None:
            self.hold = Hold(attempt.track, self.course, spec, pack)
            self.fall, self.let_off_us = self.hold.fall(self.climate)
        vent_us = None if self.course is None else self.course.vent_us
        self.gate: GateSeen = look(order, record, attempt, vent_us, spec, pack, self.step_pa)
        self.found: Drops | None = None
        if self.whole is not None and not self.whole.gap(self.last_us):
            self.found = drops(self.whole, self.climate, self.gate.drift_pa, self._up_sq())

    @property
    def gap_us(self) -> int:
        return us(self.pack.hold.evidence.gap_s)

    @property
    def last_us(self) -> int:
        """The last usable reading; there is one once a hold has begun."""
        return self.attempt.track.at[-1]

    @property
    def whole(self) -> Hold | None:
        """The hold, if it went its whole time and nothing ended it before."""
        hold = self.hold
        if hold is None or not hold.over or hold.vented_us is not None:
            return None
        return hold if self.fall is None and self.let_off_us is None else None

    @property
    def due_us(self) -> float:
        """When the hold time was over; NEVER while it is not."""
        return self.hold.due_us if self.hold is not None and self.hold.over else NEVER

    @property
    def wait_us(self) -> float:
        """Until then a test that stands well waits for the zero afterwards."""
        return self.due_us + us(self.pack.hold.evidence.zero_after_wait_s)

    @property
    def climate_absent(self) -> bool:
        """A declared temperature or barometer sensor says nothing for one of both windows."""
        hold = self.whole
        return hold is not None and any(self.climate.lacking(*one) for one in hold.windows_us)

    @property
    def risen(self) -> bool:
        """The gauge was seen below half of the required pressure, then at its pump-off pressure."""
        course, track = self.course, self.attempt.track
        off = None if course is None else track.near(course.pump_off_us, self.gap_us)
        if course is None or off is None:
            return False
        half_pa = self.spec.p_req_pa * self.pack.hold.evidence.live_share.value
        before = track.pa[: track.closed(course.pump_off_us, course.pump_off_us)[1]]
        return track.pa[off] >= half_pa and min(before, default=half_pa) < half_pa

    def pumped(self, hold: Hold) -> bool:
        """The pump was at work after the hold began."""
        return any(
            event.word in {"top_up", "pump_on", "pump_off"}
            and hold.from_us < event.at_us < hold.end_us
            for event in self.attempt.events
        )

    def _up_sq(self) -> Fraction:
        """Square of the gauge's standard uncertainty, Pa²."""
        gauge = self.attempt.gauge
        if gauge.u is not None:
            return Fraction(span_of(gauge, gauge.u)) ** 2
        return Fraction(self.step_pa) ** 2 / 12
