"""The register of refused attempts: who tried what, and by which clause it was refused.

It is for supervisors: a refusal is either a slip or a short cut.
"""

from collections.abc import Iterator
from typing import Final

from hub.errors import CommandRefused
from hub.jobs.timing import time_us
from hub.records.hazards import KINDS as HAZARD
from hub.records.inspection import KINDS as INSPECTION
from hub.records.period import Period
from hub.records.purge import KINDS as PURGE
from hub.records.register import RUNNING, Column, Register, Row
from hub.records.repair import KINDS as REPAIR
from hub.records.words import Words

KINDS: Final = (*PURGE, *INSPECTION, *REPAIR, *HAZARD)

COLUMNS: Final = (
    Column("tried_at", "moment", 20),
    Column("number", "code", 18),
    Column("kind", "text", 14),
    Column("tried_by", "code", 12),
    Column("tried", "text", 24),
    Column("tried_code", "code", 18),
    Column("clauses", "code", 18),
    Column("reasons", "text", 44),
    Column("reason_codes", "code", 30),
)


def _rows(words: Words, period: Period) -> Iterator[Row]:
    for entry in words.record.of_kind("job_refused"):
        body = entry.record()
        at_us = time_us(body["at"])
        if not period.has(at_us):
            continue
        number, tried = str(body["job"]), str(body["tried"])
        kind, title, what, state = _named(words, number, tried)
        keys = list(dict.fromkeys(one["key"] for one in body["refusals"]))
        values = {
            "tried_at": at_us,
            "number": number,
            "kind": title,
            "tried_by": body["by"],
            "tried": what,
            "tried_code": tried,
            "clauses": ", ".join(dict.fromkeys(one["clause"] for one in body["refusals"])),
            "reasons": words.listed([words.known("refused", key) for key in keys]),
            "reason_codes": ", ".join(keys),
        }
        yield Row(number, values, [entry.index], kind, state)


def _named(words: Words, number: str, tried: str) -> tuple[str, str, str, str]:
    """Kind and title of the job, what was tried in it, and how it stands now; all but the third
    are "" where an order never became a job.

    tried   a step; or `open`; or `waive STEP`, `adopt STEP`
    """
    verb, _, step = tried.rpartition(" ")
    try:
        history = words.record.history(number)
    except CommandRefused:
        return "", "", words.known("tried", tried), ""
    named = history.job.step.get(step)
    what = step if named is None else words.text(named.text)
    if tried == "open":
        what = words.known("tried", tried)
    elif verb:
        what = f"{words.known('tried', verb)} {what}"
    state = history.state.ended or RUNNING
    return history.state.kind, words.text(history.job.title), what, state


REFUSED: Final = Register("refused", COLUMNS, KINDS, _rows)
