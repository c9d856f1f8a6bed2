"""What an operator may set for the API. The hub reads it with the rest, and does not use it."""

from typing import Self

from pydantic import Field, model_validator

from hub.settings import Settings

LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


class ApiSettings(Settings):
    """The HTTP API that `gashub api` serves beside the hub; docs/api.md."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen at. Any but this machine's own needs TLS.",
    )
    port: int = Field(default=8470, ge=1, le=65535, description="TCP port to listen at.")
    certificate: str = Field(
        default="",
        examples=["/etc/gashub/api.pem"],
        description="File with the server's certificate and its chain, PEM.",
    )
    private_key: str = Field(
        default="",
        examples=["/run/credentials/gashub-api.service/api_key"],
        description="File with its private key, PEM; by LoadCredential under systemd.",
    )
    client_ca: str = Field(
        default="",
        examples=["/etc/gashub/erp-ca.pem"],
        description="File with the CA whose certificates callers must show, besides their token.",
    )
    requests_per_minute: int = Field(
        default=600, ge=1, le=100_000, description="Requests of one token that are answered."
    )
    burst: int = Field(
        default=60, ge=1, le=10_000, description="Requests that may come at once after a rest."
    )
    largest_body_bytes: int = Field(
        default=700_000, ge=1000, le=900_000, description="Largest body, but for files."
    )
    largest_file_mib: int = Field(
        default=32, ge=1, le=64, description="Largest file that is uploaded."
    )
    body_within_s: float = Field(
        default=30.0,
        gt=0,
        le=600,
        description="Longest wait for a whole head of a request, for the next piece of a body, "
        "and for a whole body that comes more slowly than 32 KiB/s.",
    )

    @model_validator(mode="after")
    def _not_in_the_open(self) -> Self:
        if bool(self.certificate) != bool(self.private_key):
            raise ValueError("certificate and private_key belong together; give both or none")
        if self.client_ca and not self.certificate:
            raise ValueError("client_ca needs TLS: give certificate and private_key too")
        if self.host not in LOCAL and not self.certificate:
            raise ValueError(
                f"host {self.host} is reached from outside, where tokens would be read by anybody "
                "in between; give certificate and private_key, or host 127.0.0.1 behind a proxy"
            )
        return self
