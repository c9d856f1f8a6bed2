"""What a draft that was handed in must be. Whoever has the command socket can hand in anything."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from hub.errors import CommandRefused

_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_PARTS: Final = ("refused", "absent", "hazard", "statistics")


def draft_of(content: bytes) -> dict[str, Any]:
    """A draft that was handed in. raises CommandRefused when its form is not that of one"""
    try:
        told = orjson.loads(content)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict) or told.keys() != _FORMS.keys():
        raise CommandRefused("the draft is none: `gashub filing draft` makes them")
    if wrong := next((key for key, fits in _FORMS.items() if not fits(told[key])), ""):
        raise CommandRefused(
            f'the draft is none: "{wrong}" has another form; `gashub filing draft` makes them'
        )
    rows = {name: len(table) for name, table in told["document"]["tables"].items()}
    if told["counts"] != rows or sum(rows.values()) != len(told["members"]):
        raise CommandRefused(
            f"the draft says {told['counts']} and has {rows} rows, {len(told['members'])} members; "
            "draft anew"
        )
    return told


def _is_texts(given: Any) -> bool:
    return isinstance(given, dict) and all(isinstance(one, str) for one in given.values())


def _is_document(given: Any) -> bool:
    return (
        isinstance(given, dict)
        and _is_texts(given.get("header"))
        and isinstance(tables := given.get("tables"), dict)
        and all(isinstance(rows, list) and all(map(_is_texts, rows)) for rows in tables.values())
    )


def _is_members(given: Any) -> bool:
    return isinstance(given, list) and all(
        isinstance(one, dict) and one.get("part") in _PARTS and isinstance(one.get("key"), str)
        for one in given
    )


def _is_findings(given: Any) -> bool:
    return isinstance(given, list) and all(
        isinstance(one, dict)
        and one.get("level") in ("fault", "warning")
        and isinstance(one.get("word"), str)
        for one in given
    )


_FORMS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "filing": lambda given: isinstance(given, str) and _ULID.fullmatch(given) is not None,
    **dict.fromkeys(
        ("authority", "period", "corrects", "title"), lambda given: isinstance(given, str)
    ),
    "profile": lambda given: isinstance(given, dict),
    "disclosed": lambda given: isinstance(given, dict) and isinstance(given.get("recipient"), str),
    "counts": lambda given: isinstance(given, dict),
    "document": _is_document,
    "members": _is_members,
    "findings": _is_findings,
}
"""What each part of a draft must be, so that no value of another type gets to the tables."""
