"""References inside of a JSON document (RFC 6901 pointers)."""

from collections.abc import Iterator, Mapping
from typing import Any


def references(value: object) -> Iterator[str]:
    """Every `$ref` in a document, however deep."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            if name == "$ref":
                yield one
            else:
                yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def at(document: Any, pointer: str) -> Any:
    """What a reference such as `#/components/schemas/X` leads to. raises  KeyError"""
    for name in pointer.removeprefix("#/").split("/"):
        document = document[name.replace("~1", "/").replace("~0", "~")]
    return document
