"""A pressure curve as lines, ticks and bands in the unit square, for a template to draw.

Drawn as lines, so that it is sharp at any size and small. Of very many readings the lowest and
highest of each narrow column are kept: no spike and no dip is lost by drawing.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby, pairwise
from math import ceil, floor, log10
from typing import Any, Final, NamedTuple

from hub.records.paper.course import Course

COLUMNS: Final = 900
"""So many a chart has at most: about five for each millimetre of paper."""
_TICKS: Final = 8
_PLACES: Final = 5
_BELOW: Final = 0.08
_ABOVE: Final = 0.22
"""Room beside the curve as a share of its height; above stand the names of the stages."""

Point = tuple[float, float]


class Guide(NamedTuple):
    """A horizontal line, and what stands above or below it."""

    text: str
    pa: Decimal
    below: bool = False


class Span(NamedTuple):
    """From one value of an axis to another."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value lies: 0 at the low end, 1 at the high one."""
        return round((value - self.low) / (self.high - self.low), _PLACES)

    def ticks(self) -> Iterator[tuple[float, float]]:
        """Round values inside, and where they lie."""
        step = round_step((self.high - self.low) / _TICKS)
        for k in range(ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9) + 1):
            yield k * step, self.at(k * step)


def chart(
    course: Course,
    time_s: Span,
    pressure_pa: Span,
    guides: Sequence[Guide],
    names: Mapping[str, str],
) -> dict[str, Any]:
    """What the template draws.

    time_s   seconds since the first reading
    guides   horizontal lines; those outside are left out
    names    stage -> its name
    """
    begun_us = course.at_us[0]
    minutes = time_s.high - time_s.low > 300
    unit_s = 60 if minutes else 1
    shown = Span(time_s.low / unit_s, time_s.high / unit_s)
    segments = [
        [
            (time_s.at((at_us - begun_us) / 1e6), pressure_pa.at(float(pa)))
            for at_us, pa in stretch
            if time_s.low <= (at_us - begun_us) / 1e6 <= time_s.high
        ]
        for stretch in unbroken(course)
    ]
    return {
        "lines": [thinned(line) for line in segments if line],
        "bands": [
            {
                "from": max(0.0, time_s.at((stage.from_us - begun_us) / 1e6)),
                "to": min(1.0, time_s.at((stage.to_us - begun_us) / 1e6)),
                "name": names[stage.name],
                "stage": stage.name,
            }
            for stage in course.stages
            if time_s.at((stage.to_us - begun_us) / 1e6) > 0
            and time_s.at((stage.from_us - begun_us) / 1e6) < 1
        ],
        "x_ticks": [{"at": at, "text": tick(value)} for value, at in shown.ticks()],
        "y_ticks": [{"at": at, "text": tick(value)} for value, at in pressure_pa.ticks()],
        "guides": [
            {"at": pressure_pa.at(float(one.pa)), "text": one.text, "below": one.below}
            for one in guides
            if pressure_pa.low <= float(one.pa) <= pressure_pa.high
        ],
        "x_unit": "min" if minutes else "s",
        "y_unit": "Pa",
    }


def whole(course: Course, p_req_pa: Decimal | None) -> tuple[Span, Span]:
    """Axes for all of a test."""
    last_s = (course.at_us[-1] - course.at_us[0]) / 1e6
    highest = max([*map(float, course.pa), float(p_req_pa or 0)])
    return Span(0, max(last_s, 1)), padded(min(0.0, *map(float, course.pa)), highest, below=False)


def magnified(course: Course, guides: Sequence[Guide]) -> tuple[Span, Span] | None:
    """Axes for the hold alone; None where there was none."""
    hold = course.stage("hold")
    if hold is None:
        return None
    held = [
        float(pa)
        for at_us, pa in zip(course.at_us, course.pa, strict=True)
        if hold.from_us <= at_us <= hold.to_us
    ]
    from_s, to_s = ((at_us - course.at_us[0]) / 1e6 for at_us in (hold.from_us, hold.to_us))
    near = [*held, *(float(one.pa) for one in guides)]
    return Span(from_s, to_s), padded(min(near), max(near))


def padded(low: float, high: float, *, below: bool = True) -> Span:
    """A span with room at its ends, so that no line lies on the frame."""
    height = max(high - low, 10.0)
    room = height * _BELOW if below or low < 0 else 0.0
    return Span(low - room, high + height * _ABOVE)


def unbroken(course: Course) -> Iterator[list[tuple[int, Decimal]]]:
    """Stretches without a hole: a line over it would claim readings that nobody took."""
    points = [*zip(course.at_us, course.pa, strict=True)]
    breaks = [k for k, (a, b) in enumerate(pairwise(course.at_us), 1) if b - a > course.gap_us]
    for begin, end in pairwise([0, *breaks, len(points)]):
        yield points[begin:end]


def thinned(points: Sequence[Point]) -> list[Point]:
    """The first, lowest, highest and last point of each column, where there are too many."""
    if len(points) <= COLUMNS:
        return list(points)
    kept: list[Point] = []
    for _, column in groupby(points, key=lambda point: int(point[0] * COLUMNS / 4)):
        some = list(column)
        ends = {some[0], some[-1], min(some, key=_height), max(some, key=_height)}
        kept += sorted(ends)
    return kept


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, … that is not below *least*."""
    power = 10.0 ** floor(log10(least))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= least * (1 - 1e-9))


def tick(value: float) -> str:
    """A number at an axis."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _height(point: Point) -> float:
    return point[1]
