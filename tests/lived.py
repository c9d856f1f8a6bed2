"""A case folder lived through: its events declared and its readings recorded by a hub, one by one.

The offline answer of a case comes from two files. Here the same rows pass the desk and the ledger,
so that there is a verdict in a record, with the evidence it rests on.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from hub.errors import BadFrame, CommandRefused
from hub.ledger import encode_block
from hub.measuring import measure
from hub.model import Intake
from hub.order_file import parse_order, strict_json
from hub.procedures import Row
from hub.readings_file import parse_rows
from tests.foreman_rig import Yard

SOURCES: Mapping[str, str] = {
    "instrument": "wire", "manual": "wire #manual T-1", "imported": "wire #imported file",
}  # fmt: skip
BEFORE_S = 1


class Lived(NamedTuple):
    """number: of its order; verdict: as recorded; at_us: hub time at the end."""

    number: str
    verdict: Mapping[str, Any]
    at_us: int


def lived(case: Path, folder: Path) -> Lived:
    """Live through *case* in a new state folder, and close the test if nobody else does."""
    number = f"C-{case.name}"
    text = (case / "order.json").read_text(encoding="utf-8")
    text = re.sub(r'(?<="number": )"[^"]*"', f'"{number}"', text, count=1)
    given = strict_json(text, "order.json")
    order = parse_order(given)
    rows = parse_rows((case / "readings.csv").read_text(encoding="utf-8-sig"), order)
    with Yard(folder, "default") as yard:
        if rows:
            yard.clock.move((rows[0].at_us - yard.clock.now_us()) / 1e6 - BEFORE_S)
        yard.do("order.add", text=text)
        attempt = yard.do("order.open", number=number)["attempt"]
        serials = {one["name"]: one.get("serial", "") for one in given["instruments"]}
        for moment in _moments(rows):
            if yard.verdict(attempt):
                break
            _live(yard, number, SOURCES[order.source], serials, moment)
        if not yard.verdict(attempt):
            yard.event(number, "close")
        with yard.ledger.transaction() as tx:
            tx.checkpoint()
        (entry,) = yard.entries("verdict")
        return Lived(number, entry.record()["verdict"], yard.clock.now_us())


def _moments(rows: list[Row]) -> Iterator[list[Row]]:
    """Readings of one moment come together; an event comes alone."""
    for (_, event), found in groupby(rows, key=lambda row: (row.at_us, row.quantity == "event")):
        if event:
            yield from ([row] for row in found)
        else:
            yield list(found)


def _live(
    yard: Yard, number: str, source: str, serials: Mapping[str, str], moment: list[Row]
) -> None:
    first = moment[0]
    if first.at_us > yard.clock.now_us():
        yard.clock.move((first.at_us - yard.clock.now_us()) / 1e6)
    yard.turn()
    if first.quantity == "event":
        # Somebody may have declared it of an instrument that the order does not know.
        more = {"instrument": first.instrument} if first.instrument in serials else {}
        _declare(yard, number, first.value, **more)
        return
    for row in moment:
        if row.point:
            _declare(yard, number, "point", point=row.point)
        _read(yard, f"{source} {row.instrument}", serials.get(row.instrument, ""), row)


def _declare(yard: Yard, number: str, word: str, **more: str) -> None:
    try:
        yard.event(number, word, **more)
    except CommandRefused:  # an event that the hub does not know, or after the end
        return


def _read(yard: Yard, source: str, serial: str, row: Row) -> None:
    try:
        reading = measure(
            instrument=row.instrument, serial=serial, quantity=row.quantity, value=row.value,
            unit=row.unit, at_us=row.at_us, quality=row.quality, seq=row.seq,
        )  # fmt: skip
        intake = Intake(source, row.value.encode(), row.at_us, (reading,))
    except BadFrame as bad:
        intake = Intake(source, row.value.encode(), row.at_us, dead=str(bad))
    with yard.ledger.transaction() as tx:
        tx.append("readings", encode_block([intake]), yard.clock.now_us())
    yard.desk.observe([intake])
    yard.turn()
