"""Entries with their proofs, as JSON lines that can be checked without the ledger.

First line: {"checkpoint": "<signed text>", "public_key": "<verifier key>", "v": 1}. Then one
line per entry: {"body": …, "form": "text"|"base64"|"erased", "head": "<head text>",
"index": …, "proof": ["<base64>", …], "salt": "<hex>"}. The proof leads from the head to the
checkpoint's root (RFC 9162 section 2.1.3.2).
"""

import base64
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import orjson

from hub.errors import CommandRefused
from hub.ledger.checkpoint import read_checkpoint, signed_by
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
            proof = tree.inclusion(entry.index, covered.size)
            body, form = _write_body(entry.body)
            yield _line(
                {
                    "body": body,
                    "form": form,
                    "head": entry.head.decode(),
                    "index": entry.index,
                    "proof": [base64.b64encode(step).decode() for step in proof],
                    "salt": None if entry.salt is None else entry.salt.hex(),
                }
            )
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
            told = orjson.loads(line)
            head = told["head"].encode()
            salt = None if told["salt"] is None else bytes.fromhex(told["salt"])
            body = _read_body(told["body"], told["form"])
            entry = open_head(told["index"], head, salt, body)
            proof = [base64.b64decode(step, validate=True) for step in told["proof"]]
        except (AttributeError, KeyError, TypeError, ValueError) as e:
            raise ValueError(f"line {number}: not an entry: {e}") from None
        wrong = check(entry)
        if wrong or entry.claims != entry.index:
            wrong = wrong or f"its head says it is entry {entry.claims}"
            raise ValueError(f"line {number}: entry {entry.index}: {wrong}")
        if not verify_inclusion(leaf_hash(head), entry.index, signed.size, proof, signed.root):
            raise ValueError(f"line {number}: entry {entry.index} is not in the signed log")
        entries.append(entry)
    return entries


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
    if form == "erased" or body is None:
        return None
    return body.encode() if form == "text" else base64.b64decode(body, validate=True)
