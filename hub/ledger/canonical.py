"""Canonical JSON (RFC 8785), so that the same facts always give the same bytes."""

from collections.abc import Mapping

import orjson
import rfc8785

_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical(value: object) -> bytes:
    """RFC 8785 bytes of any JSON value.

    raises  ValueError for what RFC 8785 cannot hold (NaN, integers of 2^53 and more, lone
            surrogates) and for types that are not JSON
    """
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # the library checks the types itself


def canonical_fast(value: Mapping[str, object]) -> bytes:
    """The same bytes as `canonical`, ten times sooner, for a narrower set of values.

    The caller vouches for ASCII keys and for values that are str, int, bool, None, or lists,
    tuples and dicts of these. (orjson sorts keys by code point, RFC 8785 by UTF-16 unit: equal
    for ASCII; neither has a choice left for these values.)

    raises  TypeError for lone surrogates and integers of 2^53 and more
    """
    return orjson.dumps(value, option=_SORTED)
