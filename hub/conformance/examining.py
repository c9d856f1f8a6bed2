"""Which checks make which level, and how far a plugin comes."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from hub.conformance import (
    again,
    broker,
    contract,
    endurance,
    entering,
    farside,
    frames,
    garbage,
    pages,
    rules,
    wire,
)
from hub.conformance.subject import NotAsked, Options, Subject, Unmet, subjects
from hub.pages import LEVELS, claimed_level

Check = Callable[[Subject], str | None]
"""Returns what it has counted, if it counts. Raises Unmet when it is not met, NotAsked where it
cannot be asked for.

Its name and docstring are what people read.
"""

_CONTRACT = (contract.front_door, contract.files_there, contract.kinds_steady)
_CONFIGURED = (contract.settings_described, contract.sample_current)
_WRITTEN = (pages.readme_complete, contract.tests_pass)


CHECKS: Mapping[str, Mapping[str, Sequence[Check]]] = {
    "instrument": {
        "bronze": (*_CONTRACT, *_CONFIGURED, contract.reset_twice, garbage.random_bytes),
        "silver": (
            frames.golden_replayed,
            again.golden_read_again,
            wire.agrees,
            wire.wire_faults,
            wire.own_faults,
            *_WRITTEN,
        ),
        "gold": (frames.captured, endurance.fuzzed, endurance.soaked),
    },
    "link": {
        "bronze": (*_CONTRACT, *_CONFIGURED, contract.close_twice, broker.rubbish_messages),
        "silver": (broker.golden_published, *_WRITTEN),
    },
    "entry": {
        "bronze": (*_CONTRACT, *_CONFIGURED, contract.close_twice, entering.rubbish_entries),
        "silver": (
            entering.golden_entered,
            entering.entries_read_again,
            entering.bent_entries,
            entering.no_wire,
            *_WRITTEN,
        ),
    },
    **{
        sort: {
            "bronze": (*_CONTRACT, *_CONFIGURED, contract.close_twice, farside.nobody_there),
            "silver": (farside.rubbish_answers, farside.rubbish_parcels, *_WRITTEN),
        }
        for sort in ("sink", "follower")
    },
    "procedure": {
        "bronze": (*_CONTRACT, rules.no_evidence),
        "silver": (rules.same_again, rules.random_rows, *_WRITTEN),
    },
}
"""Sort of kind -> level -> its checks, in the order in which they are made.

Gold is for what is proved on a real device, so only instruments can have it. Of a sink or a
follower silver says: nothing is taken for delivered that the far side has not acknowledged. It
has no golden frames, since it speaks first; what it sends is proved by its own tests.
"""
ASKED: Mapping[Check, Callable[[Options], float]] = {
    endurance.fuzzed: lambda options: options.fuzz,
    endurance.soaked: lambda options: options.soak_s,
}
"""Checks that are made by request only; who asks for one gets it, whatever else is missing."""
NO_GOLD = "gold: no device of its own that could be captured"


class Result(NamedTuple):
    """How far one kind comes, and what it lacks.

    level    the highest whose checks, and those of all lower ones, are met; "none" below bronze
    claimed  what its README says
    missing  the first check of the next level that is not met, and why; "" at the highest
    met      how many checks are met
    beside   checks that cannot be asked of it, and why
    counted  what came of the checks that are made by request only
    """

    plugin: str
    kind: str
    sort: str
    level: str
    claimed: str
    missing: str
    met: int
    beside: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()

    def enough(self, *, silver: bool) -> bool:
        """Whether it is what it claims to be, and at least silver where that is asked for."""
        least = max(LEVELS.index(self.claimed), LEVELS.index("silver") if silver else 0)
        return LEVELS.index(self.level) >= least


def examine(
    plugin: str, options: Options, tell: Callable[[str], None] = lambda _: None
) -> list[Result]:
    """Examine every kind of *plugin*, named as in `hub.plugins`; none when it brings none.

    tell    is told what is being looked at
    raises  ConfigError when there is no such plugin
    """
    return [_result(subject, tell) for subject in subjects(plugin, options)]


def _result(subject: Subject, tell: Callable[[str], None]) -> Result:
    readme = subject.folder / "README.md"
    claimed = claimed_level(readme.read_text(encoding="utf-8") if readme.is_file() else "")
    reached, missing, met = LEVELS[0], "", 0
    beside = [] if "gold" in CHECKS[subject.sort] else [NO_GOLD]
    counted = []
    for level, checks in CHECKS[subject.sort].items():
        for check in checks:
            asked = check in ASKED and ASKED[check](subject.options) > 0
            if missing and not asked:
                continue
            named = _named(check)
            tell(f"{subject.plugin} {subject.kind.name}: {level}, {named}")
            try:
                told, why = _outcome(check, subject)
            except NotAsked as reason:
                beside.append(str(reason))
                continue
            if asked:
                counted.append(f"{named}: {told or why}")
            if why:
                missing = missing or f"{named}: {why}"
            else:
                met += 1
        if not missing:
            reached = level
    return Result(
        subject.plugin, subject.kind.name, subject.sort, reached, claimed, missing, met,
        tuple(beside), tuple(counted),
    )  # fmt: skip


def _outcome(check: Check, subject: Subject) -> tuple[str, str]:
    """What it has counted, and why it is not met; "" for neither.

    raises  NotAsked
    """
    try:
        return check(subject) or "", ""
    except NotAsked:
        raise
    except Unmet as unmet:
        return "", " ".join(str(unmet).split())
    except Exception as bug:  # noqa: BLE001 - a stranger's code; whatever it raises is its lack
        return "", f"{type(bug).__name__}: {' '.join(str(bug).split())}"


def _named(check: Check) -> str:
    return check.__name__.strip("_").replace("_", " ")


def described() -> list[tuple[str, str, str, str]]:
    """(sort, level, check, what it asks for) of all checks."""
    return [
        (sort, level, _named(check), (inspect.getdoc(check) or "").split("\n\n")[0])
        for sort, levels in CHECKS.items()
        for level, checks in levels.items()
        for check in checks
    ]
