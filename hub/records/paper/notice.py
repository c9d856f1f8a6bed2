"""The rectification notice (整改通知单) of a hazard, for the customer to sign.

What the record has is printed; what it has not is a line to be written on by hand: the notice is
often handed over before it is recorded. Source: clauses 3.8.1, 5.2, 5.3.4 of the regulations.
"""

from typing import Final

from hub.errors import CommandRefused
from hub.jobs.timing import due_us, time_us
from hub.records.customer import customer_of
from hub.records.history import History
from hub.records.paper.sheet import Pair, Paper, at_us, begun, customer_pairs
from hub.records.words import Words

_LABELS: Final = (
    *("customer", "hazard", "risk", "must", "deadline", "measures", "whence", "date"),
    *("to_mend", "refused_to_sign"),
)
_SIGNS: Final = ("issuer", "user", "verifier")


def notice(words: Words, number: str) -> Paper:
    """Raises CommandRefused for a number that is no hazard."""
    history = words.record.history(number)
    if history.state.kind != "hazard":
        raise CommandRefused(
            f"job {number} is a {history.state.kind} and no hazard; its hazards are "
            f"{number}-H1 and so on, see `gashub job list --kind hazard`"
        )
    known = customer_of(words.record, number, words.recipient or "authority")
    entries = [*history.entries, *([] if known.entry is None else [known.entry])]
    told = history.answer("notice", "number")
    said = {
        **begun(words, words.say("paper.notice"), number, entries),
        "labels": {key: words.say(f"paper.label.{key}") for key in _LABELS},
        "notice_number": (words.say("column.notice_number"), "" if told is None else str(told)),
        "customer": customer_pairs(words, known),
        "hazard": _hazard(words, history),
        "risk": words.say("paper.risk"),
        "must": words.say(f"paper.must.{history.pack.hazard[_code(history)].level}"),
        "deadline": _deadline(words, history),
        "hint": _hint(words, history),
        "measures": _measures(words, history),
        "refused": history.answer("notice", "signed") == "refused",
        "signs": [words.say(f"paper.sign.{who}") for who in _SIGNS],
        "emergency": words.say("paper.emergency"),
    }
    return Paper("notice", said, {}, at_us(words, entries))


def _code(history: History) -> str:
    return str(history.state.facts["code"])


def _hazard(words: Words, history: History) -> list[Pair]:
    facts = history.state.facts
    code = _code(history)
    hazard = history.pack.hazard[code]
    told: list[Pair] = [
        (words.say("column.code"), code),
        (words.say("column.wording"), words.text(hazard.text)),
        (words.say("column.level"), words.say(f"paper.level.{hazard.level}")),
        (words.say("column.hazard_class"), words.known("hazard_class", hazard.hazard_class)),
        (
            words.say("paper.label.clause"),
            words.say("paper.clause", clause=hazard.clause, mark=words.known("mark", hazard.mark)),
        ),
        (words.say("column.found_at"), words.moment(time_us(facts["found_at"]))),
        (words.say("column.place"), facts["place"]),
    ]  # fmt: skip
    if facts.get("found_in"):
        told.append((words.say("column.found_in"), facts["found_in"]))
    return told


def _deadline(words: Words, history: History) -> str:
    """What the notice says, or for a leak the end of the day; "" is written in by hand."""
    said = history.answer("notice", "deadline")
    if said is not None:
        at_us = time_us(said)
    elif history.state.facts.get("leak") == "yes":
        clock = history.pack.clock["leak"]
        at_us = due_us(clock, time_us(history.state.facts["found_at"]))
    else:
        return ""
    return words.moment(at_us)


def _hint(words: Words, history: History) -> str:
    """What the regulations say of the deadline, for whoever writes it in."""
    level = history.pack.hazard[_code(history)].level
    clock = history.pack.clock["level_1" if level == 1 else "self_fix"]
    return words.say(
        "paper.hint", length=f"{clock.length:f}", starts=words.text(clock.starts),
        clause=clock.clause, mark=words.known("mark", clock.mark),
    )  # fmt: skip


def _measures(words: Words, history: History) -> list[Pair]:
    """What was done at once, for a leak."""
    steps = (("isolate", "how"), ("isolate", "point"), ("hand_over", "to"), ("suspend", "valve"))
    return [
        (words.text(history.job.step[step].ask[question].says), told)
        for step, question in steps
        if (told := words.answered(history, step, question)) != ""
    ]
