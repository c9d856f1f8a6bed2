"""What may be set for one Tryton."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from hub import NAMES_SECRET, EventKind, Lan, SinkSettings

TAKES = frozenset({"verdict", "job", "hazard", "visit", "notice"})


class TrytonSettings(SinkSettings):
    """One database of a Tryton server. The key is named here; its value is a credential."""

    events: tuple[EventKind, ...] = Field(
        default=("verdict", "job", "hazard", "visit", "notice"),
        description="Kinds of event this sink takes.",
    )

    url: str = Field(
        examples=["https://erp.example.com/gas"],
        description="Address of the server with the name of the database.",
    )
    key: str = Field(
        examples=["tryton-key"],
        json_schema_extra=NAMES_SECRET,
        description="Name of the secret: the key of a user application `rest`, validated.",
    )
    company: str = Field(
        examples=["GAS"], description="Code of the party that is the company in Tryton."
    )
    customer: str = Field(
        default="GASHUB",
        min_length=1,
        description="Code of the party under whose project tasks are put that did not begin in "
        "Tryton; created where there is none.",
    )
    settle_s: float = Field(
        default=30,
        ge=0,
        le=3600,
        description="Nothing is written so long after a start or a missing answer: what was sent "
        "before must have ended by then, or it could be written twice.",
    )
    connect_within_s: float = Field(default=5, gt=0, le=60, description="Longest wait to connect.")
    answer_within_s: float = Field(
        default=15, gt=0, le=120, description="Longest wait for a whole answer, however it drips."
    )
    answer_max_bytes: int = Field(
        default=4_194_304, ge=1024, le=67_108_864, description="Most of an answer that is read."
    )
    lan: Lan = Field(
        default=(),
        examples=[["10.20.0.0/16"]],
        description="Networks of the company's own that the server may be in. Without them only "
        "global addresses are connected to.",
    )
    ca_file: Path | None = Field(
        default=None,
        examples=["/etc/gashub/erp-ca.pem"],
        description="Certificates to trust instead of the system's.",
    )
    cert_file: Path | None = Field(
        default=None,
        examples=["/etc/gashub/erp-client.pem"],
        description="Our client certificate, if the server asks for one.",
    )
    key_file: Path | None = Field(
        default=None,
        examples=["/etc/gashub/erp-client.key"],
        description="Its private key, unless it stands in cert_file.",
    )
    allow_plain_http: bool = Field(
        default=False, description="Allow an http:// address. For tests and loopback only."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and self.allow_plain_http):
            raise ValueError(
                f"url begins with {parts.scheme}://, expected https://"
                + (", unless allow_plain_http is true" if parts.scheme == "http" else "")
            )
        if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
            raise ValueError("url is not https://HOST/DATABASE; leave everything else out")
        if strange := set(self.events) - TAKES:
            raise ValueError(
                f"events has {min(strange)!r}; Tryton takes {', '.join(sorted(TAKES))}. An alarm "
                "belongs to an instrument, and Tryton has no place for it"
            )
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file without cert_file")
        return self
