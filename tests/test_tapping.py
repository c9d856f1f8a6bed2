"""The tap of a line: free while nobody looks, bounded while somebody does, honest about losses."""

import sys

from hub.clock import HandClock
from hub.tapping import LONGEST, MOST_AT_ONCE, MOST_BYTES, MOST_SEEN, OPEN_FOR_S, Tap


class Moment:
    """A monotonic time that is moved by hand."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def tap_at(moment: Moment) -> Tap:
    tap = Tap(HandClock(now_us=7), moment)
    tap.instrument = "pm-1"
    return tap


def test_nothing_is_kept_while_nobody_looks() -> None:
    tap = tap_at(Moment())
    tap.note("device", b"x" * 1000)
    assert not tap.watched
    assert tap.look(0).seen == []


def test_what_is_noted_after_a_look_comes_with_the_next_one_in_order() -> None:
    tap = tap_at(Moment())
    begun = tap.look()
    tap.note("hub", b"?")
    tap.note("device", b"\x00\xff")
    seen, after, missed = tap.look(begun.next)
    assert [(one.what, one.data, one.instrument, one.at_us) for one in seen] == [
        ("hub", b"?", "pm-1", 7),
        ("device", b"\x00\xff", "pm-1", 7),
    ]
    assert (missed, tap.look(after).seen) == (0, [])


def test_two_lookers_do_not_take_from_each_other() -> None:
    tap = tap_at(Moment())
    one, other = tap.look(), tap.look()
    tap.note("device", b"a")
    assert [len(tap.look(begun.next).seen) for begun in (one, other)] == [1, 1]


def test_it_closes_by_itself_and_gives_its_memory_back() -> None:
    """A looker who was killed leaves nothing behind once his time is over."""
    moment = Moment()
    tap = tap_at(moment)
    begun = tap.look()
    tap.note("device", b"a")
    moment.s += OPEN_FOR_S + 0.1
    tap.note("device", b"b")
    assert not tap.watched
    assert tap.look(begun.next).missed >= 1


def test_a_looker_who_comes_back_too_late_is_told_even_if_nothing_was_noted_meanwhile() -> None:
    """Nobody knows what passed while it was closed: that is a hole, not silence."""
    moment = Moment()
    tap = tap_at(moment)
    begun = tap.look()
    moment.s += OPEN_FOR_S + 0.1
    assert tap.look(begun.next).missed == 1


def test_a_looker_of_an_older_hub_begins_anew_and_is_told() -> None:
    seen, after, missed = tap_at(Moment()).look(900)
    assert (seen, after, missed) == ((), 0, 1)


def test_a_slow_looker_loses_the_oldest_and_is_told_how_many() -> None:
    tap = tap_at(Moment())
    begun = tap.look()
    for number in range(MOST_SEEN + 10):
        tap.note("device", str(number).encode())
    seen, _, missed = tap.look(begun.next)
    assert missed == 10
    assert seen[0].data == b"10"


def test_bytes_are_bounded_too() -> None:
    """Long messages push out old ones before they are many."""
    tap = tap_at(Moment())
    begun = tap.look()
    for _ in range(100):
        tap.note("device", b"x" * LONGEST)
    seen, _, missed = tap.look(begun.next)
    assert len(seen) == MOST_BYTES // LONGEST
    assert missed == 100 - len(seen)


def test_one_answer_is_bounded_and_the_next_goes_on_where_it_ended() -> None:
    tap = tap_at(Moment())
    begun = tap.look()
    for number in range(MOST_AT_ONCE + 3):
        tap.note("device", str(number).encode())
    first = tap.look(begun.next)
    second = tap.look(first.next)
    assert (len(first.seen), len(second.seen), second.missed) == (MOST_AT_ONCE, 3, 0)


def test_a_long_message_is_cut_and_says_so() -> None:
    tap = tap_at(Moment())
    begun = tap.look()
    tap.note("device", b"x" * (LONGEST + 5))
    ((one,), _, _) = tap.look(begun.next)
    assert (len(one.data), one.size) == (LONGEST, LONGEST + 5)


def test_a_closed_tap_holds_no_memory() -> None:
    """However much passes."""
    tap = tap_at(Moment())
    empty = sys.getsizeof(tap._ring)
    for _ in range(10_000):
        tap.note("device", b"x" * 100)
    assert sys.getsizeof(tap._ring) == empty
