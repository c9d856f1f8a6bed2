"""The JSON Schema of every event, written from the models."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hub import events, happenings
from hub.events import CloudEvent

EVENTS: Final[Mapping[str, type[CloudEvent]]] = {
    events.VERDICT: events.VerdictEvent,
    events.ALARM: events.AlarmEvent,
    events.JOB: events.JobEvent,
    happenings.ORDER: happenings.OrderEvent,
    happenings.HAZARD: happenings.HazardEvent,
    happenings.VISIT: happenings.VisitEvent,
    happenings.NOTICE: happenings.NoticeEvent,
    happenings.FILING: happenings.FilingEvent,
    happenings.INSTRUMENT: happenings.InstrumentEvent,
    happenings.HUB: happenings.HubEvent,
}
"""Type of a CloudEvent -> its model: everything that leaves the box as an event."""
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: str) -> dict[str, Any]:
    """The schema of one type, such as `gashub.verdict.v1`. raises  KeyError"""
    return {
        "$schema": _DIALECT,
        "$id": f"urn:gashub:schema:{kind}",
        **EVENTS[kind].model_json_schema(mode="validation"),
    }


def schema_files() -> dict[str, str]:
    """File name and text of every schema, as they stand in `docs/schemas`."""
    return {f"{kind}.json": text_of(schema(kind)) for kind in EVENTS}


def text_of(document: Mapping[str, Any]) -> str:
    """A JSON document for people and for git: two spaces, Chinese as it is."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path) -> None:
    """Write every schema into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schema_files().items():
        (folder / name).write_text(text, encoding="utf-8")
