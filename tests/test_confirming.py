"""`hub.Confirm`: a jump is believed only when the next look says the same."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import Confirm


def said(confirm: Confirm, *values: int) -> list[bool]:
    return [confirm.believes(Decimal(value)) for value in values]


def test_small_steps_are_believed_at_once() -> None:
    """Up to `over`, and the limit itself belongs to it."""
    assert said(Confirm(Decimal(50)), 2000, 2050, 2000, 1950) == [True] * 4


def test_a_jump_needs_a_second_look_that_agrees() -> None:
    assert said(Confirm(Decimal(50)), 2000, 3000, 3010, 3000) == [True, False, True, True]


def test_one_wrong_value_between_right_ones_is_dropped_alone() -> None:
    """The next true value is near the last one believed, and goes out without a second look."""
    assert said(Confirm(Decimal(50)), 2000, 9000, 2001, 2002) == [True, False, True, True]


def test_a_dropped_value_vouches_for_nothing_later() -> None:
    """Once a true value has come in between, the same wrong value needs two looks again."""
    assert said(Confirm(Decimal(50)), 2000, 9000, 2001, 9000) == [True, False, True, False]


def test_two_wrong_values_that_differ_do_not_confirm_each_other() -> None:
    assert said(Confirm(Decimal(50)), 2000, 9000, 4000, 2000) == [True, False, False, True]


def test_a_pressure_that_moves_on_between_two_looks_is_believed() -> None:
    """Pumped up by 1000 a poll, 200 of it between the two looks: each poll gives a value."""
    assert said(Confirm(Decimal(50)), 0, 1000, 1200, 2200, 2400) == [
        True, False, True, False, True,
    ]  # fmt: skip


def test_the_quarter_is_of_the_jump_and_no_more() -> None:
    assert said(Confirm(Decimal(50)), 0, 1000, 1251) == [True, False, False]
    assert said(Confirm(Decimal(50)), 0, 1000, 1250) == [True, False, True]


@pytest.mark.parametrize(("first", "expected"), [(True, [False, True]), (False, [True, True])])
def test_the_first_value_is_as_the_protocol_deserves(first: bool, expected: list[bool]) -> None:
    assert said(Confirm(Decimal(50), first=first), 2000, 2001) == expected


def test_without_a_last_value_only_over_counts() -> None:
    """There is no jump to take a quarter of."""
    assert said(Confirm(Decimal(50), first=True), 2000, 2051, 2051) == [False, False, True]


def test_no_number_is_nothing_to_doubt_and_changes_nothing() -> None:
    confirm = Confirm(Decimal(50))
    assert said(confirm, 2000, 9000) == [True, False]
    assert confirm.believes(None)
    assert said(confirm, 9000) == [True]


def test_after_a_reset_nothing_is_remembered() -> None:
    confirm = Confirm(Decimal(50), first=True)
    assert said(confirm, 2000, 2000) == [False, True]
    confirm.reset()
    confirm.reset()
    assert said(confirm, 2000, 2000) == [False, True]


@given(st.lists(st.integers(-10_000, 10_000), max_size=40), st.integers(0, 200))
def test_a_value_is_believed_only_with_a_witness(values: list[int], over: int) -> None:
    """Each believed value is near the last believed one, or repeats the one just before it."""
    confirm = Confirm(Decimal(over), first=True)
    last: int | None = None
    for before, value in zip([None, *values], values, strict=False):
        if confirm.believes(Decimal(value)):
            jump = abs(before - last) if None not in (before, last) else 0
            near = last is not None and abs(value - last) <= over
            repeats = before is not None and abs(value - before) <= max(over, jump / 4)
            assert near or repeats
            last = value


@given(st.integers(-10_000, 10_000), st.integers(-10_000, 10_000))
def test_two_equal_values_in_a_row_are_always_believed(before: int, value: int) -> None:
    """No state makes an instrument mute for good."""
    confirm = Confirm(Decimal(50), first=True)
    said(confirm, before, before)
    assert said(confirm, value, value)[1]
