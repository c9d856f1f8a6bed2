"""A mapping file tried on events: what it makes of them, and what in it looks like a slip."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hub.contract.golden import golden_events
from hub.contract.schemas import EVENTS, schema
from hub.errors import CommandRefused
from hub.mapping import Mapped


def tried(mapped: Mapped, files: Sequence[Path] | None) -> Iterator[tuple[str, str]]:
    """Name and resulting body, indented, of each event of a kind that is mapped.

    files   events to try; the golden events when there are none
    raises  CommandRefused for a file that holds no event of ours, ConfigError as `Mapped.body`
    """
    for path in files or golden_events():
        event = _event(path)
        kind = str(event["type"]).split(".")[1]
        if kind in mapped.kinds:
            body = json.loads(mapped.body(kind, event))
            yield path.stem, json.dumps(body, indent=2, ensure_ascii=False)


def doubts(path: Path, mapped: Mapped) -> Iterator[str]:
    """A line for each field that no event of its kind can have: it would never be filled."""
    for kind, ours in mapped.sources():
        whole = schema(f"gashub.{kind}.v1")
        if not _has(whole, whole, ours.split(".")):
            yield f'{path}: [{kind}]: no event of this kind has "{ours}"; see docs/schemas'


def _has(whole: Mapping[str, Any], node: Mapping[str, Any], names: Sequence[str]) -> bool:
    if "$ref" in node:
        node = whole["$defs"][str(node["$ref"]).rsplit("/", 1)[1]]
    if not names:
        return True
    if "anyOf" in node:
        return any(_has(whole, one, names) for one in node["anyOf"])
    known = node.get("properties")
    if known is None:  # figures and the like: whatever was measured
        return node.get("type") != "string"
    return names[0] in known and _has(whole, known[names[0]], names[1:])


def _event(path: Path) -> Mapping[str, Any]:
    try:
        event = json.loads(path.read_bytes())
    except (OSError, ValueError) as wrong:
        raise CommandRefused(f"{path}: cannot be read as JSON: {wrong}") from wrong
    if not isinstance(event, dict) or event.get("type") not in EVENTS:
        raise CommandRefused(
            f"{path}: no event of a gateway: its `type` is none of docs/contract.md"
        )
    return event
