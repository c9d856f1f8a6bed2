"""Where a job can get to at all: every state of its machine without clocks, from the TOML alone.

Shares no code with hub/jobs. Time, people and sections are left out, so that what is found here is
never less than what can be reached; a test that has passed is fresh, of an earlier visit, or of a
pipe that was worked on since.
"""

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

PACKS: Final = Path(__file__).parent.parent / "config" / "rulepacks" / "default"
Table = Mapping[str, Any]
Passed = tuple[bool, bool]
"""Of a test that passed: in this visit; and the pipe was not worked on since."""


class Spot(NamedTuple):
    """A state. `stands`: steps that stand; `passed`: tests; `said`: answers that a `when` names."""

    phase: str
    visit: bool
    stands: frozenset[str]
    passed: frozenset[tuple[str, Passed]]
    said: frozenset[tuple[str, str]]
    begun: frozenset[str]
    """Steps that a deadline counts from and that were done."""


Move = tuple[str, str, str]
"""Phase, what happens (`step`, `test=PASS`, `test=else`, `signal x`, `deadline x`), phase after."""


YES_NO: Final = ("yes", "no")
FACTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "residential_purge": {"new_user": YES_NO},
    "commercial_purge": {"medium_pressure": YES_NO},
    "repair": {
        "scope": ("post_meter", "pre_meter", "meter"),
        "hot_work": YES_NO,
        "affects": ("home", "unit"),
        "reported_late": YES_NO,
    },
    "inspection": {"hazards": YES_NO},
    "hazard": {"leak": YES_NO, "level": ("1", "2")},
}
"""Everything that an order can say, or a job find, on which steps depend."""


@cache
def maps(kind: str) -> "tuple[Map, ...]":
    """A map of the job for each set of facts."""
    names = FACTS[kind]
    return tuple(
        Map(kind, dict(zip(names, words, strict=True)))
        for words in itertools.product(*names.values())
    )


def tables(kind: str) -> Table:
    """The job as it stands in the shipped file."""
    text = (PACKS / f"job_{kind}.toml").read_text(encoding="utf-8")
    found: Table = tomllib.loads(text)["job"][kind]
    return found


class Map:
    """All spots of one job under given facts, and the moves between them."""

    def __init__(self, kind: str, facts: Mapping[str, str]) -> None:
        self.job, self.facts = tables(kind), facts
        self.steps: Table = self.job["step"]
        self.named = self._named()
        self.started = self._started()
        self.marked = set(self._marked())
        self.answers = {name: list(self._answers(name, one)) for name, one in self.steps.items()}
        first = next(iter(self.job["phases"]))
        empty: frozenset[Any] = frozenset()
        self.start = Spot(first, visit=False, stands=empty, passed=empty, said=empty, begun=empty)
        self.ways: dict[Spot, set[Spot]] = {}
        self.moves: set[Move] = set()
        todo = [self.start]
        while todo:
            spot = todo.pop()
            if spot in self.ways:
                continue
            self.ways[spot] = set()
            if spot.phase == "ended":
                continue
            for what, after in self._from(spot):
                self.moves.add((spot.phase, what, after.phase))
                if not what.startswith(("signal ", "deadline ")):
                    self.ways[spot].add(after)
                todo.append(after)

    def dead_ends(self) -> set[Spot]:
        """Spots from which no step, whoever does it, leads to the end; no accident is a way."""
        back: dict[Spot, set[Spot]] = {}
        for spot, others in self.ways.items():
            for other in others:
                back.setdefault(other, set()).add(spot)
        alive: set[Spot] = set()
        todo = [spot for spot in self.ways if spot.phase == "ended"]
        while todo:
            spot = todo.pop()
            if spot not in alive:
                alive.add(spot)
                todo += back.get(spot, ())
        return set(self.ways) - alive

    def never(self) -> set[tuple[str, str]]:
        """(phase, step) that the file allows, and that no spot ever offers."""
        done = {(before, what.partition("=")[0]) for before, what, _ in self.moves}
        return {
            (phase, name) for name, step in self.steps.items() for phase in step["phase"]
        } - done

    def _marked(self) -> Iterator[str]:
        """Steps whose standing anything looks at: the others need not be told apart."""
        for name, step in self.steps.items():
            yield from step.get("after", ())
            if not step.get("repeats") and not step.get("test"):
                yield name
        for deadline in self.job.get("deadline", {}).values():
            yield from deadline.get("until", ())

    def _from(self, spot: Spot) -> Iterator[tuple[str, Spot]]:
        for name, step in self.steps.items():
            if self._may(spot, name, step):
                yield from self._done(spot, name, step)
        for name, signal in self.job.get("signal", {}).items():
            if spot.phase in signal["phase"]:
                yield f"signal {name}", self._fallen(spot, signal)
        for name, deadline in self.job.get("deadline", {}).items():
            step = deadline["starts"].partition(".")[0]
            phases = deadline.get("phase") or [spot.phase]
            begun = step not in self.steps or step in spot.begun
            kept = any(until in spot.stands for until in deadline.get("until", ()))
            if spot.phase in phases and begun and not kept and self._when(spot, deadline):
                yield f"deadline {name}", self._fallen(spot, deadline)

    def _may(self, spot: Spot, name: str, step: Table) -> bool:
        visit = step.get("visit", "")
        return (
            spot.phase in step["phase"]
            and self._when(spot, step)
            and not (visit in ("within", "ends") and not spot.visit)
            and not (visit == "begins" and spot.visit)
            and not (name in spot.stands and not step.get("repeats") and not step.get("test"))
            and all(
                one in spot.stands or not self._when(spot, self.steps[one])
                for one in step.get("after", ())
            )
            and all(self._held(spot, need) for need in step.get("needs", ()))
        )

    def _held(self, spot: Spot, need: Table) -> bool:
        tests = [one for one in need["tests"] if self._when(spot, self.steps[one])]
        passed = dict(spot.passed)
        words = dict(spot.said)
        for test in tests:
            if test in passed:
                fresh, untouched = passed[test]
                if (fresh or not need.get("this_visit")) and (
                    untouched or need.get("despite_work")
                ):
                    return True
            elif words.get(f"{test}.verdict") == "FAIL" and "FAIL" in need.get("verdicts", ()):
                return True
        return not tests

    def _when(self, spot: Spot, thing: Table) -> bool:
        said = {**self.facts, **dict(spot.said)}
        return all(said.get(name) in values for name, values in thing.get("when", {}).items())

    def _done(self, spot: Spot, name: str, step: Table) -> Iterator[tuple[str, Spot]]:
        if "test" in step:
            ran = self._unpassed(spot, [name])
            passed = self._undone(ran, step)
            passed = passed._replace(
                passed=passed.passed | {(name, (True, True))},
                phase=step.get("to", spot.phase),
                begun=passed.begun | ({name} & self.started),
            )
            yield f"{name}=PASS", self._say(passed, f"{name}.verdict", "PASS")
            failed = self._undone(ran, step)
            failed = failed._replace(
                phase=step.get("falls", {}).get(spot.phase, spot.phase),
                begun=failed.begun - {name},
            )
            yield f"{name}=else", self._say(failed, f"{name}.verdict", "FAIL")
            return
        for good, answers in self.answers[name]:
            after = self._undone(spot, step)
            for question, answer in answers.items():
                after = self._say(after, f"{name}.{question}", answer if good else "")
            stands = after.stands - {name}
            if good and name in self.marked:
                stands |= {name}
            visit = after.visit
            if step.get("visit") == "begins" and good:
                visit = True
                after = self._of_earlier(after)
            elif step.get("visit") == "ends":
                visit = False
            if step.get("disturbs"):
                after = after._replace(
                    passed=frozenset((test, (fresh, False)) for test, (fresh, _) in after.passed)
                )
            begun = after.begun | ({name} & self.started if good else set())
            phase = step.get("to", spot.phase) if good else spot.phase
            yield name, after._replace(stands=stands, visit=visit, begun=begun, phase=phase)

    def _answers(self, name: str, step: Table) -> Iterator[tuple[bool, dict[str, str]]]:
        """Whether the answers go on, and those that a `when` names."""
        asked = step.get("ask", {})
        named = [
            question
            for question in asked
            if any(f"{name}.{question}" in other.get("when", {}) for other in self.steps.values())
        ]
        if named:
            (question,) = named
            for option, choice in asked[question]["options"].items():
                yield choice.get("goes_on", True), {question: option}
        else:
            yield True, {}
        if any(self._can_stop(question) for question in asked.values()):
            yield False, dict.fromkeys(named, "")

    @staticmethod
    def _can_stop(question: Table) -> bool:
        options = question.get("options", {}).values()
        return (
            question["kind"] == "yes_no"
            or question.get("all_ok", False)
            or not all(choice.get("goes_on", True) for choice in options)
        )

    def _fallen(self, spot: Spot, what: Table) -> Spot:
        return self._undone(spot, what)._replace(phase=what.get("to", spot.phase))

    def _undone(self, spot: Spot, what: Table) -> Spot:
        undoes = frozenset(what.get("undoes", ()))
        spot = self._unpassed(spot, undoes)
        said = frozenset(
            (key, word)
            for key, word in spot.said
            if key.partition(".")[0] not in undoes or key.endswith(".verdict")
        )
        return spot._replace(stands=spot.stands - undoes, said=said)

    @staticmethod
    def _unpassed(spot: Spot, tests: Any) -> Spot:
        return spot._replace(
            passed=frozenset((test, how) for test, how in spot.passed if test not in tests)
        )

    @staticmethod
    def _of_earlier(spot: Spot) -> Spot:
        return spot._replace(
            passed=frozenset((test, (False, untouched)) for test, (_, untouched) in spot.passed)
        )

    def _say(self, spot: Spot, key: str, word: str) -> Spot:
        if key not in self.named:
            return spot
        kept = {(other, what) for other, what in spot.said if other != key}
        return spot._replace(said=frozenset(kept | ({(key, word)} if word else set())))

    def _started(self) -> set[str]:
        found = {one["starts"].partition(".")[0] for one in self.job.get("deadline", {}).values()}
        return found & set(self.steps)

    def _named(self) -> set[str]:
        """Answers and verdicts on which anything depends."""
        things = [*self.steps.values(), *self.job.get("deadline", {}).values()]
        found = {name for thing in things for name in thing.get("when", {})}
        needs = [need for step in self.steps.values() for need in step.get("needs", ())]
        return found | {
            f"{test}.verdict"
            for need in needs
            if "FAIL" in need.get("verdicts", ())
            for test in need["tests"]
        }
