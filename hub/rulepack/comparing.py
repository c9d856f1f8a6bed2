"""What one rule pack says otherwise than another, entry by entry and field by field."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from hub.rulepack.entries import Entry, Frozen, Text
from hub.rulepack.stricter import Way, way_of, way_of_new

ORIGIN: Final = ("clause", "source", "mark", "owner", "approved")


class Change(NamedTuple):
    """One difference.

    entry          dotted key of the entry that it belongs to, which is the one of below if it is
                   there; `old` and `new` are that entry
    field          dotted, within the entry; "" is the entry as a whole
    before, after  as the model has them; None where it was not, or is no longer
    """

    entry: str
    field: str
    old: Entry | None
    new: Entry | None
    before: Any
    after: Any
    way: Way

    @property
    def key(self) -> str:
        return f"{self.entry}.{self.field}" if self.field else self.entry


def changes(before: Frozen, after: Frozen) -> Iterator[Change]:
    """Everything that *after* says otherwise, in the order of *before*; both of one type."""
    yield from _of_model("", "", None, None, before, after)


def _of_model(
    entry: str,
    field: str,
    old: Entry | None,
    new: Entry | None,
    before: Frozen,
    after: Frozen,
) -> Iterator[Change]:
    for name in type(before).model_fields:
        was, now = getattr(before, name), getattr(after, name)
        inner = f"{field}.{name}" if field else name
        if was == now:
            continue
        if _is_map(was) or _is_map(now):
            for key in dict.fromkeys((*was, *now)):
                pair = was.get(key), now.get(key)
                yield from _of_pair(entry, f"{inner}.{key}", old, new, before, *pair)
        elif (_is_table(was) and _is_table(now)) or isinstance(was or now, Entry):
            yield from _of_pair(entry, inner, old, new, before, was, now)
        else:
            yield Change(entry, inner, old, new, was, now, way_of(before, name, was, now))


def _of_pair(
    entry: str,
    field: str,
    old: Entry | None,
    new: Entry | None,
    inside: Frozen,
    was: Frozen | None,
    now: Frozen | None,
) -> Iterator[Change]:
    """Two things under one key, of which one may not be there."""
    if was == now:
        return
    if isinstance(was or now, Entry):
        entry, field = f"{entry}.{field}" if entry else field, ""
        old = was if isinstance(was, Entry) else None
        new = now if isinstance(now, Entry) else None
    if was is not None and now is not None:
        yield from _of_model(entry, field, old, new, was, now)
    else:
        way = "gone" if now is None else way_of_new(inside, now)
        yield Change(entry, field, old, new, was, now, way)


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping) and any(_is_table(one) for one in value.values())


def _is_table(value: object) -> bool:
    """A model that is looked into: a text in two languages is one value."""
    return isinstance(value, Frozen) and not isinstance(value, Text)


def plain(value: object, lang: Literal["zh", "en"] = "en") -> str:
    """A value of a change in one line."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value.normalize():f}"
        case Text():
            return str(getattr(value, lang))
        case Frozen():
            told = {name: getattr(value, name) for name in type(value).model_fields}
            given = {
                name: one for name, one in told.items() if one not in ("", None, False, (), {})
            }
            return "{" + ", ".join(f"{k}: {plain(v, lang)}" for k, v in given.items()) + "}"
        case Mapping():
            return "{" + ", ".join(f"{k}: {plain(v, lang)}" for k, v in value.items()) + "}"
        case tuple() | list():
            return "[" + ", ".join(plain(one, lang) for one in value) + "]"
    return str(value)
