"""Which entries a bundle needs: everything about one job or order, and all that it rests on."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

import orjson

from hub.bundle.contents import OF_JOB
from hub.bundle.decoding import block_of
from hub.bundle.manifest import NONE, AttemptNote, JobNote, Why
from hub.bundle.scanning import OF_NUMBER, Heads
from hub.errors import CommandRefused
from hub.jobs import files_in
from hub.ledger import Entry, LedgerReader
from hub.orders import from_record
from hub.packs import kept_pack
from hub.rulepack import RulePack, whole_pack

_BACK: Final = 2000
"""Entries before what the hub itself has seen, among which its reading is looked for."""


class Try(NamedTuple):
    """A row of the attempts' table: an attempt, and its verdict's entry if it has one."""

    id: str
    order: str
    opened: int
    verdict: int | None


@dataclass(slots=True)
class Chosen:
    """indexes   of the entries that go in
    withheld  index -> why only its head is shown
    files     SHA-256 of the attachments that the record names
    """

    kind: Literal["job", "order"]
    heads: Heads
    indexes: set[int] = field(default_factory=set)
    withheld: dict[int, Why] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    jobs: list[JobNote] = field(default_factory=list)
    attempts: list[AttemptNote] = field(default_factory=list)


def choose(
    reader: LedgerReader, number: str, size: int, *, hazards: bool, personal: bool
) -> Chosen:
    """What a bundle about job or order *number* holds, of the first *size* entries.

    hazards   whether the jobs that came out of it are in
    personal  whether what is known of the customer is
    raises    CommandRefused when the record does not know the number
    """
    return _Chooser(reader, number, size, hazards, personal).run()


class _Chooser:
    """Chooses step by step; each step rests on what the steps before have chosen."""

    def __init__(
        self, reader: LedgerReader, number: str, size: int, hazards: bool, personal: bool
    ) -> None:
        self._reader = reader
        self._size = size
        self._personal = personal
        self._jobs = self._family(number, hazards)
        if not self._jobs and not self._rows("SELECT 1 FROM orders WHERE number=?", number):
            raise CommandRefused(
                f"no job or order {number!r} in the record; see `gashub job list` and "
                "`gashub order list`"
            )
        self._numbers = self._jobs or [number]
        self._adopted = [one for job in self._jobs for one in self._adopted_by(job)]
        heads = Heads(reader, size, {*self._numbers, *(one.order for one in self._adopted)})
        self._heads = heads
        self._chosen = Chosen("job" if self._jobs else "order", heads)

    def run(self) -> Chosen:
        for number in self._numbers:
            self._take(place.at for place in self._heads.of(*OF_NUMBER, order=number))
        if not self._chosen.indexes:
            raise CommandRefused(
                f"{self._numbers[0]}: no signed head covers it yet; `gashub ledger head` makes one"
            )
        for attempt in self._attempts():
            self._attempt(attempt)
        for place in self._heads.of("second_verdict"):
            if place.at in self._chosen.indexes:
                self._register({self._body(place.at).get("by", "")})
        for job in self._jobs:
            self._job(job)
        self._gateway()
        self._packs()
        self._take(
            place.at
            for place in self._heads.of("erased")
            if int(place.refs["entry"]) in self._chosen.indexes
        )
        self._take([0])
        return self._chosen

    # -- looking

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._reader.rows(query, values)

    def _take(self, indexes: Iterable[int]) -> None:
        self._chosen.indexes.update(index for index in indexes if index < self._size)

    def _body(self, index: int) -> Mapping[str, Any]:
        """The body of an entry; nothing where it was erased."""
        entry = self._reader.read(index)
        return entry.record() if entry.body is not None else {}

    def _blocks(self, first: int, until: int) -> Iterator[Entry]:
        return self._reader.entries(first, until, kinds=("readings",))

    # -- jobs

    def _family(self, number: str, hazards: bool) -> list[str]:
        """The job, and those of its site that came out of it; none when *number* is no job."""
        query = "SELECT number FROM jobs WHERE number=? AND entry<?"
        of_parent = (
            "SELECT j.number FROM jobs j JOIN jobs p ON p.number=j.parent"
            " WHERE p.number=? AND j.entry<? AND j.site=p.site ORDER BY j.number"
        )
        found = [job for (job,) in self._rows(query, number, self._size)]
        for job in found if hazards else ():
            found += [job for (job,) in self._rows(of_parent, job, self._size)]
        return found

    def _job(self, number: str) -> None:
        """Files, staff, other jobs' work, and the readings at which the hub stopped the job."""
        rules = self._rules(number)
        people = set()
        for place in self._heads.of("job_event", "job_refused", order=number):
            body = self._body(place.at)
            event, around = body.get("event", {}), body.get("around", {})
            people |= {body.get("by", ""), event.get("by", ""), event.get("second", "")}
            people |= around.get("staff", {}).keys()
            for _, work in around.get("worked", {}).values():
                self._take([work])
                if self._reader.read(work).refs.get("order") not in self._numbers:
                    self._chosen.withheld[work] = "another job"
            if event.get("what") == "act":
                ask = rules.job[body["kind"]].step[event["step"]].ask
                self._chosen.files |= {file for _, file in files_in(ask, event["answers"])}
            elif event.get("what") == "swapped" or event.get("by") == "hub":
                self._take(self._seen(place.at, event["at_us"]))
        self._register(people)
        for file in self._chosen.files:
            self._take(i for (i,) in self._rows("SELECT entry FROM files WHERE sha256=?", file))
        if not self._personal:
            for place in self._heads.of("personal", order=number):
                self._chosen.withheld[place.at] = "personal"
        self._chosen.jobs.append(self._note(number))

    def _register(self, people: set[str]) -> None:
        """What the register said of *people* up to then."""
        last = max(self._chosen.indexes)
        staff = self._heads.of("staff")
        self._take(p.at for p in staff if p.refs["staff"] in people and p.at < last)

    def _rules(self, number: str) -> RulePack:
        ((digest,),) = self._rows("SELECT pack FROM jobs WHERE number=?", number)
        return whole_pack(kept_pack(self._reader.sql, digest))

    def _seen(self, index: int, at_us: int) -> Iterator[int]:
        for entry in self._blocks(max(0, index - _BACK), index):
            if any(reading.at_us == at_us for reading in block_of(entry).readings):
                yield entry.index

    def _note(self, number: str) -> JobNote:
        """Where a job's chain ends; links whose bodies are gone count on."""
        links = sorted(place.at for place in self._heads.of(*OF_JOB, order=number))
        seq, counting = NONE, False
        for index in links:
            told = self._body(index).get("seq")
            counting = counting or told is not None
            seq = told if told is not None else seq + counting
        return JobNote(number=number, last_seq=seq, last_entry=links[-1])

    # -- attempts

    def _attempts(self) -> list[Try]:
        query = "SELECT id, number, opened_entry, verdict_entry FROM attempts WHERE number=?"
        own = [Try(*row) for number in self._numbers for row in self._rows(query, number)]
        found = {one.id: one for one in (*own, *self._adopted) if one.opened < self._size}
        return sorted(found.values(), key=lambda one: one.opened)

    def _adopted_by(self, job: str) -> Iterator[Try]:
        """Attempts of other orders whose verdicts serve this job."""
        for (index,) in self._rows("SELECT entry FROM job_entries WHERE number=?", job):
            if verdict := self._body(index).get("adopted"):
                query = (
                    "SELECT id, number, opened_entry, verdict_entry FROM attempts"
                    " WHERE verdict_id=?"
                )
                yield from (Try(*row) for row in self._rows(query, verdict))

    def _attempt(self, one: Try) -> None:
        """An attempt with its order, its events, and every block that it has looked at."""
        decided = one.verdict is not None and one.verdict < self._size
        until = one.verdict if decided and one.verdict is not None else self._size
        orders = self._heads.last("order", one.opened, order=one.order)
        self._take([one.opened, *orders, *([until] if decided else [])])
        for place in self._heads.of("event", order=one.order):
            of = place.refs.get("attempt") or self._body(place.at).get("attempt")
            if one.opened < place.at < until and of == one.id:
                self._take([place.at])
        names = self._instruments(one)
        for entry in self._blocks(one.opened + 1, until):
            block = block_of(entry)
            mine = any(reading.instrument in names for reading in block.readings)
            if mine or block.dead or entry.body is None:  # an attempt counts all dead letters
                self._take([entry.index])
        self._chosen.attempts.append(
            AttemptNote(
                attempt=one.id,
                order=one.order,
                opened_entry=one.opened,
                verdict_entry=until if decided else NONE,
            )
        )

    def _instruments(self, one: Try) -> set[str]:
        ((record,),) = self._rows("SELECT record FROM orders WHERE number=?", one.order)
        ((test,),) = self._rows("SELECT test FROM attempts WHERE id=?", one.id)
        spec = from_record(orjson.loads(record)).find(test).spec
        return {str(instrument["name"]) for instrument in spec["instruments"]}

    # -- what they rest on

    def _gateway(self) -> None:
        """Starts and parts; alarms of the instruments; notices of them, their lines and links."""
        span = range(min(self._chosen.indexes), max(self._chosen.indexes) + 1)
        for kind in ("start", "parts"):
            self._take(self._heads.last(kind, span.start))
            self._take(place.at for place in self._heads.of(kind) if place.at in span)
        names = {name for one in self._attempts() for name in self._instruments(one)}
        for job in self._jobs:
            for place in self._heads.of("job", order=job):
                names.update(self._body(place.at).get("watch", ()))
        subjects = {*names, "clock"}
        for place in self._heads.of("parts"):
            if place.at in self._chosen.indexes:
                told = self._body(place.at)
                lines = told.get("instruments", {})
                subjects |= {lines[name]["line"] for name in names & lines.keys()}
                subjects |= told.get("links", {}).keys()
        for kind, key, wanted in (("alarm", "instrument", names), ("notice", "subject", subjects)):
            self._take(
                place.at
                for place in self._heads.of(kind)
                if place.at in span and self._body(place.at).get(key) in wanted
            )

    def _packs(self) -> None:
        """Every pack that one of the entries names."""
        places = self._heads.of("job", "attempt", "verdict", "second_verdict")
        digests = {
            self._body(place.at).get("pack_sha256")
            for place in places
            if place.at in self._chosen.indexes
        }
        for digest in digests - {None}:
            self._take(i for (i,) in self._rows("SELECT entry FROM packs WHERE sha256=?", digest))
