"""The gauge's zero before the test, and its drift as seen after it."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from hub.procedures.hold_spec import us
from hub.procedures.pressurising import Attempt
from hub.procedures.windows import Track
from hub.rulepack import RulePack

_REST_READINGS: Final = 3  # two readings cannot tell rest from a fall
_ENDS_REST: Final = ("pump_on", "top_up", "zeroed")


class ZeroAfter(NamedTuple):
    """seen_us: when the readings at rest were complete; None: declared in the order.

    firm: declared, or a whole window at rest within the allowed drift; otherwise the pipe may
    still be emptying, and later readings may say better.
    """

    pa: Fraction
    seen_us: int | None
    firm: bool = False


def zero_before(attempt: Attempt, pack: RulePack, step_pa: Decimal) -> Fraction | None:
    """Declared, or the mean of the readings between `zeroed` and the rise; None if neither.

    The rise begins at `pump_on`, or where a reading leaves the first one by more than the zero
    may be wrong.
    """
    gauge, track = attempt.gauge, attempt.track
    if gauge.zero_before_pa is not None:
        return Fraction(gauge.zero_before_pa)
    if attempt.from_us is None or not len(track):
        return None
    pumped_us = (e.at_us for e in attempt.events if e.word == "pump_on")
    until_us = min((*pumped_us, *attempt.pump_offs_us), default=track.at[-1])
    _, j = track.closed(attempt.from_us, until_us)
    leaves_pa = max(pack.hold.instrument.zero_pa.value, step_pa)
    for k in range(j):
        if track.pa[k] - track.pa[0] > leaves_pa:
            j = k
            break
    return track.mean((0, j)) if j else None


def zero_is_off(zero: Fraction, pack: RulePack, step_pa: Decimal) -> bool:
    """More than the allowed zero, or one step where that is coarser."""
    return abs(zero) > Fraction(max(pack.hold.instrument.zero_pa.value, step_pa))


def zero_after(
    attempt: Attempt, vent_us: int | None, before: Fraction | None, pack: RulePack, step_pa: Decimal
) -> ZeroAfter | None:
    """Declared, or the readings at rest after `vent_open`; None if there are none.

    At rest: a window that spreads no more than the allowed zero and does not fall. The first
    such window within the allowed drift is taken, else the last one: a pipe that empties slowly
    is still falling, a gauge that has drifted stays where it is.
    """
    if attempt.gauge.zero_after_pa is not None:
        return ZeroAfter(Fraction(attempt.gauge.zero_after_pa), None, firm=True)
    track = attempt.track
    if vent_us is None or not len(track):
        return None
    stops = (e.at_us for e in attempt.events if e.word in _ENDS_REST and e.at_us > vent_us)
    until_us = min(stops, default=None)
    i, j = track.after(vent_us, track.at[-1] if until_us is None else until_us)
    base = Fraction(0) if before is None else before
    drift_pa = Fraction(pack.hold.instrument.drift_pa.value)
    found: ZeroAfter | None = None
    for k, window in _rest_windows(track, i, j, pack, step_pa):
        found = ZeroAfter(track.mean(window), track.at[k])
        if abs(found.pa - base) <= drift_pa:
            return found._replace(firm=True)
    return found or _last_rest(track, i, j, pack, step_pa)


def _rest_windows(
    track: Track, i: int, j: int, pack: RulePack, step_pa: Decimal
) -> Iterable[tuple[int, tuple[int, int]]]:
    window_us = us(pack.hold.drop.window_s)
    spread_pa = max(pack.hold.instrument.zero_pa.value, step_pa)
    still_pa = max(pack.hold.drop.resolution_from_pa.value, step_pa)
    for k in range(i, j):
        first = max(i, track.closed(track.at[k] - window_us, track.at[k])[0])
        n = k + 1 - first
        whole = 2 * (track.at[k] - track.at[first]) >= window_us
        if n < _REST_READINGS or not whole:
            continue
        values = track.pa[first : k + 1]
        halves = (first, first + n // 2), (k + 1 - n // 2, k + 1)
        falls = track.rises(halves[1], halves[0], still_pa)
        if max(values) - min(values) <= spread_pa and not falls:
            yield k, (first, k + 1)


def _last_rest(track: Track, i: int, j: int, pack: RulePack, step_pa: Decimal) -> ZeroAfter | None:
    """The readings that end the record, if at least three of them lie together."""
    spread_pa = max(pack.hold.instrument.zero_pa.value, step_pa)
    first = j
    while first > i and abs(track.pa[first - 1] - track.pa[j - 1]) <= spread_pa:
        first -= 1
    if j - first < _REST_READINGS:
        return None
    return ZeroAfter(track.mean((first, j)), track.at[j - 1])
