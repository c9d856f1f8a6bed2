"""A profile: what one city wants to be filed, in a TOML file. See docs/filing.md.

A profile holds fields, codes, schedule, masks and transport; who files, addresses and the names
of secrets are the gateway's own and stand in its configuration.
"""

import tomllib
from collections.abc import Collection
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from hub.errors import ConfigError
from hub.filing.period import Every
from hub.refusal import explain, suggestion
from hub.settings import Settings
from hub.signing import Scheme
from hub.signing.envelope import Mode

Part = Literal["refused", "absent", "hazard", "statistics"]
PARTS: Final[tuple[Part, ...]] = ("refused", "absent", "hazard", "statistics")
Mask = Literal["none", "masked", "whole"]

CUSTOMER: Final = (
    "user_no", "name", "phone", "community", "building", "unit", "room", "address", "meter_no",
    "division_code",
)  # fmt: skip
"""Fields that speak of a customer: they go by the privacy template."""
COLUMNS: Final[dict[Part, frozenset[str]]] = {
    "refused": frozenset(
        {"number", "cycle", "user_class", "visits", "first_visit", "second_visit", "third_visit",
         "refused_at", "refusal", "refusal_scan", "staff", "absent_before"}
    ),
    "absent": frozenset(
        {"number", "cycle", "user_class", "visits", "first_visit", "second_visit", "third_visit",
         "notice_photos", "staff", "laser_outcome", "laser_at", "laser_excess_ppm_m",
         "laser_background_ppm_m", "laser_distance_m", "laser_serial", "recheck"}
    ),
    "hazard": frozenset(
        {"number", "kind", "code", "level", "hazard_class", "user_class", "found_at", "found_in",
         "notice_number", "noticed_at", "notice_signed", "deadline", "due_at", "overdue_days",
         "refused_at", "isolation", "supply"}
    ),
    "statistics": frozenset(
        {"period", "first_day", "last_day", "inspections_opened", "inspections_ended", "inspected",
         "refused", "absent", "visits", "entry_rate_pct", "hazards_found", "hazards_found_level_1",
         "hazards_found_level_2", "hazards_found_level_3", "hazards_closed", "hazards_overdue",
         "hazards_refused", "purges_ended", "repairs_ended"}
    ),
}  # fmt: skip
"""What the record gives for each part; `seq`, `subject` and customer fields come besides."""
_EVERYWHERE: Final = frozenset({"seq", "subject", "entry", *CUSTOMER})
HEADER: Final = frozenset(
    {"filing", "profile", "schema_version", "company", "credit_code", "division_code", "first_day",
     "last_day", "created_at", "total", "corrects", "digest", "ledger_origin", "ledger_size",
     "ledger_root", "gateway"}
)  # fmt: skip


class FieldOf(Settings):
    """One field of a table, as the city calls it."""

    name: str = Field(min_length=1, max_length=64, description="The city's name of the field.")
    source: str = Field(description="What of the record stands in it; see docs/filing.md.")
    required: bool = Field(default=False, description="A row without it is a fault.")
    longest: int = Field(default=200, ge=1, le=4000, description="Most characters.")
    codes: str = Field(default="", description="Name of the code table it goes through.")
    form: Literal["text", "day", "moment", "number", "file"] = Field(
        default="text",
        description="How it is written: a day is 2026-11-29, a moment has +08:00, a number is "
        "decimal text, a file is a digest that must be on the shelf.",
    )


class TableOf(Settings):
    """One table of a filing."""

    name: str = Field(min_length=1, max_length=64, description="The city's name of the table.")
    field: tuple[FieldOf, ...] = Field(min_length=1, description="Its fields, in their order.")

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [one.name for one in self.field]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"field {doubled[0]!r} stands there twice; names must differ")
        return self


class Authority(Settings):
    """Who gets it, and by what right."""

    name: str = Field(min_length=1, description="The authority, as letters are addressed.")
    legal_basis: str = Field(
        min_length=1, description="The rule that demands the filing; recorded with each."
    )
    purpose: str = Field(min_length=1, description="What it is for; recorded with each.")


class ScheduleOf(Settings):
    """When it is due."""

    every: Every = Field(default="month", description="Length of a period.")
    within_days: int = Field(
        default=10, ge=0, le=366, description="Days after its end until which it must be filed."
    )


class ApprovalOf(Settings):
    """Who lets it go out."""

    two_persons: bool = Field(
        default=True,
        description="Whoever approves is another person of the register than whoever drafted.",
    )


class SignatureOf(Settings):
    """How it is signed."""

    method: Literal["sm2-sm3", "ecdsa-p256-sha256", "rsa-pss-sha256"] = "sm2-sm3"
    form: Literal["der", "raw"] = "der"
    user_id: str = Field(default="1234567812345678", min_length=1, max_length=128)

    def scheme(self) -> Scheme:
        return Scheme(self.method, self.form, self.user_id)


class AnswersOf(Settings):
    """What an answer of the authority means: JSON that names our filing, and a word."""

    filing_key: str = Field(default="filing", description="Key that names the filing.")
    status_key: str = Field(default="status", description="Key that has the word.")
    receipt_key: str = "receipt"
    reasons_key: str = "reasons"
    duplicate_key: str = "duplicate_of"
    words: dict[str, Literal["submitted", "accepted", "rejected", "duplicate", "absent"]] = Field(
        default={
            "received": "submitted",
            "processing": "submitted",
            "accepted": "accepted",
            "rejected": "rejected",
            "duplicate": "duplicate",
            "not_found": "absent",
        },
        description="Their words, and what each means here. Another word is no answer.",
    )


class HttpsOf(AnswersOf):
    """HTTPS: two paths below the address."""

    kind: Literal["https"]
    submit_path: str = Field(default="/filings", pattern=r"^/")
    query_path: str = Field(default="/filings/{filing}", pattern=r"^/.*\{filing\}")
    framing: Literal["json", "hj212"] = Field(
        default="json", description="hj212 wraps the body in a frame of HJ 212-2017."
    )


class SftpOf(AnswersOf):
    """SFTP: the files of a filing into a folder, and receipts from another."""

    kind: Literal["sftp"]
    folder: str = Field(default="incoming", min_length=1)
    receipts: str = Field(
        default="", description='Folder of receipts filing-ID.receipt.json; "" for none: by hand.'
    )


class FolderOf(Settings):
    """A folder from which somebody uploads by hand; the answer is typed in afterwards."""

    kind: Literal["folder"]


class Profile(Settings):
    """One city. Everything of a filing that is the city's and not the company's."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")
    version: str = Field(min_length=1, max_length=20)
    title: str = Field(min_length=1, max_length=80, description="What the filing is called.")
    schema_version: str = Field(default="1.0", description="Of the city's interface.")
    divisions: tuple[str, ...] = Field(
        min_length=1, description="Division codes that are valid for the city now (GB/T 2260)."
    )
    digest: Literal["sm3", "sha256"] = Field(default="sm3", description="Of the tables.")
    authority: Authority
    schedule: ScheduleOf = ScheduleOf()
    approval: ApprovalOf = ApprovalOf()
    signature: SignatureOf | None = SignatureOf()
    envelope: Mode | None = Field(default=None, description="sm4-gcm or sm4-cbc, or not at all.")
    transport: HttpsOf | SftpOf | FolderOf = Field(discriminator="kind")
    header: dict[str, str] = Field(
        min_length=1, description="The city's name of each field of the header -> ours."
    )
    table: dict[Part, TableOf] = Field(min_length=1)
    codes: dict[str, dict[str, str]] = Field(
        default={}, description="Name of a code table -> our word -> the city's code."
    )
    masks: dict[str, Mask] = Field(
        default={},
        description="Field of a customer -> none, masked or whole. What is not here is masked.",
    )
    sha256: str = Field(default="", description="Written by the loader: of the file.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for ours in self.header.values():
            _one_of("header", ours, HEADER)
        for part, table in self.table.items():
            for one in table.field:
                _one_of(f"table.{part}", one.source, COLUMNS[part] | _EVERYWHERE)
                if one.codes:
                    _one_of(f"table.{part}.{one.name}: codes", one.codes, self.codes)
        for name in self.masks:
            _one_of("masks", name, CUSTOMER)
        return self

    def mask(self, field: str) -> Mask:
        return self.masks.get(field, "masked")

    def personal(self) -> dict[str, Mask]:
        """Fields of a customer that this profile asks for, and how each is shown."""
        asked = {one.source for table in self.table.values() for one in table.field}
        return {name: self.mask(name) for name in CUSTOMER if name in asked}


def load_profile(path: Path) -> Profile:
    """Read and check a profile.

    raises  ConfigError with one line per fault
    """
    try:
        raw = path.read_bytes()
        table = tomllib.loads(raw.decode("utf-8"))
    except OSError as fault:
        raise ConfigError(
            f"{path}: cannot be read ({fault.strerror}); give the path of a filing profile"
        ) from fault
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise ConfigError(f"{path}: not TOML in UTF-8: {fault}") from fault
    table.pop("sha256", None)
    try:
        return Profile.model_validate({**table, "sha256": sha256(raw).hexdigest()})
    except ValidationError as invalid:
        faults = explain(invalid, Profile, "profile")
        raise ConfigError("\n".join(f"{path}: {line}" for line in faults)) from invalid


def _one_of(where: str, word: str, known: Collection[str]) -> None:
    if word not in known:
        raise ValueError(f"{where}: {word!r} is not known; {suggestion(word, known)}")
