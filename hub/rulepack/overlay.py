"""A company's or city's own pack over another one: stricter by itself, looser only by name."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from hub.rulepack.entries import Entry
from hub.rulepack.pack import RulePack

_IDENTITY: Final = ("id", "version", "valid_from", "valid_until", "owner", "signed_off")
_ORIGIN: Final = ("clause", "source", "mark")
_VALUES: Final = ("value", "length", "years")


class RulePackError(Exception):
    """A rule pack that cannot be used; the text names file, key, value and remedy."""


def laid_over(base: RulePack, tables: Mapping[str, Any], file: str) -> dict[str, Any]:
    """The tables of *base* with those of *tables* in their place.

    raises  RulePackError for an entry that is less strict than the one below and names nobody who
            approved it, or is less strict than the regulations state, or says no origin of its own
    """
    below: dict[str, Any] = base.model_dump(mode="json", exclude_none=True)
    merged = {key: value for key, value in below.items() if key not in _IDENTITY}
    merged["bases"] = [
        *below["bases"], {"id": base.id, "version": base.version, "sha256": base.sha256}
    ]  # fmt: skip
    known = dict(base.entries())
    for key, value in tables.items():
        if key in _IDENTITY or not isinstance(value, Mapping):
            merged[key] = value
        else:
            merged[key] = _merged(key, merged.get(key, {}), value, known, file)
    return merged


def _merged(
    key: str, below: Any, above: Mapping[str, Any], known: Mapping[str, Entry], file: str
) -> dict[str, Any]:
    if key in known:
        _allowed(key, below, above, known[key], file)
    merged = dict(below) if isinstance(below, Mapping) else {}
    for name, value in above.items():
        inner = f"{key}.{name}"
        if isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = _merged(inner, merged[name], value, known, file)
        else:
            merged[name] = value
    return merged


def _allowed(
    key: str, below: Mapping[str, Any], above: Mapping[str, Any], entry: Entry, file: str
) -> None:
    """Raises RulePackError for a change of an entry that the overlay may not make."""
    for fixed in ("unit", "stricter", "counts"):
        if fixed in above and above[fixed] != below.get(fixed):
            raise RulePackError(
                f"{file}: {key}.{fixed} is {above[fixed]!r}, below it is {below.get(fixed)!r}; "
                "leave it out"
            )
    changes = [name for name in (*_VALUES, "on") if name in above]
    if not changes:
        return
    for name in _ORIGIN:
        if name not in above:
            raise RulePackError(
                f"{file}: {key} has no {name} of its own; say where your value comes from"
            )
    (name,) = changes
    if looser(below.get("stricter"), below[name], above[name]):
        said = f"{file}: {key}.{name} is {above[name]}, less strict than {below[name]}"
        if entry.mark == "S":
            raise RulePackError(
                f"{said} of the regulations, clause {entry.clause}; nobody can approve that here"
            )
        if not above.get("approved"):
            raise RulePackError(
                f"{said} ({entry.source}); keep to it, or name in `approved` who lets it be, and "
                "when"
            )


def looser(stricter: object, below: object, above: object) -> bool:
    """Whether *above* asks for less than *below*, where *stricter* says which way is more."""
    if isinstance(below, bool):
        return below and above is not True
    if stricter is None:
        return False
    try:
        was, now = Decimal(str(below)), Decimal(str(above))
    except InvalidOperation:
        return False  # no number: the model refuses it, and says so better
    return now < was if stricter == "higher" else now > was
