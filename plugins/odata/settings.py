"""What may be set for one OData service."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from hub import NAMES_SECRET, Lan, SinkSettings

TAKES = frozenset({"verdict", "hazard", "notice"})
WORDS = ("PASS", "FAIL", "INCONCLUSIVE", "ABORTED")
FACTS = frozenset(
    {"title", "order", "procedure", "code", "sentence_zh", "sentence_en", "decided_at", "due"}
)
_NAME = re.compile(r"[A-Za-z_]\w{0,127}")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no OData name: letters, digits and underscores")
    return text


Name = Annotated[str, AfterValidator(_name)]
"""A property or an entity set. It goes into addresses, so nothing else may stand in it."""


class OdataSettings(SinkSettings):
    """One entity set of one service. The token is named here; its value is a credential."""

    events: tuple[Literal["verdict", "hazard", "notice"], ...] = Field(
        default=("verdict", "hazard", "notice"),
        description="Kinds of event this sink takes; of notices, only those of hazards are put.",
    )

    url: str = Field(
        examples=["https://erp.example.com/odata/v4/maintenance"],
        description="Root of the service.",
    )
    token: str = Field(
        examples=["odata-token"],
        json_schema_extra=NAMES_SECRET,
        description="Name of the secret that is sent as a bearer token.",
    )
    entity: Name = Field(
        examples=["Notifications"], description="Entity set that takes notifications."
    )
    reference: Name = Field(
        examples=["ExternalReference"],
        description="Property that holds the event's key: text of 64 at least, and filterable.",
    )
    properties: dict[Name, str] = Field(
        examples=[{"Text": "title", "Code": "code", "RequiredEnd": "due", "Type": "=G1"}],
        description="Their property to ours (title, order, procedure, code, sentence_zh, "
        "sentence_en, decided_at, due), or to a fixed text after `=`.",
    )
    codes: dict[Literal["PASS", "FAIL", "INCONCLUSIVE", "ABORTED"], str] = Field(
        default={
            "PASS": "PASS",
            "FAIL": "FAIL",
            "INCONCLUSIVE": "INCONCLUSIVE",
            "ABORTED": "ABORTED",
        },
        description="Their code for each of the four verdicts; all four, and all different.",
    )
    items: Name | None = Field(
        default=None,
        examples=["Items"],
        description="Navigation property for the verdict's reasons, put by deep insert.",
    )
    item_text: Name = Field(default="Text", description="Property of an item for one reason.")
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
        default=1_048_576, ge=1024, le=67_108_864, description="Most of an answer that is read."
    )
    lan: Lan = Field(
        default=(),
        examples=[["10.20.0.0/16"]],
        description="Networks of the company's own that the service may be in. Without them only "
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
        if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
            raise ValueError("url is not https://HOST/PATH; leave everything else out")
        if sorted(self.codes) != sorted(WORDS) or len(set(self.codes.values())) < len(WORDS):
            raise ValueError(
                "codes needs a code of its own for each of PASS, FAIL, INCONCLUSIVE and ABORTED: "
                "what concludes nothing must not look like a success"
            )
        for theirs, ours in self.properties.items():
            if not ours.startswith("=") and ours not in FACTS:
                raise ValueError(
                    f"properties.{theirs} is {ours!r}; use one of {', '.join(sorted(FACTS))}, or "
                    "a fixed text after `=`"
                )
        if "code" not in self.properties.values():
            raise ValueError("properties has no place for `code`: the verdict would not be told")
        if self.reference in self.properties:
            raise ValueError(f"{self.reference} is the reference, and stands in properties, too")
        return self
