"""Signatures and envelopes: the standards' examples, openssl beside us, and what was changed."""

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gmssl import sm2 as second_opinion

from hub.signing import (
    METHODS,
    KeyUnusable,
    Method,
    Scheme,
    digest_of,
    open_sealed,
    seal,
    signing_key,
    verifying_key,
)
from hub.signing.envelope import SealBroken
from hub.signing.sm2 import Sm2Key

# GB/T 32918.5-2017, annex A.2: the signature example on the recommended curve.
PRIVATE = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
PUBLIC = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
NUMBER = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
SIGNED = (
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)
MESSAGE = b"message digest"
RAW = Scheme("sm2-sm3", "raw")
ALL: list[Any] = [Scheme(method, form) for method in METHODS for form in ("der", "raw")]
GENERATE = {
    "sm2-sm3": ["-algorithm", "SM2"],
    "ecdsa-p256-sha256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa-pss-sha256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}
OPENSSL = {
    "sm2-sm3": ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"],
    "ecdsa-p256-sha256": ["-digest", "sha256"],
    "rsa-pss-sha256": ["-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss",
                       "-pkeyopt", "rsa_pss_saltlen:digest"],
}  # fmt: skip


def openssl(*argv: str | Path) -> bytes:
    """What the openssl command says. AssertionError when it says no."""
    said = subprocess.run(["openssl", *argv], capture_output=True, check=False)
    assert said.returncode == 0, said.stderr.decode()
    return said.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Method -> files of the private and the public key, made by openssl."""
    folder = tmp_path_factory.mktemp("keys")
    found = {}
    for method, options in GENERATE.items():
        private, public = folder / f"{method}.key", folder / f"{method}.pub"
        openssl("genpkey", *options, "-out", private)
        openssl("pkey", "-in", private, "-pubout", "-out", public)
        found[method] = private, public
    return found


# -- the standards' examples


def test_sm2_signs_the_example_of_the_standard() -> None:
    """GB/T 32918.5, A.2: with its secret number, the very r and s."""
    key = Sm2Key(PRIVATE, "1234567812345678", "raw")

    assert key.public.upper() == PUBLIC
    assert key.sign_with(MESSAGE, NUMBER).hex().upper() == SIGNED


def test_sm2_verifies_the_example_of_the_standard_and_for_no_other_user() -> None:
    signed = bytes.fromhex(SIGNED)

    assert verifying_key(RAW, PUBLIC).verify(MESSAGE, signed)
    assert verifying_key(RAW, "04" + PUBLIC).verify(MESSAGE, signed)
    assert not verifying_key(RAW._replace(user_id="ALICE"), PUBLIC).verify(MESSAGE, signed)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_has_the_digests_of_the_standard(data: bytes, expected: str) -> None:
    """GB/T 32905, annex A."""
    assert digest_of("sm3", data) == expected


def test_sm4_has_the_block_of_the_standard() -> None:
    """GB/T 32907, A.1, seen through CBC: an initial vector of nothing makes it one block."""
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    block = bytes.fromhex("681edf34d206965e86b3e94f536e4246")
    # What comes out has the padding of a whole block behind it, unknown here: so CBC is opened
    # with the block, and the padding sealed by the cipher itself.
    from cryptography.hazmat.primitives.ciphers import Cipher, modes  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.algorithms import SM4  # noqa: PLC0415

    rest = Cipher(SM4(key), modes.CBC(block)).encryptor().update(b"\x10" * 16)
    assert open_sealed("sm4-cbc", key, bytes(16) + block + rest) == key


# -- openssl on the other side


@pytest.mark.parametrize("method", METHODS)
def test_openssl_verifies_what_we_sign(
    keys: dict[str, tuple[Path, Path]], method: Method, tmp_path: Path
) -> None:
    private, public = keys[method]
    message, signature = tmp_path / "message", tmp_path / "signature"
    message.write_bytes(MESSAGE)
    signature.write_bytes(signing_key(Scheme(method), private.read_text()).sign(MESSAGE))

    said = openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", *OPENSSL[method],
                   "-in", message, "-sigfile", signature)  # fmt: skip
    assert b"Successfully" in said


@pytest.mark.parametrize("method", METHODS)
def test_we_verify_what_openssl_signs(
    keys: dict[str, tuple[Path, Path]], method: Method, tmp_path: Path
) -> None:
    private, public = keys[method]
    message, signature = tmp_path / "message", tmp_path / "signature"
    message.write_bytes(MESSAGE)
    openssl("pkeyutl", "-sign", "-inkey", private, "-rawin", *OPENSSL[method],
            "-in", message, "-out", signature)  # fmt: skip
    key = verifying_key(Scheme(method), public.read_text())

    assert key.verify(MESSAGE, signature.read_bytes())
    assert not key.verify(MESSAGE + b".", signature.read_bytes())


def test_another_library_verifies_what_we_sign_with_sm2() -> None:
    key = signing_key(RAW, PRIVATE)
    other = second_opinion.CryptSM2(private_key="", public_key="")
    other.public_key = PUBLIC  # its constructor strips leading noughts and fours
    for text in (b"", b"x", b"filing" * 1000):
        assert isinstance(key, Sm2Key)
        hashed = key._own.digest(text)
        assert other.verify(key.sign(text).hex(), hashed)


# -- what was changed


@pytest.mark.parametrize("scheme", ALL, ids=lambda scheme: f"{scheme.method}-{scheme.form}")
def test_nothing_that_was_changed_is_taken(
    keys: dict[str, tuple[Path, Path]], scheme: Scheme
) -> None:
    """Signatures bent, cut, lengthened and made up; bodies bent. 10,000 of each in bench."""
    private, public = (path.read_text() for path in keys[scheme.method])
    key = verifying_key(scheme, public)
    signature = signing_key(scheme, private).sign(MESSAGE)
    chance = random.Random(7)

    assert key.verify(MESSAGE, signature)
    assert [bent for bent in bend(signature, 60, chance) if key.verify(MESSAGE, bent)] == []
    assert [bent for bent in bend(MESSAGE, 20, chance) if key.verify(bent, signature)] == []


def bend(data: bytes, count: int, chance: random.Random) -> list[bytes]:
    """So many ways in which *data* is no longer what it was."""
    found: list[bytes] = [b"", data[:-1], data + b"\0", bytes(len(data)), b"\xff" * len(data)]
    while len(found) < count:
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                bent = data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
            case 1:
                bent = data[:at] + data[at + 1 :]
            case 2:
                bent = data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
            case _:
                bent = chance.randbytes(len(data))
        if bent != data:
            found.append(bent)
    return found


def test_a_signature_with_numbers_out_of_range_is_none() -> None:
    """The same r and s plus the order, or 0: what a careless verifier takes."""
    order = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
    key = verifying_key(RAW, PUBLIC)
    r, s = (int(part, 16) for part in (SIGNED[:64], SIGNED[64:]))
    for pair in ((0, s), (r, 0), (order, s), (r, order), (r, order - r), (r, (1 << 256) - 1)):
        made = b"".join(number.to_bytes(32) for number in pair)
        assert not key.verify(MESSAGE, made)


@pytest.mark.parametrize(
    ("method", "private"),
    [
        ("sm2-sm3", ""),
        ("sm2-sm3", "00" * 32),
        ("sm2-sm3", "ff" * 32),
        ("sm2-sm3", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        ("ecdsa-p256-sha256", "0102"),
        ("rsa-pss-sha256", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(method: Method, private: str) -> None:
    with pytest.raises(KeyUnusable) as told:
        signing_key(Scheme(method), private)
    assert not private or private not in str(told.value)


def test_keys_of_another_method_are_refused(keys: dict[str, tuple[Path, Path]]) -> None:
    for method in METHODS:
        for other in set(METHODS) - {method}:
            private, public = (path.read_text() for path in keys[other])
            with pytest.raises(KeyUnusable):
                signing_key(Scheme(method), private)
            with pytest.raises(KeyUnusable):
                verifying_key(Scheme(method), public)


def test_a_point_off_the_curve_is_no_public_key() -> None:
    with pytest.raises(KeyUnusable, match="no point"):
        verifying_key(RAW, PUBLIC[:-1] + "4")


# -- envelopes


@pytest.mark.parametrize("mode", ["sm4-gcm", "sm4-cbc"])
@pytest.mark.parametrize("size", [0, 1, 16, 100_000])
def test_what_is_sealed_opens_with_its_key(mode: Any, size: int) -> None:
    key, body = bytes(range(16)), random.Random(size).randbytes(size)
    sealed = seal(mode, key, body)

    assert open_sealed(mode, key, sealed) == body
    assert seal(mode, key, body) != sealed, "a nonce of its own each time"


def test_what_was_changed_does_not_open() -> None:
    key, sealed = bytes(range(16)), seal("sm4-gcm", bytes(range(16)), b"body" * 20)
    for bent in bend(sealed, 200, random.Random(1)):
        with pytest.raises(SealBroken):
            open_sealed("sm4-gcm", key, bent)
    for cut in (b"", sealed[:20]):
        with pytest.raises(SealBroken, match=f"{len(cut)} bytes|shorter"):
            open_sealed("sm4-cbc", key, cut)


# -- a gateway without it stays small


def test_a_hub_that_files_nothing_loads_none_of_it() -> None:
    program = (
        "import sys; from hub import app, cli; from hub.cli import main; import hub.signing;"
        "print([n for n in sys.modules if n.startswith(('pysmx', 'asyncssh', 'gmssl'))])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert said.stdout.strip() == b"[]"
