"""Standard Webhooks signatures: HMAC-SHA256 over `id.timestamp.body`.

Source: Standard Webhooks specification 1.0, sections on signature scheme and secrets: secrets are
`whsec_` and base64 of 24 to 64 bytes; several signatures stand in one header, a space apart.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The key in a `whsec_...` secret.

    raises  ValueError that says what is wrong without showing the secret
    """
    if not secret.startswith(PREFIX):
        raise ValueError(f"it does not begin with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"what follows {PREFIX} is not base64") from None
    if not 24 <= len(key) <= 64:
        raise ValueError(f"its key has {len(key)} bytes, expected 24 to 64")
    return key


def signature(keys: Sequence[bytes], message: str, at_s: int, body: bytes) -> str:
    """Value of the `webhook-signature` header, one signature per key."""
    signed = f"{message}.{at_s}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys
    )
