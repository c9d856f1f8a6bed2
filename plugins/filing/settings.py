"""What may be set for a filing's way to its authority. What the city says stands in the profile."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from hub import NAMES_SECRET, FilingSinkSettings, Lan


class SignedFilingSettings(FilingSinkSettings):
    """Keys, for transports on which filings are signed or sealed."""

    signing_key: str | None = Field(
        default=None,
        examples=["filing-signing"],
        json_schema_extra=NAMES_SECRET,
        description="Name of the secret that is the private key: PKCS#8 PEM, or 64 hex digits "
        "for SM2. Needed where the profile asks for signatures.",
    )
    envelope_key: str | None = Field(
        default=None,
        examples=["filing-envelope"],
        json_schema_extra=NAMES_SECRET,
        description="Name of the secret that is the SM4 key, 32 hex digits. Needed where the "
        "profile asks for envelopes.",
    )
    authority_key: Path | None = Field(
        default=None,
        examples=["/etc/gashub/authority.pub"],
        description="The authority's public key. With it, what is not signed by it is no answer.",
    )


class HttpsFilingSettings(SignedFilingSettings):
    """An authority that is reached by HTTPS."""

    transport = "https"

    url: str = Field(
        examples=["https://filing.example.gov.cn"],
        description="Address, without the paths of the profile.",
    )
    key_id: str = Field(
        default="", max_length=80, description="What the authority calls our key; sent along."
    )
    lan: Lan = Field(
        default=(),
        examples=[["10.20.0.0/16"]],
        description="Networks of the company's own that the authority may be in. Without them only "
        "global addresses are connected to.",
    )
    ca_file: Path | None = Field(
        default=None,
        examples=["/etc/gashub/authority-ca.pem"],
        description="Certificates to trust instead of the system's.",
    )
    connect_within_s: float = Field(default=5, gt=0, le=60, description="Longest wait to connect.")
    answer_within_s: float = Field(
        default=30, gt=0, le=300, description="Longest wait for a whole answer."
    )
    allow_plain_http: bool = Field(
        default=False, description="Allow an http:// address. For the demo and tests only."
    )

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in (("https", "http") if self.allow_plain_http else ("https",)):
            raise ValueError(f"url must begin with https://, not {parts.scheme}://")
        if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
            raise ValueError("url is an address without user, query and fragment")
        return self


class SftpFilingSettings(SignedFilingSettings):
    """An authority that is reached by SFTP."""

    transport = "sftp"

    host: str = Field(examples=["sftp.example.gov.cn"], description="Name or address.")
    port: int = Field(default=22, ge=1, le=65535, description="Its port.")
    lan: Lan = Field(
        default=(),
        examples=[["10.20.0.0/16"]],
        description="Networks of the company's own that the authority may be in. Without them only "
        "global addresses are connected to.",
    )
    user: str = Field(default="gashub", min_length=1, description="Who we are there.")
    host_key: str = Field(
        default="",
        examples=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI..."],
        description="The server's own public key, as it was told on another way. Without it "
        "nothing is sent.",
    )
    client_key: str | None = Field(
        default=None,
        examples=["filing-ssh"],
        json_schema_extra=NAMES_SECRET,
        description="Name of the secret that is our private SSH key (OpenSSH or PKCS#8 PEM).",
    )
    password: str | None = Field(
        default=None,
        examples=["filing-password"],
        json_schema_extra=NAMES_SECRET,
        description="Name of the secret that is our password, where there is no key.",
    )
    connect_within_s: float = Field(default=10, gt=0, le=60, description="Longest wait to log in.")
    answer_within_s: float = Field(
        default=120, gt=0, le=600, description="Longest wait for one filing to be up."
    )


class FolderFilingSettings(FilingSinkSettings):
    """A folder from which somebody uploads by hand."""

    transport = "folder"

    folder: Path = Field(
        examples=["/var/lib/gashub/filing"],
        description="Folder for the files. It must exist: a missing mount is not made up.",
    )
