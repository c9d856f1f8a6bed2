"""How what is recorded is said to people: answers, verdicts, moments, in one language."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from hub.clock import shanghai
from hub.foreman.foreman import PERSONAL_TEXTS
from hub.foreman.personal import Recipient
from hub.jobs.timing import time_us
from hub.records.customer import answer_of
from hub.records.history import History
from hub.records.record import Decided, Record
from hub.rulepack import RulePack, Text
from hub.rulepack.jobs import Question
from hub.texts import Language
from hub.texts.records import RECORDS

_HIDDEN: Final = ("Cc", "Cf", "Cs", "Co")
_JOINERS: Final = "\u200c\u200d"
"""Of the hidden ones these belong to words and signs of some scripts."""


class Words:
    """What people read of *record*.

    recipient  who reads; None is nobody in particular, who sees no personal data
    now_us     until when what is still open is overdue
    """

    def __init__(
        self,
        record: Record,
        lang: Language,
        recipient: Recipient | None = None,
        now_us: int = 0,
    ) -> None:
        self.record = record
        self.lang: Language = lang
        self.recipient = recipient
        self.now_us = now_us

    # -- single words

    def say(self, key: str, **figures: object) -> str:
        """The text of `records.KEY`. raises KeyError, as `hub.texts.say`."""
        return RECORDS[self.lang][f"records.{key}"].format(**figures)

    def known(self, group: str, word: str) -> str:
        """The text of one of the hub's own words, or the word itself where it has none."""
        return RECORDS[self.lang].get(f"records.{group}.{word}", word) if word else ""

    def text(self, text: Text) -> str:
        return text.zh if self.lang == "zh" else text.en

    def yes(self, said: bool | None) -> str:
        """Yes, no, or nothing where it is not known."""
        return "" if said is None else self.say("yes" if said else "no")

    def listed(self, parts: Sequence[str]) -> str:
        return self.say("list").join(part for part in parts if part)

    def moment(self, at_us: int) -> str:
        """A moment with the clock that it is of."""
        return f"{shanghai(at_us)}{self.say('zone')}"

    def state(self, history: History) -> str:
        """The phase that a job is in, and how it ended."""
        job, state = history.job, history.state
        phase = self.text(job.phases[state.phase])
        if not state.ended:
            return phase
        step = next(step for step in job.step.values() if step.ends == state.ended)
        return self.say("ended", phase=phase, how=self.text(step.text))

    def verdict(self, history: History, step: str) -> str:
        """The newest verdict of a test, and whether it is over; "" where there is none."""
        found = history.rulings(step)
        if not found:
            return ""
        word = self.known("verdict", found[-1].verdict)
        standing = history.state.steps[step]
        over = found[-1].verdict == "PASS" and not standing.stands
        return self.say("over", verdict=word) if over else word

    # -- answers

    def answered(self, history: History, step: str, question: str) -> str:
        """The last answer to a question of a step, in words; "" where there is none."""
        asked = history.job.step[step].ask.get(question) if step in history.job.step else None
        answer = history.answer(step, question)
        return "" if asked is None or answer is None else self.answer(
            history.pack, asked, question, answer
        )  # fmt: skip

    def answer(self, pack: RulePack, question: Question, name: str, answer: Any) -> str:
        """One answer in words. A personal one is "" where the reader may not see it."""
        if question.personal in PERSONAL_TEXTS:
            return self._apart(question, name, answer)
        match question.kind:
            case "yes_no":
                return self.yes(answer == "yes")
            case "choice":
                choice = question.options.get(answer)
                return answer if choice is None else self.text(choice.says)
            case "number":
                return f"{answer} {self.unit(question.unit)}".rstrip()
            case "time" | "time_ahead":
                return shanghai(time_us(answer))
            case "items":
                return self.items(answer)
            case "hazard":
                return f"{answer} {self.text(pack.hazard[answer].text)}"
            case "hazards":
                return self.listed([str(code) for code in answer]) or self.say("none")
        return str(answer)

    def items(self, answer: Mapping[str, Any]) -> str:
        """A checklist in numbers; `not_ok` has what is not in order."""
        results = [one["result"] for one in answer.values()]
        counts = {"ok": "ok", "bad": "not_ok", "apart": "not_applicable"}
        told = {name: results.count(result) for name, result in counts.items()}
        return self.say("items", all=len(results), **told)

    def unit(self, unit: str) -> str:
        """As people write it."""
        return {"m3": "m³", "1": ""}.get(unit, unit)

    def _apart(self, question: Question, name: str, answer: str) -> str:
        if self.recipient is None:
            return self.say("withheld")
        found = answer_of(self.record, question, name, answer, self.recipient)
        return self.say("erased") if found is None else found or self.say("withheld")


def not_ok(
    pack: RulePack, question: Question, answer: Mapping[str, Any]
) -> Iterator[tuple[str, Text, Mapping[str, str]]]:
    """The items of a checklist that are not in order, in its own order: name, text, answer."""
    for name, item in pack.checklist[question.checklist].item.items():
        if answer[name]["result"] == "not_ok":
            yield name, item.text, answer[name]


def largest(decided: Decided, figure: str) -> Decimal | None:
    """The largest number of a figure that is a table by point or opening."""
    found = decided.verdict["figures"].get(figure)
    if not isinstance(found, Mapping) or not found:
        return None
    return max(Decimal(text) for text in found.values())


def number(figures: Mapping[str, Any], key: str) -> Decimal | None:
    """A figure as a number; None where the verdict has none."""
    text = figures.get(key)
    return None if text is None else Decimal(str(text))


def visible(text: str) -> str:
    """The text with everything that would hide or turn it made visible, such as [U+202E].

    Line ends and tabs become spaces: a cell, and a field of a paper, is one paragraph.
    """
    if text.isprintable():
        return text
    return "".join(_shown(char) for char in text.replace("\r\n", "\n"))


def _shown(char: str) -> str:
    if char in "\t\r\n\u2028\u2029":
        return " "
    if unicodedata.category(char) in _HIDDEN and char not in _JOINERS:
        return f"[U+{ord(char):04X}]"
    return char
