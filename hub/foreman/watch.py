"""What is looked at between steps: readings that must stop a job, and deadlines that pass."""

import json
import sqlite3
from collections.abc import Iterable, Mapping

from hub.ledger import Transaction
from hub.model import Intake, way_of
from hub.rulepack import RulePack, over_limit


class Watch:
    """Which instruments which running jobs watch, and when the next deadline passes.

    Made anew from the jobs' table after every commit that changed it. `untrusted_us`: hub time
    from which the clock cannot be trusted; 0 while it can be.
    """

    def __init__(self, pack: RulePack) -> None:
        self._pack = pack
        self._looks: dict[str, set[tuple[str, str]]] = {}
        self._due_us: int | None = None
        self._seen: dict[tuple[str, str], tuple[str, int]] = {}
        self.untrusted_us = 0

    def restore(self, sql: sqlite3.Connection) -> None:
        """Take up what is watched, after a start."""
        self.reload(sql)
        row = sql.execute("SELECT value FROM hub_state WHERE key='start'").fetchone()
        self.untrusted_us = int(json.loads(row[0]).get("untrusted_us", 0)) if row else 0

    def reload(self, sql: sqlite3.Connection) -> None:
        looks: dict[str, set[tuple[str, str]]] = {}
        for number, text in sql.execute("SELECT number, watch FROM jobs WHERE watch<>''"):
            for name, words in json.loads(text).items():
                looks.setdefault(name, set()).update((number, word) for word in words)
        self._looks = looks
        (self._due_us,) = sql.execute(
            "SELECT min(due_us) FROM jobs WHERE ended='' AND due_us IS NOT NULL"
        ).fetchone()

    def look(self, intakes: Iterable[Intake]) -> None:
        """Take note of readings at which a job must stop."""
        if not self._looks:
            return
        for intake in intakes:
            if way_of(intake.source) != "instrument":
                continue  # what was, perhaps days ago, stops nobody now
            for reading in intake.readings:
                for one in self._looks.get(reading.instrument, ()):
                    if one not in self._seen and over_limit(reading, one[1], self._pack):
                        what = f"{reading.instrument}: {reading.value} {reading.unit}".strip()
                        self._seen[one] = (what, reading.at_us)

    def is_due(self, now_us: int) -> bool:
        """Whether a reading was seen that must stop a job, or a deadline has passed."""
        return bool(self._seen) or (self._due_us is not None and now_us > self._due_us)

    def seen(self, tx: Transaction) -> Mapping[tuple[str, str], tuple[str, int]]:
        """(job, what was looked for) -> the reading and its time; gone once *tx* is durable."""
        seen = dict(self._seen)

        def forget() -> None:
            for one in seen:
                self._seen.pop(one, None)

        tx.then(forget)
        return seen
