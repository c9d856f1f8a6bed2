"""Framers: whole frames come out as sent, wherever reads cut; noise is counted, never framed."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.framing import (
    DelimiterFramer,
    FixedFramer,
    Framer,
    LengthFramer,
    LineFramer,
    crc16_modbus,
    xor8,
)


def sums_to_zero(frame: bytes) -> bool:
    return sum(frame) % 256 == 0


def summed(body: bytes) -> bytes:
    return body + bytes([-sum(body) % 256])


def length_field(head: bytes) -> int | None:
    return None if len(head) < 2 else head[1]


LINES = [b"$A,1*00\r\n", b"$B,22*11\r\n"]
FIXED = [summed(b"\xffABCDEF"), summed(b"\xff\xff\x01\x02\x03\x04\x05")]
SIZED = [summed(b"\x7e\x05ab"), summed(b"\x7e\x08\x7exyz1")]
MARKED = [b"{" + summed(b"one") + b"}", b"{" + summed(b"t}o") + b"}"]

KINDS = {
    "line": (LineFramer, LINES),
    "fixed": (lambda: FixedFramer(8, b"\xff", sums_to_zero), FIXED),
    "length": (lambda: LengthFramer(length_field, b"\x7e", 32, sums_to_zero), SIZED),
    "delimiter": (
        lambda: DelimiterFramer(b"{", b"}", 32, lambda f: sums_to_zero(f[1:-1])),
        MARKED,
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[object, list[bytes]]:
    return KINDS[request.param]


def test_every_split_gives_the_same_frames(kind) -> None:
    """Two frames cut at every pair of places come out whole, once, with no noise."""
    make, frames = kind
    stream = b"".join(frames)
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1):
            framer = make()
            got = [
                frame
                for part in (stream[:first], stream[first:second], stream[second:])
                for frame in framer.feed(part)
            ]
            assert got == frames
            assert (framer.noise, framer.pending) == (0, 0)


def test_two_frames_in_one_read_are_two(kind) -> None:
    make, frames = kind
    assert make().feed(frames[0] * 2 + frames[1]) == [frames[0], frames[0], frames[1]]


def test_noise_before_a_frame_is_counted_and_skipped(kind) -> None:
    make, frames = kind
    framer = make()
    assert framer.feed(b"\x00\x01\x02zz" + frames[0]) == [frames[0]]
    assert framer.noise == 5


def test_a_frame_cut_off_does_not_take_the_next_one_along(kind) -> None:
    """The first frame loses its end at every place: the second and third still come, alone.

    Only what a false start of the first can hold back is lost, never glued.
    """
    make, frames = kind
    for cut in range(len(frames[0])):
        got = make().feed(frames[0][:cut] + frames[1] + frames[0] + frames[1])
        assert got[-2:] == [frames[0], frames[1]]
        assert all(frame in frames for frame in got)


def test_reset_forgets_the_half_frame(kind) -> None:
    """A half frame before a reset and the other half after it are noise, not a frame."""
    make, frames = kind
    framer = make()
    framer.feed(frames[0][:4])
    framer.reset()
    assert framer.pending == 0
    assert framer.feed(frames[0][4:] + frames[1]) == [frames[1]]
    assert framer.noise == len(frames[0])


def test_memory_stays_bounded_under_endless_noise(kind) -> None:
    """A megabyte without a frame, full of starts, holds back less than one longest frame."""
    make, _ = kind
    framer: Framer = make()
    noise = random.Random(5)
    for _ in range(1000):
        framer.feed(bytes(noise.choice(b"$\xff\x7e{abc\x00") for _ in range(1000)))
        assert framer.pending <= 200
    framer.reset()
    assert framer.noise <= 1_000_000


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_every_byte_is_framed_pending_or_noise(noise: bytes, cuts: list[int]) -> None:
    """Nothing that was fed is unaccounted for, for any bytes and any cuts."""
    for make, frames in KINDS.values():
        framer: Framer = make()
        stream = noise + frames[0] + noise
        edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
        got = [frame for begin, end in pairwise(edges) for frame in framer.feed(stream[begin:end])]
        assert sum(map(len, got)) + framer.pending + framer.noise == len(stream)


def test_an_overlong_line_is_dropped_and_the_next_one_read() -> None:
    framer = LineFramer(b"\r\n", b"$", longest=20)
    assert framer.feed(b"$" + b"x" * 500 + b"\r\n$ok\r\n") == [b"$ok\r\n"]
    assert framer.noise == 503


def test_lines_without_a_start_mark_end_at_the_terminator() -> None:
    framer = LineFramer(b"\n", b"", longest=10)
    assert framer.feed(b"one\ntwo\n" + b"x" * 50) == [b"one\n", b"two\n"]
    assert framer.feed(b"yy\nthree\n") == [b"three\n"]
    assert framer.noise == 53


def test_a_restarted_line_counts_from_its_last_start() -> None:
    framer = LineFramer()
    assert framer.feed(b"$GFDTA,7.2,98$GFDTA,1*00\r\n") == [b"$GFDTA,1*00\r\n"]
    assert framer.noise == 13


def test_crc16_modbus_is_the_published_example() -> None:
    assert crc16_modbus(bytes.fromhex("010300000001")) == bytes.fromhex("840A")


def test_xor8_is_the_published_example() -> None:
    body = b"GFDTA,7.7,98,600,5527,2011/01/27 13:29:28,HFH2O-1xxx,1"
    assert xor8(body) == 0x2B
