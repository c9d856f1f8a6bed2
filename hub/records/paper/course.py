"""How a hold went: its readings and its stages, from the record, by the rules of the verdict.

The figures of a report are those that were recorded. What is worked out here again is only where
its stages lie, which the verdict does not say; it is drawn, and decides nothing.
"""

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from typing import Final, NamedTuple

from hub.order_file import parse_order
from hub.procedures.case import Row, TestOrder
from hub.procedures.hold import decide
from hub.procedures.hold_filling import Filling
from hub.procedures.hold_spec import resolve, us
from hub.procedures.pressurising import Attempt, find_attempts
from hub.procedures.series import read
from hub.rebuilding import rebuild
from hub.records.record import Decided, Record
from hub.registry import Registry
from hub.rulepack import RulePack

_EXACT: Final = Context(prec=50)


class Stage(NamedTuple):
    """One stretch of the test. `name`: zero, filling, settling, hold, after."""

    name: str
    from_us: int
    to_us: int


class Course(NamedTuple):
    """What a curve shows.

    gauge   name of the gauge that decided
    at_us, pa  its usable readings, in time order
    stages  in time order; none where a test never came so far, or was read by eye
    events  (at_us, word)
    gap_us  a longer silence is a hole, and is not drawn over
    """

    gauge: str
    at_us: Sequence[int]
    pa: Sequence[Decimal]
    stages: Sequence[Stage]
    events: Sequence[tuple[int, str]]
    gap_us: int

    def stage(self, name: str) -> Stage | None:
        return next((one for one in self.stages if one.name == name), None)


def course_of(record: Record, decided: Decided) -> Course | None:
    """The course of a decided hold test; None where no gauge was ordered."""
    id = decided.body["attempt"]
    ((digest, opened_us, opened_entry),) = record.reader.rows(
        "SELECT pack, opened_us, opened_entry FROM attempts WHERE id=?", (id,)
    )
    test = record.test(id)
    attempt = rebuild(
        record.reader, Registry([]), id, test, digest, opened_us, opened_entry, decided.entry
    )
    order = parse_order(test.spec, (test.procedure,))
    if not order.of("pressure"):
        return None
    with localcontext(_EXACT):
        return _course(order, attempt.rows, attempt.pack)


def _course(order: TestOrder, rows: Sequence[Row], pack: RulePack) -> Course:
    spec = resolve(order, pack)
    record = read(order, rows, pack)
    attempt, *others = find_attempts(order, record, spec, pack)
    filling: Filling | None = None
    if order.source != "manual" and not spec.faults:
        fillings = [
            Filling(order, record, one, pump_off_us, spec, pack)
            for one in (attempt, *others)
            for pump_off_us in one.pump_offs_us
        ]
        # As in the judgement: the first that does not pass is the answer.
        filling = next(
            (one for one in fillings if decide(one).verdict != "PASS"),
            fillings[-1] if fillings else None,
        )
    drawn = attempt if filling is None else filling.attempt
    return Course(
        drawn.gauge.name,
        drawn.track.at,
        drawn.track.pa,
        [] if filling is None else _stages(filling),
        [(event.at_us, event.word) for event in drawn.events],
        us(pack.hold.evidence.gap_s),
    )


def _stages(filling: Filling) -> list[Stage]:
    attempt, course, hold = filling.attempt, filling.course, filling.hold
    if course is None or not len(attempt.track):
        return []
    last_us = attempt.track.at[-1]
    pumped_us = _pump_on_us(attempt, course.pump_off_us)
    begun_us = attempt.from_us if attempt.from_us is not None else attempt.track.at[0]
    edges = [("zero", begun_us), ("filling", pumped_us), ("settling", course.pump_off_us)]
    if hold is not None:
        end_us = min(hold.end_us if filling.fall is None else filling.fall.at_us, last_us)
        edges += [("hold", hold.from_us), ("after", end_us)]
    elif course.vent_us is not None:
        edges += [("after", course.vent_us)]
    ends = [at_us for _, at_us in edges[1:]] + [last_us]
    return [
        Stage(name, from_us, to_us)
        for (name, from_us), to_us in zip(edges, ends, strict=True)
        if to_us > from_us
    ]


def _pump_on_us(attempt: Attempt, pump_off_us: int) -> int:
    """When the filling began: the event, or the last reading at rest before the pump-off."""
    told = [one.at_us for one in attempt.events
            if one.word == "pump_on" and one.at_us <= pump_off_us]  # fmt: skip
    if told:
        return told[0]
    track = attempt.track
    before = [at_us for at_us, pa in zip(track.at, track.pa, strict=True)
              if at_us <= pump_off_us and pa <= track.pa[0]]  # fmt: skip
    return before[-1] if before else pump_off_us
