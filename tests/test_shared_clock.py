"""One clock for several processes: faster than real time, never ahead of the work."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from hub.clock import HubClock
from hub.simulate.shared_clock import ENV, Pacer, SharedClock, chosen_clock

START_US = 1_790_000_000_000_000
LONG_S = 20.0
"""Real seconds after which a test gives up; no test waits so long when the promise holds."""


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[SharedClock]:
    made = SharedClock.create(tmp_path / "clock", START_US, factor=100, lead_s=2)
    yield made
    made.close()


@pytest.fixture
def pacer(clock: SharedClock) -> Iterator[Pacer]:
    paced = Pacer(clock)
    paced.start()
    yield paced
    paced.stop()


def hub_s(clock: SharedClock) -> float:
    return (clock.now_us() - START_US) / 1e6


def until(condition: threading.Event, what: str) -> None:
    assert condition.wait(LONG_S), what


def test_time_stands_until_a_pacer_runs(clock: SharedClock) -> None:
    """Nobody but the pacer moves time, so a process that attaches cannot disturb it."""
    assert clock.wait(threading.Event(), 0) is False
    assert clock.now_us() == START_US


@pytest.mark.usefixtures("pacer")
def test_a_wait_ends_at_its_instant(clock: SharedClock) -> None:
    """Thirty hub seconds pass, and not much more, though no loop has registered."""
    assert clock.wait(threading.Event(), 30) is False
    assert hub_s(clock) >= 30


@pytest.mark.usefixtures("pacer")
def test_a_wait_ends_early_when_its_event_is_set(clock: SharedClock) -> None:
    """A stop must not wait for hub time: an hour's wait ends when the event says so."""
    woken = threading.Event()
    timer = threading.Timer(0.05, woken.set)
    timer.start()
    assert clock.wait(woken, 3600) is True
    timer.join()
    assert hub_s(clock) < 3600


def test_time_never_runs_past_a_silent_loop_by_more_than_the_lead(
    clock: SharedClock, pacer: Pacer
) -> None:
    """A loop that has beaten and then does long work holds time at its beat plus lead_s."""
    before_s = hub_s(clock)
    clock.beat("slow")
    after_s = hub_s(clock)
    held = threading.Event()

    def watch() -> None:
        while not pacer.held_by and not held.wait(0.01):
            continue
        held.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    until(held, "the pacer never said who holds time")
    watcher.join()
    assert pacer.held_by == "slow"
    assert before_s + 2 - 1e-6 <= hub_s(clock) <= after_s + 2 + 1e-6  # time ran when it beat


@pytest.mark.usefixtures("pacer")
def test_a_waiting_loop_lets_time_pass_but_only_to_its_instant_and_the_lead(
    clock: SharedClock,
) -> None:
    """While a loop waits 10 s, time runs; once due, it stands until that loop has acted.

    A loop with an instant to keep is given 0.5 s, less than the period of a poll.
    """
    waited, let_go = threading.Event(), threading.Event()

    def loop() -> None:
        clock.beat("poller")
        clock.wait(threading.Event(), 10)
        waited.set()
        let_go.wait(LONG_S)  # its work takes long, in real time
        clock.forget("poller")

    thread = threading.Thread(target=loop)
    thread.start()
    until(waited, "the wait did not end")
    try:
        for_real = threading.Event()
        assert not for_real.wait(0.3)  # thirty hub seconds, were time not held
        stands_s = hub_s(clock)
        assert not for_real.wait(0.3)
        bound = clock.ceiling()
        assert bound is not None
        assert bound[1] == "poller"
        assert 10 <= stands_s == hub_s(clock)
        assert clock.now_us() <= bound[0]
    finally:
        let_go.set()
        thread.join()


@pytest.mark.usefixtures("pacer")
def test_a_forgotten_loop_no_longer_holds_time(clock: SharedClock) -> None:
    """A loop that ended in order is out of the reckoning at once."""
    clock.beat("ended")
    clock.forget("ended")
    assert clock.wait(threading.Event(), 10) is False
    assert hub_s(clock) >= 10


@pytest.mark.usefixtures("pacer")
def test_a_killed_process_no_longer_holds_time(clock: SharedClock) -> None:
    """Kill -9 leaves the slot behind; the pacer finds the process gone, even unreaped."""
    code = (
        "import sys, pathlib; from hub.simulate.shared_clock import SharedClock\n"
        "c = SharedClock.attach(pathlib.Path(sys.argv[1])); c.beat('victim')\n"
        "print('beaten', flush=True); sys.stdin.read()"
    )
    victim = subprocess.Popen(
        [sys.executable, "-c", code, str(clock.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "beaten\n"
        ceiling = clock.ceiling()
        assert ceiling is not None
        assert ceiling[1] == "victim"
        victim.kill()
        assert clock.wait(threading.Event(), 10) is False
        assert clock.ceiling() is None


def test_two_processes_at_different_speeds_never_drift_apart(
    clock: SharedClock, pacer: Pacer
) -> None:
    """A slow loop in another process delays a quick one here; neither ever sees a gap.

    The other process polls once per hub second with 30 ms of real work each time: at factor
    100 that alone is three hub seconds, so an unheld clock would leave holes of 3 s. (Before its
    first wait it counts as a loop without an instant to keep, hence the second beat on.)
    """
    code = (
        "import sys, pathlib, threading\n"
        "from hub.simulate.shared_clock import SharedClock\n"
        "c = SharedClock.attach(pathlib.Path(sys.argv[1])); never = threading.Event()\n"
        "for n in range(20):\n"
        "    c.beat('slow'); print(c.now_us(), flush=True); never.wait(0.03); c.wait(never, 1)\n"
        "c.forget('slow')\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(clock.path)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    seen_here: list[int] = []
    with other:
        first = other.stdout.readline()
        while other.poll() is None:
            clock.beat("quick")
            seen_here.append(clock.now_us())
            clock.wait(threading.Event(), 1)
        seen_there = [int(first), *map(int, other.stdout)]
    assert len(seen_there) == 20
    assert max(b - a for a, b in pairwise(seen_there[1:])) <= 2_000_000
    assert max(b - a for a, b in pairwise(seen_here)) <= 1_600_000
    assert all(b >= a for a, b in pairwise(seen_there))


def test_a_stalled_pacer_does_not_make_time_jump(clock: SharedClock) -> None:
    """Stopped and started again, the pacer goes on from where time stood."""
    first = Pacer(clock)
    first.start()
    clock.wait(threading.Event(), 5)
    first.stop()
    stood_us = clock.now_us()
    assert not threading.Event().wait(0.2)  # twenty hub seconds, were time running
    assert clock.now_us() == stood_us


def test_the_environment_names_the_clock(clock: SharedClock) -> None:
    """GASHUB_CLOCK set: the shared clock. Not set: the real one."""
    shared = chosen_clock({ENV: str(clock.path)})
    assert isinstance(shared, SharedClock)
    assert shared.now_us() == START_US
    shared.close()
    assert isinstance(chosen_clock({}), HubClock)


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\0" * 20_000])
def test_a_file_that_is_no_clock_is_refused(tmp_path: Path, content: bytes) -> None:
    """A wrong path must not be taken for a clock that stands still."""
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a shared clock"):
        SharedClock.attach(path)


def test_slots_are_used_again(clock: SharedClock) -> None:
    """Loops come and go for days; a thousand of them one after another find room."""
    for number in range(1000):
        clock.beat(f"loop {number}")
        clock.forget(f"loop {number}")
    assert clock.ceiling() is None


def test_too_many_loops_are_refused_by_name(clock: SharedClock) -> None:
    """The 129th loop is told that there is no room, instead of running unseen."""
    for number in range(128):
        clock.beat(f"loop {number}")
    with pytest.raises(RuntimeError, match="no room for loop 128"):
        clock.beat("loop 128")


def test_the_slowest_loop_is_told_by_name(clock: SharedClock) -> None:
    """Whoever holds time is named as it named itself, Chinese letters included."""
    clock.beat("线路:立管")
    ceiling = clock.ceiling()
    assert ceiling is not None
    assert ceiling[1] == "线路:立管"
