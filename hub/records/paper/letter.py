"""The cover letter of a filing that is uploaded or handed over by hand: what lies with it, by what
right, and the digest by which its files are known. Source: domain d.2, d.3.
"""

from typing import Any, Final

from hub.errors import CommandRefused
from hub.filing import book
from hub.records.paper.sheet import Paper, at_us, begun
from hub.records.words import Words

_LABELS: Final = ("facts", "counts", "table", "rows", "disclosed", "date", "whence")
_SIGNS: Final = ("company", "authority")
_FACTS: Final = ("period", "approved_by", "digest", "corrects")


def letter(words: Words, filing: str) -> Paper:
    """Raises CommandRefused for a filing that is not there, or that nobody has approved."""
    steps = {one["step"]: (entry, one) for entry, one in _steps(words, filing)}
    if "approved" not in steps:
        raise CommandRefused(
            f"filing {filing} is not approved, and goes nowhere; see `gashub filing show {filing}`"
        )
    drafted, approved = steps["drafted"][1], steps["approved"][1]
    disclosed = drafted["disclosed"]
    content = words.record.entry(drafted["content"])
    if content.body is None:
        raise CommandRefused(f"filing {filing}: its content was erased")
    entries = [drafted["content"], steps["drafted"][0], steps["approved"][0]]
    title, total = content.record()["title"], sum(drafted["counts"].values())
    facts = {
        "period": drafted["period"],
        "approved_by": approved["by"],
        "digest": f"SHA-256 {drafted['digest']}",
        "corrects": drafted["corrects"],
    }
    said: dict[str, Any] = {
        **begun(words, title, filing, entries),
        "labels": {key: words.say(f"letter.{key}") for key in _LABELS},
        "recipient": disclosed["recipient"],
        "sentences": [
            words.say("letter.handed_over", title=title, period=drafted["period"], rows=total),
            words.say("letter.no_receipt"),
        ],
        "facts": [(words.say(f"letter.{key}"), facts[key]) for key in _FACTS if facts[key]],
        "counts": [[name, str(count)] for name, count in drafted["counts"].items()],
        "disclosed": [
            (words.say("letter.legal_basis"), disclosed["legal_basis"]),
            (words.say("letter.purpose"), disclosed["purpose"]),
            (words.say("letter.personal"), _personal(words, disclosed["personal"])),
        ],
        "signs": [words.say(f"letter.sign.{who}") for who in _SIGNS],
    }
    return Paper("letter", said, {}, at_us(words, entries))


def _personal(words: Words, shown: dict[str, str]) -> str:
    """Which fields of customers are in it, and how each is shown."""
    told = [
        words.say(
            "letter.field",
            field=words.known("column", f"customer_{name}"),
            how=words.say(f"letter.mask.{mask}"),
        )
        for name, mask in shown.items()
        if mask != "none"
    ]
    return words.listed(told) or words.say("none")


def _steps(words: Words, filing: str) -> list[tuple[int, dict[str, Any]]]:
    found = book.kept(words.record.reader.sql, filing)
    return [
        (entry.index, entry.record())
        for entry in words.record.reader.entries(found.content, words.record.size, (book.STEP,))
        if entry.refs.get("filing") == filing
    ]
