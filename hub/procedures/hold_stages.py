"""The stages of a hold: stabilising, topped up, holding. Nothing is judged here but the pipe
that cannot hold its pressure at all.

STABILISING -> HOLDING when the pressure has settled, falls steadily, or the time is up.
STABILISING -> PRESSURISING -> STABILISING with each top-up.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from hub.procedures.hold_spec import HoldSpec, us
from hub.procedures.pressurising import Attempt
from hub.procedures.series import US
from hub.procedures.windows import Track
from hub.rulepack import RulePack

_PUMPING: Final = ("top_up", "pump_on", "pump_off")
_MINUTE_S: Final = 60


@dataclass(slots=True)
class Course:
    """How one filling of the pipe went.

    settling_us       where the present stabilising began (pump-off, or the end of a top-up)
    pumping           a top-up has begun and its end is not yet seen
    hold_from         index of the reading at which the hold began; None: not yet
    vent_us           the first `vent_open` after pump-off
    cannot_hold_us    when it was clear that the pipe does not hold; gross: by 70 % of pump-off
    gross_since_us    the readings have been below 70 % of the pump-off pressure since then
    """

    pump_off_us: int
    settling_us: int
    pump_off_pa: Decimal | None
    vent_us: int | None
    top_ups: int = 0
    pumping: bool = False
    hold_from: int | None = None
    flags: list[str] = field(default_factory=list)
    cannot_hold_us: int | None = None
    gross: bool = False
    gross_since_us: int | None = None


class Stages:
    """Walks one filling reading by reading, in time order, as a running test would see it."""

    def __init__(
        self, attempt: Attempt, pump_off_us: int, spec: HoldSpec, pack: RulePack, step_pa: Decimal
    ) -> None:
        rules = pack.hold.settling
        self._track: Track = attempt.track
        self._spec = spec
        self._pack = pack
        self._step_pa = step_pa
        self._window_us = us(pack.hold.drop.window_s)
        self._gap_us = us(pack.hold.evidence.gap_s)
        self._slope_us = us(rules.slope_window_s)
        self._step_us: int | None = None  # the last undeclared step; its late event is no other
        self._unbroken = self._track.unbroken_since(self._gap_us)
        vents = [e.at_us for e in attempt.events if e.word == "vent_open" and e.at_us > pump_off_us]
        i = self._track.near(pump_off_us, self._gap_us)
        self.course = Course(
            pump_off_us,
            pump_off_us,
            None if i is None else self._track.pa[i],
            min(vents, default=None),
        )
        self._pumping = [
            (event.at_us, event.word)
            for event in attempt.events
            if event.word in _PUMPING and event.at_us > pump_off_us
        ]

    def walk(self) -> Course:
        """Go on until the hold begins, the pipe proves unable to hold, or the readings end."""
        course, track = self.course, self._track
        if course.pump_off_pa is None:
            return course
        i = track.closed(course.pump_off_us, course.pump_off_us)[1]
        vent_us = course.vent_us
        end = len(track) if vent_us is None else track.closed(vent_us, vent_us)[1]
        while i < end:
            resume = self._pump_event(i, end)
            if resume is None:
                resume = self._undeclared_step(i, end)
            if course.cannot_hold_us is not None or course.pumping:
                return course
            if resume is not None:
                i = resume
                continue
            if self._gross(i) or self._sagged_again(i):
                return course
            if self._settled(i):
                course.hold_from = i
                return course
            i += 1
        return course

    # -- top-ups

    def _pump_event(self, i: int, end: int) -> int | None:
        """Take the pump's events up to reading i; where to go on if one restarted stabilising."""
        at_us = self._track.at[i]
        if not self._pumping or self._pumping[0][0] > at_us:
            return None
        begin_us, word = self._pumping.pop(0)
        if word == "pump_off":
            return self._restart(begin_us, i)
        off_us = self._paired_pump_off(word)
        late = self._step_us is not None and begin_us - self._step_us <= 2 * self._window_us
        if not late and not self._count_top_up(begin_us):
            return i
        if off_us is not None:
            return self._restart(off_us, i)
        return self._restart_after_rise(i, end)

    def _paired_pump_off(self, word: str) -> int | None:
        """The `pump_off` that ends a top-up, if it is the next thing the pump did.

        `top_up` then `pump_on` (or the other way round) are one top-up, not two.
        """
        if self._pumping and {self._pumping[0][1], word} == {"top_up", "pump_on"}:
            self._pumping.pop(0)
        if self._pumping and self._pumping[0][1] == "pump_off":
            return self._pumping.pop(0)[0]
        return None

    def _undeclared_step(self, i: int, end: int) -> int | None:
        """A rise between two windows that no event explains counts as a top-up."""
        track, at_us, window_us = self._track, self._track.at[i], self._window_us
        if at_us - 2 * window_us < self.course.settling_us:
            return None
        before = track.after(at_us - 2 * window_us, at_us - window_us)
        now = track.after(at_us - window_us, at_us)
        if not track.rises(before, now, step_limit_pa(self._spec, self._pack)):
            return None
        if not self._count_top_up(at_us):
            return i
        self._step_us = at_us
        return self._restart_after_rise(now[0], end)

    def _count_top_up(self, at_us: int) -> bool:
        """Count one more; after the last that is allowed, a pressure that fell ends the test."""
        course, track = self.course, self._track
        if course.top_ups >= self._pack.hold.settling.top_ups.value:
            i, j = track.after(course.settling_us, at_us)
            if min(track.pa[i:j], default=self._spec.p_req_pa) < self._spec.p_req_pa:
                course.cannot_hold_us = at_us
                return False
        course.top_ups += 1
        return True

    def _restart_after_rise(self, i: int, end: int) -> int | None:
        still_us = us(self._pack.hold.settling.rise_ends_s)
        k = self._track.rise_ends(i, end, still_us, self._track.pa[i])
        if k is None:
            self.course.pumping = True
            return None
        return self._restart(self._track.at[k], k)

    def _restart(self, settling_us: int, i: int) -> int:
        """Stabilising begins again at settling_us; returns the first reading after it."""
        course, track = self.course, self._track
        course.settling_us = settling_us
        course.gross_since_us = None
        near = track.near(settling_us, self._gap_us)
        if near is not None:
            course.pump_off_pa = track.pa[near]
        self._pumping = [one for one in self._pumping if one[0] > settling_us]
        return max(i, track.closed(settling_us, settling_us)[1])

    # -- a pipe that cannot hold

    def _gross(self, i: int) -> bool:
        if watch_gross(self.course, self._track, i, self._pack, self._gap_us):
            self.course.cannot_hold_us = self._track.at[i]
            self.course.gross = True
            return True
        return False

    def _sagged_again(self, i: int) -> bool:
        """After the last top-up the mean fell below the required pressure once more."""
        course, track, at_us = self.course, self._track, self._track.at[i]
        if course.top_ups < self._pack.hold.settling.top_ups.value:
            return False
        if at_us - self._window_us < course.settling_us:
            return False
        span = track.closed(at_us - self._window_us, at_us)
        if track.mean_below(span, self._spec.p_req_pa - self._step_pa):
            course.cannot_hold_us = at_us
            return True
        return False

    # -- settled or not

    def _settled(self, i: int) -> bool:
        """Whether the hold begins at reading i; adds the flag that says why, if one is due."""
        at_us = self._track.at[i]
        settled_us = at_us - self.course.settling_us
        if settled_us < self._spec.settle_min_us:
            return False
        if self._level(i):
            return True
        if settled_us >= us(self._pack.hold.settling.steady_min_s) and self._steady(i):
            self.course.flags.append("steady_fall")
            return True
        if settled_us >= self._spec.settle_max_us:
            self.course.flags.append("unstable_start")
            return True
        return False

    def _whole(self, i: int, length_us: int) -> bool:
        """The last length_us before reading i hold readings without a gap."""
        track, from_us = self._track, self._track.at[i] - length_us
        first = track.closed(from_us, track.at[i])[0]
        return self._unbroken[i] <= first and track.at[first] - from_us <= self._gap_us

    def _level(self, i: int) -> bool:
        track, at_us = self._track, self._track.at[i]
        if at_us - self._slope_us < self.course.settling_us or not self._whole(i, self._slope_us):
            return False
        slope = track.slope(track.closed(at_us - self._slope_us, at_us))
        if slope is None:
            return False
        size = abs(slope.pa_per_s)
        if size * self._spec.hold_us <= self._spec.limit_pa * US:
            return True
        factor = self._pack.hold.settling.slope_se_factor.value
        return size * size <= factor * factor * slope.variance

    def _steady(self, i: int) -> bool:
        track, at_us, rules = self._track, self._track.at[i], self._pack.hold.settling
        middle_us, first_us = at_us - self._slope_us, at_us - 2 * self._slope_us
        if first_us < self.course.settling_us or not self._whole(i, 2 * self._slope_us):
            return False
        before = track.slope(track.closed(first_us, middle_us))
        now = track.slope(track.closed(middle_us, at_us))
        if before is None or now is None or now.pa_per_s >= 0:
            return False
        change = abs(now.pa_per_s - before.pa_per_s)
        if change * _MINUTE_S <= rules.steady_pa_per_min.value:
            return True
        factor = rules.slope_se_factor.value
        return change * change <= factor * factor * (now.variance + before.variance)


def step_limit_pa(spec: HoldSpec, pack: RulePack) -> Decimal:
    """The upward step that no settled pipe makes by itself."""
    rules = pack.hold.drop
    return max(rules.step_pa.value, spec.limit_pa * rules.step_limit_share.value)


def watch_gross(course: Course, track: Track, i: int, pack: RulePack, gap_us: int) -> bool:
    """True once the readings have been below 70 % of the pump-off pressure long enough."""
    rules = pack.hold.settling
    at_us = track.at[i]
    assert course.pump_off_pa is not None
    if track.pa[i] >= course.pump_off_pa * rules.cannot_hold_share.value:
        course.gross_since_us = None
        return False
    if course.gross_since_us is None or at_us - track.at[i - 1] > gap_us:
        course.gross_since_us = at_us
    return at_us - course.gross_since_us >= us(rules.cannot_hold_s)
