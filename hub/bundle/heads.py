"""Heads of the log from before: the bundle's own, and those that are held outside."""

import base64
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from hub.bundle.container import HEADS
from hub.bundle.finding import NotGood, Report
from hub.ledger import Checkpoint, read_checkpoint, signed_by
from hub.ledger.canonical import canonical
from hub.ledger.keys import PublicKey
from hub.ledger.merkle import verify_consistency


class Older(NamedTuple):
    """An earlier head, and the way from it to the signed one (RFC 9162 section 2.1.4.2)."""

    head: Checkpoint
    proof: Sequence[bytes]


def check_heads(
    data: bytes, signed: Checkpoint, key: PublicKey, outside: Sequence[Checkpoint], report: Report
) -> None:
    """Raises NotGood when the signed head does not go on from one of the older ones."""
    older: dict[int, Older] = {}
    last = 0
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        one = _older(line, number)
        size = one.head.size
        if size <= last:
            raise NotGood("head", f"line {number}: stands twice, or out of order", HEADS)
        last = size
        _goes_on(one.head, one.proof, signed, key, f"line {number}: the head of size {size}")
        older[size] = one
    report.counts["older heads"] = len(older)
    for head in outside:
        _held(head, older, signed, key)


def _older(line: bytes, number: int) -> Older:
    try:
        told = orjson.loads(line)
        proof = [base64.b64decode(step, validate=True) for step in told["proof"]]
        head = read_checkpoint(told["note"])
        again = [base64.b64encode(step).decode() for step in proof]
        exact = canonical({"note": told["note"], "proof": again}) + b"\n" == line
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:
        raise NotGood("head", f"line {number}: {wrong}", HEADS) from None
    if not exact:
        raise NotGood("head", f"line {number}: is not in its one form", HEADS)
    return Older(head, proof)


def _goes_on(
    head: Checkpoint, proof: Sequence[bytes], signed: Checkpoint, key: PublicKey, name: str
) -> None:
    if not signed_by(head, key):
        raise NotGood("head", f"{name} is not signed by the key {key.id.hex()}", HEADS)
    if not verify_consistency(head.size, signed.size, head.root, signed.root, proof):
        raise NotGood(
            "head", f"{name}: the log of the bundle does not go on from it; it was rewritten", HEADS
        )


def _held(head: Checkpoint, older: Mapping[int, Older], signed: Checkpoint, key: PublicKey) -> None:
    """A head that was held outside must lead to the bundle's own."""
    name = f"the outside head of size {head.size}"
    if head.origin != key.origin:
        raise NotGood("head", f"{name} is of the log {head.origin}, the bundle of {key.origin}")
    known = older.get(head.size)
    if head.size != signed.size and known is None:
        where = "is newer than the bundle" if head.size > signed.size else "has no proof in it"
        raise NotGood(
            "head",
            f"{name} {where}, so nothing is shown; have it exported again with this --head",
        )
    _goes_on(head, known.proof if known is not None else (), signed, key, name)
