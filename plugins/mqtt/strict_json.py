"""JSON as RFC 8259 has it, and nothing beyond: what Python's reader lets through is refused.

Refused: NaN and Infinity, doubled keys, bytes that are not UTF-8, half a surrogate pair, nesting
without end. A number stays the text it was sent as (`Number`), so that no digit passes through a
binary float.
"""

import json
from typing import Any

from hub import BadFrame


class Number(str):
    """The text of a JSON number, to tell it from a JSON string."""

    __slots__ = ()


def loads(payload: bytes) -> Any:
    """Raises BadFrame saying what is wrong and where."""
    try:
        text = payload.decode()
    except UnicodeDecodeError as fault:
        raise BadFrame(f"not UTF-8 at byte {fault.start}") from None
    try:
        value = _DECODER.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as fault:
        raise BadFrame(f"not JSON: {fault.msg} at character {fault.pos}") from None
    except RecursionError:
        raise BadFrame("not usable JSON: nested too deep") from None
    except UnicodeEncodeError:
        raise BadFrame("not usable JSON: half a surrogate pair in a string") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise BadFrame(f"not usable JSON: key {doubled[:40]!r} stands twice in one object")
    return table


def _constant(word: str) -> None:
    raise BadFrame(f"not JSON: {word} is no number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=Number,
    parse_int=Number,
    parse_constant=_constant,
)
