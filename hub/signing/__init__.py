"""Signatures and envelopes that an authority asks for, behind one interface.

    scheme = Scheme("sm2-sm3")
    key = signing_key(scheme, private)      # PEM, or 64 hex digits for SM2
    signature = key.sign(message)
    verifying_key(scheme, public).verify(message, signature)    # True or False, and nothing else
    open_sealed("sm4-gcm", secret, seal("sm4-gcm", secret, body)) == body

The parts come when they are asked for: SM2 is in the extra `filing`, everything else in
`cryptography`, which the hub has anyhow. Nothing here is a certified module (GM/T 0028).

Sources: GB/T 32918.2 and .5 (SM2), GB/T 32905 (SM3), GB/T 32907 (SM4), GM/T 0009 (user id, and
the signature as DER), FIPS 186-5 (ECDSA), RFC 8017 (RSA-PSS).
"""

from typing import Final, Literal, NamedTuple, Protocol

from hub.errors import Fault
from hub.signing.envelope import SealBroken, seal
from hub.signing.envelope import unseal as open_sealed

__all__ = ["METHODS", "KeyUnusable", "Method", "Scheme", "SealBroken", "SigningKey", "VerifyingKey",
           "digest_of", "open_sealed", "seal", "signing_key", "verifying_key"]  # fmt: skip

Method = Literal["sm2-sm3", "ecdsa-p256-sha256", "rsa-pss-sha256"]
METHODS: Final[tuple[Method, ...]] = ("sm2-sm3", "ecdsa-p256-sha256", "rsa-pss-sha256")
DEFAULT_USER_ID: Final = "1234567812345678"
"""Source: GM/T 0009, for whoever agreed on no other."""


class KeyUnusable(Fault):
    """What should be a key is none, or of another method. Never shows it."""


class Scheme(NamedTuple):
    """What both sides must agree on.

    form     der, or raw: r and s of 32 bytes each, one after the other; of no meaning to RSA
    user_id  that SM2 signs with; of no meaning to the others
    """

    method: Method = "sm2-sm3"
    form: Literal["der", "raw"] = "der"
    user_id: str = DEFAULT_USER_ID


class SigningKey(Protocol):
    """A private key that signs by one scheme."""

    def sign(self, message: bytes) -> bytes: ...

    @property
    def public(self) -> str:
        """The public key, as `verifying_key` takes it."""
        ...


class VerifyingKey(Protocol):
    """A public key. `verify` takes whatever bytes a stranger sends, and raises nothing."""

    def verify(self, message: bytes, signature: bytes) -> bool: ...


def signing_key(scheme: Scheme, private: str) -> SigningKey:
    """A private key: PKCS#8 PEM, or for SM2 also 64 hex digits.

    raises  KeyUnusable, also where the extra `filing` is missing
    """
    if scheme.method == "sm2-sm3":
        from hub.signing.sm2 import Sm2Key  # noqa: PLC0415  of the extra

        return Sm2Key(private, scheme.user_id, scheme.form)
    from hub.signing.classic import private_key  # noqa: PLC0415  only who files

    return private_key(scheme.method, scheme.form, private)


def verifying_key(scheme: Scheme, public: str) -> VerifyingKey:
    """A public key: SubjectPublicKeyInfo PEM, or for SM2 also x and y as 128 hex digits.

    raises  KeyUnusable, also where the extra `filing` is missing
    """
    if scheme.method == "sm2-sm3":
        from hub.signing.sm2 import Sm2PublicKey  # noqa: PLC0415  of the extra

        return Sm2PublicKey(public, scheme.user_id, scheme.form)
    from hub.signing.classic import public_key  # noqa: PLC0415  only who files

    return public_key(scheme.method, scheme.form, public)


def digest_of(name: Literal["sm3", "sha256"], data: bytes) -> str:
    """The digest of *data* in hex."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  only who files

    made = hashes.Hash(hashes.SM3() if name == "sm3" else hashes.SHA256())
    made.update(data)
    return made.finalize().hex()
