"""The text of a float32 is the same number, and shows no digit that the instrument did not send."""

import math
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub import float32_text


def single(number: float) -> bytes:
    return struct.pack(">f", number)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
@example(-0.0)
@example(struct.unpack(">f", b"\x7f\x7f\xff\xff")[0])
@example(struct.unpack(">f", b"\x00\x00\x00\x01")[0])
def test_every_float_comes_back_to_its_own_bytes(number: float) -> None:
    """Also the smallest and the largest; a minus zero is a zero. Short enough for a reading."""
    text = float32_text(number)
    assert single(float(text)) == (single(number) if number else bytes(4))
    assert len(text) <= 15


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (0.1, "0.1"), (25.21484, "25.21484"), (2031.25, "2031.25"), (1e6, "1000000"),
        (1e-5, "0.00001"), (-1.5e-30, "-1.5e-30"), (16777216.0, "16777216"),
    ],
)  # fmt: skip
def test_it_is_the_number_that_a_person_would_write(sent: float, text: str) -> None:
    (number,) = struct.unpack(">f", single(sent))
    assert float32_text(number) == text


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="no finite number"):
        float32_text(number)
