"""No sequence of events lets anything loose without its valid PASS. bench/jobs.py walks further."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.jobs import refusals
from tests.job_map import FACTS, maps
from tests.job_rig import PACK
from tests.job_walk import deaf_to, walks

KINDS = sorted(FACTS)
COUNTS = dict.fromkeys(KINDS, 500) | {"inspection": 2000}
"""An inspection is short."""


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parent.parent / "bench"), *sys.path])
    return importlib.import_module("jobs")


def test_every_job_of_the_pack_is_walked() -> None:
    assert sorted(PACK.job) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_walks_let_nothing_loose_that_the_regulations_forbid(kind: str) -> None:
    """And keep to the moves that are possible, of which few are left out at this count."""
    reachable = {move for one in maps(kind) for move in one.moves}
    taken = set()
    for walk in walks(PACK, kind, COUNTS[kind], seed=1):
        assert list(walk.wrong) == []
        taken |= walk.moves
    assert taken - reachable == set()
    assert len(taken) >= 0.9 * len(reachable), sorted(reachable - taken)


@pytest.mark.parametrize("kind", KINDS)
def test_from_every_state_some_step_leads_on_to_the_end(kind: str) -> None:
    """Of whatever order; and there is no step that no way leads to."""
    all_maps = maps(kind)
    assert [spot for one in all_maps for spot in one.dead_ends()] == []
    assert set.intersection(*(one.never() for one in all_maps)) == set()


@pytest.mark.parametrize("key", ["need_absent", "need_visit", "need_over", "need_worked"])
def test_the_oracle_finds_an_engine_that_keeps_silent(key: str) -> None:
    """As `needs` or `this_visit` ignored would be."""
    found = walks(PACK, "residential_purge", 2000, seed=1, decides=deaf_to(key))
    assert any(walk.wrong for walk in found)


@pytest.mark.parametrize("name", ["a verdict counts whenever it comes", "nothing is undone"])
def test_the_oracle_finds_an_engine_that_does_not_look(bench: Any, name: str) -> None:
    with bench.BLIND[name]():
        found = walks(PACK, "residential_purge", 2000, seed=1, decides=refusals)
        assert any(walk.wrong for walk in found)
