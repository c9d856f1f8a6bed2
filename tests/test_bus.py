"""The bus is bounded, keeps order, and lets nobody wait in vain."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.bus import Bus
from hub.errors import CommandRefused
from hub.model import Intake


def intake(k: int) -> Intake:
    return Intake("line-a", b"%d" % k, k, dropped="noise")


def test_what_is_put_is_taken_once_and_in_order() -> None:
    """Two takes with a limit return everything, oldest first."""
    bus = Bus(room=10)
    bus.put([intake(k) for k in range(5)], threading.Event())

    first = bus.take(3, 0)[1]
    second = bus.take(3, 0)[1]

    assert [i.at_us for i in (*first, *second)] == [0, 1, 2, 3, 4]


def test_a_full_bus_makes_the_putter_wait_and_loses_nothing() -> None:
    """With room for 2, a thread that puts 500 is slowed to the taker's pace."""
    bus, stop = Bus(room=2), threading.Event()

    def put_all() -> None:
        for k in range(500):
            assert bus.put([intake(k)], stop)

    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(put_all)
        taken = []
        while len(taken) < 500:
            got = bus.take(7, 1.0)[1]
            assert len(got) <= 3
            taken += got
        putting.result(5)

    assert [i.at_us for i in taken] == list(range(500))


def test_a_putter_that_waits_for_room_gives_up_when_told_to_stop() -> None:
    """Stopping a driver does not need the judge."""
    bus, stop = Bus(room=1), threading.Event()
    bus.put([intake(0)], stop)
    with ThreadPoolExecutor(1) as pool:
        putting = pool.submit(bus.put, [intake(1)], stop)
        stop.set()

        assert putting.result(5) is False


def test_tasks_do_not_wait_behind_readings() -> None:
    """A command comes out of the first take, however many readings wait."""
    bus = Bus(room=1000)
    bus.put([intake(k) for k in range(900)], threading.Event())
    bus.submit(lambda _: None)

    tasks, items = bus.take(10, 0)

    assert (len(tasks), len(items)) == (1, 10)


def test_a_store_that_refuses_input_leaves_readings_where_they_are() -> None:
    """take(items=False) answers commands and touches no reading."""
    bus = Bus(room=10)
    bus.put([intake(1)], threading.Event())

    assert bus.take(10, 0, items=False) == ([], [])
    assert len(bus.take(10, 0)[1]) == 1


def test_more_tasks_than_the_lane_holds_are_refused_with_a_remedy() -> None:
    """The lane of commands is bounded too."""
    bus = Bus(task_room=2)
    bus.submit(lambda _: None)
    bus.submit(lambda _: None)
    with pytest.raises(CommandRefused, match="gashub status"):
        bus.submit(lambda _: None)
