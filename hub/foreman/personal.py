"""Personal data: which fields there are, how each is shown to whom, and the key for pseudonyms.

What is known of a customer stands in ledger entries of its own (kind `personal`), which can be
erased without touching what was measured. Everything else names a customer by a pseudonym: an
HMAC-SHA-256 of the user number under a key that never leaves the gateway, since the hash alone of
an eleven-digit number is undone by trying all of them. A mask is no anonymity: masked data are
still personal.

Source: domain (d.3); PIPL art. 4, 51, 73.
"""

import hmac
import os
import unicodedata
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from hub.errors import ConfigError
from hub.ledger.keys import write_durably

Recipient = Literal["company", "crm", "authority", "court"]
"""company: whoever works on the case; crm: as the CRM owns the customer it gets what it sent;
authority: a filing, masked unless the local rule demands more; court: everything."""
KEY_FILE: Final = "pseudonym.key"
KEY_BYTES: Final = 32
LEAST_PHONE: Final = 11
"""Digits of a mobile number, or of a landline with its area code."""
HALF_PHONE: Final = 6


def _name(text: str) -> str:
    return text[:1] + "*" * max(1, len(text) - 1) if text else ""


def _phone(text: str) -> str:
    digits = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isdecimal())
    if len(digits) < LEAST_PHONE:  # of a landline's seven or eight, seven would be shown
        return f"****{digits[-2:]}" if len(digits) > HALF_PHONE else "****"
    return f"{digits[:3]}****{digits[-4:]}"


def _tail(text: str) -> str:
    return f"****{text[-4:]}" if len(text) > 4 else "****"


def _nothing(_: str) -> str:
    return ""


def _same(text: str) -> str:
    return text


FIELDS: Final[Mapping[str, Callable[[str], str]]] = {
    "user_no": _tail,
    "household_no": _tail,
    "name": _name,
    "phone": _phone,
    "address_id": _tail,
    "community": _same,
    "building": _same,
    "unit": _nothing,
    "room": _nothing,
    "address": _nothing,
    "division_code": _same,
    "lon": _nothing,
    "lat": _nothing,
    "meter_no": _tail,
}
"""Field of a customer -> how it looks masked. The address ends at the building."""
_UNMASKED: Final[frozenset[Recipient]] = frozenset({"company", "crm", "court"})


def shown_to(recipient: Recipient, fields: Mapping[str, str]) -> dict[str, str]:
    """The fields of a customer as *recipient* may see them; what is masked away is left out."""
    if recipient in _UNMASKED:
        return dict(fields)
    masked = {name: FIELDS.get(name, _nothing)(text) for name, text in fields.items()}
    return {name: text for name, text in masked.items() if text}


def sees_all(recipient: Recipient) -> bool:
    """Whether *recipient* may see a customer unmasked."""
    return recipient in _UNMASKED


class Pseudonyms:
    """Names that stand for customers, made with the gateway's own key."""

    def __init__(self, state_dir: Path) -> None:
        """Reads the key, or makes it at the first need.

        raises  ConfigError when the file is not a key, or open to others
        """
        self._path = state_dir / KEY_FILE
        self._key = b""

    def of(self, user_no: str) -> str:
        """24 hex digits; the same for the same number on this gateway, and nowhere else."""
        if not self._key:
            self._key = self._read()
        return hmac.new(self._key, user_no.encode(), sha256).hexdigest()[:24]

    def _read(self) -> bytes:
        try:
            mode = self._path.stat().st_mode & 0o777
            key = self._path.read_bytes()
        except FileNotFoundError:
            key = os.urandom(KEY_BYTES)
            write_durably(self._path, key, 0o600)
            return key
        except OSError as fault:
            raise ConfigError(f"{self._path}: cannot be read: {fault.strerror}") from fault
        if mode & 0o077 or len(key) != KEY_BYTES:
            raise ConfigError(
                f"{self._path}: mode {mode:04o}, {len(key)} bytes; expected 0600 and {KEY_BYTES}: "
                "put it back from the backup, for with another key nobody is recognised again"
            )
        return key
