"""One random walk through a job: mostly what comes next, often something else, at times mischief.

What the engine allows is done; `job_oracle` then says of the whole list whether that was right.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from hub.jobs import (
    Act,
    Around,
    JobState,
    Missed,
    Person,
    Refusal,
    Ruled,
    Signalled,
    Swapped,
    Waived,
    answered,
    begun,
    folded,
    missed,
    refusals,
    waiver_refusals,
)
from hub.jobs.timing import ZONE, holds, running
from hub.rulepack import Job, RulePack
from hub.rulepack.jobs import Question
from tests.job_map import Move
from tests.job_oracle import SAFE, complaints
from tests.job_rig import ALL, NOON_US, PEOPLE, PHOTO
from tests.job_seen import Clock, Elsewhere, Log

FOLK: Final[Mapping[str, Person]] = {
    **PEOPLE,
    "T-4": Person("T-4", False, dict.fromkeys(ALL, ("C-4", date(2026, 11, 25)))),
}
"""And a technician whose certificate ends the day after."""
HANDS: Final = ("T-1",) * 12 + ("T-2", "T-3", "T-4", "T-4", "S-2", "X-9")
DETOURS: Final = frozenset(
    {"leave", "pipe_work", "shut_off", "give_up", "decide", "resume", "interrupt", "ventilate",
     "leak_again", "dispute", "bag", "broken_off", "refer", "still_there", "suspend", "reopen",
     "refuse", "arrive", "come_back", "resupply"}
)  # fmt: skip
"""Steps that are taken by chance and not because they come next; `arrive` when nobody is there."""
VERDICTS: Final = ("PASS",) * 13 + ("FAIL", "FAIL", "INCONCLUSIVE", "INCONCLUSIVE", "ABORTED")
LONGEST: Final = 70
Decides = Callable[[RulePack, JobState, Act, Around], list[Refusal]]
S_US: Final = 1_000_000


class Walk(NamedTuple):
    """What came of one. `moves` as in job_map; `told`: keys of refusals, counted."""

    kind: str
    log: Log
    wrong: Sequence[str]
    moves: frozenset[Move]
    told: Counter[str]


def facts_of(kind: str, rng: random.Random) -> dict[str, str]:
    """What an order of this kind may say."""
    match kind:
        case "residential_purge":
            return {"new_user": rng.choice(("yes", "no")), "instruction": "WI-1"}
        case "commercial_purge":
            return {"medium_pressure": rng.choice(("yes", "no")), "instruction": "WI-6"}
        case "repair":
            hour = rng.choice((9, 11, 21, 23))
            return {
                "scope": rng.choice(("post_meter", "pre_meter", "meter")),
                "hot_work": rng.choice(("yes", "no", "no")),
                "affects": rng.choice(("home", "unit")),
                "reported_at": f"2026-11-23T{hour:02}:10:00+08:00",
                "promised_at": "2026-11-24T13:00:00+08:00",
            }
        case "inspection":
            return {"cycle": "2026"}
    return {
        "code": rng.choice(("L1-1", "L1-1", "L1-3", "L2-3")),
        "found_at": "2026-11-24T11:40:00+08:00",
        "place": "kitchen",
    }


class Walker:
    """A job, and the world around it, as one walk goes on."""

    def __init__(
        self,
        pack: RulePack,
        kind: str,
        rng: random.Random,
        tries: Counter[tuple[str, str]],
        decides: Decides = refusals,
    ) -> None:
        self.pack, self.kind, self.rng, self.tries = pack, kind, rng, tries
        self.decides = decides
        self.wrong: list[str] = []
        self.job: Job = pack.job[kind]
        self.of_phase = {
            phase: [name for name, step in self.job.step.items() if phase in step.phase]
            for phase in self.job.phases
        }
        facts = facts_of(kind, rng)
        sections = {name: f"A-7-2 {name}" for name in self.job.sections}
        self.now_us = NOON_US
        self.state: JobState = begun(pack, kind, "J-1", facts, sections, NOON_US)
        self.around = Around(FOLK)
        self.log: list[Any] = []
        self.moves: set[Move] = set()
        self.told: Counter[str] = Counter()
        self.serials = {"pm-1": "S-100", "gd-1": "G-100"}
        self.running: list[str] = []
        self.wild = rng.choice((0.05, 0.15, 0.35))
        self.leaning = rng.randrange(6)
        self.leaps = 0.2 if kind == "inspection" else 0.03

    def go(self) -> Walk:
        for _ in range(LONGEST):
            self._pass_time()
            self._move()
            if self.state.ended and self.rng.random() < 0.5:
                break
            if self.rng.random() < 0.1:
                self._look_for_safety()
        wrong = complaints(self.kind, self.state.facts, self.state.sections, FOLK, self.log)
        self.wrong += wrong
        return Walk(self.kind, self.log, self.wrong, frozenset(self.moves), self.told)

    # -- what happens

    def _move(self) -> None:
        dice = self.rng.random()
        if self.running and dice < 0.75:
            self._rule(self.running.pop(self.rng.randrange(len(self.running))))
        elif dice < self.wild * 0.5:
            self.rng.choice(
                (self._signal, self._swap, self._elsewhere, self._clock, self._waive, self._adopt)
            )()
        elif dice < self.wild:
            self._try(self.rng.choice(list(self.job.step)))
        elif dice < self.wild + 0.1:
            self._try(self._seldom(), amiss=0.4)
        elif dice < self.wild + 0.25:
            self._try(self.rng.choice(self.of_phase[self.state.phase] or ["?"]))
        else:
            self._try(self._next())

    def _seldom(self) -> str:
        """The step of this phase that all walks together have done least."""
        phase = self.state.phase
        names = self.of_phase[phase] or ["?"]
        name = min(names, key=lambda one: (self.tries[phase, one], self.rng.random()))
        self.tries[phase, name] += 1
        return name

    def _next(self) -> str:
        """The first step in the pack's order that may be due now."""
        state = self.state
        names = self.of_phase[state.phase]
        if state.visit_us is None:
            for name in names:
                if self.job.step[name].visit == "begins" and holds(state, self.job.step[name].when):
                    after = self.job.step[name].after
                    undone = [one for one in after if not self._stands(one)]
                    return undone[0] if undone else name
        for name in names:
            if name in DETOURS or self._stands(name) or self.rng.random() < 0.1:
                continue
            if holds(state, self.job.step[name].when):
                return name
        return self.rng.choice(names) if names else "?"

    def _stands(self, name: str) -> bool:
        standing = self.state.steps.get(name)
        applies = holds(self.state, self.job.step[name].when)
        return not applies or (standing is not None and standing.stands)

    def _try(self, name: str, amiss: float = 0.06) -> None:
        """Do a step if it may be done; *amiss* is how often an answer is not the good one."""
        step = self.job.step.get(name)
        if step is None or (step.ends and self.rng.random() < (0.9 if name == "give_up" else 0.5)):
            return
        by = self.rng.choice(HANDS)
        if step.rank == "supervisor" and self.rng.random() < 0.8:
            by = "S-1"
        given: dict[str, Any] = {}
        for question, asked in step.ask.items():
            if all(given.get(other) in words for other, words in asked.when.items()):
                given[question] = self._answer(asked, amiss)
        found = answered(self.pack, step.ask, given, step.clause, FOLK, self.now_us)
        act = Act(
            name, self.now_us, by, answers=found.answers, trusted=self.around.untrusted_us == 0
        )
        self._pass_deadlines()
        told = [*self.decides(self.pack, self.state, act, self.around), *found.refusals]
        if told:
            self.told.update(one.key for one in told)
            return
        self._take(act, "" if step.test else name)
        self.tries[self.state.phase, name] += 1
        if step.test:
            if self.rng.random() < 0.7:
                self.now_us += self.rng.randint(60, 1800) * S_US
                self._pass_deadlines()
                self._rule(name)
            else:
                self.running.append(name)

    def _rule(self, name: str, adopted: tuple[int, int] | None = None) -> None:
        """The verdict of a test; of another job: when it began there, and when it was reached."""
        if self.state.ended:
            return
        self._pass_deadlines()
        step = self.job.step[name]
        section = self.state.sections.get(step.section, "")
        if self.rng.random() < 0.04:
            section = "B-1-1 indoor"
        meter = (
            "gd-1" if step.test in ("safe_to_work", "purge_complete", "laser_screen") else "pm-1"
        )
        verdict = "PASS" if adopted else self.rng.choice(VERDICTS)
        began_us, at_us = adopted or (0, self.now_us)
        outcome = "strong_anomaly" if verdict == "FAIL" and self.rng.random() < 0.3 else ""
        serials = {meter: self.serials[meter]}
        ruled = Ruled(name, at_us, "A-1", verdict, section, serials, outcome, began_us)
        before = self.state.phase
        self._take(ruled, "")
        standing = self.state.steps[name]
        if standing.began_us and before in step.phase:
            word = "PASS" if verdict == "PASS" else "else"
            self.moves.add((before, f"{name}={word}", self.state.phase))
        else:
            assert self.state.phase in (before, step.falls.get(before)), "a late verdict moved it"

    def _adopt(self) -> None:
        """A verdict that another job had: what the engine says of its step decides."""
        tests = [name for name, step in self.job.step.items() if step.test]
        if not tests:
            return
        name = self.rng.choice(tests)
        act = Act(name, self.now_us, "T-1")
        if not self.decides(self.pack, self.state, act, self.around):
            at_us = self.now_us - self.rng.randint(0, 20_000) * S_US
            self._rule(name, (at_us - self.rng.randint(60, 3600) * S_US, at_us))

    def _signal(self) -> None:
        words = [name for name, one in self.job.signal.items() if self.state.phase in one.phase]
        if words and not self.state.ended:
            self._pass_deadlines()
            word = self.rng.choice(words)
            if self.state.phase in self.job.signal[word].phase:
                self._take(Signalled(word, self.now_us, "hub"), f"signal {word}")

    def _swap(self) -> None:
        """Another device under a known name, seen at once or only with the next verdict."""
        name = self.rng.choice(list(self.serials))
        self.serials[name] = f"S-{self.rng.randint(100, 102)}"
        if self.rng.random() < 0.6:
            self._take(Swapped(name, self.serials[name], self.now_us), "")

    def _elsewhere(self) -> None:
        sections = [*self.state.sections.values(), "C-9-9 riser"]
        one = Elsewhere(self.rng.choice(sections), self.now_us)
        disturbed = {**self.around.disturbed_us, one.section: one.at_us}
        self.around = self.around._replace(disturbed_us=disturbed)
        self.log.append(one)

    def _clock(self) -> None:
        trusted = self.around.untrusted_us != 0
        self.around = self.around._replace(untrusted_us=0 if trusted else self.now_us)
        self.log.append(Clock(trusted, self.now_us))

    def _waive(self) -> None:
        notices = [one.step for step in self.job.step.values() for one in step.notices]
        if not notices:
            return
        by, second = self.rng.choice(HANDS), self.rng.choice((*FOLK, ""))
        waived = Waived(self.rng.choice(notices), self.now_us, by, second, "gas leaks")
        told = waiver_refusals(self.pack, self.state, waived, self.around)
        self.told.update(one.key for one in told)
        if not told:
            self._take(waived, "")

    def _look_for_safety(self) -> None:
        """Whoever is there may always do what makes it safer: no certificate is asked for."""
        state = self.state
        for name, phases in SAFE[self.kind].items():
            if state.phase not in phases or not holds(state, self.job.step[name].when):
                continue
            told = refusals(self.pack, state, Act(name, self.now_us, "T-3"), self.around)
            if told:
                keys = ", ".join(one.key for one in told)
                self.wrong.append(f"{self.kind}: {name} is refused while {state.phase}: {keys}")

    # -- time

    def _pass_time(self) -> None:
        dice = self.rng.random()
        due = dict(running(self.pack, self.job, self.state)) if dice < 0.05 else {}
        if due:
            name = min(due, key=lambda one: self.tries[self.state.phase, one])
            self.tries[self.state.phase, name] += 1
            shift_s = self.rng.choice((-5400, -1800, 1, 1))
            self.now_us = max(self.now_us, due[name] + shift_s * S_US)
        elif dice < 0.97 - self.leaps:
            self.now_us += self.rng.randint(1, 1200) * S_US
        elif dice < 1 - self.leaps:
            self.now_us += self.rng.randint(1, 9) * 3600 * S_US
        else:
            self.now_us += self.rng.randint(12, 80) * 3600 * S_US

    def _pass_deadlines(self) -> None:
        while late := missed(self.pack, self.job, self.state, self.now_us):
            self._take(late, f"deadline {late.deadline}")

    def _take(self, event: Act | Ruled | Signalled | Missed | Waived | Swapped, what: str) -> None:
        before = self.state.phase
        self.state = folded(self.pack, self.state, [event])
        self.log.append(event)
        if what:
            self.moves.add((before, what, self.state.phase))

    # -- answers

    def _answer(self, asked: Question, amiss: float) -> Any:
        rng = self.rng
        if rng.random() < 0.004:
            return None
        match asked.kind:
            case "yes_no":
                return "no" if rng.random() < amiss else "yes"
            case "choice":
                good = [name for name, one in asked.options.items() if one.goes_on]
                if rng.random() < 0.6:
                    return good[self.leaning % len(good)]
                return rng.choice(list(asked.options) if rng.random() < 0.4 else good)
            case "number":
                return "0.2" if asked.above or rng.random() < 0.05 else "0.1"
            case "file":
                return PHOTO
            case "time" | "time_ahead":
                ahead = rng.randint(1, 200) * 3600 if asked.kind == "time_ahead" else -60
                moment = datetime.fromtimestamp(self.now_us // S_US + ahead, ZONE)
                return moment.isoformat()
            case "items":
                return self._items(asked.checklist)
            case "hazards":
                return ["L3-7"] if rng.random() < 0.2 else []
            case "hazard":
                return "L1-1"
            case "person":
                return "T-1"
        return "as ordered"

    def _items(self, checklist: str) -> dict[str, Any]:
        items = self.pack.checklist[checklist].item
        given: dict[str, Any] = dict.fromkeys(items, "ok")
        if self.rng.random() < 0.12:
            name = self.rng.choice(list(items))
            codes = items[name].on_failure
            hazard = {"hazard": self.rng.choice(codes)} if codes else {}
            given[name] = {"result": "not_ok", **hazard}
        return given


def walks(
    pack: RulePack, kind: str, count: int, seed: int, decides: Decides = refusals
) -> Iterator[Walk]:
    """*count* walks; the same seed gives the same ones. *decides* says what is refused."""
    rng, tries = random.Random(f"{kind} {seed}"), Counter[tuple[str, str]]()
    for _ in range(count):
        yield Walker(pack, kind, rng, tries, decides).go()


def deaf_to(*keys: str) -> Decides:
    """An engine that does not say these refusals: a planted fault."""

    def decides(pack: RulePack, state: JobState, act: Act, around: Around) -> list[Refusal]:
        return [one for one in refusals(pack, state, act, around) if one.key not in keys]

    return decides
