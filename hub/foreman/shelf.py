"""Files that belong to jobs: photos, scans, signatures. Kept whole, known by their SHA-256.

A file comes in pieces (a request to the hub holds no more), lies in a `.part` until it is whole,
and is on the disk before the entry that names it is in the log. Its name is not kept: it may say
more than the picture.
"""

import os
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final

from hub.errors import CommandRefused
from hub.ledger import Transaction
from hub.ledger.keys import sync_folder

FOLDER: Final = "files"
LARGEST: Final = 64 << 20
_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
    (b"RIFF", "image/webp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
)


class Shelf:
    """The folder of files under the state folder."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / FOLDER

    def path(self, digest: str) -> Path:
        """Where a file lies, or would lie."""
        return self._folder / digest[:2] / digest

    def put(self, digest: str, size: int, offset: int, piece: str) -> tuple[int, str]:
        """Take one piece (base64) of a file. Any thread; one caller at a time for one file.

        Returns how many bytes are here now, and the file's media type once it is whole ("" till
        then). A file that is here already is whole at once, unless it was changed on the disk;
        a piece that is sent again is fine.
        raises  CommandRefused for a wrong digest, a gap, a size that does not fit
        """
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise CommandRefused(f"file {digest[:80]!r}: expected its SHA-256 as 64 hex digits")
        if not 0 < size <= LARGEST:
            raise CommandRefused(f"file {digest}: {size} bytes; from 1 to {LARGEST} are taken")
        whole = self.path(digest)
        if not self.changed(digest):
            return whole.stat().st_size, media_of(whole)
        try:
            data = b64decode(piece, validate=True)
        except NotBase64:
            raise CommandRefused(f"file {digest}: the piece is not base64; send it again") from None
        part = whole.with_name(f"{digest}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        have = part.stat().st_size if part.exists() else 0
        if offset > have:
            raise CommandRefused(f"file {digest}: {have} bytes are here; go on from there")
        if offset + len(data) > size:
            raise CommandRefused(
                f"file {digest}: more bytes than the {size} that were told; begin again with the "
                "right size"
            )
        file = os.open(part, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(file, data, offset)
            os.fsync(file)
        finally:
            os.close(file)
        have = max(have, offset + len(data))
        return (have, "") if have < size else (have, self._whole(part, whole, digest))

    def _whole(self, part: Path, whole: Path, digest: str) -> str:
        with part.open("rb") as file:
            found = file_digest(file, sha256).hexdigest()
        if found != digest:
            part.unlink()
            raise CommandRefused(
                f"file {digest}: what came has another SHA-256 ({found}); it was thrown away, send "
                "the file again"
            )
        part.replace(whole)
        sync_folder(whole.parent)
        sync_folder(whole.parent.parent)
        return media_of(whole)

    def changed(self, digest: str) -> str:
        """What is wrong with a file that should be here: "missing", "changed", or ""."""
        path = self.path(digest)
        try:
            with path.open("rb") as file:
                return "" if file_digest(file, sha256).hexdigest() == digest else "changed"
        except FileNotFoundError:
            return "missing"


def record(tx: Transaction, digest: str, size: int, media: str, now_us: int) -> None:
    """Have the log name a file that is on the disk, once."""
    if not known(tx, digest):
        body = {"sha256": digest, "bytes": size, "media": media}
        entry = tx.append("file", body, now_us, {"sha256": digest})
        tx.sql.execute(
            "INSERT OR REPLACE INTO files (sha256, bytes, media, entry) VALUES (?,?,?,?)",
            (digest, size, media, entry),
        )


def erase(tx: Transaction, shelf: Shelf, digests: Iterable[str]) -> None:
    """Have files gone, with those that a power cut left from an earlier time."""
    tx.sql.executemany("UPDATE files SET gone=1 WHERE sha256=?", [(one,) for one in digests])
    gone = [row[0] for row in tx.sql.execute("SELECT sha256 FROM files WHERE gone=1").fetchall()]

    def delete() -> None:
        for digest in gone:
            shelf.path(digest).unlink(missing_ok=True)

    tx.then(delete)


def known(tx: Transaction, digest: str) -> bool:
    """Whether the log names a file of this digest."""
    row = tx.sql.execute("SELECT 1 FROM files WHERE sha256=? AND gone=0", (digest,)).fetchone()
    return row is not None


def media_of(path: Path) -> str:
    """What a file is by its first bytes; nobody's word is taken for it."""
    with path.open("rb") as file:
        start = file.read(16)
    found = next((media for magic, media in _MAGIC if start.startswith(magic)), "")
    return found or ("text/plain" if start.isascii() else "application/octet-stream")
