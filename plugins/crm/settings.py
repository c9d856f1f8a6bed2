"""What may be set for one CRM."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from hub import NAMES_SECRET, EventKind, Lan, SinkSettings


class CrmSettings(SinkSettings):
    """One webhook address. Secrets are named here; their values stand in systemd credentials."""

    events: tuple[EventKind, ...] = Field(
        default=("verdict", "alarm", "job", "order", "hazard", "visit", "notice", "filing"),
        description="Kinds of event this sink takes; there are instrument and hub besides.",
    )

    url: str = Field(
        examples=["https://crm.example.com/hooks/gashub"], description="Where events are posted."
    )
    routes: Mapping[EventKind, str] = Field(
        default_factory=dict,
        examples=[{"hazard": "https://crm.example.com/hooks/hazards"}],
        description="Other addresses for single kinds of event.",
    )
    mapping: Path | None = Field(
        default=None,
        examples=["/etc/gashub/crm-mapping.toml"],
        description="File that makes the CRM's own bodies of our events; see the README.",
    )
    secrets: tuple[str, ...] = Field(
        min_length=1,
        max_length=2,
        examples=[["crm-signing"]],
        json_schema_extra=NAMES_SECRET,
        description="Names of the signing secrets (whsec_...); two while a key is being changed.",
    )
    token: str | None = Field(
        default=None,
        examples=["crm-token"],
        json_schema_extra=NAMES_SECRET,
        description="Name of the secret that is sent as a bearer token.",
    )
    connect_within_s: float = Field(default=5, gt=0, le=60, description="Longest wait to connect.")
    answer_within_s: float = Field(
        default=15, gt=0, le=120, description="Longest wait for the whole answer, however it drips."
    )
    answer_max_bytes: int = Field(
        default=65536, ge=1024, le=1_048_576, description="Most of an answer's body that is read."
    )
    lan: Lan = Field(
        default=(),
        examples=[["10.20.0.0/16"]],
        description="Networks of the company's own that the CRM may be in. Without them only "
        "global addresses are connected to.",
    )
    ca_file: Path | None = Field(
        default=None,
        examples=["/etc/gashub/crm-ca.pem"],
        description="Certificates to trust instead of the system's.",
    )
    cert_file: Path | None = Field(
        default=None,
        examples=["/etc/gashub/crm-client.pem"],
        description="Our client certificate, if the CRM asks for one.",
    )
    key_file: Path | None = Field(
        default=None,
        examples=["/etc/gashub/crm-client.key"],
        description="Its private key, unless it stands in cert_file.",
    )
    allow_plain_http: bool = Field(
        default=False, description="Allow an http:// address. For the demo and tests only."
    )

    @model_validator(mode="after")
    def _check_addresses(self) -> Self:
        self._check("url", self.url)
        for kind, url in self.routes.items():
            self._check(f"routes.{kind}", url)
            if kind not in self.events:
                raise ValueError(f"routes.{kind}: this sink does not take {kind}; see events")
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file without cert_file")
        if len(set(self.secrets)) < len(self.secrets):
            raise ValueError("secrets names the same secret twice")
        return self

    def _check(self, name: str, url: str) -> None:
        parts = urlsplit(url)
        allowed = ("https", "http") if self.allow_plain_http else ("https",)
        if parts.scheme not in allowed:
            raise ValueError(
                f"{name} must begin with https://, not {parts.scheme}://"
                + (", unless allow_plain_http is true" if parts.scheme == "http" else "")
            )
        if not parts.hostname:
            raise ValueError(f"{name} names no host")
        if parts.username is not None or parts.password is not None:
            raise ValueError(
                f"{name} carries a user or password; put them into a secret, see token"
            )
        if parts.fragment:
            raise ValueError(f"{name} has a #fragment, which is never sent; leave it out")
