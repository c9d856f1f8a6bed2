"""What in a job names something that is not there. A job is data, and data can be misspelt."""

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from hub.near import guess
from hub.rulepack.jobs import Deadline, Job, Notice, Question, Step, When
from hub.rulepack.provisions import Checklist, Clock, Hazard, OpenPoint, Retention

MADE = ("hazards", "level", "leak")
"""Facts that no order says: they are made of what the job has found, or is about."""
Misfit = tuple[str, str]
"""Place within the job, and what is wrong there."""


class Pack(Protocol):
    """What a job may name."""

    @property
    def checklist(self) -> Mapping[str, Checklist]: ...
    @property
    def hazard(self) -> Mapping[str, Hazard]: ...
    @property
    def clock(self) -> Mapping[str, Clock]: ...
    @property
    def retention(self) -> Mapping[str, Retention]: ...
    @property
    def role(self) -> Mapping[str, object]: ...
    @property
    def open_point(self) -> Mapping[str, OpenPoint]: ...


def misfits(pack: Pack, job: Job) -> Iterator[Misfit]:
    """Everything in *job* that names what neither it nor *pack* has."""
    yield from _named("retention", [job.retention], pack.retention)
    yield from _named("answers", job.answers, pack.open_point)
    yield from _named("works", job.works, job.phases)
    if job.tries is not None:
        yield from _named("decides", [job.decides], job.step)
    for name, question in job.facts.items():
        yield from _of_question(f"facts.{name}", question, job.facts, pack)
    for name in job.facts:
        if name in (*MADE, *job.late):
            yield f"facts.{name}", "is a fact that is made of others"
    for name, late in job.late.items():
        yield from _named(f"late.{name}.fact", [late.fact], job.facts)
        yield from _named(f"late.{name}.clock", [late.clock], pack.clock)
    for name, step in job.step.items():
        yield from _of_step(f"step.{name}", step, job, pack)
    for name, signal in job.signal.items():
        yield from _named(f"signal.{name}.phase", signal.phase, job.phases)
        yield from _named(f"signal.{name}.to", [signal.to], job.phases)
        yield from _named(f"signal.{name}.undoes", signal.undoes, job.step)
    for name, deadline in job.deadline.items():
        yield from _of_deadline(f"deadline.{name}", deadline, job, pack)


def _of_step(place: str, step: Step, job: Job, pack: Pack) -> Iterator[Misfit]:
    yield from _named(f"{place}.phase", step.phase, job.phases)
    yield from _named(f"{place}.to", [step.to], job.phases)
    yield from _named(f"{place}.falls", [*step.falls, *step.falls.values()], job.phases)
    yield from _named(f"{place}.after", step.after, job.step)
    yield from _named(f"{place}.undoes", step.undoes, job.step)
    yield from _named(f"{place}.role", [step.role], pack.role)
    yield from _named(f"{place}.section", [step.section], job.sections)
    yield from _named(f"{place}.opens", step.opens.values(), pack.hazard)
    yield from _of_when(f"{place}.when", step.when, job)
    for need in step.needs:
        yield from _named(f"{place}.needs.clock", [need.clock], _lengths(pack))
        for test in need.tests:
            if test not in job.step or not job.step[test].test:
                yield f"{place}.needs", f"{test!r} is no test of this job"
        if step.releases and need.verdicts != ("PASS",):
            yield f"{place}.needs", f"nothing but PASS releases {step.releases!r}"
    for notice in step.notices:
        yield from _of_notice(f"{place}.notices", notice, job, pack)
    if step.count is not None:
        yield from _named(f"{place}.count.step", [step.count.step], job.step)
    for name, question in step.ask.items():
        yield from _of_question(f"{place}.ask.{name}", question, step.ask, pack)
    if step.test and (step.ask or step.count):
        yield place, "is a test, and asks for answers; make the questions a step of their own"
    if step.releases and not step.needs:
        yield place, f"releases {step.releases!r} and needs no PASS"
    if (step.opens or step.falls) and not step.test:
        yield place, "says what follows from a verdict, and is no test"


def _of_notice(place: str, notice: Notice, job: Job, pack: Pack) -> Iterator[Misfit]:
    yield from _named(f"{place}.step", [notice.step], job.step)
    yield from _named(f"{place}.clock", [notice.clock], _lengths(pack))
    yield from _of_when(f"{place}.when", notice.when, job)


def _lengths(pack: Pack) -> list[str]:
    """Clocks that are a length of time."""
    return [name for name, clock in pack.clock.items() if clock.counts != "time_of_day"]


def _of_deadline(place: str, deadline: Deadline, job: Job, pack: Pack) -> Iterator[Misfit]:
    step, _, question = deadline.starts.partition(".")
    yield from _named(f"{place}.starts", [step], [*job.step, *job.facts])
    asked = {**job.facts, **(job.step[step].ask if step in job.step else {})}
    if question:
        yield from _named(f"{place}.starts", [question], asked)
    yield from _named(f"{place}.clock", [deadline.clock], _lengths(pack))
    yield from _named(f"{place}.until", deadline.until, job.step)
    yield from _named(f"{place}.phase", deadline.phase, job.phases)
    yield from _named(f"{place}.to", [deadline.to], job.phases)
    yield from _named(f"{place}.undoes", deadline.undoes, job.step)
    yield from _of_when(f"{place}.when", deadline.when, job)
    time = asked.get(question or step)
    if time is not None and time.kind not in ("time", "time_ahead"):
        yield f"{place}.starts", f"{deadline.starts!r} is no time"


def _of_question(
    place: str, question: Question, others: Mapping[str, Question], pack: Pack
) -> Iterator[Misfit]:
    yield from _named(f"{place}.checklist", [question.checklist], pack.checklist)
    yield from _named(f"{place}.above", [question.above], others)
    yield from _named(f"{place}.when", question.when, others)
    opens = [choice.opens for choice in question.options.values()]
    yield from _named(f"{place}.options", opens, pack.hazard)
    if (question.kind == "choice") != bool(question.options):
        yield place, "a choice has options, and nothing else has"
    if (question.kind == "items") != bool(question.checklist):
        yield place, "items have a checklist, and nothing else has"


def _of_when(place: str, when: When, job: Job) -> Iterator[Misfit]:
    for name in when:
        step, _, question = name.partition(".")
        if question:
            known = job.step[step].ask if step in job.step else {}
            yield from _named(place, [question], [*known, "verdict"])
        else:
            yield from _named(place, [step], [*job.facts, *job.late, *MADE])


def _named(place: str, names: Collection[str], known: Collection[str]) -> Iterator[Misfit]:
    for name in names:
        if name and name not in known:
            yield place, f"{name!r} is not there{guess(name, known)}"
