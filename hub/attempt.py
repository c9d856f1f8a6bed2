"""One try of one test: the rows that its procedure sees, kept in the order they became known.

No clock and no I/O: the desk feeds it live, and replay feeds it again from the ledger.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from hub.model import Reading, way_of
from hub.order_file import parse_order
from hub.orders import Test
from hub.procedures import Assessment, ProcedureKind, Row, Verdict
from hub.procedures.case import ABORTS, CLOSE
from hub.procedures.verdict import text_of
from hub.rulepack import RulePack

FAULT = "instrument_fault"
POINT = "point"
"""Live only: where the next readings are taken. In a file every reading says so itself."""
MOST_SOURCES: Final = 1000
"""Of dead letters that are kept apart; a stranger on the broker can make up any number."""


class Attempt:
    """What one attempt has seen so far.

    A reading whose serial differs from the order's, or from the first one seen, comes from
    another device on the same wire: it is not fed, and the attempt gets the event
    `instrument_fault`, so that an old hold is never continued by a new instrument. So does one
    that tells no serial where the readings before it did, or one where they did not.

    The series begins with the technician's first event: what an instrument that sends all the
    time says between `order open` and the zero is in the ledger, but it is not part of the test.

    An order says by its `source` where its readings come from: what comes another way is in the
    ledger, and it is not part of the test. Readings that a person hands in begin the series.

    A dead letter from where an instrument's readings come from is a row without a number: what
    it would have said is not known, and the verdict shall say that there was something.
    """

    def __init__(
        self,
        id: str,
        number: str,
        test: Test,
        kind: ProcedureKind,
        pack: RulePack,
        opened_us: int,
        opened_entry: int,
    ) -> None:
        self.id = id
        self.number = number
        self.test = test
        self.kind = kind
        self.pack = pack
        self.opened_us = opened_us
        self.opened_entry = opened_entry
        self.rows: list[Row] = []
        self.assessment: Assessment | None = None
        self._order = parse_order(test.spec, (kind.name,))
        self._point = ""
        self._events: list[tuple[int, str, str, str]] = []
        self._begun = self._order.source != "instrument"
        self._waits_for_file = self._order.source == "imported"
        self._serials: dict[str, str] = {
            entry["name"]: entry.get("serial") or "" for entry in test.spec["instruments"]
        }
        self._told: dict[str, str] = {}
        self._quantities = {entry["name"]: entry["quantity"] for entry in test.spec["instruments"]}
        self._sources: dict[str, set[str]] = {}
        self._letters: dict[str, list[tuple[int, str]]] = {}
        self._review_us = 0

    @property
    def instruments(self) -> list[str]:
        return list(self._serials)

    @property
    def serials(self) -> Mapping[str, str]:
        """What each instrument that was heard has told that it is, or else what the order says."""
        return {name: told or self._serials[name] for name, told in sorted(self._told.items())}

    @property
    def quantities(self) -> Mapping[str, str]:
        """What each instrument measures, as the order says."""
        return self._quantities

    @property
    def source(self) -> str:
        """Where the readings come from: instrument, manual or imported."""
        return self._order.source

    def feed(self, reading: Reading, source: str) -> None:
        """Take a reading of one of this attempt's instruments, out of a message from *source*."""
        if way_of(source) != self._order.source:
            return
        names = self._sources.setdefault(source, set())
        if reading.instrument not in names:
            names.add(reading.instrument)
            for at_us, point in self._letters.get(source, ()):
                self._lacking(reading.instrument, at_us, point)
        if not self._is_the_same(reading):
            self.event(reading.at_us, FAULT, "", "")
            return
        if not self._begun:
            return
        self._waits_for_file = False
        self.rows.append(
            Row(
                reading.at_us,
                reading.instrument,
                reading.quantity,
                reading.value,
                reading.unit,
                reading.quality,
                reading.seq,
                self._point,
            )
        )

    def _is_the_same(self, reading: Reading) -> bool:
        """Whether *reading* may come from the instrument of the readings before it."""
        name, serial = reading.instrument, reading.serial
        if not serial and reading.canonical is None:
            return True  # it proves nothing, and one that warms up may not know itself yet
        told = self._told.get(name)
        if told is not None and told != serial and (told or self._begun):
            return False
        if serial and self._serials[name] not in ("", serial):
            return False
        self._told[name] = serial
        return True

    def dead_letter(self, source: str, at_us: int) -> None:
        """Take note of a message from *source* that could not be read.

        Noted once a second: more would say no more, and a device that repeats itself without end
        shall not fill the memory. Whether the source's first reading comes before or after it
        makes no difference, so that a replay sees the same rows.
        """
        if not self._begun or (source not in self._letters and len(self._letters) >= MOST_SOURCES):
            return
        noted = self._letters.setdefault(source, [])
        if noted and at_us - noted[-1][0] < 1_000_000:
            return
        noted.append((at_us, self._point))
        for name in self._sources.get(source, ()):
            self._lacking(name, at_us, self._point)

    def _lacking(self, name: str, at_us: int, point: str) -> None:
        self.rows.append(Row(at_us, name, self._quantities[name], "", "", "bad", "", point))

    def event(self, at_us: int, word: str, instrument: str, point: str) -> None:
        """Take an operator's event. The word `point` says where the next readings are taken."""
        self._begun = True
        self._events.append((at_us, word, instrument, point))
        if word in (CLOSE, *ABORTS):
            self._waits_for_file = False
        if word == POINT:
            self._point = point
        else:
            self.rows.append(Row(at_us, instrument, "event", word, "", "good", "", point))
        self._review_us = 0

    def hasten(self) -> None:
        """Have the next review happen now, whatever its turn."""
        self._review_us = 0

    def review(self, now_us: int) -> Verdict | None:
        """Assess again when it is time, and return the verdict once it is decided.

        A review costs time in proportion to the rows, so the pause before the next one grows
        with them: 1 s of hub time at first, 4 s after 2,000 rows. A logger's file comes after the
        test: until then its events alone decide nothing but an abort.
        """
        if self._waits_for_file or now_us < self._review_us:
            return None
        self._review_us = now_us + max(1_000_000, len(self.rows) * 2_000)
        self.assessment = self.kind.assess(self._order, self.rows, self.pack, now_us)
        return self.assessment.verdict

    def judge(self, pack: RulePack | None = None) -> Verdict:
        """The verdict on everything seen so far, as replay and `gashub judge` would give it.

        pack  another one than the attempt's own
        """
        return self.kind.judge(self._order, self.rows, pack or self.pack)

    def digest(self) -> str:
        """SHA-256 (hex) over all rows, in the order of their content, a JSON array and LF each.

        What a verdict rested on is then known, whoever brings the readings again. The order in
        which they came is no part of it, since no procedure looks at it.
        """
        lines = sorted(json.dumps(row, separators=(",", ":")) for row in self.rows)
        return sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()

    def progress(self) -> Mapping[str, Any]:
        """What a display shows of this attempt, and what an asker looks at before asking again."""
        events = [
            {"at_us": at_us, "word": word, "instrument": instrument, "point": point}
            for at_us, word, instrument, point in self._events
        ]
        now = self.assessment
        if now is None:
            return {"stage": "waiting", "events": events}
        return {
            "events": events,
            "stage": now.stage,
            "since_us": now.since_us,
            "remaining_s": None if now.remaining_s is None else str(round(now.remaining_s)),
            "latest": "" if now.latest is None else f"{text_of(now.latest[0])} {now.latest[1]}",
            "figures": dict(now.figures),
        }
