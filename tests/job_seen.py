"""What happened in a job before an act, and which PASSes were worth something at that moment.

The look-back of `job_oracle`: written from the regulations, and without the engine.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from hub.jobs import Act, Event, Missed, Person, Ruled, Signalled, Swapped

H_US: Final = 3_600_000_000


class Elsewhere(NamedTuple):
    """Another job worked on a section."""

    section: str
    at_us: int


class Clock(NamedTuple):
    """From now on the hub's clock can, or cannot, be trusted."""

    trusted: bool
    at_us: int


Log = Sequence[Event | Elsewhere | Clock]


class Pass(NamedTuple):
    """A PASS that something waits for.

    part   of the pipe that it must be about; "" is the whole of the job
    hours  how old it may be; 0 is any age
    pipe   it speaks of the pipe: work on the pipe ends it
    ends   acts and deadlines that end it, besides work on the pipe and every stop
    """

    test: str
    clause: str
    part: str = ""
    hours: float = 0
    visit: bool = False
    pipe: bool = True
    ends: tuple[str, ...] = ()


PIPE_WORK: Final = ("pipe_work", "start_work", "interrupt", "worked", "mend")
STOPS: Final = ("shut_off",)
"""Acts that stop a job, as every signal does."""
ARRIVALS: Final = {"arrive": ("consent", "tools"), "come_back": ("consent", "tools"), "enter": ()}
DEPARTURES: Final = ("leave", "broken_off")


class Seen(NamedTuple):
    """Everything that happened before the act that is asked about."""

    kind: str
    facts: Mapping[str, str]
    sections: Mapping[str, str]
    people: Mapping[str, Person]
    log: Log
    act: Act

    def last(self, step: str, among: Log | None = None) -> int:
        """Where somebody last did *step*; -1: nobody has."""
        log = self.log if among is None else among
        for at in range(len(log) - 1, -1, -1):
            one = log[at]
            if isinstance(one, Act) and one.step == step:
                return at
        return -1

    def answers(self, step: str) -> Mapping[str, object]:
        at = self.last(step)
        return self.log[at].answers if at >= 0 else {}  # type: ignore[union-attr]

    def arrived(self) -> int:
        """Where the present visit began; -1: nobody is there."""
        for at in range(len(self.log) - 1, -1, -1):
            one = self.log[at]
            if isinstance(one, Act) and one.step in DEPARTURES:
                return -1
            if isinstance(one, Act) and one.step in ARRIVALS and _let_in(one):
                return at
        return -1

    def stopped(self) -> int:
        """Where the job was last stopped; -1: never."""
        found = -1
        for at, one in enumerate(self.log):
            if isinstance(one, Signalled) or (isinstance(one, Act) and one.step in STOPS):
                found = at
        return found

    def untrusted_us(self) -> int:
        found = 0
        for one in self.log:
            if isinstance(one, Clock):
                found = 0 if one.trusted else one.at_us
        return found


def lacking(seen: Seen, needed: Pass) -> str:
    """Why there is no valid PASS; "" when there is one."""
    log = seen.log
    ruled = next(
        (
            at
            for at in range(len(log) - 1, -1, -1)
            if isinstance(log[at], Ruled) and log[at].step == needed.test  # type: ignore[union-attr]
        ),
        -1,
    )
    if ruled < 0:
        return "no verdict"
    verdict = log[ruled]
    assert isinstance(verdict, Ruled)
    if verdict.verdict != "PASS":
        return f"the newest verdict is {verdict.verdict}"
    if seen.last(needed.test) > ruled:
        return "the test has begun again"
    since, began_us = _since(seen, verdict, ruled)
    if since is None:
        return "the test was never begun"
    wanted = seen.sections.get(needed.part, "")
    if needed.part and (not wanted or verdict.section != wanted):
        return f"it is about {verdict.section!r}, not {wanted!r}"
    if needed.hours and seen.act.at_us - verdict.at_us > needed.hours * H_US:
        return f"older than {needed.hours} h"
    if verdict.at_us < seen.untrusted_us():
        return "the clock was wrong since"
    if needed.visit:
        visit = seen.arrived()
        if visit < 0 or began_us < log[visit].at_us:
            return "of an earlier visit"
    about = [wanted] if needed.part else list(seen.sections.values())
    for one in since:
        if why := _ended_by(one, needed, about):
            return why
    known = _identities(seen.log if verdict.began_us else since)
    if any(known.get(name, serial) != serial for name, serial in verdict.serials.items()):
        return "an instrument of its name is another one now"
    return ""


def _identities(log: Log) -> dict[str, str]:
    """What each instrument was last known to be."""
    told = [
        (one.at_us, name, serial)
        for one in log
        if isinstance(one, Ruled | Swapped)
        for name, serial in (
            one.serials.items() if isinstance(one, Ruled) else [(one.instrument, one.serial)]
        )
    ]
    return {name: serial for _, name, serial in sorted(told, key=lambda one: one[0])}


def _since(seen: Seen, verdict: Ruled, ruled: int) -> tuple[Log | None, int]:
    """Everything since the test began, and when that was. None: it never did."""
    if verdict.began_us:
        after = [one for one in seen.log if one.at_us >= verdict.began_us and one is not verdict]
        return after, verdict.began_us
    begun = seen.last(verdict.step, seen.log[:ruled])
    if begun < 0:
        return None, 0
    return seen.log[begun + 1 :], seen.log[begun].at_us


def _ended_by(one: Event | Elsewhere | Clock, needed: Pass, about: Sequence[str]) -> str:
    match one:
        case Signalled():
            return f"stopped since: {one.signal}"
        case Act() if one.step in STOPS:
            return "shut off since"
        case Act() if needed.pipe and one.step in PIPE_WORK:
            return f"the pipe was worked on since: {one.step}"
        case Act() if one.step in needed.ends:
            return f"ended by {one.step}"
        case Missed() if one.deadline in needed.ends:
            return f"ended by the deadline {one.deadline}"
        case Elsewhere() if needed.pipe and one.section in about:
            return "another job worked on the section since"
    return ""


def _let_in(act: Act) -> bool:
    return all(act.answers.get(question, "yes") == "yes" for question in ARRIVALS[act.step])
