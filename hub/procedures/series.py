"""From rows to what a rule can use: one time order, resends dropped, numbers parsed once."""

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from hub.procedures.case import CLOSE, Row, TestOrder
from hub.rulepack import RulePack
from hub.units import UnknownUnit, canonical, known

US: Final = 1_000_000  # microseconds in a second

_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_SEQUENCE: Final = re.compile(r"\d{1,18}", re.ASCII)
_UNTIMELY: Final = ("late", "stale")
# Below 1e-30 of any unit there is nothing to measure, and exact arithmetic on such exponents
# would cost memory without end.
_NOTHING: Final = -30


class Event(NamedTuple):
    at_us: int
    word: str
    instrument: str


class Reading(NamedTuple):
    """One row of an instrument. value is None when the row is unusable; else canonical."""

    at_us: int
    value: Decimal | None
    unit: str
    quality: str
    point: str
    instrument: str
    sent_unit: str


class Record(NamedTuple):
    """The whole file in time order.

    readings   by instrument, only rows of the quantity that the order declares for it
    misfits    rows of another quantity, or in a unit of another quantity: never used as values
    lost       readings taken between `interrupted` and `resumed`, as they were
    untimely   readings with a number but in doubt of their time (late, stale), as they were
    """

    events: list[Event]
    readings: dict[str, list[Reading]]
    misfits: list[Row]
    lost: list[Reading]
    untimely: list[Reading]
    conflict: bool
    clock: bool

    def times(self, *words: str) -> list[int]:
        """When these events happened, in time order."""
        return [event.at_us for event in self.events if event.word in words]

    def first_us(self) -> int | None:
        """Time of the first reading of all."""
        return min((some[0].at_us for some in self.readings.values() if some), default=None)


@lru_cache(maxsize=1 << 16)
def number_of(text: str) -> Decimal | None:
    """The number in a value field; None if it is not a number or not finite as a double."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = Decimal(text)
    if not math.isfinite(float(value)):
        return None
    return Decimal(0) if value.adjusted() < _NOTHING else value


@lru_cache(maxsize=1 << 16)
def _canonical(quantity: str, text: str, unit: str) -> tuple[Decimal, str] | None:
    value = number_of(text)
    if value is None:
        return None
    try:
        return canonical(quantity, value, unit)
    except UnknownUnit:
        return None


def read(order: TestOrder, rows: Sequence[Row], pack: RulePack) -> Record:
    """Sort, drop resends, note conflicts and clock faults, and parse every number once.

    Rows of instruments that the order does not name are left out: `gashub judge` refuses such
    a file before it comes here.
    """
    declared = {one.name: one.quantity for one in order.instruments}
    readings: dict[str, list[Reading]] = {name: [] for name in declared}
    events: list[Event] = []
    misfits: list[Row] = []
    untimely: list[Reading] = []
    unique, conflict, clock = _without_resends(order, rows, pack)
    for row in unique:
        at_us, instrument, quantity, text, unit, quality, _, point = row
        if quantity == "event":
            if text != CLOSE:
                events.append(Event(at_us, text, instrument))
            continue
        if declared.get(instrument) != quantity:
            if instrument in declared:
                misfits.append(row)
            continue
        pair: tuple[Decimal | None, str] | None = _canonical(quantity, text, unit)
        if pair is None:
            if unit and not known(quantity, unit):
                misfits.append(row)
            pair = (None, "")
        sent = Reading(at_us, *pair, quality, point, instrument, unit)
        if quality in _UNTIMELY:
            untimely.append(sent)
        readings[instrument].append(sent if quality == "good" else sent._replace(value=None))
    lost = _interrupt(readings, events)
    return Record(events, readings, misfits, lost, untimely, conflict, clock)


def _without_resends(
    order: TestOrder, rows: Sequence[Row], pack: RulePack
) -> tuple[list[Row], bool, bool]:
    """Rows in time order, each seq once at its first time; and whether seqs conflict or jump."""
    unique: list[Row] = []
    seen: dict[tuple[str, str, str], tuple[str, str, str, str]] = {}
    counted: dict[tuple[str, str], list[tuple[int, int]]] = {}
    conflict = False
    for row in sorted(rows):
        seq = row.seq
        if seq:
            key = (row.instrument, row.quantity, seq)
            content = (row.value, row.unit, row.quality, row.point)
            first = seen.setdefault(key, content)
            if first == content and first is not content:
                continue
            if first != content:  # kept, so that gas it shows is not lost with it
                conflict = True
            elif _SEQUENCE.fullmatch(seq):
                counted.setdefault(key[:2], []).append((int(seq), row.at_us))
        unique.append(row)
    clock = any(
        _clock_fault(order, quantity, numbered, pack) for (_, quantity), numbered in counted.items()
    )
    return unique, conflict, clock


def _clock_fault(
    order: TestOrder, quantity: str, numbered: list[tuple[int, int]], pack: RulePack
) -> bool:
    """Time runs backwards, or against the declared period, while seq goes on by one."""
    period_s = order.sample_period_s if quantity == "pressure" else None
    jump_us = pack.hold.evidence.clock_jump_s.value * US
    numbered.sort()
    previous_seq, previous_us = numbered[0]
    for seq, at_us in numbered:
        if seq == previous_seq + 1:
            step_us = at_us - previous_us
            if step_us < 0:
                return True
            if period_s is not None and abs(step_us - period_s * US) > jump_us:
                return True
        previous_seq, previous_us = seq, at_us
    return False


def _interrupt(readings: dict[str, list[Reading]], events: Iterable[Event]) -> list[Reading]:
    """Take the value from readings between `interrupted` and `resumed`; return what they were."""
    stretches: list[tuple[int, float]] = []
    since: int | None = None
    for event in events:
        if event.word == "interrupted" and since is None:
            since = event.at_us
        elif event.word == "resumed" and since is not None:
            stretches.append((since, event.at_us))
            since = None
    if since is not None:
        stretches.append((since, math.inf))
    lost: list[Reading] = []
    if not stretches:
        return lost
    for some in readings.values():
        for i, one in enumerate(some):
            if any(begin <= one.at_us < end for begin, end in stretches):
                lost.append(one)
                some[i] = one._replace(value=None, quality="bad")
    return lost


def period_us(order: TestOrder, times: Sequence[int], pack: RulePack) -> int:
    """Expected interval: declared, else the median of the series, never more than the longest.

    The lower median is taken: it asks for more samples, never for fewer.
    """
    longest = int(pack.hold.evidence.sample_max_s.value * US)
    if order.sample_period_s is not None:
        return min(int(order.sample_period_s * US), longest)
    steps = sorted(b - a for a, b in itertools.pairwise(times) if b > a)
    return min(steps[(len(steps) - 1) // 2], longest) if steps else longest
