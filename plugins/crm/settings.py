"""What may be set for one CRM."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from hub import NAMES_SECRET, EventKind, SinkSettings


class CrmSettings(SinkSettings):
    """One webhook address. Secrets are named here; their values stand in systemd credentials."""

    events: tuple[EventKind, ...] = Field(
        default=("verdict", "alarm", "job", "order", "hazard", "visit", "notice", "filing"),
        description="Kinds of event this sink takes; there are instrument and hub besides.",
    )

    url: str = Field(
        examples=["https://crm.example.com/hooks/gashub"], description="Where events are posted."
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
    def _check_url(self) -> Self:
        parts = urlsplit(self.url)
        allowed = ("https", "http") if self.allow_plain_http else ("https",)
        if parts.scheme not in allowed:
            raise ValueError(
                f"url must begin with https://, not {parts.scheme}://"
                + (", unless allow_plain_http is true" if parts.scheme == "http" else "")
            )
        if not parts.hostname:
            raise ValueError("url names no host")
        if parts.username is not None or parts.password is not None:
            raise ValueError("url carries a user or password; put them into a secret, see token")
        if parts.fragment:
            raise ValueError("url has a #fragment, which is never sent; leave it out")
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file without cert_file")
        return self
