"""`gashub rules`: what a rule pack says, entry by entry, and how two of them differ."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from hub.errors import CommandRefused
from hub.near import guess
from hub.rulepack import (
    Change,
    Checklist,
    Clock,
    Entry,
    Figure,
    Hazard,
    Item,
    Job,
    OpenPoint,
    Retention,
    Rule,
    RulePack,
    Switch,
    changes,
    plain,
)
from hub.rulepack.comparing import ORIGIN
from hub.rulepack.jobs import Deadline, Late, Role, Signal, Step
from hub.texts import Language

_WHOLE: Final = ("", "value", "length", "years", "on", "text", "title")
"""Fields that are what an entry says."""
_UNSURE: Final = ("P", "M-", "M")

Row = Mapping[str, str]


class Finding(NamedTuple):
    """broken: jobs that need it cannot begin; warning: somebody must look; ok."""

    state: str
    what: str


def shown(pack: RulePack, wanted: Sequence[str], lang: Language) -> list[Row]:
    """The entries whose key, clause or rule number is *wanted*, or begins with it; "" is all.

    A rule number also brings the entries that carry it out.
    raises  CommandRefused for a word that fits nothing
    """
    entries = dict(pack.entries())
    keys: list[str] = []
    for word in wanted or [""]:
        found = [key for key, entry in entries.items() if _fits(key, entry, word)]
        if word in pack.rule:
            by = [_holder(key, entries) for key in pack.rule[word].by]
            found += [f"rule.{word}", *(key for key in by if key)]
        if not found:
            raise CommandRefused(
                f"rule pack {pack.id} has no entry, clause or rule {word!r}{guess(word, entries)}"
            )
        keys += found
    return [_row(key, entries[key], lang) for key in dict.fromkeys(keys)]


def difference(before: RulePack, after: RulePack, lang: Language) -> list[Row]:
    """What *after* says otherwise, with the way it goes: stricter, looser, changed, new, gone.

    A value of an entry is shown under the entry's key, any other field under its own.
    """
    found = [change for change in changes(before, after) if change.entry]
    substance = {change.entry for change in found if change.field not in ORIGIN}
    return [
        _difference(change, lang)
        for change in found
        if change.field not in ORIGIN or change.entry not in substance
    ]


def _difference(change: Change, lang: Language) -> Row:
    entry = change.new or change.old
    assert entry is not None
    whole = change.field in _WHOLE or change.field in ORIGIN
    was, now = (change.old, change.new) if whole else (change.before, change.after)
    return {
        "key": change.entry if whole else change.key,
        "before": _told(was, lang),
        "after": _told(now, lang),
        "way": change.way,
        "clause": entry.clause,
        "source": entry.source,
        "approved": entry.approved,
    }


def _told(value: object, lang: Language) -> str:
    if value is None:
        return ""
    return said_by(value, lang) if isinstance(value, Entry) else plain(value, lang)


def checked(pack: RulePack, today: date) -> Iterator[Finding]:
    """What somebody should know before the pack is used."""
    until = pack.valid_until or "further notice"
    if pack.in_force(today):
        yield Finding("ok", f"in force on {today} (from {pack.valid_from} until {until})")
    else:
        yield Finding(
            "broken", f"not in force on {today} (from {pack.valid_from} until {until}): no attempt "
            "can be opened with it"
        )  # fmt: skip
    for signed in pack.signed_off:
        yield Finding("ok", f"signed off by {signed.name}, {signed.role}, on {signed.on}")
    if not pack.signed_off:
        yield Finding(
            "warning", "signed off by nobody: write a pack of your own that extends this one, with "
            "[[signed_off]] name, role and on, once a gas engineer has read it"
        )  # fmt: skip
    for key, entry in pack.entries():
        if entry.approved:
            yield Finding("warning", f"{key} is looser than below, approved: {entry.approved}")
    for name, point in pack.open_point.items():
        if not point.answered_by:
            yield Finding(
                "warning", f"open_point.{name} ({point.clause}) is answered by nothing: "
                f"{point.text.en}"
            )  # fmt: skip
    unsure = [key for key, entry in pack.figures() if entry.mark in _UNSURE]
    yield Finding(
        "warning" if unsure else "ok",
        f"{len(unsure)} figures are proposals or from memory (marks {', '.join(_UNSURE)}); "
        "`gashub rules show` lists them",
    )


def said_by(entry: Entry, lang: Language) -> str:
    """What an entry says, in one line."""
    match entry:
        case Figure():
            return f"{entry.value.normalize():f} {entry.unit}"
        case Switch():
            return "on" if entry.on else "off"
        case Clock():
            return f"{entry.length.normalize():f} {entry.counts}"
        case Retention():
            return f"{entry.years.normalize():f} years"
        case Checklist():
            return str(getattr(entry.title, lang))
        case Rule() | Item() | Hazard() | OpenPoint() | Step() | Signal() | Deadline() | Role():
            return str(getattr(entry.text, lang))
        case Job():
            return str(getattr(entry.title, lang))
        case Late():
            return f"{entry.fact}: {entry.clock}"
    raise AssertionError(f"no words for {type(entry).__name__}")


def _holder(key: str, entries: Mapping[str, Entry]) -> str:
    """The entry that a dotted key is, or is a part of; "" when it is neither."""
    while key and key not in entries:
        key = key.rpartition(".")[0]
    return key


def _fits(key: str, entry: Entry, word: str) -> bool:
    clauses = entry.clause.split(", ")
    return not word or key == word or key.startswith(f"{word}.") or word in clauses


def _row(key: str, entry: Entry, lang: Language) -> Row:
    return {
        "key": key,
        "says": said_by(entry, lang),
        "clause": entry.clause,
        "mark": entry.mark,
        "source": entry.source,
        "owner": entry.owner,
    }
