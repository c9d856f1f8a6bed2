"""The alarm watch: any point-gas reading at or over the work limit is an alarm, order or not.

An alarm is raised once when an instrument reaches the limit and cleared once when it is back
below, each durable at once. What is raised survives a restart, so that it is cleared as well.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ulid import ULID

from hub.clock import iso
from hub.ledger import LedgerReader, Transaction
from hub.model import Intake, Reading, way_of
from hub.rulepack import RulePack, over_work_limit

WATCHED = "gas"


class Alarm(NamedTuple):
    """`state` is raised or cleared; the limit stands in the rule pack that is named."""

    id: str
    state: str
    reading: Reading
    clause: str
    rule_pack: str

    def as_dict(self) -> Mapping[str, Any]:
        reading = self.reading
        return {
            "id": self.id,
            "state": self.state,
            "instrument": reading.instrument,
            "serial": reading.serial,
            "quantity": reading.quantity,
            "value": reading.value,
            "unit": reading.unit,
            "quality": reading.quality,
            "seq": reading.seq,
            "at": iso(reading.at_us),
            "clause": self.clause,
            "rule_pack": self.rule_pack,
        }


class AlarmWatch:
    """Which instruments are over the limit now, and which changes are not yet recorded."""

    def __init__(self, pack: RulePack) -> None:
        self._pack = pack
        self._clause = pack.work_limit_clause
        self._raised: set[str] = set()
        self._pending: list[Alarm] = []

    def look(self, intakes: Iterable[Intake]) -> list[str]:
        """Note changes; return the instruments that have just gone over the limit."""
        over = []
        for intake in intakes:
            if way_of(intake.source) != "instrument":
                continue  # what was, perhaps days ago, neither raises nor clears what is
            for reading in intake.readings:
                if reading.quantity != WATCHED:
                    continue
                state = over_work_limit(reading, self._pack)
                if state is True:
                    if reading.instrument not in self._raised:
                        self._raised.add(reading.instrument)
                        over.append(reading.instrument)
                        self._note("raised", reading)
                elif state is False and reading.instrument in self._raised:
                    self._raised.discard(reading.instrument)
                    self._note("cleared", reading)
        return over

    def restore(self, reader: LedgerReader) -> None:
        """Take up what was raised when the hub went down."""
        rows = reader.sql.execute("SELECT instrument FROM alarms").fetchall()
        self._raised = {instrument for (instrument,) in rows}

    def keep(self, tx: Transaction, alarm: Alarm, entry: int) -> None:
        """Have the standing alarms of the record say what this change makes of them."""
        instrument = alarm.reading.instrument
        if alarm.state == "raised":
            tx.sql.execute(
                "INSERT OR REPLACE INTO alarms (instrument, entry) VALUES (?, ?)",
                (instrument, entry),
            )
        else:
            tx.sql.execute("DELETE FROM alarms WHERE instrument = ?", (instrument,))

    @property
    def due(self) -> bool:
        """Whether a change waits for its record."""
        return bool(self._pending)

    @property
    def raised(self) -> list[str]:
        return sorted(self._raised)

    def pending(self) -> list[Alarm]:
        """The changes to record now; they stay until `settle`."""
        return list(self._pending)

    def settle(self) -> None:
        """Everything that was pending is durable."""
        self._pending.clear()

    def _note(self, state: str, reading: Reading) -> None:
        pack = f"{self._pack.id} {self._pack.version}"
        self._pending.append(Alarm(str(ULID()), state, reading, self._clause, pack))
