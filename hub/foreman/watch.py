"""What is looked at between steps: readings that must stop a job, instruments that are exchanged,
and deadlines that pass.
"""

import json
import sqlite3
from collections.abc import Iterable

from hub.ledger import Transaction
from hub.model import Intake, Reading, way_of
from hub.rulepack import RulePack, over_limit

Found = dict[tuple[str, str], tuple[str, int]]
"""(job, what it is about) -> what was seen, and when; to be recorded."""


class Watch:
    """Which instruments which running jobs watch, and when the next deadline passes.

    Made anew from the jobs' table after every commit that changed it. `untrusted_us`: hub time
    from which the clock cannot be trusted; 0 while it can be.
    """

    def __init__(self, pack: RulePack) -> None:
        self._pack = pack
        self._limits: dict[str, set[tuple[str, str]]] = {}
        self._serials: dict[str, set[tuple[str, str]]] = {}
        self._due_us: int | None = None
        self._over: Found = {}
        self._swapped: Found = {}
        self.untrusted_us = 0

    def restore(self, sql: sqlite3.Connection) -> None:
        """Take up what is watched, after a start."""
        self.reload(sql)
        row = sql.execute("SELECT value FROM hub_state WHERE key='start'").fetchone()
        self.untrusted_us = int(json.loads(row[0]).get("untrusted_us", 0)) if row else 0

    def reload(self, sql: sqlite3.Connection) -> None:
        self._limits, self._serials = {}, {}
        for number, text in sql.execute("SELECT number, watch FROM jobs WHERE watch<>''"):
            for name, looked in json.loads(text).items():
                over = {(number, word) for word in looked["over"]}
                self._limits.setdefault(name, set()).update(over)
                if looked["serial"]:
                    self._serials.setdefault(name, set()).add((number, looked["serial"]))
        (self._due_us,) = sql.execute(
            "SELECT min(due_us) FROM jobs WHERE ended='' AND due_us IS NOT NULL"
        ).fetchone()

    def look(self, intakes: Iterable[Intake]) -> None:
        """Take note of readings at which a job must stop, or a PASS is worth nothing any more."""
        if not self._limits and not self._serials:
            return
        for intake in intakes:
            if way_of(intake.source) != "instrument":
                continue  # what was, perhaps days ago, stops nobody now
            for reading in intake.readings:
                self._look(reading)

    def _look(self, reading: Reading) -> None:
        for one in self._limits.get(reading.instrument, ()):
            if one not in self._over and over_limit(reading, one[1], self._pack):
                what = f"{reading.instrument}: {reading.value} {reading.unit}".strip()
                self._over[one] = (what, reading.at_us)
        for number, serial in self._serials.get(reading.instrument, ()):
            if reading.serial not in ("", serial):  # one that tells none proves nothing
                found = (reading.serial, reading.at_us)
                self._swapped.setdefault((number, reading.instrument), found)

    def is_due(self, now_us: int) -> bool:
        """Whether something was seen that changes a job, or a deadline has passed."""
        late = self._due_us is not None and now_us > self._due_us
        return bool(self._over or self._swapped) or late

    def over(self, tx: Transaction) -> Found:
        """(job, limit) -> the reading and its time; gone once *tx* is durable."""
        return _taken(tx, self._over)

    def swapped(self, tx: Transaction) -> Found:
        """(job, instrument) -> the serial number that it tells now, and since when; as `over`."""
        return _taken(tx, self._swapped)


def _taken(tx: Transaction, found: Found) -> Found:
    told = dict(found)

    def forget() -> None:
        for one in told:
            found.pop(one, None)

    tx.then(forget)
    return told
