"""What a job is made of: what has happened, and what stands because of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, Final, NamedTuple

Answers = Mapping[str, Any]
"""Question -> answer as it stands in the record: text; decimal text of a number; the list of
codes of hazards; of a checklist, item -> {"result": …, "hazard": …, "remark": …, "photo": …}."""
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Act(NamedTuple):
    """A person has done a step, or wants to.

    by, second  staff ids; *second* where a step takes two
    trusted     whether the hub's clock could be trusted: else its day counts for nothing
    """

    step: str
    at_us: int
    by: str
    second: str = ""
    answers: Answers = NOTHING
    trusted: bool = True


class Ruled(NamedTuple):
    """A test of the job has its verdict.

    serials   what its instruments said they are
    began_us  of a verdict that was reached elsewhere: when its attempt was opened; 0: this job's
              own test, which began with its step
    """

    step: str
    at_us: int
    attempt: str
    verdict: str
    section: str
    serials: Mapping[str, str]
    outcome: str = ""
    began_us: int = 0


class Signalled(NamedTuple):
    """Something happened to the job, told by somebody or seen by the hub (*by* is "hub")."""

    signal: str
    at_us: int
    by: str
    detail: str = ""


class Missed(NamedTuple):
    """A deadline has passed. `at_us` is when it was due."""

    deadline: str
    at_us: int


class Waived(NamedTuple):
    """Two persons let a notice be, for this job."""

    notice: str
    at_us: int
    by: str
    second: str
    reason: str


class Swapped(NamedTuple):
    """An instrument's name has come to stand for another device."""

    instrument: str
    serial: str
    at_us: int


Event = Act | Ruled | Signalled | Missed | Waived | Swapped


class Standing(NamedTuple):
    """How a step stands.

    at_us    when it was done last; of a test, when its newest verdict was given
    goes_on  whether its answers let the job go on; of a test, whether it passed
    stands   and nothing has undone it since
    attempt, verdict, section, serials  of a test
    began_us  of a test: when what it says, or will say, began; 0: nothing that could count
    again     of a test: verdicts INCONCLUSIVE since the last that said PASS or FAIL
    why_not  what undid it: a step, a signal, a deadline, "again", "instrument", "unbegun"
    trusted   whether the clock could be trusted when it was done; always yes of a test
    """

    at_us: int
    goes_on: bool
    stands: bool
    answers: Answers = NOTHING
    attempt: str = ""
    verdict: str = ""
    section: str = ""
    serials: Mapping[str, str] = NOTHING
    began_us: int = 0
    again: int = 0
    why_not: str = ""
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class JobState:
    """Where a job stands. Made by `begun` and `folded` alone.

    facts      as the order says, and those made of them
    sections   part of the pipe -> its name: what a test on that part must have been about
    steps      of each step that was done, how it stands
    days       (step, question, answer) -> the days on which that answer was given
    visit_us   when the present visit began; None: nobody is there
    actors     whoever has done a step, but for supervisors
    hazards    codes that its answers and verdicts have opened, in order, each (code, step, at_us)
    disturbed_us  when it last worked on the pipe
    undone_us  step -> when something last undid it, done or not
    heard      instrument -> (serial, when that was heard last)
    ended      the word with which it ended; "" while it runs
    """

    number: str
    kind: str
    phase: str
    facts: Mapping[str, str]
    sections: Mapping[str, str]
    opened_us: int
    steps: Mapping[str, Standing] = field(default_factory=dict)
    days: Mapping[tuple[str, str, str], frozenset[date]] = field(default_factory=dict)
    visit_us: int | None = None
    waived: frozenset[str] = frozenset()
    missed: frozenset[tuple[str, int]] = frozenset()
    actors: frozenset[str] = frozenset()
    hazards: Sequence[tuple[str, str, int]] = ()
    disturbed_us: int = 0
    undone_us: Mapping[str, int] = field(default_factory=dict)
    heard: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    ended: str = ""


class Person(NamedTuple):
    """Somebody of the register. `certificates`: role -> (number, last valid day).

    No name: a staff id says enough, and the record keeps it for ever.
    """

    id: str
    supervisor: bool
    certificates: Mapping[str, tuple[str, date]]


class Around(NamedTuple):
    """What a job does not know of itself, at the moment of an act.

    people        the register
    disturbed_us  section -> when another job last worked on it (the `disturbed_us` of its state, or
                  now while it is in a phase of its `works`), or a test of it failed there
    untrusted_us  hub time from which the clock cannot be trusted: how old something from before
                  it is, nobody knows; 0 while it can be
    """

    people: Mapping[str, Person]
    disturbed_us: Mapping[str, int] = NOTHING
    untrusted_us: int = 0


class Refusal(NamedTuple):
    """Why something may not be done. `key` names the sentence (`job.refused.KEY`), see `said`.

    figures  what the sentence is filled with, in JSON's types: text, number, list, or text in both
             languages as {"zh": …, "en": …}; `length` goes with what it `counts`, as in a clock
    """

    key: str
    clause: str
    figures: Mapping[str, Any]
