"""Device key and checkpoints: the C2SP text forms, and errors that name the file."""

import base64
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from hub.errors import ConfigError
from hub.ledger.checkpoint import Head, read_checkpoint, sign_checkpoint, signed_by
from hub.ledger.keys import KEY_FILE, PUBLIC_FILE, DeviceKey, PublicKey

T = 1_790_000_000_000_000
# The example of the signed-note documentation of the Go project.
NOTE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE_TEXT = (
    b"If you think cryptography is the answer to your problem,\n"
    b"then you don't know what your problem is.\n"
)
NOTE_SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)


def test_a_key_in_the_form_of_signed_notes_is_read_and_its_id_checked() -> None:
    """The public example's key id is the hash of its name and key."""
    key = PublicKey.from_line(NOTE_KEY)

    assert (key.origin, key.id.hex(), key.line()) == ("PeterNeumann", "c74f20a3", NOTE_KEY)


def test_a_public_signature_of_the_form_holds() -> None:
    """Key id in front, Ed25519 over the text with its last line end: as others write it."""
    key = PublicKey.from_line(NOTE_KEY)
    signature = base64.b64decode(NOTE_SIGNATURE)

    assert signature[:4] == key.id
    assert key.verifies(signature[4:], NOTE_TEXT)
    assert not key.verifies(signature[4:], NOTE_TEXT[:-1])


def test_a_checkpoint_has_the_lines_of_the_form() -> None:
    """Origin, size, root, time, a blank line, and a signature line that begins with an em dash."""
    key = DeviceKey.make("gw 1+气")
    note = sign_checkpoint(key, Head(7, b"\1" * 32), T)
    lines = note.split("\n")

    assert lines[0].startswith("gashub/gw-1/")
    assert lines[1:5] == [
        "7",
        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
        "time 2026-09-21T14:13:20.000000Z",
        "",
    ]
    assert lines[5].startswith(f"— {lines[0]} ")
    assert lines[6:] == [""]


def test_a_signed_checkpoint_is_read_back_and_holds() -> None:
    """What was signed is what is read, and only this key signed it."""
    key, other = DeviceKey.make("gw"), DeviceKey.make("gw")
    checkpoint = read_checkpoint(sign_checkpoint(key, Head(7, b"\1" * 32), T))

    assert (checkpoint.size, checkpoint.root) == (7, b"\1" * 32)
    assert signed_by(checkpoint, key.public)
    assert not signed_by(checkpoint, other.public)
    assert not signed_by(checkpoint, PublicKey(key.public.origin, other.public.raw))


@pytest.mark.parametrize(
    ("old", "new"), [("\n7\n", "\n8\n"), ("AQEB", "AgEB"), ("time 2026", "time 2027")]
)
def test_a_changed_checkpoint_does_not_hold(old: str, new: str) -> None:
    """The signature covers size, root and time."""
    key = DeviceKey.make("gw")
    note = sign_checkpoint(key, Head(7, b"\1" * 32), T)

    assert not signed_by(read_checkpoint(note.replace(old, new, 1)), key.public)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "a\n1\nAAAA\n",
        "a\n01\n" + "A" * 43 + "=\n\n— a x\n",
        "a\n-1\n" + "A" * 43 + "=\n\n— a x\n",
        "a\n²\n" + "A" * 43 + "=\n\n— a x\n",
        "a\n1\nAAAA\n\n— a x\n",
        "a\n1\n***\n\n— a x\n",
        "a\n1\n\n— a x\n",
    ],
)
def test_what_is_not_a_checkpoint_is_refused(note: str) -> None:
    """Strict in the form, so that two programs never read two things in one text."""
    with pytest.raises(ValueError, match=r"checkpoint"):
        read_checkpoint(note)


def test_a_saved_key_is_private_and_loads_again(tmp_path: Path) -> None:
    """Mode 0600 for the key, the public half beside it as one line."""
    key = DeviceKey.make("gw")
    key.save(tmp_path)

    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert PublicKey.from_line((tmp_path / PUBLIC_FILE).read_text()).raw == key.public.raw
    assert DeviceKey.load(tmp_path, key.public.origin).public.line() == key.public.line()


def test_the_key_file_is_what_every_library_writes_and_reads(tmp_path: Path) -> None:
    """PKCS #8 in PEM, byte for byte as the library would have it."""
    DeviceKey.make("gw").save(tmp_path)
    pem = (tmp_path / KEY_FILE).read_bytes()

    read = load_pem_private_key(pem, None)
    assert read.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) == pem


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    """Whatever goes wrong, an existing key stays."""
    DeviceKey.make("gw").save(tmp_path)
    before = (tmp_path / KEY_FILE).read_bytes()

    with pytest.raises(FileExistsError):
        DeviceKey.make("gw").save(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == before


def foreign_key() -> bytes:
    private = generate_private_key(SECP256R1())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "mode", "wrong"),
    [
        pytest.param(None, 0o600, "missing", id="missing"),
        pytest.param(b"", 0o600, "not a PEM", id="empty"),
        pytest.param(b"\0" * 64, 0o600, "not a PEM", id="NUL"),
        pytest.param(foreign_key(), 0o600, "not an Ed25519 key", id="another kind"),
        pytest.param(foreign_key(), 0o644, "chmod 600", id="open to all"),
    ],
)
def test_an_unusable_key_is_named_with_the_remedy(
    tmp_path: Path, content: bytes | None, mode: int, wrong: str
) -> None:
    """The error names the file and says what to do."""
    if content is not None:
        (tmp_path / KEY_FILE).write_bytes(content)
        os.chmod(tmp_path / KEY_FILE, mode)  # noqa: PTH101 - the mode is the case

    with pytest.raises(ConfigError, match=wrong) as caught:
        DeviceKey.load(tmp_path, "o")
    assert str(tmp_path / KEY_FILE) in str(caught.value)


@pytest.mark.parametrize(
    "line", ["", "a+b", "a+00000000+!!", "a+00000000+AAAA", NOTE_KEY.replace("c74f", "c74e")]
)
def test_what_is_not_a_verifier_key_is_refused(line: str) -> None:
    """A mistyped key is an error, not another key."""
    with pytest.raises(ValueError, match="verifier key"):
        PublicKey.from_line(line)
