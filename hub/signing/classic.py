"""ECDSA on P-256 and RSA-PSS, both with SHA-256, by `cryptography`.

Source: FIPS 186-5; RFC 8017 (PSS with MGF1, salt as long as the digest).
"""

from typing import Final, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from hub.signing import KeyUnusable, Method, SigningKey, VerifyingKey

Form = Literal["der", "raw"]
_SHA256: Final = hashes.SHA256()
_ECDSA: Final = ec.ECDSA(_SHA256)
_PSS: Final = padding.PSS(padding.MGF1(_SHA256), padding.PSS.DIGEST_LENGTH)
_CURVE: Final = ec.SECP256R1.name
_RSA_BITS: Final = 2048
"""No shorter key is taken."""


def private_key(method: Method, form: Form, pem: str) -> SigningKey:
    """Raises KeyUnusable."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _none(method, "private", "PKCS#8 PEM without a password") from None
    if method == "rsa-pss-sha256" and isinstance(key, rsa.RSAPrivateKey) and _long(key.key_size):
        return RsaKey(key)
    ecdsa = method == "ecdsa-p256-sha256"
    if ecdsa and isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == _CURVE:
        return EcdsaKey(key, form)
    raise _none(method, "private", "a key of that method")


def public_key(method: Method, form: Form, pem: str) -> VerifyingKey:
    """Raises KeyUnusable."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise _none(method, "public", "SubjectPublicKeyInfo PEM") from None
    if method == "rsa-pss-sha256" and isinstance(key, rsa.RSAPublicKey) and _long(key.key_size):
        return RsaPublicKey(key)
    ecdsa = method == "ecdsa-p256-sha256"
    if ecdsa and isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == _CURVE:
        return EcdsaPublicKey(key, form)
    raise _none(method, "public", "a key of that method")


class RsaKey:
    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self.public = _pem(key.public_key())

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message, _PSS, _SHA256)


class RsaPublicKey:
    def __init__(self, key: rsa.RSAPublicKey) -> None:
        self._key = key

    def verify(self, message: bytes, signature: bytes) -> bool:
        try:
            self._key.verify(signature, message, _PSS, _SHA256)
        except InvalidSignature:
            return False
        return True


class EcdsaKey:
    def __init__(self, key: ec.EllipticCurvePrivateKey, form: Form) -> None:
        self._key = key
        self._form = form
        self.public = _pem(key.public_key())

    def sign(self, message: bytes) -> bytes:
        made = self._key.sign(message, _ECDSA)
        if self._form == "der":
            return made
        return b"".join(number.to_bytes(32) for number in decode_dss_signature(made))


class EcdsaPublicKey:
    def __init__(self, key: ec.EllipticCurvePublicKey, form: Form) -> None:
        self._key = key
        self._form = form

    def verify(self, message: bytes, signature: bytes) -> bool:
        if self._form == "raw":
            if len(signature) != 64:
                return False
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            signature = encode_dss_signature(r, s)
        try:
            self._key.verify(signature, message, _ECDSA)
        except InvalidSignature:
            return False
        return True


def _long(bits: int) -> bool:
    return bits >= _RSA_BITS


def _pem(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> str:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def _none(method: Method, which: str, expected: str) -> KeyUnusable:
    return KeyUnusable(
        f"the {which} key is none for {method}; expected {expected} "
        f"(P-256 for ECDSA, {_RSA_BITS} bits or more for RSA)"
    )
