"""Every act of a job decided again: was it allowed where the job stood, and does the job stand
where the record says? By the same pure functions as on the gateway (`hub.jobs`), from the job's
own events, its rule pack, and what each act says it rested on besides.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from hub.bundle.container import ENTRIES
from hub.bundle.contents import Contents, body_of
from hub.bundle.decoding import block_of
from hub.bundle.finding import NotGood, Report
from hub.bundle.manifest import JobNote, Manifest
from hub.clock import iso
from hub.foreman.gate import calibration_refusals, open_point_refusals
from hub.foreman.people import person_of
from hub.jobs import (
    Act,
    Around,
    Event,
    JobState,
    Missed,
    Person,
    Refusal,
    Ruled,
    Signalled,
    Swapped,
    Waived,
    answered,
    as_record,
    begun,
    files_in,
    folded,
    from_record,
    missed,
    refusals,
    ruled_by,
    waiver_refusals,
)
from hub.ledger import Entry
from hub.ledger.chain import job_chain
from hub.model import Reading
from hub.orders import from_record as order_from_record
from hub.orders import hazard_of
from hub.rulepack import Job, RulePackError, whole_pack

_HUB: Final = "hub"
"""Who has done what happens by itself."""


def check_jobs(contents: Contents, manifest: Manifest, report: Report) -> None:
    """Raises NotGood naming the first event that was not allowed, or the job that is missing."""
    states: dict[str, JobState] = {}
    for note in manifest.jobs:
        state = _Decider(contents, note, report).run(states)
        if state is None:
            continue
        states[note.number] = state
        if not state.ended:
            report.notes.append(
                f"job {note.number} was running: that nothing came after its last entry shown is "
                "the gateway's word alone"
            )
        for at in range(1, len(state.hazards) + 1 if manifest.hazards else 0):
            child = hazard_of(note.number, at)
            if state.kind != "hazard" and child not in {job.number for job in manifest.jobs}:
                raise NotGood("job", f"job {note.number} has opened {child}, which is missing")


class _Decider:
    """One job, from its order to its last event."""

    def __init__(self, contents: Contents, note: JobNote, report: Report) -> None:
        self._contents = contents
        self._report = report
        self._number = note.number
        self._links = contents.chain(job_chain(note.number))

    def run(self, parents: Mapping[str, JobState]) -> JobState | None:
        """Where the job stands at the end; None when it cannot be decided again."""
        events = [entry for entry in self._links if entry.kind == "job_event"]
        (opened,) = [entry for entry in self._links if entry.kind == "job"]
        if any(entry.body is None for entry in (opened, *events)):
            self._report.not_shown["jobs not decided again: some of their events were erased"] += 1
            return None
        order = body_of(opened)
        source = self._contents.packs.get(order["pack_sha256"])
        if source is None:
            raise self._bad(opened, "its rule pack is not in the bundle")
        try:
            self._pack = whole_pack(source.body or b"")
        except RulePackError as wrong:
            why = f"jobs not decided again: this version cannot read their rule pack: {wrong}"
            self._report.not_shown[why] += 1
            return None
        state = self._begun(opened, order, parents)
        for at, entry in enumerate(events):
            state = self._take(state, entry, events[at + 1 :])
        return state

    @property
    def _job(self) -> Mapping[str, Job]:
        return self._pack.job

    def _begun(
        self, opened: Entry, order: Mapping[str, Any], parents: Mapping[str, JobState]
    ) -> JobState:
        kind, facts = order["job"], order["facts"]
        if order["number"] != self._number or order["opened_us"] != opened.at_us:
            raise self._bad(opened, "number or time are not those of its entry")
        job = self._job[kind]
        told: list[Refusal] = []
        if order["by"] == _HUB and order["parent"]:
            self._of_parent(opened, order, parents)
        else:
            people = [facts[n] for n, q in job.facts.items() if q.kind == "person" and n in facts]
            told += answered(
                self._pack, job.facts, facts, job.clause, people, opened.at_us
            ).refusals
            told += open_point_refusals(self._pack, kind)
            if order["user_class"] not in job.user_classes:
                told.append(Refusal("user_class", job.clause, {}))
        self._allowed(opened, "its opening", told)
        return begun(self._pack, kind, self._number, facts, order["sections"], order["opened_us"])

    def _of_parent(
        self, opened: Entry, order: Mapping[str, Any], parents: Mapping[str, JobState]
    ) -> None:
        """A hazard job must be one that its parent has found."""
        parent = parents.get(order["parent"])
        if parent is None:
            self._report.not_shown["openings of hazards: the job they came out of is not here"] += 1
            return
        found = {
            hazard_of(parent.number, at): code for at, (code, _, _) in enumerate(parent.hazards, 1)
        }
        if found.get(self._number) != order["facts"].get("code"):
            raise self._bad(opened, f"is no hazard that job {parent.number} has found")

    # -- events

    def _take(self, state: JobState, entry: Entry, after: Sequence[Entry]) -> JobState:
        body = body_of(entry)
        event = from_record(body["event"])
        if as_record(event) != body["event"]:
            raise self._bad(entry, "its event has another form than this version writes")
        if state.ended:
            raise self._bad(entry, f"comes after the job had ended ({state.ended})")
        self._decide(state, entry, body, event, after)
        state = folded(self._pack, state, [event])
        told = (body["job"], body["kind"], body["phase"], body["at"])
        if told != (self._number, state.kind, state.phase, iso(entry.at_us)):
            raise self._bad(entry, f"says {told}, and the job is in phase {state.phase}")
        self._report.counts["events of jobs"] += 1
        return state

    def _decide(
        self,
        state: JobState,
        entry: Entry,
        body: Mapping[str, Any],
        event: Event,
        after: Sequence[Entry],
    ) -> None:
        match event:
            case Act() | Waived():
                self._in_time(state, entry, event.at_us)
                around = self._around(entry, body)
                if around is None:
                    why = "acts not decided again: recorded before they said what they rested on"
                    self._report.not_shown[why] += 1
                elif isinstance(event, Act):
                    self._act(state, entry, body, event, around, after)
                else:
                    told = waiver_refusals(self._pack, state, event, around)
                    self._allowed(entry, f"to waive {event.notice}", told)
            case Ruled():
                self._ruled(state, entry, body, event)
            case Signalled():
                self._signalled(state, entry, event)
            case Swapped():
                it = (event.instrument, event.serial)
                if not self._was_read(entry, event.at_us, lambda r: (r.instrument, r.serial) == it):
                    self._report.not_shown["exchanged instruments: the reading is not here"] += 1
            case Missed():
                if missed(self._pack, self._job[state.kind], state, entry.at_us) != event:
                    raise self._bad(entry, f"deadline {event.deadline} had not passed then")

    def _in_time(self, state: JobState, entry: Entry, at_us: int) -> None:
        if at_us != entry.at_us:
            raise self._bad(entry, "its time is not that of its entry")
        if late := missed(self._pack, self._job[state.kind], state, entry.at_us):
            raise self._bad(entry, f"deadline {late.deadline} had passed before, and is not there")

    def _act(
        self,
        state: JobState,
        entry: Entry,
        body: Mapping[str, Any],
        act: Act,
        around: Around,
        after: Sequence[Entry],
    ) -> None:
        step = self._job[state.kind].step[act.step]
        again = answered(self._pack, step.ask, act.answers, step.clause, around.people, entry.at_us)
        adopts = bool(step.test) and "attempt" not in body
        told = refusals(self._pack, state, act, around)
        if not adopts:
            told += again.refusals
            told += [
                Refusal("file_absent", step.clause, {"value": digest})
                for _, digest in files_in(step.ask, act.answers)
                if self._contents.newest("file", entry.index, sha256=digest) is None
            ]
        if step.test and not adopts:
            told += self._calibration(entry, step, act)
            self._begins(entry, body, act)
        if adopts and not (after and body_of(after[0])["event"]["what"] == "ruled"):
            raise self._bad(entry, f"begins {act.step}, and no attempt or verdict follows")
        self._allowed(entry, f"step {act.step} by {act.by}", told)
        if again.answers != act.answers and not adopts:
            raise self._bad(entry, f"step {act.step}: its answers are not in their one form")
        if act.trusted == bool(around.untrusted_us):
            raise self._bad(entry, "whether its clock was trusted is told in two ways")
        if not adopts:
            self._certified(entry, body, around.people.get(act.by), step.role)
        self._report.counts["acts decided again"] += 1

    def _calibration(self, entry: Entry, step: Any, act: Act) -> list[Refusal]:
        order = self._contents.newest("order", entry.index, order=self._number)
        if order is None or order.body is None:
            return [Refusal("no_test", step.clause, {})]
        spec = order_from_record(body_of(order)).spec_of(act.step)
        return calibration_refusals(spec, self._pack, step, entry.at_us)

    def _begins(self, entry: Entry, body: Mapping[str, Any], act: Act) -> None:
        """The attempt that a step has begun stands just before it."""
        opened = self._contents.newest("attempt", entry.index, attempt=body["attempt"])
        if opened is None or opened.refs.get("order") != self._number:
            raise self._bad(entry, f"the attempt that {act.step} has begun is not there")

    def _certified(
        self, entry: Entry, body: Mapping[str, Any], person: Person | None, role: str
    ) -> None:
        if role and person is not None:
            number, until = person.certificates[role]
            if (body.get("certificate"), body.get("certified_until")) != (number, str(until)):
                raise self._bad(entry, "its certificate is not that of the register")

    def _ruled(self, state: JobState, entry: Entry, body: Mapping[str, Any], event: Ruled) -> None:
        adopted = body.get("adopted", "")
        verdict = self._contents.verdicts.get(adopted or body.get("verdict_id", ""))
        if verdict is None or verdict.index >= entry.index:
            raise self._bad(entry, f"the verdict on {event.step} is not in the bundle before it")
        record, step = body_of(verdict), self._job[state.kind].step[event.step]
        if ruled_by(event.step, record, adopted=bool(adopted)) != event:
            raise self._bad(entry, "says another thing than the verdict that it names")
        if adopted:
            wanted = state.sections.get(step.section)
            fits = record["verdict"]["procedure"] == step.test and record["section"] == wanted
        else:
            fits = (record["order"], record["step"]) == (self._number, event.step)
            self._in_time(state, entry, event.at_us)
        if not fits:
            raise self._bad(entry, f"its verdict is about something else than {event.step}")

    def _signalled(self, state: JobState, entry: Entry, event: Signalled) -> None:
        signal = self._job[state.kind].signal[event.signal]
        if state.phase not in signal.phase:
            raise self._bad(entry, f"signal {event.signal} means nothing in phase {state.phase}")
        if event.by == _HUB and not self._was_read(
            entry,
            event.at_us,
            lambda r: f"{r.instrument}: {r.value} {r.unit}".strip() == event.detail,
        ):
            self._report.not_shown["signals of the hub: the reading is not in the bundle"] += 1

    def _was_read(self, entry: Entry, at_us: int, fits: Callable[[Reading], bool]) -> bool:
        """Whether such a reading of that moment was recorded before."""
        return any(
            reading.at_us == at_us and fits(reading)
            for block in self._contents.between(-1, entry.index, "readings")
            if block.body is not None
            for reading in block_of(block).readings
        )

    # -- what is around

    def _around(self, entry: Entry, body: Mapping[str, Any]) -> Around | None:
        """What an act rested on besides its job; None where it does not say."""
        told = body.get("around")
        if told is None:
            return None
        people = {id: self._person(entry, id, index) for id, index in told["staff"].items()}
        worked = {}
        for section, (at_us, index) in told["worked"].items():
            work = self._contents.one(index, "job_event")
            # Work that lasts has not ended: then its time is that of the act itself.
            if at_us not in (work.at_us, entry.at_us) or work.refs.get("order") == self._number:
                raise self._bad(entry, f"the work on {section} that it names was another")
            worked[section] = at_us
        return Around(people, worked, told["untrusted_us"])

    def _person(self, entry: Entry, id: str, index: int) -> Person:
        """Somebody as the register had them: by the entry named, and no newer one."""
        staff = self._contents.newest("staff", entry.index, staff=id)
        if staff is None or staff.index != index or staff.body is None:
            raise self._bad(entry, f"the register's entry {index} of {id} is not the newest then")
        return person_of(body_of(staff))

    def _allowed(self, entry: Entry, what: str, told: Sequence[Refusal]) -> None:
        if told:
            why = ", ".join(f"{one.key} ({one.clause})" for one in told)
            raise self._bad(entry, f"{what} was not allowed: {why}")

    def _bad(self, entry: Entry, what: str) -> NotGood:
        return NotGood("job", f"job {self._number}: {what}", ENTRIES, entry.index)
