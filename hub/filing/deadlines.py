"""What an authority is owed by the calendar: periods that are over and not filed, and until when.

A period is owed from the day after its last one until its filing was handed over; `within_days`
of the profile says how long that may take, the last day included. Days are Shanghai's, by the
hub's clock. When the time is over it is told once, in the transaction that records it: in the
log, and to whoever listens to `filing`.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from hub.clock import SHANGHAI, Clock, iso, local_day
from hub.errors import ConfigError, Fault
from hub.filing.life import State
from hub.filing.period import Span, last_over, span_of
from hub.filing.telling import told_of
from hub.ledger import LedgerReader, Transaction, read_entry
from hub.outbox.parcels import Tell
from hub.texts import Language, say

if TYPE_CHECKING:
    from hub.filing.profile import Profile, ScheduleOf

log = structlog.get_logger()

ENTRY: Final = "filing_overdue"
EVERY_S: Final = 3600.0
AGAIN_S: Final = 60.0
"""After a look that could not be written down."""
_DAY: Final = timedelta(days=1)
_MET: Final[frozenset[State]] = frozenset({"submitted", "accepted"})
"""submitted_unknown is none: nobody knows whether it arrived."""


class Filing(NamedTuple):
    """A row of `filings`. `took`: its last answer was a receipt, without any reason against it.
    `bare`: a duplicate without the receipt of the other filing, by the word of the line alone. That
    one may have been rejected, or be none of ours.
    """

    id: str
    period: str
    state: State
    corrects: str
    rows: int
    drafted_us: int
    took: bool
    bare: bool = False

    @property
    def met(self) -> bool:
        """Whether its period is filed. What was accepted stays so while it is being corrected."""
        if self.state == "duplicate_of":
            return not self.bare
        return self.state in _MET or (self.state == "corrected" and self.took)


class Owed(NamedTuple):
    """A period that is over and not filed; from `period_now`, any period.

    last     its last day
    until    last day on which it is in time
    filing   the newest that was drafted for it and not given up; None: nothing was
    """

    authority: str
    period: str
    last: date
    until: date
    filing: Filing | None

    def days_left(self, today: date) -> int:
        """0 on the last day; negative: so many days late."""
        return (self.until - today).days

    def sentence(self, lang: Language, today: date) -> str:
        left = self.days_left(today)
        if self.last >= today:
            key = "runs"
        elif self.filing is not None and self.filing.met:
            key = "met"
        else:
            key = "overdue" if left < 0 else "today" if left == 0 else "open"
        state = self.filing.state if self.filing else say(lang, "filing.nothing_drafted")
        return say(
            lang, f"filing.{key}", authority=self.authority, period=self.period, state=state,
            until=self.until, days=abs(left),
        )  # fmt: skip

    def as_row(self, lang: Language, today: date) -> dict[str, Any]:
        return {
            "authority": self.authority,
            "period": self.period,
            "file_until": self.until.isoformat(),
            "days_left": self.days_left(today),
            "filing": self.filing.id if self.filing else "",
            "state": self.filing.state if self.filing else "",
            "says": self.sentence(lang, today),
        }


def owed(
    authority: str, schedule: "ScheduleOf", filings: Sequence[Filing], since: date, today: date
) -> list[Owed]:
    """Every period from that of *since* on that is over and not filed, oldest first. Pure."""
    found = [
        Owed(authority, span.name, span.last, until(schedule, span), _standing(span.name, filings))
        for span in _spans(schedule, since, today)
    ]
    return [one for one in found if one.filing is None or not one.filing.met]


def period_now(sql: sqlite3.Connection, authority: str, schedule: "ScheduleOf", span: Span) -> Owed:
    """How one period stands, owed or not."""
    standing = _standing(span.name, _filings(sql, authority))
    return Owed(authority, span.name, span.last, until(schedule, span), standing)


def until(schedule: "ScheduleOf", span: Span) -> date:
    """The last day on which a period is filed in time."""
    return span.last + timedelta(days=schedule.within_days)


def read_owed(
    sql: sqlite3.Connection, authority: str, schedule: "ScheduleOf", today: date
) -> list[Owed]:
    """What is owed by the record, from the first period on that this gateway had to file."""
    filings = _filings(sql, authority)
    since = _since(sql, authority, schedule, filings)
    return [] if since is None else owed(authority, schedule, filings, since, today)


class Deadlines:
    """Looks what is owed, and tells what is late. `run` is the body of thread `deadlines`.

    authorities  the sinks that carry filings, with their profiles
    do           has an act done inside a transaction, and waits for it
    tell         has outsiders hear of it
    """

    def __init__(
        self,
        state_dir: Path,
        authorities: Mapping[str, Path],
        clock: Clock,
        do: Callable[[Callable[[Transaction], Any]], Any],
        tell: Tell,
    ) -> None:
        self._state_dir = state_dir
        self._authorities = authorities
        self._clock = clock
        self._do = do
        self._tell = tell

    def all(self, lang: Language) -> list[dict[str, Any]]:
        """What is owed now, for `gashub status`; a profile that cannot be read says so."""
        from hub.filing.profile import load_profile  # noqa: PLC0415  only who files

        today = local_day(self._clock.now_us())
        rows: list[dict[str, Any]] = []
        with LedgerReader(self._state_dir) as reader:
            for name, path in self._authorities.items():
                try:
                    schedule = load_profile(path).schedule
                except ConfigError as wrong:
                    rows.append({"authority": name, "says": str(wrong)})
                    continue
                found = read_owed(reader.sql, name, schedule, today)
                rows += [one.as_row(lang, today) for one in found]
        return rows

    def run(self, stop: threading.Event) -> None:
        wait_s = 0.0
        while not self._clock.wait(stop, wait_s):
            wait_s = EVERY_S if self.look() else AGAIN_S

    def look(self) -> bool:
        """Tell what is late and was not told. False when that could not be done now."""
        from hub.filing.profile import load_profile  # noqa: PLC0415  only who files

        try:
            for name, path in self._authorities.items():
                self._look(name, load_profile(path))
        except (Fault, sqlite3.OperationalError) as why:
            log.warning("deadlines_not_looked_at", error=str(why))
            return False
        return True

    def _look(self, authority: str, profile: "Profile") -> None:
        today = local_day(self._clock.now_us())
        schedule = profile.schedule
        with LedgerReader(self._state_dir) as reader:
            begun = _kept(reader.sql, _begun(authority)) is not None
            late = [
                one
                for one in read_owed(reader.sql, authority, schedule, today)
                if one.days_left(today) < 0 and _kept(reader.sql, _late(one)) is None
            ]
        if not begun:
            first = span_of(schedule.every, today).first.isoformat()
            self._do(partial(_keep, key=_begun(authority), value=first))
        for one in late:
            self._do(partial(self._record, late=one))

    def _record(self, tx: Transaction, late: Owed) -> None:
        if _kept(tx.sql, _late(late)) is not None:  # told meanwhile
            return
        now_us = self._clock.now_us()
        filing = late.filing
        state: State = filing.state if filing else "prepared"
        told = told_of(
            filing=filing.id if filing else f"{late.authority} {late.period}",
            before=state,
            state=state,
            channel=late.authority,
            period=late.period,
            records=filing.rows if filing else 0,
            at=iso(now_us),
        )
        if filing is None:
            told["stands"] = "none"
        told |= {"overdue": True, "due_at": _end_of(late.until)}
        body = {name: told[name] for name in ("channel", "period", "stands", "filing", "due_at")}
        entry = tx.append(ENTRY, body, now_us)
        _keep(tx, _late(late), str(entry))
        self._tell(tx, told, entry)
        log.warning(
            "filing_overdue", authority=late.authority, period=late.period, until=str(late.until)
        )


def _spans(schedule: "ScheduleOf", since: date, today: date) -> Iterator[Span]:
    """The periods that are over, from the one of *since* on."""
    last = last_over(schedule.every, today)
    span = span_of(schedule.every, since)
    while span.last <= last.last:
        yield span
        span = span_of(schedule.every, span.last + _DAY)


def _standing(period: str, filings: Sequence[Filing]) -> Filing | None:
    """How a period stands: by a filing that has met it, else by the newest that may yet."""
    corrections = {one.corrects: one for one in filings if one.state != "discarded"}
    newest = None
    for filing in filings:
        if filing.period != period or filing.state == "discarded":
            continue
        newest = filing
        while newest.state == "corrected" and not newest.met and newest.id in corrections:
            newest = corrections[newest.id]
        if newest.met:
            break
    return newest


def _filings(sql: sqlite3.Connection, authority: str) -> list[Filing]:
    rows = sql.execute(
        "SELECT id, period, state, corrects, rows, drafted_us, receipt <> '' AND reason = '',"
        " state = 'duplicate_of' AND receipt = '', step"
        " FROM filings WHERE authority = ? ORDER BY drafted_us, id",
        (authority,),
    )
    return [
        Filing._make([*row, bool(bare) and read_entry(sql, step).record()["by"] == authority])
        for *row, bare, step in rows.fetchall()
    ]


def _since(
    sql: sqlite3.Connection, authority: str, schedule: "ScheduleOf", filings: Sequence[Filing]
) -> date | None:
    """First day of the first period to file: the one that ran when a hub first had this authority,
    or an earlier one, for which something was drafted.
    """
    kept = _kept(sql, _begun(authority))
    known = [date.fromisoformat(kept)] if kept else []
    if filings:
        known.append(last_over(schedule.every, local_day(filings[0].drafted_us)).first)
    return min(known, default=None)


def _begun(authority: str) -> str:
    return f"filing_since {authority}"


def _late(late: Owed) -> str:
    return f"filing_overdue {late.authority} {late.period}"


def _kept(sql: sqlite3.Connection, key: str) -> str | None:
    row = sql.execute("SELECT value FROM hub_state WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def _keep(tx: Transaction, key: str, value: str) -> None:
    tx.sql.execute("INSERT OR IGNORE INTO hub_state (key, value) VALUES (?, ?)", (key, value))


def _end_of(day: date) -> str:
    """The end of a day in Shanghai, as ISO 8601 in UTC."""
    end = datetime.combine(day + _DAY, time(), SHANGHAI)
    return iso(round(end.timestamp()) * 1_000_000)
