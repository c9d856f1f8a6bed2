"""Entries: any change of head, salt or stored body shows at the entry itself."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.ledger.entry import PACK_OVER_BYTES, check, open_head, pack, seal, unpack
from hub.ledger.reader import parse_row

T = 1_790_000_000_000_000
BODIES = st.binary(max_size=40) | st.binary(min_size=1, max_size=9).map(lambda b: b * 300)


@given(BODIES)
def test_a_body_comes_back_as_it_was(body: bytes) -> None:
    """Small bodies are stored plain and large ones packed; both come back."""
    stored, codec = pack(body)

    assert unpack(stored, codec) == body
    assert codec == ("plain" if len(body) <= PACK_OVER_BYTES else "deflate")


@settings(max_examples=300)
@given(BODIES, st.data())
def test_one_flipped_bit_anywhere_is_seen(body: bytes, data: st.DataObject) -> None:
    """A bit of the head, the salt or the stored body, even an unused one of the packing."""
    head, salt = seal(3, "readings", T, body, {"order": "X"})
    stored, codec = pack(body)
    columns = [head, salt, stored]
    column = data.draw(st.sampled_from([n for n, c in enumerate(columns) if c]))
    bit = data.draw(st.integers(0, len(columns[column]) * 8 - 1))
    changed = bytearray(columns[column])
    changed[bit // 8] ^= 1 << bit % 8
    columns[column] = bytes(changed)
    try:
        entry = parse_row((3, *columns, codec))
        wrong = check(entry)
    except ValueError as e:
        wrong = str(e)

    assert wrong


def test_a_sealed_entry_is_found_good() -> None:
    """The check passes what was not changed; without it the test above would prove nothing."""
    head, salt = seal(3, "verdict", T, b"{}", {"order": "X"})
    entry = open_head(3, head, salt, b"{}")

    assert check(entry) == ""
    assert (entry.kind, entry.at_us, entry.claims, entry.refs) == ("verdict", T, 3, {"order": "X"})


def test_the_same_body_gives_another_digest_each_time() -> None:
    """The salt is fresh, so an erased body cannot be guessed from its digest."""
    digests = {orjson.loads(seal(1, "notice", T, b"same", {})[0])["digest"] for _ in range(8)}

    assert len(digests) == 8


@pytest.mark.parametrize("kind", ["", "X", "Verdict", "a-b", "x" * 40])
def test_a_kind_is_one_lower_case_word(kind: str) -> None:
    """A misspelt kind stops at the writer."""
    with pytest.raises(ValueError, match="lower_case word"):
        seal(0, kind, T, b"", {})


def test_keys_of_refs_are_ascii() -> None:
    """Only for those the fast canonical form is proved."""
    with pytest.raises(ValueError, match="ASCII"):
        seal(0, "order", T, b"", {"订单": "1"})


@pytest.mark.parametrize(
    ("stored", "codec", "wrong"),
    [
        pytest.param(b"x", "brotli", "unknown codec", id="codec"),
        pytest.param(b"", "deflate", "CRC", id="nothing"),
        pytest.param(pack(b"a" * 600)[0][:-1], "deflate", "CRC", id="cut"),
    ],
)
def test_what_pack_did_not_write_does_not_unpack(stored: bytes, codec: str, wrong: str) -> None:
    """A foreign or cut body is an error with its reason."""
    with pytest.raises(ValueError, match=wrong):
        unpack(stored, codec)
