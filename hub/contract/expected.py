"""What a system must make of events, by the rules of docs/contract.md: what is done, what is not.

It is derived from the golden events for the kit, so that a receiving side has something to compare
itself with. Pure.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hub.events import COMPLETED, VERDICT
from hub.happenings import ORDER

_NOTE: Final = (
    "What must be known when all golden events of a version were taken. Those of 1.0.0 tell no "
    "story together. Of an order of tests and of each of its tests: done, or not done. `success` "
    "is that of the test's newest verdict; `screened` of a laser screen is what it found. A job or "
    "hazard is done if its last event has `completed`. `trial`: act on nothing of it."
)
_NO_STORY: Final = "1.0.0"
_SCREEN: Final = "laser_screen"

Events = Sequence[Mapping[str, Any]]


def expected(paths: Iterable[Path]) -> dict[str, Any]:
    """Version of the contract -> what its golden events, `VERSION/NAME.json`, come to."""
    versions: dict[str, list[Mapping[str, Any]]] = {}
    for path in (one for one in paths if one.parent.name != _NO_STORY):
        versions.setdefault(path.parent.name, []).append(json.loads(path.read_bytes()))
    return {"note": _NOTE, **{version: concluded(found) for version, found in versions.items()}}


def concluded(events: Events) -> dict[str, Any]:
    """What events of one origin come to, in whatever order they are given."""
    numbers: dict[str, list[Mapping[str, Any]]] = {}
    for event in sorted(events, key=lambda one: int(one["data"]["ledger"]["size"])):
        if number := event.get("subject"):
            numbers.setdefault(number, []).append(event)
    found: dict[str, Any] = {"orders": {}, "jobs": {}, "hazards": {}}
    for number, of in sorted(numbers.items()):
        kind = next((one["data"]["kind"] for one in of if "kind" in one["data"]), "")
        sort = "hazards" if kind == "hazard" else "jobs" if kind else "orders"
        trial = {"trial": True} if any(one["data"].get("trial") for one in of) else {}
        found[sort][number] = {**(_job(kind, of) if kind else _order(of)), **trial}
    return found


def success(verdict: Mapping[str, Any], *, trial: bool) -> bool:
    """The one formula: PASS, no outcome, no trial."""
    return verdict["verdict"] == "PASS" and "outcome" not in verdict and not trial


def _order(events: Events) -> dict[str, Any]:
    told: list[Mapping[str, Any]] = [one["data"] for one in events if one["type"] == ORDER]
    newest = told[-1] if told else {}
    state = newest.get("change", newest.get("state", "unknown"))
    state = "accepted" if state == "amended" else state
    if "tests" not in newest:  # of contract 1.0, or refused before it was taken
        refused = newest.get("state") == "refused"
        return {"state": state, "done": _word(False) if refused else "unknown"}
    verdicts = {one["data"]["test"]: one["data"] for one in events if one["type"] == VERDICT}
    tests = {one["id"]: _test(one, verdicts.get(one["id"])) for one in newest["tests"]}
    stands = newest["state"] == "accepted" and not newest.get("trial")
    done = stands and all(one["done"] == "done" for one in tests.values())
    return {"state": state, "done": _word(done), "tests": tests}


def _test(test: Mapping[str, str], newest: Mapping[str, Any] | None) -> dict[str, Any]:
    known = {"step": test["step"], "procedure": test["procedure"]}
    if newest is None:
        return {**known, "done": _word(False), "success": False}
    verdict, trial = newest["verdict"], bool(newest.get("trial"))
    good = success(verdict, trial=trial)
    if test["procedure"] != _SCREEN:
        return {**known, "done": _word(good), "success": good, "verdict": verdict["verdict"]}
    outcome = verdict.get("outcome", "invalid")
    done = outcome != "invalid" and not trial
    return {**known, "done": _word(done), "success": False, "screened": outcome}


def _job(kind: str, events: Events) -> dict[str, Any]:
    """By its last event that is no verdict. An event of 1.0 has the word, and not `completed`."""
    told = [one["data"] for one in events if one["type"] != VERDICT]
    last = told[-1]
    now = {name: one[name] for one in told for name in ("code", "level", "parent") if name in one}
    ended = last.get("ended", "")
    completed = last.get("completed", ended in COMPLETED)
    due = {"next_due_at": last["next_due_at"]} if "next_due_at" in last else {}
    return {
        "kind": kind, **now, "done": _word(completed), **({"ended": ended} if ended else {}), **due,
    }  # fmt: skip


def _word(done: bool) -> str:
    return "done" if done else "not done"
