"""All hashes of a Merkle tree, to make inclusion and consistency proofs from.

Takes 64 bytes per entry. Only the CLI and the export build one; appending needs a `Frontier`.
"""

from collections.abc import Iterable

from hub.ledger.merkle import HASH_BYTES, Frontier, node_hash


class Tree:
    """Perfect subtrees by level: level 0 holds the leaf hashes, level k the roots of 2^k."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> None:
        level, at = 0, self.size
        self._levels[0] += leaf
        while at & 1:
            pair = bytes(self._levels[level][-2 * HASH_BYTES :])
            level, at = level + 1, at >> 1
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += node_hash(pair[:HASH_BYTES], pair[HASH_BYTES:])

    def root(self, size: int) -> bytes:
        """Root of the first *size* entries."""
        return self._range(0, size) if size else Frontier().root()

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Proof that entry *index* is in the tree of the first *size* entries."""
        if not 0 <= index < size <= self.size:
            raise ValueError(f"no entry {index} in a tree of {size} (of {self.size})")
        proof = []
        low, high = 0, size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                proof.append(self._range(middle, high))
                high = middle
            else:
                proof.append(self._range(low, middle))
                low = middle
        return proof[::-1]

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """Proof that the first *new_size* entries begin with the first *old_size*."""
        if not 0 <= old_size <= new_size <= self.size:
            raise ValueError(f"no trees of {old_size} and {new_size} (have {self.size})")
        if old_size in (0, new_size):
            return []
        proof = []
        low, high, whole = 0, new_size, True
        while old_size != high:
            middle = low + _split(high - low)
            if old_size <= middle:
                proof.append(self._range(middle, high))
                high = middle
            else:
                proof.append(self._range(low, middle))
                low, whole = middle, False
        if not whole:
            proof.append(self._range(low, high))
        return proof[::-1]

    def _range(self, low: int, high: int) -> bytes:
        """Root of entries [low, high); low is a multiple of the power of two that covers it."""
        count = high - low
        if count & (count - 1) == 0:
            level, at = count.bit_length() - 1, low // count
            return bytes(self._levels[level][at * HASH_BYTES : (at + 1) * HASH_BYTES])
        middle = low + _split(count)
        return node_hash(self._range(low, middle), self._range(middle, high))


def _split(count: int) -> int:
    """Largest power of two smaller than *count* (RFC 6962's k)."""
    return 1 << (count - 1).bit_length() - 1
