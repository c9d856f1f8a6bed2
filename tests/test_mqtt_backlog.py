"""What waited in the broker's session is late; what comes at its own pace is not, for ever."""

from plugins.mqtt.backlog import Backlog


def steady(backlog: Backlog, seconds: float, per_s: int, linger_s: float = 0.2) -> None:
    """Messages at a steady pace, acknowledged together after a linger, as the hub does."""
    turns = round(seconds / 0.01)
    waiting = 0
    for turn in range(turns):
        if turn * per_s * 0.01 % 1 < per_s * 0.01:
            backlog.arrived(1)
            waiting += 1
        if waiting >= 10 or (waiting and turn % round(linger_s / 0.01) == 0):
            backlog.acknowledged(waiting)
            waiting = 0
        backlog.look(emptied=True, connected_for_s=turn * 0.01)


def test_a_stream_that_never_pauses_becomes_fresh() -> None:
    """50 messages a second without one empty turn: within 5 s they count as now."""
    backlog = Backlog()
    steady(backlog, 5, per_s=50)

    assert backlog.waiting is False


def test_a_slow_instrument_becomes_fresh() -> None:
    """One message a second."""
    backlog = Backlog()
    steady(backlog, 5, per_s=1)

    assert backlog.waiting is False


def test_a_queue_that_is_still_coming_stays_late() -> None:
    """The broker refills the window of 20 after each acknowledgement, for an hour."""
    backlog = Backlog()
    backlog.arrived(20)
    for turn in range(3600 * 20):
        backlog.acknowledged(10)
        backlog.arrived(10)
        backlog.look(emptied=True, connected_for_s=turn * 0.05)

    assert backlog.waiting is True


def test_silence_with_a_full_window_proves_nothing() -> None:
    """The store refuses, nothing is acknowledged, so nothing comes: the queue is still there."""
    backlog = Backlog()
    backlog.arrived(20)
    for turn in range(1000):
        backlog.look(emptied=True, connected_for_s=turn * 0.05)

    assert backlog.waiting is True


def test_a_new_connection_begins_again() -> None:
    """Whatever was calm before, the next session may hold a queue."""
    backlog = Backlog()
    steady(backlog, 5, per_s=1)
    backlog.begin()

    assert backlog.waiting is True
