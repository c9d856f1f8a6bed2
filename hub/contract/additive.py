"""Whether a schema only adds to an older one. Pure.

Two things must hold within a major version: a receiver that was written for the older schema
understands what is sent now, and what was sent then is still valid. Hence all that was there is
there, unchanged, and what is new may be left out. Words for people (descriptions, titles) may
change, and so may defaults, which nobody reads off a message.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_FOR_PEOPLE: Final = frozenset({"title", "description", "default", "examples", "$schema"})


def breaches(older: Mapping[str, Any], newer: Mapping[str, Any]) -> list[str]:
    """What *newer* takes away from or changes of *older*; both are JSON Schemas of one type.

    Each breach says where, as a path of keys, and what is wrong. None: only additions.
    """
    return list(_compared(older, newer, "$"))


def _compared(older: Any, newer: Any, where: str) -> Iterator[str]:
    if not isinstance(older, Mapping) or not isinstance(newer, Mapping):
        if older != newer:
            yield f"{where}: was {older!r}, is {newer!r}"
        return
    was = {key for key in older if key not in _FOR_PEOPLE}
    is_now = {key for key in newer if key not in _FOR_PEOPLE}
    for key in sorted(was | is_now):
        path = f"{where}.{key}"
        if key in ("properties", "$defs"):
            yield from _named(older.get(key, {}), newer.get(key, {}), path)
        elif key == "required":
            yield from _required(set(older.get(key, ())), set(newer.get(key, ())), path)
        elif key not in newer:
            yield f"{path}: is gone (was {older[key]!r})"
        elif key not in older:
            yield f"{path}: is new, and narrows or widens what was allowed ({newer[key]!r})"
        elif isinstance(older[key], list) and isinstance(newer[key], list):
            yield from _listed(older[key], newer[key], path)
        else:
            yield from _compared(older[key], newer[key], path)


def _named(older: Mapping[str, Any], newer: Mapping[str, Any], where: str) -> Iterator[str]:
    """Properties and definitions: none may go, new ones may come."""
    for name, one in older.items():
        if name not in newer:
            yield f"{where}.{name}: is gone"
        else:
            yield from _compared(one, newer[name], f"{where}.{name}")


def _required(older: set[str], newer: set[str], where: str) -> Iterator[str]:
    for name in sorted(older - newer):
        yield f"{where}: {name} may be left out now; receivers rely on it"
    for name in sorted(newer - older):
        yield f"{where}: {name} must be there now; older events do not have it"


def _listed(older: list[Any], newer: list[Any], where: str) -> Iterator[str]:
    """Words of an enumeration and alternatives are closed lists: one more breaks a receiver."""
    if len(older) != len(newer):
        yield f"{where}: was {older!r}, is {newer!r}"
        return
    for at, (one, other) in enumerate(zip(older, newer, strict=True)):
        yield from _compared(one, other, f"{where}[{at}]")
