"""Walk through jobs at random, and let an oracle say of each walk whether it was right.

    python bench/jobs.py --walks 100000 [--json out.json]

Each walk does what the engine allows, mostly what comes next, often something else. The oracle
(tests/job_oracle.py) reads the list of events and knows the regulations, not the engine. What can
be reached at all comes from a search of its own (tests/job_map.py); every move of it must have
been taken. Then the engine is made deaf to one refusal after the other, and blind to what undoes
a PASS: the same oracle must find each of these faults.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parent.parent))

from rich.progress import track

from hub.jobs import Act, folding, refusals
from hub.rulepack import RulePack, load_pack
from tests.job_map import FACTS, Map, maps
from tests.job_walk import Decides, deaf_to, walks

KINDS = tuple(FACTS)
DEAF = (
    "ended", "not_here", "phase", "no_visit", "after", "undone", "not_in_order", "stranger",
    "no_certificate", "certificate_expired", "no_supervisor", "own_work", "need_absent",
    "need_over", "need_failed", "need_section", "need_old", "need_visit", "need_clock",
    "need_worked", "notice_absent", "notice_late", "notice_clock", "count", "tries",
)  # fmt: skip
"""Refusals that keep something from being let loose. The others (`done`, `visit_open`, answers)
keep a record tidy, and their loss harms nobody by itself."""
NEEDS = tuple(key for key in DEAF if key.startswith("need_"))
Blind = Callable[[], AbstractContextManager[object]]
BLIND: Mapping[str, Blind] = {
    "a verdict counts whenever it comes": lambda: patch.object(
        folding, "_begun_us", lambda state, before, ruled: (ruled.at_us, "")
    ),
    "nothing is undone": lambda: patch.object(folding, "_undone", lambda state, *_: state),
    "another instrument is not noticed": lambda: patch.multiple(
        folding, _unsworn=lambda steps, _: steps, _heard=lambda state, *_: state
    ),
}


def plants() -> Iterator[tuple[str, Decides, Blind]]:
    """Faults, by name: an engine that does not say something, or does not see something."""
    yield "needs ignored", deaf_to(*NEEDS), nullcontext
    for key in DEAF:
        yield f"deaf to {key}", deaf_to(key), nullcontext
    for name, blind in BLIND.items():
        yield name, refusals, blind


def walked(pack: RulePack, total: int, seed: int) -> dict[str, Any]:
    """All walks, what was wrong, and how much of the map they took."""
    each = -(-total // len(KINDS))
    wrong: list[str] = []
    told, released = Counter[str](), Counter[str]()
    events, faulty, coverage = 0, 0, {}
    for kind in KINDS:
        moves: set[tuple[str, str, str]] = set()
        loose = {name for name, step in pack.job[kind].step.items() if step.releases}
        for walk in track(walks(pack, kind, each, seed), kind, each):
            moves |= walk.moves
            told += walk.told
            events += len(walk.log)
            faulty += bool(walk.wrong)
            wrong += list(walk.wrong)[: max(0, 10 - len(wrong))]
            acts = (one.step for one in walk.log if isinstance(one, Act))
            released.update(f"{kind}.{step}" for step in acts if step in loose)
        coverage[kind] = covered(maps(kind), moves)
    return {
        "walks": each * len(KINDS),
        "events": events,
        "walks_with_something_wrong": faulty,
        "wrong": wrong,
        "released": dict(sorted(released.items())),
        "refusals": dict(told.most_common()),
        "coverage": coverage,
        "moves_reachable": sum(one["reachable"] for one in coverage.values()),
        "ratio": min(one["ratio"] for one in coverage.values()),
        "phases_ratio": min(one["phases_ratio"] for one in coverage.values()),
        "beyond_the_map": [move for one in coverage.values() for move in one["beyond_the_map"]],
        "never_reachable": [step for one in coverage.values() for step in one["never_reachable"]],
        "dead_ends": [spot for one in coverage.values() for spot in one["dead_ends"]],
    }


def covered(all_maps: Sequence[Map], moves: set[tuple[str, str, str]]) -> dict[str, Any]:
    """The moves that were taken, of those that some order makes possible."""
    reachable = {move for one in all_maps for move in one.moves}
    never = set.intersection(*(one.never() for one in all_maps))
    phases = {move[0] for move in reachable} | {move[2] for move in reachable}
    seen = {move[0] for move in moves} | {move[2] for move in moves}
    return {
        "reachable": len(reachable),
        "taken": len(moves & reachable),
        "ratio": round(len(moves & reachable) / len(reachable), 4),
        "phases_ratio": round(len(phases & seen) / len(phases), 4),
        "missing": sorted(map(" > ".join, reachable - moves)),
        "beyond_the_map": sorted(map(" > ".join, moves - reachable)),
        "never_reachable": sorted(map(" > ".join, never)),
        "dead_ends": sorted({str(spot) for one in all_maps for spot in one.dead_ends()}),
    }


def found(pack: RulePack, most: int, seed: int) -> dict[str, int | None]:
    """Of each planted fault: after how many walks the oracle named it. None: never."""
    after: dict[str, int | None] = {}
    for name, decides, blind in track(list(plants()), "planted"):
        with blind():
            wrong = turns(pack, most, seed, decides)
            after[name] = next((count for count, one in enumerate(wrong, 1) if one), None)
    return after


def turns(pack: RulePack, most: int, seed: int, decides: Decides) -> Iterator[bool]:
    """Of one walk after the other, the kinds in turn: whether something was wrong."""
    runs = [walks(pack, kind, most // len(KINDS), seed, decides) for kind in KINDS]
    for walk in (one for together in zip(*runs, strict=True) for one in together):
        yield bool(walk.wrong)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--walks", type=int, default=100_000)
    parser.add_argument("--planted-walks", type=int, default=20_000, help="at most, for each fault")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the counts there")
    options = parser.parse_args()
    began_s = time.perf_counter()
    pack = load_pack("example_city")
    result = walked(pack, options.walks, options.seed)
    planted = found(pack, options.planted_walks, options.seed)
    result |= {
        "seed": options.seed,
        "planted": planted,
        "planted_missed": [name for name, count in planted.items() if count is None],
        "took_s": round(time.perf_counter() - began_s, 1),
    }
    print(json.dumps(result, indent=2, ensure_ascii=False))
    if options.json:
        options.json.write_text(json.dumps(result, ensure_ascii=False), "utf-8")
    good = not result["walks_with_something_wrong"] and not result["planted_missed"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
