"""How what is recorded is said to people: answers, verdicts, moments, in one language."""

import unicodedata
from collections.abc import Mapping, Sequence
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
from hub.texts import CATALOGUE, Language, say

_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They make a name read as another one; a record shows them."""


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
        """A text of `records.`."""
        return say(self.lang, f"records.{key}", **figures)

    def known(self, group: str, word: str) -> str:
        """The text of one of the hub's own words, or the word itself where it has none."""
        return CATALOGUE[self.lang].get(f"records.{group}.{word}", word) if word else ""

    def text(self, text: Text) -> str:
        return text.zh if self.lang == "zh" else text.en

    def yes(self, said: bool | None) -> str:
        """Yes, no, or nothing where it is not known."""
        return "" if said is None else self.say("yes" if said else "no")

    def listed(self, parts: Sequence[str]) -> str:
        return self.say("list").join(part for part in parts if part)

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
                return self.items(pack, question, answer)
            case "hazard":
                return f"{answer} {self.text(pack.hazard[answer].text)}"
            case "hazards":
                return self.listed([str(code) for code in answer]) or self.say("none")
        return str(answer)

    def items(self, pack: RulePack, question: Question, answer: Mapping[str, Any]) -> str:
        """A checklist: how many are in order, and in full what is not."""
        asked = pack.checklist[question.checklist].item
        bad = {name: one for name, one in answer.items() if one["result"] == "not_ok"}
        apart = sum(one["result"] == "not_applicable" for one in answer.values())
        told = self.say(
            "items", all=len(answer), ok=len(answer) - len(bad) - apart, bad=len(bad), apart=apart
        )
        parts = [
            " ".join(
                word
                for word in (name, self.text(asked[name].text), one.get("hazard", ""),
                             one.get("remark", ""))
                if word
            )
            for name, one in bad.items()
        ]  # fmt: skip
        return f"{told}{self.say('colon')}{self.listed(parts)}" if parts else told

    def unit(self, unit: str) -> str:
        """As people write it."""
        return {"m3": "m³", "1": ""}.get(unit, unit)

    def _apart(self, question: Question, name: str, answer: str) -> str:
        if self.recipient is None:
            return self.say("withheld")
        found = answer_of(self.record, question, name, answer, self.recipient)
        return self.say("erased") if found is None else found or self.say("withheld")


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
    if text.isprintable() and not _BIDI.intersection(text):
        return text
    return "".join(_shown(char) for char in text.replace("\r\n", "\n"))


def _shown(char: str) -> str:
    if char in "\t\r\n\u2028\u2029":
        return " "
    if char in _BIDI or unicodedata.category(char) in ("Cc", "Cs", "Co"):
        return f"[U+{ord(char):04X}]"
    return char
