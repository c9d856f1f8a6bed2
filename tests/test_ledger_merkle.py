"""Merkle tree: RFC 6962 roots and proofs, from the vectors everybody uses and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.merkle import (
    Frontier,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from hub.ledger.tree import Tree

# The eight-entry tree of the Certificate Transparency reference tests.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATH_OF_ENTRY_0_IN_8 = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
LEAVES = st.lists(st.binary(max_size=4).map(leaf_hash), min_size=1, max_size=70)


def plain_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(plain_root(leaves[:k]), plain_root(leaves[k:]))


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_public_vectors(size: int) -> None:
    """Frontier and tree both give the known root at every size from 0 to 8."""
    frontier, tree = Frontier(), Tree()
    for entry in ENTRIES[:size]:
        frontier.append(leaf_hash(entry))
        tree.append(leaf_hash(entry))

    assert frontier.root().hex() == tree.root(size).hex() == ROOTS[size]


def test_the_path_of_the_first_of_eight_is_the_public_vector() -> None:
    """The inclusion proof is made in the order that RFC 6962 asks for."""
    tree = Tree(leaf_hash(entry) for entry in ENTRIES)

    assert [step.hex() for step in tree.inclusion(0, 8)] == PATH_OF_ENTRY_0_IN_8


@given(LEAVES)
def test_appending_gives_the_root_of_the_definition(leaves: list[bytes]) -> None:
    """However long the log, the frontier's root is the recursive one, and survives storing."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)

    again = Frontier.from_bytes(frontier.size, frontier.to_bytes())
    assert frontier.root() == again.root() == plain_root(leaves)


@given(LEAVES, st.data())
def test_an_inclusion_proof_holds_for_its_entry_only(
    leaves: list[bytes], data: st.DataObject
) -> None:
    """The proof of one entry proves neither another entry nor another place nor another root."""
    tree = Tree(leaves)
    size = data.draw(st.integers(1, len(leaves)))
    index = data.draw(st.integers(0, size - 1))
    proof, root = tree.inclusion(index, size), tree.root(size)

    assert verify_inclusion(leaves[index], index, size, proof, root)
    assert not verify_inclusion(leaf_hash(b"another"), index, size, proof, root)
    assert not verify_inclusion(leaves[index], index, size, proof, leaf_hash(b"another"))
    assert not verify_inclusion(leaves[index], index, size, [*proof, root], root)
    assert not verify_inclusion(leaves[index], size, size, proof, root)
    if proof:
        assert not verify_inclusion(leaves[index], index, size, proof[:-1], root)
        assert not verify_inclusion(leaves[index], index ^ 1, size, proof, root) or (
            leaves[index] == leaves[index ^ 1 if index ^ 1 < size else index]
        )


@given(LEAVES, st.data())
def test_a_consistency_proof_holds_for_a_grown_log_only(
    leaves: list[bytes], data: st.DataObject
) -> None:
    """A log that only grew is consistent; one whose past was rewritten is not."""
    new = data.draw(st.integers(1, len(leaves)))
    old = data.draw(st.integers(1, new))
    tree = Tree(leaves)
    changed = [leaf_hash(b"rewritten"), *leaves[1:]]
    proof = tree.consistency(old, new)
    forged = Tree(changed)

    assert verify_consistency(old, new, tree.root(old), tree.root(new), proof)
    assert not verify_consistency(old, new, tree.root(old), forged.root(new), proof)
    assert not verify_consistency(old, new, forged.root(old), tree.root(new), proof)
    assert not verify_consistency(
        old, new, tree.root(old), forged.root(new), forged.consistency(old, new)
    )
    assert not verify_consistency(old, new, tree.root(old), tree.root(new), [*proof, leaves[0]])


def test_every_log_grows_from_nothing_and_none_shrinks() -> None:
    """Size 0 needs no proof, and an old size above the new one has none."""
    tree = Tree(leaf_hash(entry) for entry in ENTRIES)
    empty = Frontier().root()

    assert verify_consistency(0, 8, empty, tree.root(8), [])
    assert not verify_consistency(0, 8, tree.root(1), tree.root(8), [])
    assert not verify_consistency(8, 4, tree.root(8), tree.root(4), [])


def test_stored_peaks_that_do_not_fit_the_size_are_refused() -> None:
    """A frontier of the wrong length cannot be taken for a tree."""
    with pytest.raises(ValueError, match="2 peaks, got 1"):
        Frontier(3, [b"\0" * 32])
    with pytest.raises(ValueError, match="not whole hashes"):
        Frontier.from_bytes(1, b"\0" * 31)
