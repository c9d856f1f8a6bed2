"""A case file: one exchange with one instrument, and the readings that came of it.

The form is that of a plugin's `golden.json`: a list of

    {"id", "source", "provenance", "settings", "exchange", "expect"}

with, for a capture, who the instrument was: "name", "plugin", "kind", "line" (how the port was
set) and "started" (hub time, ISO). `exchange` is in the order of time; each item is {"hub": hex}
or {"device": hex}, or the same as ASCII under `hub_text` and `device_text`, and "at_s" when,
counted from the start. `expect` is {"readings": [...]}, or {"refused": why} when no reading with
a number may come of it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from hub.clock import iso
from hub.errors import CommandRefused

CASE_FILE = "case.json"


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes in one direction: what the hub sent, or what one read of the port gave."""

    who: Literal["hub", "device"]
    data: bytes
    at_us: int


@dataclass(frozen=True, slots=True)
class Case:
    """One exchange. `expected` is None where no reading with a number may come of it."""

    id: str
    source: str
    name: str
    plugin: str
    kind: str
    line: Mapping[str, Any]
    settings: Mapping[str, Any]
    started_us: int
    exchange: Sequence[Part]
    expected: Sequence[Mapping[str, str]] | None
    refused: str = ""

    def as_json(self) -> dict[str, Any]:
        readings = [self._without_name(facts) for facts in self.expected or ()]
        return {
            "id": self.id,
            "source": self.source,
            "provenance": "capture",
            "name": self.name,
            "plugin": self.plugin,
            "kind": self.kind,
            "line": dict(self.line),
            "settings": dict(self.settings),
            "started": iso(self.started_us),
            "exchange": [
                {one.who: one.data.hex(" "), "at_s": (one.at_us - self.started_us) / 1_000_000}
                for one in self.exchange
            ],
            "expect": {"refused": self.refused}
            if self.expected is None
            else {"readings": readings},
        }

    def _without_name(self, facts: Mapping[str, str]) -> dict[str, str]:
        """Only what a driver adds to the configured name, such as /1 for a channel, is kept."""
        added = facts["instrument"].removeprefix(self.name)
        rest = {key: value for key, value in facts.items() if key != "instrument"}
        return rest | ({"instrument": added} if added else {})


def save(folder: Path, cases: Sequence[Case]) -> Path:
    """Write *cases* into *folder*, made if need be.

    raises  CommandRefused when there is a case file already, or the folder cannot be written
    """
    path = folder / CASE_FILE
    text = json.dumps([case.as_json() for case in cases], ensure_ascii=False, indent=1, default=str)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text + "\n")
    except FileExistsError:
        raise CommandRefused(f"{path} is there already; give another folder") from None
    except OSError as fault:
        raise CommandRefused(f"{path}: cannot be written: {fault.strerror}") from fault
    return path


def load(folder: Path) -> list[Case]:
    """The cases of a folder that `save` wrote, or of a case file.

    raises  CommandRefused naming the file and what is wrong with it
    """
    path = folder / CASE_FILE if folder.is_dir() else folder
    try:
        return _cases(json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))
    except (OSError, UnicodeDecodeError) as fault:
        raise CommandRefused(f"{path}: cannot be read: {fault}") from fault
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise CommandRefused(
            f"{path}: not a captured case ({type(wrong).__name__}: {wrong}); "
            "`gashub frames record` writes one"
        ) from wrong


def _cases(given: object) -> list[Case]:
    if not isinstance(given, list) or not given:
        raise ValueError("expected a list with a case in it")
    return [_case(one) for one in given]


def _case(given: Mapping[str, Any]) -> Case:
    started_us = _us(given["started"])
    expect, name = given["expect"], given["name"]
    expected: list[Mapping[str, str]] | None = None
    if "refused" not in expect:
        expected = [
            {**facts, "instrument": name + facts.get("instrument", "")}
            for facts in expect["readings"]
        ]
    return Case(
        given["id"],
        given["source"],
        name,
        given["plugin"],
        given["kind"],
        given["line"],
        given["settings"],
        started_us,
        [part(item, started_us) for item in given["exchange"]],
        expected,
        expect.get("refused", ""),
    )


def part(item: Mapping[str, Any], started_us: int) -> Part:
    """One item of an exchange; without "at_s" it comes at once.

    raises  ValueError when it has not exactly one of hub, device, hub_text, device_text
    """
    at_us = started_us + round(Decimal(item.get("at_s", 0)) * 1_000_000)
    ((key, text),) = ((key, text) for key, text in item.items() if key != "at_s")
    match key:
        case "hub" | "device":
            return Part(key, bytes.fromhex(text), at_us)
        case "hub_text":
            return Part("hub", text.encode("latin-1"), at_us)
        case "device_text":
            return Part("device", text.encode("latin-1"), at_us)
    raise ValueError(f"exchange has {key!r}; write hub, device, hub_text or device_text")


def _us(text: str) -> int:
    at = datetime.fromisoformat(text)
    return round(at.timestamp() * 1_000_000)
