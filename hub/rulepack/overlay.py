"""A company's or city's own pack over another one: stricter by itself, looser only by name."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hub.rulepack.comparing import Change, changes, plain
from hub.rulepack.entries import Entry
from hub.rulepack.pack import RulePack

_IDENTITY: Final = ("id", "version", "valid_from", "valid_until", "owner", "signed_off")
_GIVEN_ORIGIN: Final = ("clause", "source", "mark")
_VALUES: Final = ("value", "length", "years", "on")
_FIXED: Final = ("unit", "stricter", "counts")


class RulePackError(Exception):
    """A rule pack that cannot be used; the text names file, key, value and remedy."""


def laid_over(base: RulePack, tables: Mapping[str, Any], file: str) -> dict[str, Any]:
    """The tables of *base* with those of *tables* in their place.

    raises  RulePackError for a value that says no origin of its own, or of another unit
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


def hold_to(
    layers: Sequence[RulePack], pack: RulePack, tables: Mapping[str, Any], file: str
) -> None:
    """See that *pack* asks for no less than the packs that it lies over, the lowest first.

    tables  what the pack itself says
    raises  RulePackError for what is less strict than the regulations state, in whichever layer
            that stands, or less strict than the layer just below, and names nobody who approved it
    """
    for below in layers:
        for change in changes(below, pack):
            if change.way != "looser":
                continue
            if not _may_be_approved(change):
                assert change.old is not None
                raise RulePackError(
                    f"{file}: {_said(change)} of the regulations, clause {change.old.clause}; "
                    "nobody can approve that here"
                )
            if below is layers[-1] and not _at(tables, change.entry).get("approved"):
                source = f" ({change.old.source})" if change.old else ""
                raise RulePackError(
                    f"{file}: {_said(change)}{source}; keep to it, or name in `approved` of "
                    f"{change.entry} who lets it be, and when"
                )


def _may_be_approved(change: Change) -> bool:
    """Only what the regulations state may not be taken away; something new takes nothing away."""
    return change.before is None or change.old is None or change.old.mark != "S"


def _said(change: Change) -> str:
    if change.before is None:
        return f"{change.key} is new, and is a way around what is there: {plain(change.after)}"
    return f"{change.key} is {plain(change.after)}, less strict than {plain(change.before)}"


def _at(tables: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The table under a dotted key, or an empty one."""
    found: Any = tables
    for name in key.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _merged(
    key: str, below: Any, above: Mapping[str, Any], known: Mapping[str, Entry], file: str
) -> dict[str, Any]:
    if key in known:
        _allowed(key, below, above, file)
    merged = dict(below) if isinstance(below, Mapping) else {}
    for name, value in above.items():
        inner = f"{key}.{name}"
        if isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = _merged(inner, merged[name], value, known, file)
        else:
            merged[name] = value
    return merged


def _allowed(key: str, below: Mapping[str, Any], above: Mapping[str, Any], file: str) -> None:
    """Raises RulePackError for a value without an origin, and for what makes it another one."""
    for fixed in _FIXED:
        if fixed in above and above[fixed] != below.get(fixed):
            raise RulePackError(
                f"{file}: {key}.{fixed} is {above[fixed]!r}, below it is {below.get(fixed)!r}; "
                "leave it out"
            )
    if any(name in above for name in _VALUES):
        for name in _GIVEN_ORIGIN:
            if name not in above:
                raise RulePackError(
                    f"{file}: {key} has no {name} of its own; say where your value comes from"
                )
