"""What every paper has: its title, whom it is about, and at the foot of each page whence it is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from hub.clock import shanghai
from hub.foreman.personal import sees_all
from hub.foreman.shelf import Shelf, media_of
from hub.records.customer import Customer
from hub.records.paper.typeset import readable
from hub.records.table import root_of
from hub.records.words import Words

Pair = tuple[str, str]
"""A label and what stands beside it."""
_SHORT: Final = 12
_SUFFIXES: Final = {"image/jpeg": ".jpg", "image/png": ".png"}
LARGEST_PICTURE: Final = 4 << 20
"""Bytes. A paper is mailed and kept for years; what is larger stays on the shelf."""


class Paper(NamedTuple):
    """A paper that is ready to be set.

    said    what stands in it, in JSON's types
    images  name -> file
    at_us   its date: that of the newest entry it rests on, so that it is the same whenever printed
    """

    template: str
    said: Mapping[str, Any]
    images: Mapping[str, Path]
    at_us: int


def begun(words: Words, title: str, number: str, entries: Sequence[int]) -> dict[str, Any]:
    """The part that all papers share.

    entries  of the ledger, that the paper rests on; at least one
    """
    last = max(entries)
    head = words.record.covering(last)
    moment_us = words.record.entry(last).at_us
    root = root_of(head)
    foot = words.say("paper.foot", number=number, size=head.size, root=root[:_SHORT],
                     at=shanghai(moment_us))  # fmt: skip
    return {
        "lang": words.lang,
        "title": words.say("paper.trial", title=title) if words.record.trial(number) else title,
        "number": number,
        "list": words.say("list"),
        "colon": words.say("colon"),
        "foot": foot,
        "page": words.say("paper.page", at="|", of="|").split("|"),
        "head": [
            (words.say("fact.gateway"), words.record.gateway),
            (words.say("fact.ledger_origin"), words.record.origin),
            (words.say("fact.ledger_size"), str(head.size)),
            (words.say("fact.ledger_root"), root),
            (words.say("paper.as_of"), words.moment(moment_us)),
        ],
    }


def at_us(words: Words, entries: Sequence[int]) -> int:
    """The date of a paper that rests on these entries."""
    return words.record.entry(max(entries)).at_us


def customer_pairs(words: Words, known: Customer) -> list[Pair]:
    """What may be seen of the customer, a line each; withheld fields say so, and what nobody has
    given is a dash.
    """
    if known.fields == {} and not known.withheld:
        return []
    shown = known.shown(words.say("erased"), words.say("withheld"))
    return [(words.say(f"column.customer_{name}"), text or "—") for name, text in shown.items()]


class Pictures:
    """Files from the shelf that may stand in a paper, and why others do not."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._shelf = Shelf(words.record.where)
        self.images: dict[str, Path] = {}

    def shown(self, digest: str) -> dict[str, str]:
        """For the template: the picture's name, or "", and what is to be said of it.

        Only whoever may see personal data sees a picture, and only of the bytes that the record
        names.
        """
        words = self._words
        path = self._shelf.path(digest)
        told = {"sha256": digest, "image": "", "note": words.say("paper.on_file")}
        fault = self._shelf.changed(digest)
        if fault:
            return {**told, "note": words.say(f"paper.file_{fault}")}
        if words.recipient is None or not sees_all(words.recipient):
            return told
        suffix = _SUFFIXES.get(media_of(path), "")
        if not suffix or path.stat().st_size > LARGEST_PICTURE or not readable(path, suffix):
            return told
        name = f"{digest}{suffix}"
        self.images[name] = path
        return {**told, "image": name}
