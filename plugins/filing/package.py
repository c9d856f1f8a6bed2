"""A filing as it comes from the hub, and what goes out of it: bytes, digests, files."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import rfc8785

from hub import (
    ConfigError,
    KeyUnusable,
    Parcel,
    Profile,
    SigningKey,
    SinkPaused,
    VerifyingKey,
    load_profile,
    open_sealed,
    seal,
    signing_key,
    verifying_key,
)
from plugins.filing.settings import SignedFilingSettings

TYPE: Final = "gashub.filing_document.v1"
_ENVELOPE_HEX: Final = 32


@dataclass(frozen=True, slots=True)
class Filing:
    """One filing. `body` is the document that a person approved, byte for byte."""

    id: str
    title: str
    period: str
    recipient: str
    counts: Mapping[str, int]
    document: Mapping[str, Any]
    body: bytes


def filing_of(parcel: Parcel) -> Filing | str:
    """The filing of a parcel; why it is none, or not what was approved."""
    try:
        event = json.loads(parcel.body)
        data = event["data"] if event["type"] == TYPE else {}
        if data and "document" not in data:
            return "its document was erased, with the jobs that it was about"
        body = rfc8785.dumps(data["document"])
        made = Filing(
            data["filing"], data["title"], data["period"], data["recipient"], data["counts"],
            data["document"], body,
        )  # fmt: skip
    except (ValueError, RecursionError, KeyError, TypeError, rfc8785.CanonicalizationError):
        return "it is no filing; take this kind out of the sink's events"
    if sha256(body).hexdigest() != data["digest"]:
        return "it is not the document that was approved: its digest is another"
    return made


def read_profile(path: Any, kind: type) -> Profile:
    """The profile, if its transport is of that *kind*.

    raises  SinkPaused saying what is wrong with it
    """
    try:
        profile = load_profile(path)
    except ConfigError as wrong:
        raise SinkPaused(str(wrong)) from wrong
    if not isinstance(profile.transport, kind):
        raise SinkPaused(
            f"{path}: its transport is {profile.transport.kind!r}, and this sink's another; use "
            f"kind filing_{profile.transport.kind} in the gateway's configuration"
        )
    return profile


class Keys:
    """The keys of a sink, read when it is opened."""

    def __init__(
        self, profile: Profile, settings: SignedFilingSettings, secret: Callable[[str], str]
    ) -> None:
        """Raises SinkPaused naming what is missing."""
        self._profile = profile
        self._signing: SigningKey | None = None
        self._theirs: VerifyingKey | None = None
        self._envelope = b""
        if settings.authority_key is not None and profile.signature is None:
            raise SinkPaused(
                "authority_key is set, and the profile has no [signature] that says how the "
                "authority signs: its answers would be believed unsigned. Add the table, or take "
                "authority_key away; then `gashub outbox retry`"
            )
        try:
            if profile.signature is not None:
                name = _asked(settings.signing_key, "signing_key", "signatures")
                self._signing = signing_key(profile.signature.scheme(), secret(name))
            if profile.envelope is not None:
                name = _asked(settings.envelope_key, "envelope_key", "envelopes")
                self._envelope = _envelope_key(name, secret(name))
            if settings.authority_key is not None and profile.signature is not None:
                text = settings.authority_key.read_text(encoding="ascii")
                self._theirs = verifying_key(profile.signature.scheme(), text)
        except (ConfigError, KeyUnusable) as wrong:
            raise SinkPaused(f"{wrong}; then `gashub outbox retry`") from wrong
        except (OSError, UnicodeDecodeError) as fault:
            raise SinkPaused(f"{settings.authority_key}: cannot be read: {fault}") from fault

    def sealed(self, body: bytes) -> bytes:
        """The body in the profile's envelope, or as it is."""
        if self._profile.envelope is None:
            return body
        return seal(self._profile.envelope, self._envelope, body)

    def opened(self, body: bytes) -> bytes:
        """A body out of the profile's envelope. raises SealBroken"""
        if self._profile.envelope is None:
            return body
        return open_sealed(self._profile.envelope, self._envelope, body)

    def sign(self, message: bytes) -> str:
        """The signature in base64; "" where the profile asks for none."""
        return "" if self._signing is None else b64encode(self._signing.sign(message)).decode()

    def theirs(self, message: bytes, signature: str) -> bool:
        """Whether the authority has signed this; True where its key is not known to us."""
        if self._theirs is None:
            return True
        try:
            return self._theirs.verify(message, b64decode(signature, validate=True))
        except ValueError:
            return False


def _asked(name: str | None, setting: str, what: str) -> str:
    if name is None:
        raise ConfigError(f"the profile asks for {what}; set {setting} in the gateway's file")
    return name


def _envelope_key(name: str, text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if 2 * len(key) != _ENVELOPE_HEX:
        raise ConfigError(f'secret "{name}" is no SM4 key; expected {_ENVELOPE_HEX} hex digits')
    return key
