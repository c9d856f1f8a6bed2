"""Readings that a person hands in: typed off a scale, or in a logger's file.

They come by a link that `TakesEntries`, and its intakes say so in their source for good:
"LINK #manual", "LINK #imported FILE". An order says by its `source` which of them it is about; one
that is read by instruments takes none of them, and the other way round.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol, cast, runtime_checkable

from hub.attempt import Attempt
from hub.desk import Desk
from hub.errors import BadFrame, CommandRefused
from hub.ledger import Transaction, encode_block
from hub.model import Intake

Way = Literal["manual", "imported"]
REMEDY: Final[Mapping[str, str]] = {
    "manual": "type them in with `gashub order reading`",
    "imported": "hand them in with `gashub import`, or by the link's folder",
    "instrument": "they must come from the instrument itself, over its line or link; an order for "
    'readings by eye says "source": "manual", one for a logger\'s file "source": "imported"',
}


@runtime_checkable
class TakesEntries(Protocol):
    """A driver that takes what a person hands in. `enters` says which way it is.

    `enter` is pure: no file, no waiting, nothing remembered; any thread may call it. It raises
    BadFrame, with the remedy, for what it does not take.
    """

    @property
    def enters(self) -> Way: ...
    def enter(self, given: Mapping[str, str], at_us: int) -> Intake: ...


def enter(
    desk: Desk,
    links: Mapping[str, object],
    way: Way,
    request: Mapping[str, Any],
    now_us: int,
    do: Callable[[Callable[[Transaction], Attempt]], Attempt],
) -> Mapping[str, Any]:
    """Take an entry for the one open attempt of an order.

    request  `number`; `as`, the link, which may be absent where there is only one; and what that
             link asks for. All of it is text.
    do       carries an act out in a transaction and waits for the commit
    raises   CommandRefused
    """
    given = {key: value for key, value in request.items() if isinstance(value, str)}
    number = given.pop("number", "")
    name = _link(links, way, given.pop("as", ""))
    try:
        intake = cast("TakesEntries", links[name]).enter(given, now_us)
    except BadFrame as wrong:
        raise CommandRefused(f"{name}: {wrong}") from wrong

    def act(tx: Transaction) -> Attempt:
        attempt = desk.attempt(number)
        _fits(attempt, way, intake)
        tx.append("readings", encode_block([intake]), now_us, {"order": number})
        tx.then(lambda: desk.observe([intake]))
        return attempt

    return {"attempt": do(act).id, "order": number, "readings": len(intake.readings)}


def _link(links: Mapping[str, object], way: Way, name: str) -> str:
    there = [
        each
        for each, driver in links.items()
        if isinstance(driver, TakesEntries) and driver.enters == way
    ]
    if name in there or (len(there) == 1 and not name):
        return name or there[0]
    kind = {"manual": "manual", "imported": "import_file"}[way]
    if not there:
        raise CommandRefused(
            f'this gateway has no link for {way} readings; add [[link]] with kind = "{kind}", and '
            f'"{kind}" to hub.plugins'
        )
    raise CommandRefused(f"no {way} link {name!r}; name one with --as: {', '.join(sorted(there))}")


def _fits(attempt: Attempt, way: Way, intake: Intake) -> None:
    """Raises CommandRefused when *intake* is nothing for *attempt*."""
    if attempt.source != way:
        raise CommandRefused(
            f"order {attempt.number} is of source {attempt.source} and takes no {way} readings: "
            f"{REMEDY[attempt.source]}"
        )
    known = {(row.instrument, row.quantity, row.seq) for row in attempt.rows if row.seq}
    for reading in intake.readings:
        declared = attempt.quantities.get(reading.instrument)
        if declared is None:
            raise CommandRefused(
                f"order {attempt.number} has no instrument {reading.instrument!r}; "
                f"it has: {', '.join(attempt.instruments)}"
            )
        if declared != reading.quantity:
            raise CommandRefused(
                f"order {attempt.number}: {reading.instrument} measures {declared}, and this is "
                f"{reading.quantity}"
            )
        if (reading.instrument, reading.quantity, reading.seq) in known:
            raise CommandRefused(
                f"order {attempt.number}: {_again(way)}; it counts once. {REMEDY[way]}"
            )


def _again(way: Way) -> str:
    if way == "manual":
        return "this photo stands for an earlier reading already; each reading needs its own"
    return "this file has been handed in for this test already"
