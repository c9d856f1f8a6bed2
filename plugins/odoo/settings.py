"""What may be set for one Odoo."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from hub import NAMES_SECRET, EventKind, Lan, SinkSettings

TAKES = frozenset({"verdict", "hazard", "notice"})


class OdooSettings(SinkSettings):
    """One database of an Odoo. The key is named here; its value is a credential."""

    events: tuple[EventKind, ...] = Field(
        default=("verdict", "hazard", "notice"),
        description="Kinds of event this sink takes.",
    )

    url: str = Field(
        examples=["https://erp.example.com"], description="Address of the server, without a path."
    )
    database: str = Field(
        min_length=1, examples=["gas"], description="Name of the database on that server."
    )
    key: str = Field(
        examples=["odoo-key"],
        json_schema_extra=NAMES_SECRET,
        description="Name of the secret: an API key of the gateway's own user.",
    )
    dialect: Literal["json2", "jsonrpc"] = Field(
        default="json2", description="json2 from Odoo 19 on; jsonrpc for 14 to 18."
    )
    login: str | None = Field(
        default=None,
        examples=["gashub@example.com"],
        description="Login of the key's user; dialect jsonrpc asks for it.",
    )
    connect_within_s: float = Field(default=5, gt=0, le=60, description="Longest wait to connect.")
    answer_within_s: float = Field(
        default=15, gt=0, le=120, description="Longest wait for a whole answer, however it drips."
    )
    answer_max_bytes: int = Field(
        default=1_048_576, ge=1024, le=67_108_864, description="Most of an answer that is read."
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
        if not parts.hostname or parts.username is not None or parts.path.strip("/"):
            raise ValueError("url is not https://HOST; leave everything else out")
        if strange := set(self.events) - TAKES:
            raise ValueError(f"events has {min(strange)!r}; Odoo takes {', '.join(sorted(TAKES))}")
        if self.dialect == "jsonrpc" and not self.login:
            raise ValueError("dialect jsonrpc needs login, the user of the key")
        return self
