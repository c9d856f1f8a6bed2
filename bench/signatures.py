"""Signatures and bodies that were changed: none is accepted, and no one brings the process down.

    python bench/signatures.py --count 10000

For each method and form so many signatures bent, cut, lengthened, made up or out of range, and a
tenth as many bodies. Planted: the library without our look at lengths and ranges, which raises.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pysmx.SM2 import Verify

from hub.signing import METHODS, Method, Scheme, signing_key, verifying_key
from hub.signing.sm2 import Sm2Key

BODY = b'{"header":{"filing":"01JDS"},"tables":{}}' * 3
GOOD_EVERY = 50


def private(method: Method, chance: random.Random) -> str:
    """A new private key."""
    if method == "sm2-sm3":
        return chance.randbytes(32).hex()
    made: Any = (
        rsa.generate_private_key(65537, 2048)
        if method == "rsa-pss-sha256"
        else ec.generate_private_key(ec.SECP256R1())
    )
    return str(
        made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
    )


def bent(data: bytes, count: int, chance: random.Random) -> Iterator[bytes]:
    """So many byte strings that are not *data*."""
    made = 0
    while made < count:
        at = chance.randrange(len(data))
        match chance.randrange(6):
            case 0 | 1:
                new = data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
            case 2:
                new = data[:at] + data[at + chance.randrange(1, 9) :]
            case 3:
                new = data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
            case 4:
                new = chance.randbytes(len(data))
            case _:
                half = len(data) // 2
                new = data[half:] + data[:half]
        if new != data:
            made += 1
            yield new


def measure(scheme: Scheme, count: int, chance: random.Random) -> dict[str, Any]:
    """Figures of one scheme."""
    key = signing_key(scheme, private(scheme.method, chance))
    public = verifying_key(scheme, key.public)
    signature = key.sign(BODY)
    tried = accepted = raised = good_refused = 0
    began_s = time.perf_counter()
    pairs = [(BODY, one) for one in bent(signature, count, chance)]
    pairs += [(one, signature) for one in bent(BODY, count // 10, chance)]
    for at, (body, one) in enumerate(pairs):
        tried += 1
        try:
            accepted += public.verify(body, one)
        except Exception:  # noqa: BLE001  counted: there must be none
            raised += 1
        if at % GOOD_EVERY == 0:
            good_refused += not public.verify(BODY, key.sign(BODY))
    return {
        "tried": tried,
        "accepted": accepted,
        "raised": raised,
        "good_refused": good_refused,
        "verified_per_s": round(tried / (time.perf_counter() - began_s)),
    }


def planted(count: int, chance: random.Random) -> dict[str, int]:
    """What the library makes of such signatures without our look at lengths and ranges."""
    key = Sm2Key(private("sm2-sm3", chance), "1234567812345678", "raw")
    digest = chance.randbytes(32)
    raised = 0
    for one in (bytes(64), b"", *bent(key.sign(BODY), count // 10, chance)):
        try:
            Verify(one, digest, key.public, 64)
        except Exception:  # noqa: BLE001  counted
            raised += 1
    return {"raised": raised}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    count: int = given.count
    chance = random.Random(11)
    schemes = [Scheme(method, form) for method in METHODS for form in ("der", "raw")]
    each = {f"{one.method} {one.form}": measure(one, count, chance) for one in schemes}
    told = {
        "schemes": each,
        **{
            name: sum(one[name] for one in each.values())
            for name in ("tried", "accepted", "raised", "good_refused")
        },
        "planted": planted(count, chance),
    }
    text = json.dumps(told, indent=2)
    print(text)
    if given.json:
        given.json.parent.mkdir(exist_ok=True)
        given.json.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
