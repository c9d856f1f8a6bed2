"""Writing a bundle: the chosen entries with their proofs, signed heads, the manifest, the seal."""

import base64
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from hub.bundle.choosing import Chosen, choose
from hub.bundle.container import CHECKPOINT, ENTRIES, FILES, HEADS, MANIFEST, TEXT, Member, Writer
from hub.bundle.decoding import ReadBy
from hub.bundle.manifest import For, Manifest, MemberNote, Withheld
from hub.clock import iso
from hub.errors import CommandRefused
from hub.foreman.personal import sees_all
from hub.foreman.shelf import Shelf
from hub.ledger import Checkpoint, LedgerReader, read_checkpoint, signed_by
from hub.ledger.canonical import canonical
from hub.ledger.export import entry_line
from hub.ledger.keys import DeviceKey
from hub.ledger.report import Progress
from hub.version import VERSION

_CHUNK: Final = 1 << 20
_TELLING: Final = ("order", "event", "job", "job_event", "verdict", "alarm")
"""Kinds of entry with which a signed head leaves the gateway."""


class Wanted(NamedTuple):
    """What is asked for.

    recipient  who gets it: whoever may not see the customer gets the personal entries' heads only
    hazards    with the jobs that came out of it
    files      with photos, scans and signatures
    heads      checkpoints held outside, from which the bundle shall lead on
    """

    number: str
    recipient: For = "authority"
    hazards: bool = True
    files: bool = False
    heads: Sequence[str] = ()


def export(
    state_dir: Path, out: Path, wanted: Wanted, at_us: int, progress: Progress | None = None
) -> Manifest:
    """Write a bundle to *out*; it covers what the last signed head covers.

    at_us   hub time, for the manifest
    raises  CommandRefused for an unknown number, a head of another log, a file that is there;
            StoreUnavailable, StoreDamaged; ConfigError when the device key cannot be used
    """
    personal = sees_all(wanted.recipient)
    if wanted.files and not personal:
        raise CommandRefused(
            "photos and signatures are personal data: they go to those who may see the customer, "
            "--for company or --for court; the others have their SHA-256 in the entries"
        )
    with LedgerReader(state_dir) as reader:
        signed = reader.last_checkpoint()
        key = DeviceKey.load(state_dir, reader.public_key().origin)
        chosen = choose(
            reader, wanted.number, signed.size, hazards=wanted.hazards, personal=personal
        )
        heads = [*_told(reader, chosen, signed), *_outside(chosen, signed, key, wanted.heads)]
        lines = _Lines(reader, chosen, signed, progress)
        shelf = Shelf(state_dir)
        lost = sorted(file for file in chosen.files if wanted.files and shelf.changed(file))
        with Writer(out) as writer:
            members = [
                writer.add(TEXT, [verification_text()]),
                writer.add(CHECKPOINT, [signed.note.encode()]),
                writer.add(HEADS, _head_lines(heads, chosen, signed)),
                writer.add(ENTRIES, lines),
                *(
                    writer.add(f"{FILES}{file}", _read(shelf.path(file)))
                    for file in (sorted(chosen.files.difference(lost)) if wanted.files else ())
                ),
            ]
            manifest = _manifest(reader, chosen, wanted, lines, lost, members, at_us)
            writer.add(MANIFEST, [manifest.to_bytes()])
            writer.seal(key)
    return manifest


def verification_text() -> bytes:
    """docs/evidence.md, which tells a stranger how to check a bundle."""
    beside = Path(__file__).parents[2] / "docs"
    folder = beside if beside.is_dir() else Path(sys.prefix, "share", "gashub", "docs")
    return (folder / "evidence.md").read_bytes()


class _Lines:
    """The lines of the entries, and what is learned of them on the way."""

    def __init__(
        self,
        reader: LedgerReader,
        chosen: Chosen,
        signed: Checkpoint,
        progress: Progress | None,
    ) -> None:
        self._reader = reader
        self._chosen = chosen
        self._size = signed.size
        self._progress = progress
        self.read_by = ReadBy()
        self.withheld: list[Withheld] = []

    def __iter__(self) -> Iterator[bytes]:
        chosen = self._chosen
        for done, index in enumerate(sorted(chosen.indexes), 1):
            entry = self._reader.read(index)
            # What was erased cannot be withheld.
            why = chosen.withheld.get(index) if entry.body is not None else None
            if why is not None:
                self.withheld.append(Withheld(entry=index, why=why))
            self.read_by.see(entry)
            proof = chosen.heads.tree.inclusion(index, self._size)
            yield entry_line(entry, proof, withheld=why is not None)
            if self._progress is not None:
                self._progress(done, len(chosen.indexes))


def _told(reader: LedgerReader, chosen: Chosen, signed: Checkpoint) -> Iterator[Checkpoint]:
    """The heads that left the gateway with entries of this bundle: the CRM, for one, has them."""
    for place in chosen.heads.of(*_TELLING):
        if place.at in chosen.indexes:
            head = reader.covering(place.at)
            if head is not None and head.size <= signed.size:
                yield head


def _outside(
    chosen: Chosen, signed: Checkpoint, key: DeviceKey, texts: Sequence[str]
) -> Iterator[Checkpoint]:
    for text in texts:
        head = read_outside(text)
        if not signed_by(head, key.public):
            raise CommandRefused(
                f"the head of size {head.size} is not signed for this log ({key.public.origin})"
            )
        if not 0 < head.size <= signed.size or chosen.heads.tree.root(head.size) != head.root:
            raise CommandRefused(
                f"the head of size {head.size} is none of this log as it stands now: one of the "
                "two was rewritten, or cut; run `gashub ledger verify --head FILE`"
            )
        yield head


def read_outside(text: str) -> Checkpoint:
    """A checkpoint that somebody held. Raises CommandRefused when it is none."""
    try:
        return read_checkpoint(text if text.endswith("\n") else f"{text}\n")
    except ValueError as wrong:
        raise CommandRefused(f"outside head: {wrong}; give it exactly as it was sent") from None


def _head_lines(heads: Sequence[Checkpoint], chosen: Chosen, signed: Checkpoint) -> Iterator[bytes]:
    """Each older head with the proof that the log of the signed one goes on from it."""
    for size, head in sorted({head.size: head for head in heads}.items()):
        steps = chosen.heads.tree.consistency(size, signed.size)
        proof = [base64.b64encode(step).decode() for step in steps]
        yield canonical({"note": head.note, "proof": proof}) + b"\n"


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _manifest(
    reader: LedgerReader,
    chosen: Chosen,
    wanted: Wanted,
    lines: _Lines,
    lost: list[str],
    members: Sequence[Member],
    at_us: int,
) -> Manifest:
    genesis = reader.read(0).record()
    return Manifest(
        gateway=genesis["gateway"],
        origin=genesis["origin"],
        software=VERSION,
        exported_at=iso(at_us),
        recipient=wanted.recipient,
        kind=chosen.kind,
        number=wanted.number,
        hazards=wanted.hazards,
        files=wanted.files,
        jobs=sorted(chosen.jobs, key=lambda job: job.number),
        attempts=chosen.attempts,
        drivers=lines.read_by.notes(),
        withheld=lines.withheld,
        files_lost=lost,
        members=[MemberNote(name=m.name, sha256=m.sha256, size=m.size) for m in members],
    )
