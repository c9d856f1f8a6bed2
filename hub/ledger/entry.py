"""One entry of the log: what its head says, how its body is bound to it, how it is stored.

Head (RFC 8785 JSON; the leaf of the Merkle tree is the hash of these bytes):

    {"at_us":…, "digest":"<hex>", "i":<index>, "kind":"verdict", "refs":{…}, "v":1}

`digest` is SHA-256(salt || facts || body): `facts` is the head without its digest, `salt` is 16
random bytes, `body` the plain body. The digest binds the body to these facts, so that a change
in either shows at this very entry. The salt keeps a short body from being guessed from its
digest once body and salt are erased. `refs` stay for ever: no personal data in them.
"""

import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from hub.ledger.block import Block, decode_block
from hub.ledger.canonical import canonical_fast

HEAD_VERSION = 1
SALT_BYTES = 16
PLAIN, DEFLATE = "plain", "deflate"
PACK_OVER_BYTES = 512
"""Bodies up to this are stored as they are: packing them saves no page and costs time."""
LARGEST_BODY_BYTES = 64 * 1024 * 1024
"""Nothing the hub writes comes near; it bounds what unpacking a hostile file can take."""
_RAW_DEFLATE = -15
_CRC_BYTES = 4
_KIND = re.compile(r"[a-z][a-z_]{1,31}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as read back. `body` and `salt` are None after an erasure.

    `index` is where it stands, `claims` where its head says that it stands.
    """

    index: int
    claims: int
    kind: str
    at_us: int
    digest: str
    refs: Mapping[str, str]
    head: bytes
    salt: bytes | None
    body: bytes | None

    def record(self) -> dict[str, Any]:
        """The body as a JSON object.

        raises  LookupError when it was erased
        """
        if self.body is None:
            raise LookupError(f"the body of entry {self.index} was erased")
        found: dict[str, Any] = orjson.loads(self.body)
        return found

    def block(self) -> Block:
        """The block of a `readings` entry; an empty one when it was erased."""
        return decode_block(self.body) if self.body is not None else Block()


def seal(
    index: int, kind: str, at_us: int, body: bytes, refs: Mapping[str, str]
) -> tuple[bytes, bytes]:
    """Make the head of a new entry, and the salt of its body."""
    if not _KIND.fullmatch(kind):
        raise ValueError(f"kind of an entry is a lower_case word, got {kind!r}")
    if not all(key.isascii() for key in refs):
        raise ValueError(f"keys of refs are ASCII, got {list(refs)!r}")
    salt = os.urandom(SALT_BYTES)
    head: dict[str, object] = {"at_us": at_us, "i": index, "kind": kind, "v": HEAD_VERSION}
    if refs:
        head["refs"] = refs
    head["digest"] = _digest(salt, canonical_fast(head), body)
    return canonical_fast(head), salt


def open_head(index: int, head: bytes, salt: bytes | None, body: bytes | None) -> Entry:
    """Read a stored head. Whether it is true is `check`'s question.

    raises  ValueError when it is not a head at all
    """
    try:
        facts = orjson.loads(head)
        entry = Entry(
            index=index,
            claims=facts["i"],
            kind=facts["kind"],
            at_us=facts["at_us"],
            digest=facts["digest"],
            refs=facts.get("refs", {}),
            head=head,
            salt=salt,
            body=body,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise ValueError(f"head is not the JSON of an entry: {e}") from None
    return entry


def check(entry: Entry) -> str:
    """What is wrong with an entry by itself; empty when nothing is.

    Whether it stands where it says it does (`claims`) is the caller's question, and for an
    erased entry, which has no digest to compare, whether its leaf hash is the old one.
    """
    try:
        facts = orjson.loads(entry.head)
        if canonical_fast(facts) != entry.head:
            return "head is not in canonical form"
        if facts["v"] != HEAD_VERSION:
            return f"head is of version {facts['v']!r}, this program knows {HEAD_VERSION}"
        if (type(facts["at_us"]), type(facts["kind"]), type(facts["i"])) != (int, str, int):
            return "head has a field of the wrong type"
        digest = facts.pop("digest")
        if (entry.body is None) != (entry.salt is None):
            return "body without salt" if entry.salt is None else "salt without body"
        if entry.body is not None and entry.salt is not None:
            seen = _digest(entry.salt, canonical_fast(facts), entry.body)
            if seen != digest:
                return "digest does not fit head, salt and body"
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        return f"head is not the JSON of an entry: {e}"
    return ""


def pack(body: bytes) -> tuple[bytes, str]:
    """How a body is stored: (bytes, codec).

    `deflate` is raw DEFLATE with a CRC-32 of the packed bytes behind it: the CRC is over the
    packed form because the last byte of a DEFLATE stream has bits that unpacking ignores.
    """
    if len(body) <= PACK_OVER_BYTES:
        return body, PLAIN
    packed = zlib.compress(body, 1, _RAW_DEFLATE)
    return packed + zlib.crc32(packed).to_bytes(_CRC_BYTES), DEFLATE


def unpack(stored: bytes, codec: str) -> bytes:
    """Raises ValueError when the stored bytes are not what `pack` gave"""
    if codec == PLAIN:
        return stored
    if codec != DEFLATE:
        raise ValueError(f"unknown codec {codec!r}")
    packed, crc = stored[:-_CRC_BYTES], stored[-_CRC_BYTES:]
    if zlib.crc32(packed).to_bytes(_CRC_BYTES) != crc:
        raise ValueError("packed body does not fit its CRC")
    unpacker = zlib.decompressobj(_RAW_DEFLATE)
    try:
        body = unpacker.decompress(packed, LARGEST_BODY_BYTES)
    except zlib.error as e:
        raise ValueError(f"body does not unpack: {e}") from None
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("body does not unpack to its end")
    return body


def _digest(salt: bytes, facts: bytes, body: bytes) -> str:
    digest = sha256(salt)
    digest.update(facts)
    digest.update(body)
    return digest.hexdigest()
