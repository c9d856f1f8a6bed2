"""For procedures: without evidence nothing passes, and the same rows give the same verdict."""

import random
from collections.abc import Sequence
from decimal import Decimal

from hub.conformance.subject import Subject, Unmet
from hub.procedures import EVENTS, QUALITIES, Instrument, Row, TestOrder, Verdict
from hub.rulepack import load_pack
from hub.units import UNITS

_START_US = 1_790_000_000_000_000
_SERIES = 60
_MOST_ROWS = 80
_VALUES = ("", "-", "0", "-1", "5200", "1e308", "NaN", "0x10", "12,5", "99999999999999999999")


def no_evidence(subject: Subject) -> None:
    """No rows at all: not PASS, and it is about this order and this procedure."""
    verdict = _judge(subject, ())
    if verdict.verdict == "PASS":
        raise Unmet("without a single row it says PASS")
    if (verdict.procedure, verdict.number) != (subject.kind.name, "T-1"):
        raise Unmet(f"its verdict is about {verdict.procedure} of {verdict.number}")


def random_rows(subject: Subject) -> None:
    """Rows of no usable quality, odd values and units: every series has a verdict, none PASS."""
    dice = random.Random(7)
    for _ in range(_SERIES):
        rows = _rows(dice, [word for word in QUALITIES if word != "good"])
        if _judge(subject, rows).verdict == "PASS":
            raise Unmet(f"without a good reading it says PASS: {rows[:5]}")


def same_again(subject: Subject) -> None:
    """The same rows, also in another order, give the same verdict; `assess` ends in it."""
    dice = random.Random(8)
    for _ in range(_SERIES):
        rows = _rows(dice, QUALITIES)
        first = _judge(subject, rows).to_dict()
        shuffled = sorted(rows, key=lambda _: dice.random())
        if _judge(subject, rows).to_dict() != first or _judge(subject, shuffled).to_dict() != first:
            raise Unmet("the same rows gave two verdicts")
        closed = [*rows, Row(_START_US * 2, "", "event", "close")]
        ended = subject.kind.assess(_order(subject), closed, load_pack(), _START_US * 2).verdict
        if ended is None:
            raise Unmet("a closed test has no verdict from `assess`")


def _judge(subject: Subject, rows: Sequence[Row]) -> Verdict:
    verdict: Verdict = subject.kind.judge(_order(subject), rows, load_pack())
    return verdict


def _order(subject: Subject) -> TestOrder:
    instruments = tuple(
        Instrument(name=quantity, quantity=quantity, unit=next(iter(units)))
        for quantity, units in UNITS.items()
    )
    return TestOrder("T-1", subject.kind.name, instruments, volume_l=Decimal(30))


def _rows(dice: random.Random, qualities: Sequence[str]) -> list[Row]:
    rows = []
    for number in range(dice.randrange(_MOST_ROWS)):
        at_us = _START_US + number * 5_000_000
        if dice.random() < 1 / 4:
            rows.append(Row(at_us, "", "event", dice.choice(EVENTS)))
            continue
        quantity = dice.choice([*UNITS, "colour"])
        unit = dice.choice([*UNITS.get(quantity, ()), "furlong", ""])
        quality = dice.choice(qualities)
        rows.append(Row(at_us, quantity, quantity, dice.choice(_VALUES), unit, quality))
    return rows
