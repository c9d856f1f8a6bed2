"""A moment of an instrument is evidence once: what was handed in serves one attempt, for good.

The log says it (a `readings` entry names the attempt that it serves), and table `evidence` finds
it by index: the bytes, the series of times and values, the instrument's span of time. Each row is
written in the transaction of its entry, so that no crash parts the two, and the whole table can
be made again from the log. What an attempt took stays taken, however that attempt ended.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from hub.clock import shanghai
from hub.errors import CommandRefused
from hub.ledger import Ledger, LedgerReader
from hub.model import Reading, way_of
from hub.texts import Language, say

_MARK: Final = "evidence"
_VERSION: Final = "1"
"""Of how rows are made; where the mark says another one, they are made again."""
_HOLDER: Final = "SELECT a.number, a.id, e.first_us, e.last_us FROM evidence e"
_SPAN: Final = "e.quantity=:quantity AND e.last_us>=:first_us AND e.first_us<=:last_us"
_BY_FILE: Final = f"{_HOLDER} JOIN attempts a ON a.id=e.attempt WHERE e.file=:file LIMIT 1"
_BY_SERIES: Final = (
    f"{_HOLDER} JOIN attempts a ON a.id=e.attempt WHERE e.attempt<>'' AND e.series=:series LIMIT 1"
)
_BY_NAME: Final = (
    f"{_HOLDER} JOIN attempts a ON a.id=e.attempt"
    f" WHERE e.attempt<>'' AND e.instrument=:instrument AND {_SPAN}"
    " AND (e.serial='' OR :serial='' OR e.serial=:serial) LIMIT 1"
)
_BY_SERIAL: Final = (
    f"{_HOLDER} JOIN attempts a ON a.id=e.attempt"
    f" WHERE e.attempt<>'' AND e.serial<>'' AND e.serial=:serial AND {_SPAN} LIMIT 1"
)


class Series(NamedTuple):
    """What one message holds of one instrument and quantity; a reading by eye is one as well.

    file    SHA-256 of the message's bytes (hex); of a reading by eye, its photo's mark
    series  SHA-256 of its times and canonical values (hex); names and text forms do not count
    serial  as the message tells it; "" where it does not
    """

    file: str
    series: str
    instrument: str
    serial: str
    quantity: str
    first_us: int
    last_us: int


def series_of(source: str, message: bytes, readings: Iterable[Reading]) -> tuple[Series, ...]:
    """The series in a message that a person handed in; none of a reading without a photo."""
    parts: dict[tuple[str, str], list[Reading]] = {}
    for reading in readings:
        parts.setdefault((reading.instrument, reading.quantity), []).append(reading)
    by_eye = way_of(source) == "manual"
    file = "" if by_eye else sha256(message).hexdigest()
    return tuple(
        Series(
            part[0].seq if by_eye else file,
            _digest(part),
            instrument,
            next((one.serial for one in part if one.serial), ""),
            quantity,
            min(one.at_us for one in part),
            max(one.at_us for one in part),
        )
        for (instrument, quantity), part in parts.items()
        if part[0].seq or not by_eye
    )


def _digest(part: Iterable[Reading]) -> str:
    facts = sorted(
        f"{one.at_us} {one.quality if one.canonical is None else (one.canonical + 0).normalize()}"
        for one in part
    )
    return sha256("\n".join(facts).encode()).hexdigest()


def is_kept(sql: sqlite3.Connection, found: Sequence[Series], attempt: str) -> bool:
    """Whether just this, from the same bytes, serves *attempt* already; "" asks for anybody."""
    kept = {
        (row[0], row[1], row[2])
        for row in sql.execute(
            "SELECT series, instrument, quantity FROM evidence"
            " WHERE file=:file AND (attempt=:attempt OR :attempt='')",
            {"file": found[0].file, "attempt": attempt},
        )
    }
    return kept == {(one.series, one.instrument, one.quantity) for one in found}


def refuse_photo_again(sql: sqlite3.Connection, found: Sequence[Series], lang: Language) -> None:
    """Raises CommandRefused when a reading's photo stands for another reading of any order."""
    for one in found:
        holder = sql.execute(_BY_FILE, one._asdict()).fetchone()
        if holder is not None:
            raise CommandRefused(say(lang, "entry.photo", order=holder[0], attempt=holder[1]))


def refuse_file_again(
    sql: sqlite3.Connection, file: str, found: Sequence[Series], lang: Language
) -> None:
    """Raises CommandRefused when any part of a file is evidence of any attempt.

    file  its name, for the text
    The same bytes, the same series in another form, or a span of time that the instrument has
    been evidence for: an instrument is known by its serial number where both tell it, else by
    its name.
    """
    for one in found:
        for key, query in (
            ("entry.file", _BY_FILE),
            ("entry.series", _BY_SERIES),
            ("entry.times", _BY_NAME),
            ("entry.times", _BY_SERIAL),
        ):
            holder = sql.execute(query, one._asdict()).fetchone()
            if holder is not None:
                order, attempt, first_us, last_us = holder
                figures: Mapping[str, str] = {
                    "order": order,
                    "attempt": attempt,
                    "file": file,
                    "instrument": one.instrument,
                    "first": shanghai(first_us),
                    "last": shanghai(last_us),
                }
                raise CommandRefused(say(lang, key, **figures))


def refuse_early(
    sql: sqlite3.Connection, order: str, file: str, found: Sequence[Series], lang: Language
) -> None:
    """Raises CommandRefused for a recording that begins before the hub knew of *order*.

    Loggers write whole seconds, so the second in which the order came is late enough.
    """
    first_us = min(one.first_us for one in found)
    (known_us,) = sql.execute("SELECT created_us FROM orders WHERE number=?", (order,)).fetchone()
    if first_us // 1_000_000 < known_us // 1_000_000:
        raise CommandRefused(
            say(
                lang,
                "entry.early",
                order=order,
                file=file,
                first=shanghai(first_us),
                known=shanghai(known_us),
            )
        )


def keep(sql: sqlite3.Connection, found: Iterable[Series], attempt: str, entry: int) -> None:
    """Write down that entry *entry* holds these, for *attempt* ("": for none)."""
    sql.executemany(
        "INSERT INTO evidence VALUES (?,?,?,?,?,?,?,?,?)",
        [(*one, attempt, entry) for one in found],
    )


def ready(ledger: Ledger, reader: LedgerReader) -> None:
    """At a start: make the table again from the log, unless it stands already."""
    row = reader.sql.execute("SELECT value FROM hub_state WHERE key=?", (_MARK,)).fetchone()
    if row == (_VERSION,):
        return
    with ledger.transaction() as tx:
        tx.sql.execute("DELETE FROM evidence")
        for entry in reader.entries(0, None, kinds=("readings",)):
            block = entry.block()
            for at, frame in enumerate(block.frames):
                if way_of(frame.source) == "instrument":
                    continue
                readings = [
                    one for one, link in zip(block.readings, block.links, strict=True) if link == at
                ]
                found = series_of(frame.source, frame.raw, readings)
                keep(tx.sql, found, entry.refs.get("attempt", ""), entry.index)
        tx.sql.execute(
            "INSERT INTO hub_state (key, value) VALUES (?,?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (_MARK, _VERSION),
        )
