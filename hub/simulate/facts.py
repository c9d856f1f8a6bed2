"""What an instrument and its surroundings are like, as words: `address=2 volume_l=30`."""

import dataclasses
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from hub.near import nearest


def facts_from(text: str, *kinds: type[Any]) -> tuple[Any, ...]:
    """Read `key=value key=value` into one instance of each of *kinds* (dataclasses).

    A key that several kinds have goes to all of them.

    raises  ValueError naming the key that none of them has, or the value that does not fit
    """
    wanted: list[dict[str, Any]] = [{} for _ in kinds]
    hints = [get_type_hints(kind) for kind in kinds]
    for word in text.split():
        key, _, value = word.partition("=")
        takers = [at for at, kind in enumerate(kinds) if key in names(kind)]
        if not takers:
            known = [name for kind in kinds for name in names(kind)]
            near = nearest(key, known)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(known)}"
            raise ValueError(f"{key}: no such fact; {hint}")
        for at in takers:
            wanted[at][key] = _value(key, value, hints[at][key])
    return tuple(kind(**given) for kind, given in zip(kinds, wanted, strict=True))


def names(kind: type[Any]) -> tuple[str, ...]:
    """The facts that *kind* has."""
    return tuple(field.name for field in dataclasses.fields(kind))


def _value(key: str, text: str, wanted: Any) -> Any:
    try:
        return TypeAdapter(wanted).validate_strings(text)
    except ValidationError:
        raise ValueError(f"{key}={text}: not a {getattr(wanted, '__name__', wanted)}") from None
