"""Means and slopes over stretches of one pressure series, exactly."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

from hub.procedures.series import US, Reading

Span = tuple[int, int]  # indices [i, j) of a track


class Slope(NamedTuple):
    """Least squares, Pa/s; variance is the square of its standard error."""

    pa_per_s: Decimal
    variance: Decimal


class Track:
    """The usable readings of one instrument: times in microseconds, values in Pa, in time order.

    Sums are kept cumulated, so that the mean of any stretch costs two look-ups.
    """

    def __init__(self, readings: Iterable[Reading]) -> None:
        used = [(one.at_us, one.value) for one in readings if one.value is not None]
        self.at: list[int] = [at_us for at_us, _ in used]
        self.pa: list[Decimal] = [value for _, value in used]
        self._sums = [Decimal(0), *accumulate(self.pa)]

    def __len__(self) -> int:
        return len(self.at)

    def closed(self, from_us: int, to_us: int) -> Span:
        """Readings in [from, to]."""
        return bisect_left(self.at, from_us), bisect_right(self.at, to_us)

    def after(self, from_us: int, to_us: int) -> Span:
        """Readings in (from, to]."""
        return bisect_right(self.at, from_us), bisect_right(self.at, to_us)

    def total(self, span: Span) -> Decimal:
        return self._sums[span[1]] - self._sums[span[0]]

    def mean(self, span: Span) -> Fraction:
        """Exact mean of a stretch that is not empty."""
        return Fraction(self.total(span)) / (span[1] - span[0])

    def mean_below(self, span: Span, pa: Decimal) -> bool:
        """Mean of a stretch that is not empty < pa, without dividing."""
        return self.total(span) < pa * (span[1] - span[0])

    def rises(self, first: Span, then: Span, by_pa: Decimal) -> bool:
        """mean(then) - mean(first) > by_pa, without dividing; so False when either is empty."""
        n_first, n_then = first[1] - first[0], then[1] - then[0]
        rise = self.total(then) * n_first - self.total(first) * n_then
        return rise > by_pa * (n_first * n_then)

    def near(self, at_us: int, within_us: int) -> int | None:
        """Index of the reading that stands for the moment the pump came off.

        The last one before it and the first one after it bracket the peak; the higher is nearer
        to it. A reading at the very moment stands for itself; one farther away for nothing.
        """
        i = bisect_right(self.at, at_us) - 1
        before = i if i >= 0 and at_us - self.at[i] <= within_us else None
        if before is not None and self.at[before] == at_us:
            return before
        after = i + 1 if i + 1 < len(self.at) and self.at[i + 1] - at_us <= within_us else None
        if before is None or after is None:
            return after if before is None else before
        return before if self.pa[before] >= self.pa[after] else after

    def rise_ends(self, i: int, end: int, still_us: int, from_pa: Decimal) -> int | None:
        """First reading in [i, end) at or over from_pa after which nothing is higher for still_us.

        None while the series has not yet shown it.
        """
        for k in range(i, end):
            if self.pa[k] < from_pa:
                continue
            until_us = self.at[k] + still_us
            if self.at[end - 1] < until_us:
                return None
            stop = bisect_right(self.at, until_us)
            if max(self.pa[k:stop]) == self.pa[k]:
                return k
        return None

    def steps_pa(self, span: Span) -> Decimal | None:
        """Smallest step between values seen; None when all are equal."""
        levels = sorted(set(self.pa[span[0] : span[1]]))
        return min((b - a for a, b in pairwise(levels)), default=None)

    def slope(self, span: Span) -> Slope | None:
        """None when fewer than three readings, or all at one moment, leave it undetermined."""
        i, j = span
        n = j - i
        if n < 3:
            return None
        t, tt, tp, pp = self._moments
        s_t = t[j] - t[i]
        s_p = self._sums[j] - self._sums[i]
        n_sxx = n * (tt[j] - tt[i]) - s_t * s_t
        if n_sxx == 0:
            return None
        n_sxy = n * (tp[j] - tp[i]) - s_t * s_p
        n_syy = n * (pp[j] - pp[i]) - s_p * s_p
        per_us = n_sxy / n_sxx
        residual = max(n_syy - n_sxy * per_us, Decimal(0))
        return Slope(per_us * US, residual / (n - 2) / n_sxx * (US * US))

    @cached_property
    def _moments(self) -> tuple[list[int], list[int], list[Decimal], list[Decimal]]:
        begin = self.at[0] if self.at else 0
        t = [at_us - begin for at_us in self.at]
        return (
            [0, *accumulate(t)],
            [0, *accumulate(x * x for x in t)],
            [Decimal(0), *accumulate(x * p for x, p in zip(t, self.pa, strict=True))],
            [Decimal(0), *accumulate(p * p for p in self.pa)],
        )

    def unbroken_since(self, gap_us: int) -> list[int]:
        """For each reading the index where its stretch without a gap began."""
        since: list[int] = []
        begin = 0
        for i, at_us in enumerate(self.at):
            if i and at_us - self.at[i - 1] > gap_us:
                begin = i
            since.append(begin)
        return since


def mean_of(values: Sequence[Decimal]) -> Fraction:
    """Exact mean of values, at least one."""
    return Fraction(sum(values)) / len(values)
