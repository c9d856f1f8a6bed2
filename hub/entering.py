"""Readings that a person hands in: typed off a scale, or in a logger's file.

They come by a link that `TakesEntries`, and its intakes say so in their source for good:
"LINK #manual", "LINK #imported FILE". An order says by its `source` which of them it is about; one
that is read by instruments takes none of them, and the other way round.

What is taken serves one attempt and no other, ever: see `hub.evidence`. The command and the
watched folder differ only in whom a refusal is told.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol, cast, runtime_checkable

from hub.attempt import Attempt
from hub.desk import Desk
from hub.errors import BadFrame, CommandRefused
from hub.evidence import (
    is_kept,
    keep,
    refuse_early,
    refuse_file_again,
    refuse_photo_again,
    series_of,
)
from hub.ledger import Transaction, encode_block
from hub.model import Intake, Notice, way_of
from hub.settling import Settling
from hub.texts import Language, say

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
    lang: Language = "en",
) -> Mapping[str, Any]:
    """Take an entry for the one open attempt of an order. The same file once more changes nothing.

    request  `number`; `as`, the link, which may be absent where there is only one; and what that
             link asks for. All of it is text.
    do       carries an act out in a transaction and waits for the commit
    lang     of what is said when it is evidence already, or too early
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
        _take(desk, tx, intake, attempt, now_us, lang)
        return attempt

    return {"attempt": do(act).id, "order": number, "readings": len(intake.readings)}


def handed_in(intake: Intake) -> bool:
    """Whether an intake off the bus is what a person put into a folder, and could be read."""
    return bool(intake.readings) and way_of(intake.source) != "instrument"


def hand_over(
    desk: Desk, settling: Settling, tx: Transaction, intake: Intake, now_us: int, lang: Language
) -> Intake:
    """Record what came by a folder, as evidence of the one open test of its instruments, if any.

    Returns the intake as it stands in the record: a file that is refused is the drop `refused`,
    and a notice says why; one that is there already is the drop `duplicate`.
    """
    try:
        if _take(desk, tx, intake, _served(desk, intake, lang), now_us, lang):
            return intake
        kept = intake._replace(readings=(), dropped="duplicate")
    except CommandRefused as refused:
        why = str(refused)
        kept = settling.refused(intake, why)
        notice = Notice(now_us, intake.source.partition(" ")[0], "file_refused", why)
        tx.append("notice", notice._asdict(), now_us)
    tx.append("readings", encode_block([kept]), now_us)
    return kept


def _served(desk: Desk, intake: Intake, lang: Language) -> Attempt | None:
    """The one open attempt that an intake from a folder is about. raises CommandRefused for two"""
    names = {reading.instrument for reading in intake.readings}
    found = [
        attempt
        for attempt in desk.open_attempts
        if attempt.source == way_of(intake.source) and not names.isdisjoint(attempt.instruments)
    ]
    if len(found) > 1:
        orders = ", ".join(attempt.number for attempt in found)
        raise CommandRefused(say(lang, "entry.several", file=_file(intake), orders=orders))
    return found[0] if found else None


def _take(
    desk: Desk,
    tx: Transaction,
    intake: Intake,
    attempt: Attempt | None,
    now_us: int,
    lang: Language,
) -> bool:
    """Record an intake, once, as evidence of *attempt*; False when it is that already.

    raises  CommandRefused when it is evidence of another attempt, or cannot be of this one
    """
    found = series_of(intake.source, intake.frame, intake.readings)
    by_eye = way_of(intake.source) == "manual"
    id, refs = "", dict[str, str]()
    if attempt is not None:
        id, order = attempt.id, attempt.number
        refs = {"order": order, "attempt": id}
        if not _is_open(tx, id):
            raise CommandRefused(say(lang, "entry.decided", order=order, attempt=id))
    if found and not by_eye and is_kept(tx.sql, found, id):
        return False
    if attempt is not None and by_eye:
        refuse_photo_again(tx.sql, found, lang)
    elif attempt is not None:
        refuse_file_again(tx.sql, _file(intake), found, lang)
        refuse_early(tx.sql, attempt.number, _file(intake), found, lang)
    keep(tx.sql, found, id, tx.append("readings", encode_block([intake]), now_us, refs))
    tx.then(lambda: desk.observe([intake]))
    return True


def _file(intake: Intake) -> str:
    """Its name, for people; of one without a name its link's."""
    link, _, file = intake.source.partition(" #imported ")
    return file or link.partition(" ")[0]


def _is_open(tx: Transaction, attempt: str) -> bool:
    """In the record; the desk's memory still has one that is decided in this very transaction."""
    row = tx.sql.execute("SELECT state FROM attempts WHERE id=?", (attempt,)).fetchone()
    return bool(row == ("open",))


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
