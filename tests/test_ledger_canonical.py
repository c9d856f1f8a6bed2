"""Canonical JSON: the fast writer gives the bytes of RFC 8785."""

import math

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.canonical import canonical, canonical_fast

ASCII = st.text(st.characters(max_codepoint=0x7F), max_size=8)
SAFE = 2**53 - 1
SCALARS = st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ASCII, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(ASCII, VALUES, max_size=6))
def test_the_fast_writer_gives_the_bytes_of_rfc_8785(value: dict[str, object]) -> None:
    """For ASCII keys and str, int, bool, None, list and dict both writers agree, byte for byte."""
    assert canonical_fast(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # see canonical


@pytest.mark.parametrize("value", [2**53, -(2**53), "\ud800"])
def test_the_fast_writer_refuses_what_rfc_8785_cannot_hold(value: object) -> None:
    """A number that a double cannot hold, or half a character, never gets into an entry."""
    with pytest.raises(TypeError):
        canonical_fast({"a": value})


@pytest.mark.parametrize("value", [2**53, "\ud800", math.nan, math.inf, {1, 2}, b"x"])
def test_canonical_refuses_what_is_not_json(value: object) -> None:
    """What RFC 8785 does not know is an error, never a guess."""
    with pytest.raises(ValueError, match=r".+"):
        canonical({"a": value})


def test_keys_outside_ascii_are_sorted_by_utf_16_unit() -> None:
    """RFC 8785 section 3.2.3: the emoji's surrogates sort before U+FB33."""
    assert canonical({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()
