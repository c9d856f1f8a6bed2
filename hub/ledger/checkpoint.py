"""Signed heads of the log: C2SP tlog-checkpoint text inside a C2SP signed note.

    gashub/gw-1/9f86d081884c7d65           origin
    1041                                   entries
    CsUYapGGPo4dkMgIAUqom/Xajj7h…          root, base64
    time 2026-11-23T10:00:00.000000Z       extension line: hub time of the signature
                                           (blank line; the signature covers all above it)
    — gashub/gw-1/9f86d081884c7d65 Az3g…   base64 of key id (4 bytes) and Ed25519 signature

Whoever keeps such a text outside the gateway can show later that the log was not rewritten.
"""

import base64
import binascii
from typing import NamedTuple

from hub.clock import iso
from hub.ledger.keys import KEY_ID_BYTES, DeviceKey, PublicKey
from hub.ledger.merkle import HASH_BYTES


class Head(NamedTuple):
    """The log in 40 bytes: how many entries, and the Merkle root over them."""

    size: int
    root: bytes


class Checkpoint(NamedTuple):
    """A head that was signed. `note` is the whole text, as it left the gateway."""

    origin: str
    size: int
    root: bytes
    time: str
    note: str


def sign_checkpoint(key: DeviceKey, head: Head, at_us: int) -> str:
    origin = key.public.origin
    root = base64.b64encode(head.root).decode()
    text = f"{origin}\n{head.size}\n{root}\ntime {iso(at_us)}\n"
    signature = base64.b64encode(key.public.id + key.sign(text.encode())).decode()
    return f"{text}\n— {origin} {signature}\n"


def read_checkpoint(note: str) -> Checkpoint:
    """Take a checkpoint apart, without checking its signature.

    raises  ValueError saying what is not as the form has it
    """
    text, blank, signatures = note.partition("\n\n")
    if not blank or not signatures.startswith("— "):
        raise ValueError("a checkpoint ends in a blank line and a signature line")
    lines = text.split("\n")
    if len(lines) < 3 or not all(lines):
        raise ValueError("a checkpoint begins with origin, size and root, one line each")
    origin, size, root = lines[:3]
    if not (size.isascii() and size.isdecimal()) or (size != "0" and size.startswith("0")):
        raise ValueError(f"size of the checkpoint is {size!r}, expected a decimal number")
    try:
        digest = base64.b64decode(root, validate=True)
    except (binascii.Error, ValueError) as e:
        raise ValueError(f"root of the checkpoint is not base64: {e}") from None
    if len(digest) != HASH_BYTES:
        raise ValueError(f"root of the checkpoint has {len(digest)} bytes, expected {HASH_BYTES}")
    time = next((line[5:] for line in lines[3:] if line.startswith("time ")), "")
    return Checkpoint(origin, int(size), digest, time, note)


def signed_by(checkpoint: Checkpoint, key: PublicKey) -> bool:
    """Does the note carry a signature of *key* that holds?"""
    if checkpoint.origin != key.origin:
        return False
    text, _, signatures = checkpoint.note.partition("\n\n")
    for line in signatures.splitlines():
        name, _, encoded = line.removeprefix("— ").partition(" ")
        try:
            signature = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            continue
        if name == key.origin and signature[:KEY_ID_BYTES] == key.id:
            return key.verifies(signature[KEY_ID_BYTES:], f"{text}\n".encode())
    return False
