"""The manifest: what a bundle is about, what is in it, and what was kept back and why."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from hub.bundle.container import FORMAT, MANIFEST
from hub.bundle.finding import NotGood
from hub.ledger.canonical import canonical

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
For = Literal["company", "authority", "court"]
"""Who gets it, as in `hub.foreman.personal`."""
NONE: Final = -1
"""Where there is no entry, or no link of a chain."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class JobNote(_Strict):
    """One job, and where its chain of entries ends: the last `seq`, and the entry that has it."""

    number: str
    last_seq: int = Field(ge=NONE)
    last_entry: int = Field(ge=0)


class AttemptNote(_Strict):
    """One attempt from its opening to its verdict; NONE while it has none."""

    attempt: str
    order: str
    opened_entry: int = Field(ge=0)
    verdict_entry: int = Field(ge=NONE)


class DriverNote(_Strict):
    """A driver that some of the messages in the bundle were read by."""

    kind: str
    plugin: str
    version: str
    sha256: Sha256


Why = Literal["personal", "another job"]


class Withheld(_Strict):
    """An entry of which only the head is shown."""

    entry: int = Field(ge=0)
    why: Why


class MemberNote(_Strict):
    """One of the other members."""

    name: str
    sha256: Sha256
    size: int = Field(ge=0)


class Manifest(_Strict):
    """What a bundle says of itself.

    number   of the job or order that all is about; `kind` says which of the two it is
    hazards  whether the jobs that came out of it are included
    files    whether photos, scans and signatures are included; `files_lost` are those that the
             record names and the gateway does not have, or not unchanged
    """

    format: Literal["gashub-evidence-1"] = FORMAT
    gateway: str
    origin: str
    software: str
    exported_at: str
    recipient: For
    kind: Literal["job", "order"]
    number: str
    hazards: bool
    files: bool
    jobs: list[JobNote]
    attempts: list[AttemptNote]
    drivers: list[DriverNote]
    withheld: list[Withheld]
    files_lost: list[Sha256]
    members: list[MemberNote]

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical(self.model_dump(mode="json"))


def read_manifest(data: bytes) -> Manifest:
    """Raises NotGood for what is not exactly a manifest of this format."""
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as wrong:
        fault = wrong.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "it"
        raise NotGood("manifest", f"{where}: {fault['msg']}", MANIFEST) from None
    try:
        same = manifest.to_bytes() == data
    except ValueError as wrong:
        raise NotGood("manifest", str(wrong), MANIFEST) from None
    if not same:
        raise NotGood("manifest", "is not in canonical form", MANIFEST)
    return manifest
