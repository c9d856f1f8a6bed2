"""Turns on a shared line: the living keep their period whatever the dead do."""

from collections import defaultdict
from itertools import pairwise

import pytest

from hub.schedule import DEAD_SHARE, PATIENCE, Schedule

S = 1_000_000


def play(
    periods_s: dict[str, float],
    cost_s: dict[str, float],
    dead: set[str],
    until_s: float,
    revive_at_s: float | None = None,
) -> dict[str, list[float]]:
    """When each was asked, in seconds, on a simulated line."""
    schedule = Schedule(periods_s, 0)
    asked: dict[str, list[float]] = defaultdict(list)
    now_us = 0
    while now_us < until_s * S:
        name, wait_us = schedule.pick(now_us)
        if name is None:
            assert wait_us > 0, "would spin"
            now_us += wait_us
            continue
        assert wait_us == 0
        asked[name].append(now_us / S)
        now_us += round(cost_s[name] * S)
        revived = revive_at_s is not None and now_us >= revive_at_s * S
        if name in dead and not revived:
            schedule.missed(name, now_us, round(cost_s[name] * S))
        else:
            schedule.answered(name, now_us)
    return asked


def intervals(asked: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(asked)]


@pytest.mark.parametrize(("slaves", "answer_s"), [(8, 0.03), (32, 0.02)])
@pytest.mark.parametrize("place", ["first", "last"])
def test_one_dead_slave_leaves_the_others_their_period(
    slaves: int, answer_s: float, place: str
) -> None:
    """Over ten minutes every interval of every living slave is within 10 % of its second.

    One is not: the turn in which the dead slave was first found silent.
    """
    names = [f"s{i}" for i in range(slaves)]
    dead = names[0 if place == "first" else -1]
    cost_s = dict.fromkeys(names, answer_s) | {dead: 0.3}
    asked = play(dict.fromkeys(names, 1.0), cost_s, {dead}, 600)
    for name in set(names) - {dead}:
        assert len(asked[name]) == pytest.approx(600, abs=1)
        late = [s for s in intervals(asked[name])[1:] if abs(s - 1) > 0.1]
        assert late == []


def test_the_dead_are_asked_rarely_but_for_ever() -> None:
    """After three misses a dead slave takes at most its share of the line."""
    names = ["a", "b", "dead"]
    asked = play(dict.fromkeys(names, 1.0), {"a": 0.02, "b": 0.02, "dead": 0.3}, {"dead"}, 600)
    rare = intervals(asked["dead"][PATIENCE - 1 :])
    assert min(rare) >= 0.3 / DEAD_SHARE - 1e-6
    assert max(rare) <= 2 * 0.3 / DEAD_SHARE
    assert asked["dead"][-1] > 580


def test_several_dead_share_one_share() -> None:
    dead = {f"d{i}" for i in range(5)}
    names = ["a", *sorted(dead)]
    asked = play(dict.fromkeys(names, 1.0), dict.fromkeys(names, 0.3) | {"a": 0.02}, dead, 1200)
    spent_s = sum(0.3 for name in dead for at_s in asked[name] if at_s > 60)
    assert spent_s <= 1.1 * DEAD_SHARE * (1200 - 60)


def test_a_full_line_still_asks_the_dead_now_and_then() -> None:
    """The living want more than the line has; the dead one is not forgotten for that."""
    names = ["a", "b", "dead"]
    asked = play(dict.fromkeys(names, 1.0), {"a": 0.6, "b": 0.6, "dead": 0.3}, {"dead"}, 300)
    assert max(intervals(asked["dead"])) <= 2 * 0.3 / DEAD_SHARE + 1.5


def test_an_overloaded_line_is_shared_fairly() -> None:
    names = [f"s{i}" for i in range(10)]
    asked = play(dict.fromkeys(names, 1.0), dict.fromkeys(names, 0.25), set(), 250)
    counts = [len(asked[name]) for name in names]
    assert max(counts) - min(counts) <= 1
    assert sum(counts) == 1000


def test_a_slave_alone_is_asked_at_its_period_even_when_dead() -> None:
    """There is nobody to slow down, so it is found again within one period."""
    asked = play({"only": 1.0}, {"only": 0.3}, {"only"}, 60)
    assert max(intervals(asked["only"])) <= 1.0 + 1e-6


def test_the_first_answer_brings_back_the_period() -> None:
    names = ["a", "back"]
    asked = play(dict.fromkeys(names, 1.0), {"a": 0.02, "back": 0.3}, {"back"}, 120, revive_at_s=60)
    late = [s for s in asked["back"] if s > 67]
    assert intervals(late) == pytest.approx([1.0] * (len(late) - 1), abs=0.1)


def test_phases_do_not_drift() -> None:
    asked = play({"a": 0.7}, {"a": 0.05}, set(), 700)
    assert asked["a"] == pytest.approx([0.7 * i for i in range(len(asked["a"]))])


def test_missed_turns_are_not_made_up() -> None:
    """After a long stall a slave is asked once, not once for every turn it has missed."""
    schedule = Schedule({"a": 1.0}, 0)
    schedule.answered("a", 0)
    schedule.answered("a", 100 * S + S // 2)
    assert schedule.pick(100 * S + S // 2) == (None, S // 2)


def test_rest_keeps_one_away_and_nobody_else() -> None:
    schedule = Schedule({"bug": 1.0, "fine": 1.0}, 0)
    schedule.rest("bug", 0, 30 * S)
    assert schedule.pick(0) == ("fine", 0)
    schedule.answered("fine", 0)
    for second in range(1, 30):
        assert schedule.pick(second * S) == ("fine", 0)
        schedule.answered("fine", second * S)
    assert schedule.pick(30 * S)[0] == "bug"


def test_a_rest_never_brings_a_turn_forward() -> None:
    schedule = Schedule({"a": 10.0}, 0)
    schedule.missed("a", S, S)
    schedule.rest("a", S, 2 * S)
    assert schedule.pick(S) == (None, 9 * S)
