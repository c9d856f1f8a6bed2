"""Entries with their proofs, as JSON lines that can be checked without the ledger.

First line: {"checkpoint": "<signed text>", "public_key": "<verifier key>", "v": 1}. Then one
line per entry: {"body": …, "form": "text"|"base64"|"erased"|"withheld", "head": "<head text>",
"index": …, "proof": ["<base64>", …], "salt": "<hex>"}. The proof leads from the head to the
checkpoint's root (RFC 9162 section 2.1.3.2).
"""

import base64
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from hub.errors import CommandRefused
from hub.ledger.checkpoint import Checkpoint, read_checkpoint, signed_by
from hub.ledger.entry import Entry, check, open_head
from hub.ledger.keys import PublicKey
from hub.ledger.merkle import leaf_hash, verify_inclusion
from hub.ledger.reader import LedgerReader
from hub.ledger.report import Progress
from hub.ledger.tree import Tree

EXPORT_VERSION = 1


def export(
    where: Path,
    first: int = 0,
    until: int | None = None,
    kinds: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Iterator[bytes]:
    """Lines of the export, each with its line end; entries under the last checkpoint only.

    raises  StoreUnavailable, StoreDamaged; CommandRefused when nothing signed covers *first*
    """
    with LedgerReader(where) as reader:
        covered = reader.last_checkpoint()
        if first >= covered.size:
            raise CommandRefused(
                f"entry {first} is not covered by a signed checkpoint yet (last one:"
                f" {covered.size} entries)"
            )
        tree = Tree(leaf_hash(entry.head) for entry in reader.entries(0, covered.size))
        stop = covered.size if until is None else min(until, covered.size)
        key = reader.public_key().line()
        yield _line({"checkpoint": covered.note, "public_key": key, "v": EXPORT_VERSION})
        for entry in reader.entries(first, stop, kinds):
            yield entry_line(entry, tree.inclusion(entry.index, covered.size))
            if progress is not None:
                progress(entry.index + 1 - first, stop - first)


def check_export(lines: Iterable[bytes], public_key: PublicKey) -> list[Entry]:
    """Check an export against the gateway's key alone, and return its entries.

    raises  ValueError naming the first line that does not hold
    """
    source = iter(lines)
    try:
        opening = orjson.loads(next(source))
        signed = read_checkpoint(opening["checkpoint"])
    except (StopIteration, KeyError, TypeError, ValueError) as e:
        raise ValueError(f"line 1: not the opening line of an export: {e}") from None
    if not signed_by(signed, public_key):
        raise ValueError(f"line 1: checkpoint is not signed by the key {public_key.id.hex()}")
    entries = []
    for number, line in enumerate(source, start=2):
        try:
            proved = read_line(line)
            wrong = proved.fault(signed)
        except ValueError as e:
            raise ValueError(f"line {number}: {e}") from None
        if wrong:
            raise ValueError(f"line {number}: entry {proved.entry.index}: {wrong}")
        entries.append(proved.entry)
    return entries


class Proved(NamedTuple):
    """An entry off a line, and the way from its head to a checkpoint's root. Not checked yet.

    form  text, base64, erased, or withheld: body and salt exist, and whoever wrote it kept them
    """

    entry: Entry
    form: str
    proof: Sequence[bytes]

    def fault(self, signed: Checkpoint) -> str:
        """What is wrong with it under a checkpoint; "" when it is a true entry of that log."""
        entry = self.entry
        if wrong := check(entry):
            return wrong
        if entry.claims != entry.index:
            return f"its head says it is entry {entry.claims}"
        leaf = leaf_hash(entry.head)
        if not verify_inclusion(leaf, entry.index, signed.size, self.proof, signed.root):
            return "is not in the signed log"
        return ""


def entry_line(entry: Entry, proof: Sequence[bytes], *, withheld: bool = False) -> bytes:
    """One line of an export; *withheld* shows that the entry exists, and not what it says."""
    body, form = (None, "withheld") if withheld else _write_body(entry.body)
    salt = None if withheld or entry.salt is None else entry.salt.hex()
    return _line(
        {
            "body": body,
            "form": form,
            "head": entry.head.decode(),
            "index": entry.index,
            "proof": [base64.b64encode(step).decode() for step in proof],
            "salt": salt,
        }
    )


def read_line(line: bytes) -> Proved:
    """Raises ValueError for what is not, to the byte, what `entry_line` writes."""
    try:
        told = orjson.loads(line)
        form, salt = told["form"], told["salt"]
        entry = open_head(
            told["index"],
            told["head"].encode(),
            None if salt is None else bytes.fromhex(salt),
            _read_body(told["body"], form),
        )
        proof = [base64.b64decode(step, validate=True) for step in told["proof"]]
        written = entry_line(entry, proof, withheld=form == "withheld")
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise ValueError(f"not an entry: {e}") from None
    if written != line:
        raise ValueError("not an entry: another form than the one it is written in")
    return Proved(entry, form, proof)


def _line(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SORT_KEYS)


def _write_body(body: bytes | None) -> tuple[str | None, str]:
    if body is None:
        return None, "erased"
    try:
        return body.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), "base64"


def _read_body(body: str | None, form: str) -> bytes | None:
    if form in ("erased", "withheld") or body is None:
        return None
    return body.encode() if form == "text" else base64.b64decode(body, validate=True)
