"""The register of hazards: one row a hazard, from its find to its end, and how far it is overdue.

The wording is the catalogue's and nobody's own (clause 5.2). Source: chapter 5.
"""

from collections.abc import Mapping
from typing import Final

from hub.jobs import running
from hub.jobs.timing import day_of, time_us
from hub.records.history import History
from hub.records.register import END_COLUMNS, JOB_COLUMNS, Column, Register, Value, of_jobs
from hub.records.words import Words

KINDS: Final = ("hazard",)
CLASSES: Final = ("leak", "pipe", "equipment", "environment", "other")

COLUMNS: Final = (
    *JOB_COLUMNS,
    Column("code", "code", 8),
    Column("level", "number", 6),
    Column("hazard_class", "text", 12),
    Column("wording", "text", 44),
    Column("user_class", "text", 10),
    Column("found_at", "moment", 20),
    Column("found_in", "code", 18),
    Column("place", "text", 24),
    Column("isolation", "text", 24),
    Column("sticker", "text", 8),
    Column("sticker_sha256", "code", 20),
    Column("handed_to", "code", 18),
    Column("notice_number", "code", 14),
    Column("noticed_at", "moment", 20),
    Column("notice_signed", "text", 10),
    Column("deadline", "moment", 20),
    Column("mended_at", "moment", 20),
    Column("mended_how", "text", 16),
    Column("verified_at", "moment", 20),
    Column("verify_result", "text", 14),
    Column("suspended_at", "moment", 20),
    Column("refused_at", "moment", 20),
    Column("due_at", "moment", 20),
    Column("overdue", "text", 8),
    Column("overdue_days", "number", 10),
    *(column for column in END_COLUMNS if column.key != "hazards"),
)


def _made(words: Words, history: History) -> tuple[Mapping[str, Value], str]:
    facts = history.state.facts
    code = facts["code"]
    hazard = history.pack.hazard[code]
    sticker = history.answer("sticker", "photo")
    deadline = history.answer("notice", "deadline")
    isolation = [words.answered(history, "isolate", name) for name in ("how", "point")]
    values: dict[str, Value] = {
        "code": code,
        "level": hazard.level,
        "hazard_class": words.known("hazard_class", hazard.hazard_class),
        "wording": words.text(hazard.text),
        "found_at": time_us(facts["found_at"]),
        "found_in": facts.get("found_in", ""),
        "place": facts["place"],
        "isolation": words.listed(isolation),
        "sticker": words.yes(bool(sticker)) if facts.get("leak") == "yes" else "",
        "sticker_sha256": sticker,
        "handed_to": words.answered(history, "hand_over", "to"),
        "notice_number": words.answered(history, "notice", "number"),
        "noticed_at": history.at_us("notice"),
        "notice_signed": words.answered(history, "notice", "signed"),
        "deadline": None if deadline is None else time_us(deadline),
        "mended_at": _standing_us(history, "mend"),
        "mended_how": words.answered(history, "mend", "how"),
        "verified_at": _standing_us(history, "verify"),
        "verify_result": words.answered(history, "verify", "result"),
        "suspended_at": _standing_us(history, "suspend"),
        "refused_at": history.at_us("refuse"),
        **_overdue(words, history),
    }
    return values, hazard.hazard_class


def _standing_us(history: History, step: str) -> int | None:
    """When a step was done that stands: what was undone since has not been done."""
    standing = history.state.steps.get(step)
    return standing.at_us if standing is not None and standing.stands else None


def _overdue(words: Words, history: History) -> dict[str, Value]:
    """The earliest deadline that runs or was missed, and by how many days it is passed.

    Days count until the hazard was verified or supply suspended, else until now.
    """
    state = history.state
    due = [one.at_us for one in history.missed()]
    due += [at_us for _, at_us in running(history.pack, history.job, state)]
    if not due:
        return {"overdue": words.yes(said=False)}
    ends = [_standing_us(history, step) for step in ("verify", "suspend")]
    until_us = min((at_us for at_us in ends if at_us is not None), default=words.now_us)
    late = until_us > min(due)
    days = (day_of(until_us) - day_of(min(due))).days if late else 0
    return {"due_at": min(due), "overdue": words.yes(late), "overdue_days": days}


HAZARDS: Final = Register("hazards", COLUMNS, CLASSES, of_jobs(KINDS, _made))
