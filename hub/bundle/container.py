r"""The file itself: a ZIP archive in which nothing is left to choice, sealed by a signature.

Members are stored, not packed, in one order, with one date and no extra fields; so the file can be
built again byte for byte from its members, and a reader needs to accept nothing else. The archive's
comment is `gashub-evidence-1 <key id> <signature>` in lower case hex: Ed25519 over
"gashub-evidence-seal 1\n", the SHA-256 (hex) of all bytes before the signature, and "\n".
"""

import os
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from struct import pack, unpack_from
from typing import BinaryIO, Final, NamedTuple, Self

from hub.bundle.finding import NotGood
from hub.errors import CommandRefused
from hub.ledger.keys import DeviceKey, PublicKey

FORMAT: Final = "gashub-evidence-1"
TEXT, CHECKPOINT, HEADS = "VERIFY.md", "checkpoint", "heads.jsonl"
ENTRIES, MANIFEST = "entries.jsonl", "manifest.json"
FILES: Final = "files/"
_BEFORE_FILES: Final = (TEXT, CHECKPOINT, HEADS, ENTRIES)
_FILE: Final = re.compile(r"files/[0-9a-f]{64}")
_DATE: Final = 0x21  # 1980-01-01, the first there is
_LOCAL, _CENTRAL, _END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_LOCAL_BYTES: Final = 30
_LONGEST_NAME: Final = len(FILES) + 64
_MOST_MEMBERS: Final = 60_000
_LARGEST: Final = (1 << 32) - (1 << 24)
"""Bytes of a bundle: below what would need ZIP64."""
_LARGEST_KEPT: Final = 1 << 30
"""Bytes of a member that is read as a whole, which is any but a file."""
_CHUNK: Final = 1 << 20
_ID_HEX, _SIGNATURE_HEX = 8, 128
_COMMENT_BYTES: Final = len(FORMAT) + 1 + _ID_HEX + 1 + _SIGNATURE_HEX
_HEX: Final = re.compile(rb"[0-9a-f]+")


class Member(NamedTuple):
    """One member as read. `data` is empty for a file under `files/`, which is only hashed."""

    name: str
    size: int
    sha256: str
    crc: int
    data: bytes


class Container(NamedTuple):
    """A bundle that has the form of one. Whether its seal holds is `seal_holds`' question."""

    members: Mapping[str, Member]
    digest: str
    key_id: str
    signature: bytes

    def seal_holds(self, key: PublicKey) -> bool:
        return key.id.hex() == self.key_id and key.verifies(self.signature, _sealed(self.digest))


def rank(name: str) -> tuple[int, str]:
    """Where a member stands among the others. Raises ValueError for a name that no member has."""
    if name in _BEFORE_FILES:
        return _BEFORE_FILES.index(name), ""
    if _FILE.fullmatch(name):
        return len(_BEFORE_FILES), name
    if name == MANIFEST:
        return len(_BEFORE_FILES) + 1, ""
    raise ValueError(f"no member is called {name[:80]!r}")


class Writer:
    """Writes a bundle beside its place, and puts it there when it is sealed. A context."""

    def __init__(self, path: Path) -> None:
        """Raises CommandRefused when there is something of that name, or it cannot be written"""
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._places: list[tuple[Member, int]] = []
        if path.exists():
            raise CommandRefused(f"{path} is there already; give the bundle another name")
        try:
            self._part.unlink(missing_ok=True)
            handle = os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as fault:
            raise CommandRefused(f"{path}: cannot be written: {fault.strerror}") from fault
        self._file = os.fdopen(handle, "w+b")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    def add(self, name: str, chunks: Iterable[bytes]) -> Member:
        """The next member; the order of names is `rank`'s. Its header is written when it is known.

        raises  CommandRefused when the bundle grows too large
        """
        assert not self._places or rank(self._places[-1][0].name) < rank(name)
        at = self._file.tell()
        self._file.write(_local(name, 0, 0))
        size, crc, digest = 0, 0, sha256()
        for chunk in chunks:
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
            digest.update(chunk)
            self._file.write(chunk)
            kept = 0 if name.startswith(FILES) else size
            if self._file.tell() > _LARGEST or kept > _LARGEST_KEPT:
                raise CommandRefused(
                    f"{self._path}: {name} makes it larger than a verifier takes; leave the files "
                    "out, or the hazards"
                )
        end = self._file.tell()
        self._file.seek(at)
        self._file.write(_local(name, crc, size))
        self._file.seek(end)
        member = Member(name, size, digest.hexdigest(), crc, b"")
        self._places.append((member, at))
        return member

    def seal(self, key: DeviceKey) -> None:
        """Sign all of it, make it durable, and put it in its place."""
        end = _end(self._places, self._file.tell())
        self._file.write(end + f"{FORMAT} {key.public.id.hex()} ".encode())
        self._file.flush()
        self._file.seek(0)
        digest = sha256()
        while chunk := self._file.read(_CHUNK):
            digest.update(chunk)
        self._file.write(key.sign(_sealed(digest.hexdigest())).hex().encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._part.rename(self._path)


def read_container(path: Path) -> Container:
    """Take a bundle apart, accepting nothing that `Writer` would not have written.

    raises  NotGood naming the member; OSError when the file cannot be read
    """
    with path.open("rb") as file:
        return _Reader(file).container()


class _Reader:
    """One pass over the file, so that no more than the small members is ever held."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = sha256()
        self._at = 0
        self._places: list[tuple[Member, int]] = []

    def container(self) -> Container:
        while (head := self._take(_LOCAL_BYTES, "")).startswith(_LOCAL):
            self._member(head)
        rest = _end(self._places, self._at - _LOCAL_BYTES) + f"{FORMAT} ".encode()
        if head + self._take(max(0, len(rest) - _LOCAL_BYTES), "") != rest:
            raise NotGood("container", "its directory or end is not what its members make of it")
        key_id = self._take(_ID_HEX, "")
        if self._take(1, "") != b" ":
            raise NotGood("container", f"its comment is not {FORMAT!r}, key id and signature")
        digest = self._digest.hexdigest()
        signature = self._take(_SIGNATURE_HEX, "")
        if self._file.read(1):
            raise NotGood("container", "something follows its end")
        if not (_HEX.fullmatch(key_id) and _HEX.fullmatch(signature)):
            raise NotGood("container", "key id or signature is not in lower case hex")
        members = {member.name: member for member, _ in self._places}
        for name in (*_BEFORE_FILES, MANIFEST):
            if name not in members:
                raise NotGood("container", "is missing", name)
        return Container(members, digest, key_id.decode(), bytes.fromhex(signature.decode()))

    def _take(self, count: int, member: str) -> bytes:
        taken = self._file.read(count)
        if len(taken) != count:
            raise NotGood("container", "the file ends too early", member)
        self._digest.update(taken)
        self._at += count
        return taken

    def _member(self, head: bytes) -> None:
        at = self._at - _LOCAL_BYTES
        crc, size, _, length = unpack_from("<IIIH", head, 14)
        if length > _LONGEST_NAME:
            raise NotGood("container", f"a member's name has {length} bytes")
        raw = self._take(length, "")
        name = raw.decode("latin-1")
        try:
            place = rank(name)
        except ValueError as wrong:
            raise NotGood("container", str(wrong)) from None
        if self._places and rank(self._places[-1][0].name) >= place:
            raise NotGood("container", "stands twice, or not in its place", name)
        if len(self._places) >= _MOST_MEMBERS or (size > _LARGEST_KEPT and name[:6] != FILES):
            raise NotGood("container", "is larger than any, or one too many", name)
        if head + raw != _local(name, crc, size):
            raise NotGood("container", "its header is not the one form there is", name)
        self._places.append((self._read(name, crc, size), at))

    def _read(self, name: str, crc: int, size: int) -> Member:
        digest, seen, kept = sha256(), 0, bytearray()
        left = size
        while left:
            chunk = self._take(min(left, _CHUNK), name)
            left -= len(chunk)
            digest.update(chunk)
            seen = zlib.crc32(chunk, seen)
            if not name.startswith(FILES):
                kept += chunk
        if seen != crc:
            raise NotGood("container", "does not fit its CRC", name)
        return Member(name, size, digest.hexdigest(), crc, bytes(kept))


def _sealed(digest: str) -> bytes:
    return f"gashub-evidence-seal 1\n{digest}\n".encode()


def _local(name: str, crc: int, size: int) -> bytes:
    raw = name.encode("latin-1")
    return _LOCAL + pack("<5HIIIHH", 10, 0, 0, 0, _DATE, crc, size, size, len(raw), 0) + raw


def _end(places: Sequence[tuple[Member, int]], start: int) -> bytes:
    """Central directory and end record, up to the comment."""
    directory = b"".join(
        _CENTRAL
        + pack(
            "<6HIIIHHHHHII",
            *(10, 10, 0, 0, 0, _DATE, member.crc, member.size, member.size, len(member.name)),
            *(0, 0, 0, 0, 0, at),
        )
        + member.name.encode()
        for member, at in places
    )
    count = len(places)
    return (
        directory + _END + pack("<4HIIH", 0, 0, count, count, len(directory), start, _COMMENT_BYTES)
    )
