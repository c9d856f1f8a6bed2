"""What an operator sets for any connection to an MQTT broker: where, who we are, and TLS."""

import ssl
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from hub.errors import ConfigError
from hub.settings import NAMES_SECRET, Settings


class BrokerSettings(Settings):
    """A broker, and who we are to it. The password is a named secret, never text in the file."""

    host: str = Field(min_length=1, examples=["broker.lan"], description="Broker's host name.")
    port: int = Field(default=1883, ge=1, le=65535, description="Broker's TCP port; TLS uses 8883.")
    client_id: str = Field(
        default="",
        max_length=64,
        description="Our session at the broker; gashub-GATEWAY-NAME when empty. Never share one.",
    )
    protocol: Literal["auto", "5", "3.1.1"] = Field(
        default="auto", description="MQTT version; auto is 5, and 3.1.1 where 5 is refused."
    )
    keepalive_s: int = Field(default=30, ge=5, le=3600, description="Silence before we ping.")
    session_expiry_s: int = Field(
        default=604_800,
        ge=0,
        le=0xFFFFFFFF,
        description="How long the broker keeps our session while we are away (MQTT 5).",
    )
    connect_within_s: float = Field(
        default=5.0, gt=0, le=60, description="Longest wait for the broker's socket."
    )
    retry_at_most_s: float = Field(
        default=30.0, ge=1, le=600, description="Longest pause between two attempts to connect."
    )
    user: str = Field(default="", description="User name; empty for none.")
    password_secret: str = Field(
        default="",
        description="Name of the secret with the password.",
        json_schema_extra=NAMES_SECRET,
    )
    tls: bool = Field(default=False, description="Speak TLS 1.2 or newer.")
    ca_file: Path | None = Field(
        default=None, description="Certificates to trust; the system's when absent."
    )
    cert_file: Path | None = Field(default=None, description="Our client certificate, PEM.")
    key_file: Path | None = Field(default=None, description="Key of our client certificate, PEM.")

    @model_validator(mode="after")
    def _belong_together(self) -> "BrokerSettings":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together; give both or neither")
        if (self.ca_file or self.cert_file) and not self.tls:
            raise ValueError("ca_file and cert_file need tls = true")
        if self.password_secret and not self.user:
            raise ValueError("password_secret needs a user")
        return self

    def tls_context(self) -> ssl.SSLContext | None:
        """Raises ConfigError for a certificate or key that cannot be used, naming the file."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as fault:
            raise ConfigError(
                f"ca_file {self.ca_file}: no certificates can be read from it ({fault}); "
                "give a PEM file that this user may read"
            ) from fault
        if self.cert_file is not None and self.key_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except (OSError, ssl.SSLError) as fault:
                raise ConfigError(
                    f"cert_file {self.cert_file} with key_file {self.key_file}: cannot be used "
                    f"({fault}); give a PEM certificate and its own key, readable by this user"
                ) from fault
        return context
