"""SM4 around a body, by a key that both sides were given.

sm4-gcm   12 bytes of nonce, ciphertext, 16 bytes of tag: what was changed does not open
sm4-cbc   16 bytes of initial vector, ciphertext padded by PKCS #7; it has no tag, so that only the
          signature over the sealed body tells whether it was changed: sign what is sealed

Source: GB/T 32907; GB/T 17964 for the modes.
"""

import os
from typing import Literal

from hub.errors import Fault

Mode = Literal["sm4-gcm", "sm4-cbc"]
KEY_BYTES = 16
_NONCE_BYTES, _TAG_BYTES, _BLOCK_BYTES = 12, 16, 16


class SealBroken(Fault):
    """A sealed body that does not open: another key, or it was changed or cut."""


def seal(mode: Mode, key: bytes, plain: bytes) -> bytes:
    """The body sealed, with a nonce of its own each time.

    raises  ValueError for a key that has not 16 bytes
    """
    from cryptography.hazmat.primitives import padding  # noqa: PLC0415  only who files
    from cryptography.hazmat.primitives.ciphers import Cipher, modes  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.algorithms import SM4  # noqa: PLC0415

    if mode == "sm4-gcm":
        nonce = os.urandom(_NONCE_BYTES)
        gcm = Cipher(SM4(key), modes.GCM(nonce)).encryptor()
        return nonce + gcm.update(plain) + gcm.finalize() + gcm.tag
    first = os.urandom(_BLOCK_BYTES)
    pad = padding.PKCS7(8 * _BLOCK_BYTES).padder()
    cbc = Cipher(SM4(key), modes.CBC(first)).encryptor()
    return first + cbc.update(pad.update(plain) + pad.finalize()) + cbc.finalize()


def unseal(mode: Mode, key: bytes, sealed: bytes) -> bytes:
    """The body that was sealed.

    raises  SealBroken; ValueError for a key that has not 16 bytes
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  only who files
    from cryptography.hazmat.primitives import padding  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers import Cipher, modes  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.algorithms import SM4  # noqa: PLC0415

    made = SM4(key)
    try:
        if mode == "sm4-gcm":
            if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
                raise SealBroken("the sealed body is shorter than its nonce and tag")
            tag = sealed[-_TAG_BYTES:]
            gcm = Cipher(made, modes.GCM(sealed[:_NONCE_BYTES], tag)).decryptor()
            return gcm.update(sealed[_NONCE_BYTES:-_TAG_BYTES]) + gcm.finalize()
        pad = padding.PKCS7(8 * _BLOCK_BYTES).unpadder()
        cbc = Cipher(made, modes.CBC(sealed[:_BLOCK_BYTES])).decryptor()
        return pad.update(cbc.update(sealed[_BLOCK_BYTES:]) + cbc.finalize()) + pad.finalize()
    except (InvalidTag, ValueError):
        raise SealBroken(
            f"the sealed body ({len(sealed)} bytes, {mode}) does not open: it was changed or cut, "
            "or sealed by another key"
        ) from None
