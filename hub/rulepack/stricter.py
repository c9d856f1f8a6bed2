"""Which way asks for more: once for each field of a rule pack that has such a way.

What must not be changed at all counts as looser when it is: nobody can tell which way it goes.
Fields that are not in the table, such as texts, are merely changed.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from hub.rulepack.entries import Figure, Frozen, Switch
from hub.rulepack.jobs import (
    Choice,
    Count,
    Deadline,
    Job,
    Late,
    Need,
    Notice,
    Question,
    Signal,
    Step,
)
from hub.rulepack.provisions import Clock, Hazard, Item, OpenPoint, Retention

Way = Literal["stricter", "looser", "changed", "new", "gone"]
Kept = Callable[[Any, Any], bool]
"""Whether a value (second) asks for no less than the one below (first)."""


def _same(was: Any, now: Any) -> bool:
    return bool(was == now)


def _same_once_set(was: Any, now: Any) -> bool:
    return not was or bool(was == now)


def _grows(was: Collection[Any], now: Collection[Any]) -> bool:
    return set(was) <= set(now)


def _shrinks(was: Collection[Any], now: Collection[Any]) -> bool:
    return set(now) <= set(was)


def _entries_kept(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return was.items() <= now.items()


def _only_on(was: bool, now: bool) -> bool:
    return now or not was


def _only_off(was: bool, now: bool) -> bool:
    return was or not now


def _all_phases_kept(was: Collection[str], now: Collection[str]) -> bool:
    """Of a deadline: no phase is all of them."""
    return not now or bool(was and set(was) <= set(now))


def _each_covered(was: Collection[Frozen], now: Collection[Frozen]) -> bool:
    """Each one of below is there, as it was or stricter."""
    return all(
        any(
            all(
                kept(getattr(one, name), getattr(other, name))
                for name, kept in STRICTER[type(one)].items()
            )
            for other in now
        )
        for one in was
    )


def _rank_kept(was: str, now: str) -> bool:
    return now in (was, "supervisor")


def _visit_kept(was: str, now: str) -> bool:
    return now == was or (not was and now == "within")


def _leak_kept(was: str, now: str) -> bool:
    return now == was or was != "leak"


def _all(kept: Kept, *names: str) -> dict[str, Kept]:
    return dict.fromkeys(names, kept)


STRICTER: Final[Mapping[type[Frozen], Mapping[str, Kept]]] = {
    Step: {
        **_all(_same, "to", "test", "when", "ends"),
        **_all(_same_once_set, "section", "count", "role", "releases"),
        **_all(_grows, "after", "undoes"),
        **_all(_entries_kept, "falls", "opens"),
        **_all(_each_covered, "needs", "notices"),
        "phase": _shrinks,
        "rank": _rank_kept,
        "visit": _visit_kept,
        "repeats": _only_off,
        "disturbs": _only_on,
    },
    Need: {
        **_all(_shrinks, "tests", "verdicts"),
        "clock": _same_once_set,
        "this_visit": _only_on,
        "despite_work": _only_off,
    },
    Notice: {**_all(_same, "step", "clock", "when"), "waivable": _only_off},
    Count: _all(_same, "step", "question", "answer"),
    Question: {
        **_all(_same, "kind", "checklist", "unit", "when"),
        **_all(_same_once_set, "above", "personal"),
        "all_ok": _only_on,
        "optional": _only_off,
    },
    Choice: {**_all(_same_once_set, "forbids", "opens"), "goes_on": _only_off},
    Signal: {
        **_all(_same, "to", "tells"),
        **_all(_grows, "phase", "undoes"),
        "seen": _same_once_set,
    },
    Deadline: {
        **_all(_same, "starts", "clock", "until", "when", "to", "tells"),
        "phase": _all_phases_kept,
        "undoes": _grows,
    },
    Late: _all(_same, "fact", "clock"),
    Job: {
        **_all(_same, "decides", "retention"),
        **_all(_grows, "answers", "works"),
        "user_classes": _shrinks,
    },
    Item: {"on_failure": _grows},
    Hazard: {"hazard_class": _leak_kept},
    Clock: {"counts": _same},
    OpenPoint: {"dangerous": _only_on},
    Switch: {"on": _only_on},
}
_NUMBERS: Final = {Figure: "value", Clock: "length", Retention: "years"}
"""Fields whose stricter way each entry says itself."""
_LETS_LOOSE: Final = ("to", "falls", "ends", "releases")


def way_of(model: Frozen, name: str, was: Any, now: Any) -> Way:
    if _NUMBERS.get(type(model)) == name:
        return _way_of_number(getattr(model, "stricter", None), was, now)
    kept = STRICTER.get(type(model), {}).get(name)
    if kept is None:
        return "changed"
    return "stricter" if kept(was, now) else "looser"


def _way_of_number(stricter: str | None, was: Decimal, now: Decimal) -> Way:
    if stricter is None:
        return "changed"
    return "stricter" if (now > was) == (stricter == "higher") else "looser"


def way_of_new(inside: Frozen | None, new: object) -> Way:
    """Of something that below does not have; *inside* is what it was put into.

    What brings a job elsewhere, or lets something loose, is a way around what was there.
    """
    match new:
        case Step() | Signal() | Deadline():
            loose = any(getattr(new, name, "") for name in _LETS_LOOSE)
            loose = loose or getattr(new, "visit", "") in ("begins", "ends")
            return "looser" if loose else "new"
        case Choice() if isinstance(inside, Question) and new.goes_on:
            return "looser"
    return "new"
