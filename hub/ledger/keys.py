"""The device key: Ed25519, made once, kept in the state folder with mode 0600.

`device.key` is PKCS #8 PEM. `device.pub` holds one line, the verifier key of a C2SP signed note
(`<origin>+<key id>+<base64 of 0x01 and the public key>`), to be handed to whoever checks this
gateway's checkpoints.
"""

import base64
import binascii
import os
import re
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.errors import ConfigError

KEY_FILE, PUBLIC_FILE = "device.key", "device.pub"
KEY_ID_BYTES = 4
_ED25519 = b"\x01"  # signature type of C2SP signed-note
_PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")  # all before the 32 bytes
_PEM_BEGIN, _PEM_END = b"-----BEGIN PRIVATE KEY-----", b"-----END PRIVATE KEY-----"


class PublicKey:
    """What it takes to check a log's signatures: its name (origin) and an Ed25519 key."""

    def __init__(self, origin: str, raw: bytes) -> None:
        self.origin = origin
        self.raw = raw
        self.id = sha256(origin.encode() + b"\n" + _ED25519 + raw).digest()[:KEY_ID_BYTES]
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    def verifies(self, signature: bytes, text: bytes) -> bool:
        try:
            self._key.verify(signature, text)
        except InvalidSignature:
            return False
        return True

    def line(self) -> str:
        """The verifier key as one line of text."""
        key = base64.b64encode(_ED25519 + self.raw).decode()
        return f"{self.origin}+{self.id.hex()}+{key}"

    @classmethod
    def from_line(cls, line: str) -> "PublicKey":
        """Raises ValueError when the line is no Ed25519 verifier key, or its id does not fit"""
        parts = line.strip().split("+", 2)
        if len(parts) != 3:
            raise ValueError("a verifier key reads <origin>+<key id>+<base64>")
        origin, id_hex, encoded = parts
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as e:
            raise ValueError(f"verifier key of {origin}: not base64: {e}") from None
        if len(key) != 33 or key[:1] != _ED25519:
            raise ValueError(f"verifier key of {origin}: not an Ed25519 key")
        public = cls(origin, key[1:])
        if public.id.hex() != id_hex:
            raise ValueError(f"verifier key of {origin}: id is {public.id.hex()}, says {id_hex}")
        return public


class DeviceKey:
    """The private half. The log's origin is made of the gateway's name and this key."""

    def __init__(self, private: Ed25519PrivateKey, origin: str) -> None:
        self._private = private
        self.public = PublicKey(origin, private.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        return self._private.sign(text)

    @classmethod
    def make(cls, gateway: str) -> "DeviceKey":
        """A new key, and with it the name of a new log: gashub/<gateway>/<16 hex digits>."""
        private = Ed25519PrivateKey.generate()
        tail = sha256(private.public_key().public_bytes_raw()).hexdigest()[:16]
        # Names of keys hold no blanks and no plus sign (C2SP signed-note).
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", gateway).strip("-") or "gateway"
        return cls(private, f"gashub/{slug}/{tail}")

    @classmethod
    def load(cls, folder: Path, origin: str) -> "DeviceKey":
        """Raises ConfigError naming the file when it is missing, unreadable or open to others"""
        path = folder / KEY_FILE
        try:
            mode = path.stat().st_mode & 0o777
            pem = path.read_bytes()
        except FileNotFoundError:
            raise ConfigError(
                f"{path}: the device key is missing, so nothing can be signed; put it back from"
                " the backup made at installation"
            ) from None
        except OSError as e:
            raise ConfigError(
                f"{path}: cannot read the device key: {e.strerror}; it belongs to the hub's user"
            ) from None
        if mode & 0o077:
            raise ConfigError(
                f"{path}: mode is {mode:04o}, others may read the device key; run chmod 600 {path}"
            )
        return cls(_private_from(pem, path), origin)

    def save(self, folder: Path) -> None:
        """Write both files, durably. Never over an existing key."""
        key = base64.b64encode(_PKCS8_ED25519 + self._private.private_bytes_raw())
        pem = b"\n".join((_PEM_BEGIN, key, _PEM_END, b""))
        write_durably(folder / PUBLIC_FILE, self.public.line().encode() + b"\n", 0o644)
        if (folder / KEY_FILE).exists():
            raise FileExistsError(f"{folder / KEY_FILE} exists; a device key is never replaced")
        write_durably(folder / KEY_FILE, pem, 0o600)


def _private_from(pem: bytes, path: Path) -> Ed25519PrivateKey:
    """The key in the one form that `save` writes, which has no choices (RFC 8410, section 7).

    The library's reader of all forms takes 1 MB of a small box, for SSH keys.
    """
    lines = pem.strip().splitlines()
    if len(lines) < 3 or (lines[0], lines[-1]) != (_PEM_BEGIN, _PEM_END):
        raise ConfigError(f"{path}: not a PEM private key without password")
    try:
        der = base64.b64decode(b"".join(lines[1:-1]), validate=True)
    except binascii.Error as e:
        raise ConfigError(f"{path}: not a PEM private key: {e}") from None
    seed = der[len(_PKCS8_ED25519) :]
    if not der.startswith(_PKCS8_ED25519) or len(seed) != 32:
        raise ConfigError(f"{path}: not an Ed25519 key; put back the key made at first start")
    return Ed25519PrivateKey.from_private_bytes(seed)


def write_durably(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace a small file whole: after a power cut it holds the old bytes or the new ones."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)  # left by a power cut, perhaps with another mode
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        os.write(file, content)
        os.fsync(file)
    finally:
        os.close(file)
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in *folder* durable: a new file's name is not, until its folder is synced."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
