"""RFC 6962 Merkle tree: hashes, an append-only frontier, and the checks of proofs.

Leaf = SHA-256(0x00 || entry), node = SHA-256(0x01 || left || right), RFC 6962 section 2.1.
The proof checks follow RFC 9162 sections 2.1.3.2 and 2.1.4.2. Making proofs needs all leaves:
`hub.ledger.tree`.
"""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


class Frontier:
    """What must be kept of a tree in order to append to it: one hash per set bit of its size.

    `peaks` are the roots of the perfect subtrees from left (largest) to right.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} has {size.bit_count()} peaks, got {len(peaks)}")
        self.size = size
        self.peaks = list(peaks)

    def append(self, leaf: bytes) -> None:
        at = self.size
        while at & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            at >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Root of the tree; of an empty one the hash of nothing, as RFC 6962 has it."""
        if not self.peaks:
            return sha256().digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> "Frontier":
        return Frontier(self.size, self.peaks)

    def to_bytes(self) -> bytes:
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, stored: bytes) -> "Frontier":
        """Raises ValueError when the bytes are not the frontier of a tree of *size*"""
        if len(stored) % HASH_BYTES:
            raise ValueError(f"{len(stored)} bytes are not whole hashes")
        peaks = [stored[i : i + HASH_BYTES] for i in range(0, len(stored), HASH_BYTES)]
        return cls(size, peaks)


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Is *leaf* entry *index* of the tree of *size* entries with this *root*?"""
    if not 0 <= index < size:
        return False
    at, last, seen = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            seen = node_hash(step, seen)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            seen = node_hash(seen, step)
        at >>= 1
        last >>= 1
    return last == 0 and seen == root


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Is the tree of *new_size* the tree of *old_size* with entries only added at its end?"""
    if not 0 <= old_size <= new_size:
        return False
    if old_size == 0:
        return not proof and old_root == Frontier().root()
    if old_size == new_size:
        return not proof and old_root == new_root
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at >>= 1
        last >>= 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            new = node_hash(new, step)
        at >>= 1
        last >>= 1
    return last == 0 and old == old_root and new == new_root
