"""Whole jobs as the regulations have them: phases, steps, what each asks for and what must hold.

A job is in one phase at a time. A **step** is one thing that a person does, or one test that an
instrument decides; it may be done in some phases, after other steps, and may bring the job into
another phase. A **need** is a PASS that must hold while a step is done: nothing else releases it.
A **signal** is what happens to a job without anybody's step. A **deadline** is a signal of the
clock.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from hub.rulepack.entries import Entry, Figure, Frozen, Name, Text

When = Mapping[Name, tuple[Name, ...]]
"""Where something holds: fact or `step.question` -> the answers under which it does; all must.

`step.verdict` is that of a test. The fact `hazards` is yes once the job has opened any; a fact of
kind hazard makes two more: `level` (1, 2, 3) and `leak` (yes, no).
"""
Release = Literal["valve", "vent", "ignition", "work", "supply"]
"""What a step lets loose. None of them without its needs (interlocks of the regulations)."""
PersonalData = Literal["name", "phone", "address", "user_no", "meter_no", "picture"]


class Choice(Frozen):
    """One answer that may be given.

    goes_on  False: it is recorded, and whatever comes after this step is refused
    forbids  clause that forbids to go on; the step's where it is not said
    opens    hazard of the catalogue that this answer is
    """

    says: Text
    goes_on: bool = True
    forbids: str = ""
    opens: str = ""


class Question(Frozen):
    """One thing that a step asks for.

    kind       yes_no: only yes goes on; choice; text; number; file: a photo, scan or signature,
               by its SHA-256; time: a moment with its zone, not in the future; time_ahead: one that
               may be; items: a whole checklist; hazard: a code of the catalogue; hazards: codes,
               perhaps none; person: somebody of the register
    above      of number: another question of this step whose number it must exceed
    all_ok     of items: one that is not in order is recorded, and what comes after is refused
    optional   may be left out
    when       it is asked only then; by answers of the same step
    personal   which kind of personal data the answer is; "" is none
    """

    says: Text
    kind: Literal[
        "yes_no",
        "choice",
        "text",
        "number",
        "file",
        "time",
        "time_ahead",
        "items",
        "hazard",
        "hazards",
        "person",
    ]
    options: Mapping[Name, Choice] = Field(default_factory=dict)
    checklist: str = ""
    unit: str = ""
    above: str = ""
    all_ok: bool = False
    optional: bool = False
    when: When = Field(default_factory=dict)
    personal: PersonalData | Literal[""] = ""


class Need(Frozen):
    """A PASS of a test that must hold when the step is done.

    tests       steps of the job that are tests; any one of them is enough
    verdicts    that count; nothing but PASS releases anything
    clock       how old it may be, counted from its verdict; "" is any age
    this_visit  it was reached since the last arrival, and nobody has left
    despite_work  work on the pipe does not end it: it speaks of the air, not of the pipe
    """

    tests: tuple[Name, ...] = Field(min_length=1)
    clause: Name
    verdicts: tuple[Literal["PASS", "FAIL"], ...] = ("PASS",)
    clock: str = ""
    this_visit: bool = False
    despite_work: bool = False


class Notice(Frozen):
    """A step that must have been recorded long enough before.

    It counts from when the hub had it, and not from when somebody says that it was.
    waivable  two persons may let it be, for the record; it is then let be in the whole job
    """

    step: Name
    clock: Name
    clause: Name
    when: When = Field(default_factory=dict)
    waivable: bool = False


class Count(Frozen):
    """Answers that must have been given often enough, each on another day."""

    step: Name
    question: Name
    answer: Name
    days: Figure


class Step(Entry):
    """One step of a job.

    phase     in which it may be done; `to` is the phase afterwards, if the answers go on, or the
              test passes
    falls     of a test: phase -> the phase into which anything but a PASS brings the job from there
    test      procedure that decides it; "" is a step that a person does
    section   which of the job's sections the test must be about; "" is none
    after     steps that must stand: done, gone on, and not undone by another since
    when      it applies only then; where it does not, whatever comes after does not wait for it
    role      certificate that whoever does it must hold on that day
    rank      who may do it: anybody, or only a supervisor who has not done the job's other steps
    visit     whether it begins or ends a visit
    undoes    steps that must be done again, and tests whose PASS is over
    disturbs  it is work on the pipe: PASSes of other jobs on the same sections are over as well;
              work that lasts is in the job's `works`
    opens     of a test: verdict, or the outcome of a laser screen -> the hazard that it is
    ends      the job, with this word
    """

    text: Text
    phase: tuple[Name, ...] = Field(min_length=1)
    to: str = ""
    falls: Mapping[Name, Name] = Field(default_factory=dict)
    test: str = ""
    section: str = ""
    ask: Mapping[Name, Question] = Field(default_factory=dict)
    after: tuple[Name, ...] = ()
    when: When = Field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    notices: tuple[Notice, ...] = ()
    count: Count | None = None
    role: str = ""
    rank: Literal["any", "supervisor"] = "any"
    visit: Literal["", "begins", "within", "ends"] = ""
    repeats: bool = False
    releases: Release | Literal[""] = ""
    undoes: tuple[Name, ...] = ()
    disturbs: bool = False
    opens: Mapping[Name, Name] = Field(default_factory=dict)
    ends: str = ""


class Signal(Entry):
    """What happens to a job, told by a person or seen by the hub.

    phase    in which it matters; `to` is the phase afterwards, "" is none
    seen     by what the hub sees it itself: gas_over (a reading at a point over work.stop_pct_lel),
             pressure_off (a watched pressure outside purge.pressure); "" is told by people only
    undoes   as of a step
    tells    who must be told at once
    """

    text: Text
    seen: Literal["", "gas_over", "pressure_off"] = ""
    phase: tuple[Name, ...] = Field(min_length=1)
    to: str = ""
    undoes: tuple[Name, ...] = ()
    tells: Name


class Deadline(Entry):
    """A clock that runs in a job.

    starts   a step (when it was done; of a test, its PASS), a fact or `step.question` (a time)
    clock    how long; "" is the very moment that was named
    until    steps, any of which ends it in time
    phase    in which it matters; empty is all of them
    to       the phase that a job falls into when it is missed; "" is none
    """

    text: Text
    starts: Name
    clock: str = ""
    until: tuple[Name, ...] = ()
    phase: tuple[Name, ...] = ()
    when: When = Field(default_factory=dict)
    to: str = ""
    undoes: tuple[Name, ...] = ()
    tells: Name


class Late(Entry):
    """A fact made of another one: "yes" where a time of day is at or after the clock's, else no."""

    fact: Name
    clock: Name


class Role(Entry):
    """A certificate that a person may hold."""

    text: Text


class Job(Entry):
    """One kind of job. It begins in the first of its phases.

    user_classes  of whom an order of this kind may be
    sections      parts of the pipe that an order names
    facts         what the order says, beside its tests; `late` are made of them
    tries         INCONCLUSIVE so often in a row, a test is for a supervisor to decide about: the
                  step `decides` must be done before it is tried again
    works         phases in which the pipe is worked on for as long as the job is in them
    answers       open points that must be answered, by a pack that is signed off
    retention     which period its records are kept for
    """

    title: Text
    user_classes: tuple[Name, ...] = Field(min_length=1)
    sections: Mapping[Name, Text] = Field(default_factory=dict)
    phases: Mapping[Name, Text] = Field(min_length=2)
    facts: Mapping[Name, Question] = Field(default_factory=dict)
    late: Mapping[Name, Late] = Field(default_factory=dict)
    step: Mapping[Name, Step] = Field(min_length=1)
    signal: Mapping[Name, Signal] = Field(default_factory=dict)
    deadline: Mapping[Name, Deadline] = Field(default_factory=dict)
    tries: Figure | None = None
    decides: str = ""
    works: tuple[Name, ...] = ()
    answers: tuple[Name, ...] = ()
    retention: Name

    @property
    def first_phase(self) -> str:
        return next(iter(self.phases))
