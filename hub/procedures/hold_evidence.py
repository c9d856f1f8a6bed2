"""What a hold has shown: its two windows, its holes, steps and falls. Facts, no verdict."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hub.procedures.climate import Climate
from hub.procedures.hold_spec import HoldSpec, us
from hub.procedures.hold_stages import Course, step_limit_pa, watch_gross
from hub.procedures.series import US
from hub.procedures.windows import Span, Track
from hub.rulepack import RulePack


@dataclass(slots=True)
class Fall:
    """A fall so large that the end need not be waited for.

    word      gross or early, or both when they came with the same reading
    firm_us   from then on it cannot turn out to be a pipe let off on purpose
    """

    at_us: int
    words: tuple[str, ...]
    firm_us: float


class Hold:
    """One hold from its first reading on. Readings after `vent_open` are not part of it."""

    def __init__(self, track: Track, course: Course, spec: HoldSpec, pack: RulePack) -> None:
        assert course.hold_from is not None
        self.track = track
        self.course = course
        self.spec = spec
        self.pack = pack
        self._window_us = us(pack.hold.drop.window_s)
        self._gap_us = us(pack.hold.evidence.gap_s)
        self._short_us = us(pack.hold.evidence.short_s)
        self.from_us = track.at[course.hold_from]
        self.due_us = self.from_us + spec.hold_us
        vent_us = course.vent_us
        self.vented_us = (
            vent_us if vent_us is not None and vent_us < self.due_us - self._short_us else None
        )
        self.end_us = self.due_us if vent_us is None else min(self.due_us, vent_us)
        self.span: Span = track.closed(self.from_us, self.end_us)
        self.first: Span = track.closed(
            self.from_us, min(self.from_us + self._window_us, self.end_us)
        )
        self.p1 = track.mean(self.first)

    @property
    def over(self) -> bool:
        """The hold time has passed and a reading shows it."""
        return self.track.at[-1] >= self.due_us - self._short_us

    @property
    def last(self) -> Span:
        return self.track.closed(self.end_us - self._window_us, self.end_us)

    @property
    def windows_us(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First and last window as moments."""
        return (
            (self.from_us, self.from_us + self._window_us),
            (self.end_us - self._window_us, self.end_us),
        )

    def scale(self, drop: Fraction) -> Fraction:
        """From the distance of the windows' centres to the whole hold."""
        return drop * self.spec.hold_us / (self.spec.hold_us - self._window_us)

    # -- holes

    def gap(self, until_us: int) -> bool:
        """A stretch without a usable reading that is longer than allowed begins in the hold."""
        track, stop_us = self.track, min(until_us, self.due_us - self._short_us)
        for i in range(self.span[0], len(track)):
            at_us = track.at[i]
            if at_us >= stop_us:
                return False
            next_us = track.at[i + 1] if i + 1 < len(track) else until_us
            if min(next_us, until_us) - at_us > self._gap_us:
                return True
        return False

    def missing(self, period_us: int) -> bool:
        """More samples are missing than allowed, over the stretch that was held."""
        last_us = self.end_us if self.over else min(self.end_us, self.track.at[-1])
        held_us = last_us - self.from_us
        track, (i, j) = self.track, self.span
        counted_us = held_us - (j - i - 1) * period_us
        # Readings in a bunch do not make up for the silence beside them.
        steps = (track.at[k] - track.at[k - 1] for k in range(i + 1, j))
        absent = sum(max(0, (2 * step + period_us) // (2 * period_us) - 1) for step in steps)
        allowed_pct = self.pack.hold.evidence.missing_pct.value
        return max(counted_us, absent * period_us) * 100 > allowed_pct * held_us

    # -- liveness

    def frozen(self, step_pa: Decimal) -> bool:
        """One value stood still too long, and the gauge was not seen to fall after it."""
        track, (i, j) = self.track, self.span
        rules = self.pack.hold.evidence
        least_pa = self.spec.p_req_pa * rules.live_share.value
        begin = i
        for k in range(i, j + 1):
            if k < j and track.pa[k] == track.pa[begin]:
                continue
            still_us = track.at[k - 1] - track.at[begin]
            level = track.pa[begin]
            if (
                still_us * rules.frozen_share_divisor.value > self.spec.hold_us
                and level >= least_pa
            ) and min(track.pa[k:], default=level) > level - step_pa:
                return True
            begin = k
        return False

    # -- upward

    def steps_up(self) -> bool:
        """A window stands higher than the one before it by more than any settled pipe rises."""
        limit_pa = step_limit_pa(self.spec, self.pack)
        track, since_us = self.track, self.course.settling_us
        for at_us in track.at[slice(*self.span)]:
            middle_us, begin_us = at_us - self._window_us, at_us - 2 * self._window_us
            if begin_us < since_us:
                continue
            if track.rises(
                track.after(begin_us, middle_us), track.after(middle_us, at_us), limit_pa
            ):
                return True
        return False

    def climbs(self) -> bool:
        """A window stands more than the limit above an earlier one of the hold."""
        track, limit_pa = self.track, self.spec.limit_pa
        lowest: Span | None = None
        ends = track.closed(self.from_us + self._window_us, self.end_us)
        for at_us in track.at[slice(*ends)]:
            window = track.after(at_us - self._window_us, at_us)
            if lowest is None:
                lowest = window
            elif track.rises(lowest, window, limit_pa):
                return True
            elif track.rises(window, lowest, Decimal(0)):
                lowest = window
        return False

    # -- downward

    def fall(self, climate: Climate) -> tuple[Fall | None, int | None]:
        """The first fall that decides, or when the pipe was let off without `vent_open`.

        Let off: below a tenth of p1 within let_off_s of the last reading that was still within
        the limit. Such a fall is neither gross nor early.
        """
        track, rules = self.track, self.pack.hold.drop
        n = self.first[1] - self.first[0]
        total = track.total(self.first)
        within = total - self.spec.limit_pa * n
        empty = total * rules.let_off_share.value
        low = total - self._early_limit_pa() * n
        let_off_us, early_us = us(rules.let_off_s), us(rules.early_s)
        within_us: int | None = None
        low_since_us: int | None = None
        fall: Fall | None = None
        for i in range(self.span[0], self.span[1]):
            at_us, pa = track.at[i], track.pa[i] * n
            if fall is not None and at_us > fall.firm_us:
                return fall, None
            if pa >= within and fall is None:
                within_us = at_us
            if pa < empty and within_us is not None and at_us - within_us <= let_off_us:
                return None, at_us
            words = ["gross"] if watch_gross(self.course, track, i, self.pack, self._gap_us) else []
            if pa >= low or i < self.first[1]:
                low_since_us = None
            elif low_since_us is None or at_us - track.at[i - 1] > self._gap_us:
                low_since_us = at_us
            elif at_us - low_since_us >= early_us and self._corrected_too(at_us, climate):
                words.append("early")
            if words and fall is None:
                firm_us = at_us if within_us is None else within_us + let_off_us
                fall = Fall(at_us, tuple(words), firm_us)
        return fall, None

    def _early_limit_pa(self) -> Decimal:
        rules = self.pack.hold.drop
        return max(rules.early_limit_factor.value * self.spec.limit_pa, rules.early_pa.value)

    def _corrected_too(self, at_us: int, climate: Climate) -> bool:
        """Without both sensors the raw drop decides; with them the corrected one must agree."""
        if not climate.both:
            return True
        first = climate.at(*self.windows_us[0])
        last = climate.at(at_us - self._window_us, at_us)
        if first is None or last is None:
            return False
        p2 = self.track.mean(self.track.closed(at_us - self._window_us, at_us))
        return climate.corrected_drop(self.p1, first, p2, last) > Fraction(self._early_limit_pa())

    def fades(self, p2: Fraction) -> bool:
        """The second half of the hold fell clearly less than the first."""
        middle_us = self.from_us + self.spec.hold_us // 2
        half_us = self._window_us // 2
        middle = self.track.mean(self.track.closed(middle_us - half_us, middle_us + half_us))
        ratio = Fraction(self.pack.hold.drop.settling_ratio.value)
        return middle - p2 < ratio * (self.p1 - middle)

    @property
    def held_s(self) -> Fraction:
        """How long the hold lasted as far as the readings show."""
        return Fraction(min(self.end_us, self.track.at[-1]) - self.from_us, US)
