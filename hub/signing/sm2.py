"""SM2 signatures with SM3.

The arithmetic is snowland-smx's, in pure Python: a signature of a stranger can make it raise, and
not take the process down. It checks no ranges and no points, so that is done here. Digests are
`cryptography`'s, 300 times as fast. Its timing depends on the key; see DECISIONS.

Source: GB/T 32918.2 (signature), GB/T 32918.5 (curve), GM/T 0009 (DER, user id).
"""

import base64
import binascii
import re
import secrets
from typing import Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from hub.signing import KeyUnusable

try:
    from pysmx.SM2 import Sign, Verify, kG, sm2_G
except ImportError:
    raise KeyUnusable(
        "snowland-smx is not installed, and SM2 needs it; install the extra into gashub's "
        "environment: pip install --require-hashes -r requirements/filing.txt"
    ) from None

_P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_A: Final = _P - 3
_B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_HEX: Final = 64
"""Hex digits of a number."""
_CURVE: Final = bytes.fromhex("06072a8648ce3d020106082a811ccf5501822d")
"""DER of the two identifiers id-ecPublicKey and sm2, as every SM2 key of OpenSSL and GmSSL has."""
_PRIVATE: Final = re.compile(rb"\x04.\x30.\x02\x01\x01\x04\x20(.{32})", re.DOTALL)
_PUBLIC: Final = re.compile(rb"\x03\x42\x00\x04(.{64})", re.DOTALL)
_NO_KEY: Final = "SubjectPublicKeyInfo PEM, or x and y as 128 hex digits"


class Sm2PublicKey:
    """*public*: PEM, or x and y in hex, with or without the 04 in front."""

    def __init__(self, public: str, user_id: str, form: Literal["der", "raw"]) -> None:
        point = _point(public)
        x, y = int(point[:_HEX], 16), int(point[_HEX:], 16)
        if x >= _P or y >= _P or (y * y - (x * x * x + _A * x + _B)) % _P:
            raise KeyUnusable(f"the public key is no point of the SM2 curve; expected {_NO_KEY}")
        self.point = point
        self._form = form
        self._before = _identity(user_id, x, y)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether *signature* is one of *message* by this key. Raises nothing."""
        try:
            if self._form == "der":
                r, s = decode_dss_signature(signature)
            elif len(signature) == _HEX:  # r and s, as many bytes as one has hex digits
                r, s = (int.from_bytes(part) for part in (signature[:32], signature[32:]))
            else:
                return False
        except ValueError:
            return False
        if not (0 < r < _N and 0 < s < _N):
            return False
        raw = r.to_bytes(32) + s.to_bytes(32)
        try:
            return Verify(raw, self.digest(message), self.point, _HEX) is True
        except (TypeError, ValueError):  # the sum was the point at infinity
            return False

    def digest(self, message: bytes) -> bytes:
        """What is signed of a message: its SM3 digest with the signer's identity before it."""
        return _sm3(self._before + message)


class Sm2Key:
    """*private*: PKCS#8 PEM, or 64 hex digits."""

    def __init__(self, private: str, user_id: str, form: Literal["der", "raw"]) -> None:
        self._private = _number(private)
        self._form = form
        self.public = kG(int(self._private, 16), sm2_G, _HEX)
        self._own = Sm2PublicKey(self.public, user_id, form)

    def sign(self, message: bytes) -> bytes:
        """A signature; another one each time, as its secret number is drawn anew."""
        return self.sign_with(message, 1 + secrets.randbelow(_N - 1))

    def sign_with(self, message: bytes, number: int) -> bytes:
        """The same with a given secret number, for the standard's example. Never use one twice."""
        digest = self._own.digest(message)
        made: bytes = Sign(digest, self._private, f"{number:064x}", _HEX)
        if self._form == "raw":
            return made
        return encode_dss_signature(int.from_bytes(made[:32]), int.from_bytes(made[32:]))


def _identity(user_id: str, x: int, y: int) -> bytes:
    """Source: GB/T 32918.2, 5.5."""
    name = user_id.encode()
    gx, gy = int(sm2_G[:_HEX], 16), int(sm2_G[_HEX:], 16)
    curve = b"".join(number.to_bytes(32) for number in (_A, _B, gx, gy, x, y))
    return _sm3((8 * len(name)).to_bytes(2) + name + curve)


def _sm3(data: bytes) -> bytes:
    made = hashes.Hash(hashes.SM3())
    made.update(data)
    return made.finalize()


def _number(private: str) -> str:
    """A private key as 64 hex digits. raises KeyUnusable, and shows nothing of it"""
    text = private.strip()
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        found = text.lower()
    else:
        inside = _PRIVATE.search(_der(text).partition(_CURVE)[2])
        if inside is None:
            raise KeyUnusable(
                "the private key is none of SM2; expected PKCS#8 PEM without a password "
                "(openssl genpkey -algorithm SM2), or 64 hex digits"
            )
        found = inside[1].hex()
    if not 0 < int(found, 16) < _N - 1:
        raise KeyUnusable("the private key is 0, or too large for SM2; make another")
    return found


def _point(public: str) -> str:
    text = public.strip()
    if re.fullmatch(r"(04)?[0-9a-fA-F]{128}", text):
        return text[-2 * _HEX :].lower()
    inside = _PUBLIC.fullmatch(_der(text).partition(_CURVE)[2])
    if inside is None:
        raise KeyUnusable(f"the public key is none of SM2; expected {_NO_KEY}")
    return inside[1].hex()


def _der(pem: str) -> bytes:
    """The bytes of the first block of a PEM text that is a key; b"" for anything else."""
    found = re.search(r"-----BEGIN (?:PUBLIC|PRIVATE) KEY-----([^-]*)-----END", pem)
    try:
        return base64.b64decode("".join(found[1].split()), validate=True) if found else b""
    except binascii.Error:
        return b""
