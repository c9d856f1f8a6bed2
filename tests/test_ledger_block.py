"""Blocks: what went in comes out, whatever it was."""

from decimal import Decimal
from hashlib import sha256

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import BadFrame
from hub.ledger import decode_block, encode_block
from hub.ledger.block import DEAD_LETTER_BYTES
from hub.model import Intake, Reading

T = 1_790_000_000_000_000
TEXT = st.text(max_size=8)
TIMES = st.integers(0, 2**52)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
READINGS = st.builds(
    Reading,
    TEXT, TEXT, TEXT, TEXT, TEXT, st.none() | DECIMALS, TEXT, TIMES, TEXT, TEXT, TEXT, TEXT,
)  # fmt: skip
INTAKES = st.builds(
    Intake,
    TEXT,
    st.binary(max_size=40) | TEXT.map(str.encode),
    TIMES,
    st.lists(READINGS, max_size=3).map(tuple),
    st.just(""),
    st.just(""),
    st.none(),
)


def reading(value: str = "5.012", at_us: int = T) -> Reading:
    return Reading("riser", "SN-1", "gauge_pressure", value, "kPa", Decimal(value), "Pa", at_us)


@given(st.lists(INTAKES, max_size=5))
def test_readings_and_frames_come_back_exactly(intakes: list[Intake]) -> None:
    """Every field of every reading, every byte of every frame, and the link between them."""
    block = decode_block(encode_block(intakes))

    assert list(block.readings) == [r for intake in intakes for r in intake.readings]
    assert [str(r.canonical) for r in block.readings] == [
        str(r.canonical) for intake in intakes for r in intake.readings
    ]
    assert list(block.frames) == [(i.source, i.at_us, i.frame) for i in intakes]
    assert list(block.links) == [n for n, i in enumerate(intakes) for _ in i.readings]


@given(st.lists(INTAKES, max_size=3))
def test_a_block_is_canonical_json(intakes: list[Intake]) -> None:
    """The fast writer of blocks gives the bytes that RFC 8785 would."""
    body = encode_block(intakes)

    assert rfc8785.dumps(orjson.loads(body)) == body


def test_a_dead_letter_keeps_its_first_4_kib_its_length_and_its_hash() -> None:
    """A payload of any size is accounted for without filling the ledger."""
    raw = b"\xff" * 10_000
    (dead,) = decode_block(encode_block([Intake("mqtt", raw, T, dead="not JSON")])).dead

    assert (dead.source, dead.at_us, dead.reason) == ("mqtt", T, "not JSON")
    assert dead.raw == raw[:DEAD_LETTER_BYTES]
    assert (dead.length, dead.sha256) == (10_000, sha256(raw).hexdigest())


def test_drops_are_counted_by_source_and_name() -> None:
    """A named drop keeps its count, not its bytes."""
    drops = [Intake("mqtt", b"x", T + n, dropped="retained") for n in range(3)]
    block = decode_block(encode_block([*drops, Intake("laser", b"y", T, dropped="overrun")]))

    assert list(block.drops) == [("mqtt", "retained", 3), ("laser", "overrun", 1)]
    assert block.frames == ()


def test_an_intake_that_ended_in_nothing_still_leaves_its_frame() -> None:
    """Nothing that arrived is without a trace in the record."""
    assert decode_block(encode_block([Intake("mqtt", b"{}", T)])).frames == (("mqtt", T, b"{}"),)


@pytest.mark.parametrize(
    ("frame", "stored"),
    [
        pytest.param(b'{"gas":1}', '{"gas":1}', id="JSON"),
        pytest.param(b"$GFDTA,1,2\r\n", "$GFDTA,1,2\r\n", id="a line with its end"),
        pytest.param("压力".encode(), "压力", id="Chinese"),
        pytest.param(b"\x01\x03\x02\x0b\xb8", "0103020bb8", id="Modbus"),
        pytest.param(b"\x01\x03\x02\x00\x01", "0103020001", id="binary that is also UTF-8"),
    ],
)
def test_frames_are_kept_as_people_can_read_them(frame: bytes, stored: str) -> None:
    """Printable frames stay text, all others are hex; both give the bytes back."""
    body = encode_block([Intake("s", frame, T, (reading(),))])

    assert orjson.loads(body)["frames"][0][2] == stored
    assert decode_block(body).frames[0].raw == frame


def test_half_a_character_is_refused_with_the_source_named() -> None:
    """A text that no JSON can hold is an error at once, not a broken record."""
    with pytest.raises(BadFrame, match="'mqtt'"):
        encode_block([Intake("mqtt", b"x", T, (reading()._replace(instrument="\ud800"),))])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"v":2}',
        encode_block([Intake("s", b"x", T, (reading(),))]).replace(b'"5.012"', b'"x"'),
        encode_block([Intake("s", b"x", T, (reading(),))]).replace(b"[[0,0,", b"[[7,0,"),
    ],
    ids=["empty", "list", "no keys", "version 2", "no number", "no such frame"],
)
def test_what_is_not_a_block_is_told_apart(body: bytes) -> None:
    """Garbage raises ValueError and nothing else."""
    with pytest.raises(ValueError, match="not a block"):
        decode_block(body)


def test_records_are_flat_and_leave_out_what_is_empty() -> None:
    """Followers forward text and numbers only, with the sequence kept."""
    block = decode_block(encode_block([Intake("s", b"x", T, (reading()._replace(seq="9"),))]))

    assert block.records() == [
        {
            "instrument": "riser",
            "serial": "SN-1",
            "quantity": "gauge_pressure",
            "value": "5.012",
            "unit": "kPa",
            "canonical": "5.012",
            "canonical_unit": "Pa",
            "at_us": T,
            "quality": "good",
            "seq": "9",
        }
    ]
