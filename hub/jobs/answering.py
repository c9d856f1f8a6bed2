"""Answers to a step's questions: checked against what the pack asks, and brought into one form."""

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from hub.jobs.case import Answers, Refusal
from hub.jobs.timing import time_us
from hub.rulepack import RulePack
from hub.rulepack.jobs import Question
from hub.somebody import names_somebody

RESULTS: Final = ("ok", "not_ok", "not_applicable")
LONGEST: Final = 2000
"""Characters of a text."""
_FAR_US: Final = 100 * 366 * 86_400 * 1_000_000
"""A moment a hundred years away is a slip, and there are some from which no calendar counts on."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_ITEM_KEYS: Final = frozenset({"result", "hazard", "remark", "photo"})


class Answered(NamedTuple):
    """The answers as they go into the record, or why they do not."""

    answers: Answers
    refusals: list[Refusal]


def answered(
    pack: RulePack,
    ask: Mapping[str, Question],
    given: Mapping[str, Any],
    clause: str,
    people: Collection[str],
    now_us: int,
) -> Answered:
    """Check *given* against the questions of a step, or of a job's facts.

    given   question -> text; for items a table, for hazards a list or words with blanks between
    clause  of the step, for questions that have none of their own
    people  staff ids of the register
    now_us  no moment may be later
    """
    asked = {name: one for name, one in ask.items() if _is_asked(one, given)}
    told = [
        Refusal("unasked", clause, {"question": name, "asked": list(asked)})
        for name in given
        if name not in asked
    ]
    answers: dict[str, Any] = {}
    for name, question in asked.items():
        value = given.get(name)
        if value in (None, "", [], {}) and not (question.kind == "hazards" and name in given):
            if not question.optional:
                told.append(_refusal("unanswered", clause, name, question))
            continue
        try:
            answers[name] = _taken(pack, question, value, people, now_us)
        except _WrongError as wrong:
            told.append(_refusal(wrong.key, wrong.clause or clause, name, question, wrong.figures))
    told += _not_above(asked, answers, clause)
    return Answered(answers, told)


def files_in(ask: Mapping[str, Question], answers: Answers) -> Iterator[tuple[str, str]]:
    """(question, SHA-256) of every file that answers name."""
    for name, question in ask.items():
        if name not in answers:
            continue
        if question.kind == "file":
            yield name, answers[name]
        elif question.kind == "items":
            yield from ((name, item["photo"]) for item in answers[name].values() if "photo" in item)


class _WrongError(Exception):
    def __init__(self, key: str, clause: str = "", **figures: object) -> None:
        super().__init__(key)
        self.key, self.clause, self.figures = key, clause, figures


def _is_asked(question: Question, given: Mapping[str, Any]) -> bool:
    return all(given.get(name) in values for name, values in question.when.items())


def _taken(
    pack: RulePack, question: Question, value: Any, people: Collection[str], now_us: int
) -> Any:
    if question.kind == "items":
        return _items(pack, question, value)
    if question.kind == "hazards":
        return _hazards(pack, value.split() if isinstance(value, str) else value)
    if question.kind == "hazard":
        return _hazards(pack, [value])[0]
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise _WrongError("answer_text", value=_short(value), most=LONGEST)
    match question.kind:
        case "text":
            if not question.personal and names_somebody(value):
                raise _WrongError("names_somebody")
        case "yes_no":
            if value not in ("yes", "no"):
                raise _WrongError("answer_choice", value=value, options=["yes", "no"])
        case "choice":
            if value not in question.options:
                raise _WrongError("answer_choice", value=value, options=list(question.options))
        case "number":
            return _number(value)
        case "file":
            if not _SHA256.fullmatch(value):
                raise _WrongError("answer_file", value=value)
        case "time" | "time_ahead":
            try:
                at_us = time_us(value)
            except (ValueError, OverflowError):
                raise _WrongError("answer_time", value=value) from None
            if abs(at_us - now_us) > _FAR_US:
                raise _WrongError("answer_time", value=value)
            if at_us > now_us and question.kind == "time":
                raise _WrongError("answer_future", value=value)
        case "person":
            if value not in people:
                raise _WrongError("stranger", by=value)
    return value


def _number(value: str) -> str:
    try:
        number = Decimal(value) if value.isascii() else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number.adjusted()) > 30:
        raise _WrongError("answer_number", value=value)
    return f"{number:f}"


def _hazards(pack: RulePack, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
        raise _WrongError("answer_hazard", _catalogue(pack), value=_short(value))
    for code in value:
        if code not in pack.hazard:
            raise _WrongError("answer_hazard", _catalogue(pack), value=code)
    return list(dict.fromkeys(value))


def _items(pack: RulePack, question: Question, value: Any) -> dict[str, dict[str, str]]:
    checklist = pack.checklist[question.checklist]
    if not isinstance(value, Mapping):
        raise _WrongError("answer_items", checklist.clause, value=_short(value))
    missing = [name for name in checklist.item if name not in value]
    strange = [name for name in value if name not in checklist.item]
    if missing:
        raise _WrongError("items_missing", checklist.clause, items=missing)
    if strange:
        raise _WrongError("items_strange", checklist.clause, items=strange)
    return {
        name: _item(pack, name, item.clause, item.on_failure, value[name])
        for name, item in checklist.item.items()
    }


def _item(
    pack: RulePack, name: str, clause: str, hazards: tuple[str, ...], value: Any
) -> dict[str, str]:
    given = {"result": value} if isinstance(value, str) else value
    if (
        not isinstance(given, Mapping)
        or not set(given) <= _ITEM_KEYS
        or given.get("result") not in RESULTS
        or not all(
            isinstance(v, str) and len(v) <= LONGEST and v.isprintable() for v in given.values()
        )
    ):
        raise _WrongError("answer_item", clause, item=name, value=_short(value))
    if names_somebody(given.get("remark", "")):
        raise _WrongError("names_somebody", clause)
    kept = {key: text for key, text in given.items() if text}
    if "photo" in kept and not _SHA256.fullmatch(kept["photo"]):
        raise _WrongError("answer_file", clause, value=kept["photo"])
    if kept["result"] != "not_ok":
        if "hazard" in kept:
            raise _WrongError("item_hazard_ok", clause, item=name)
        return kept
    code = kept.get("hazard", hazards[0] if len(hazards) == 1 else "")
    if hazards and code not in hazards:
        # Only the catalogue describes a hazard, and two grades are never told apart by a guess.
        raise _WrongError("item_hazard", clause, item=name, value=code, hazards=list(hazards))
    if code and code not in pack.hazard:
        raise _WrongError("answer_hazard", _catalogue(pack), value=code)
    return {**kept, **({"hazard": code} if code else {})}


def _not_above(
    asked: Mapping[str, Question], answers: Mapping[str, Any], clause: str
) -> Iterator[Refusal]:
    for name, question in asked.items():
        lower = answers.get(question.above)
        upper = answers.get(name)
        if lower is not None and upper is not None and Decimal(upper) <= Decimal(lower):
            figures = {"value": upper, "other": lower}
            yield _refusal("answer_above", clause, name, question, figures)


def _catalogue(pack: RulePack) -> str:
    """The clause that closes the hazard catalogue to free words."""
    return pack.rule["R88"].clause if "R88" in pack.rule else "5.2"


def _refusal(
    key: str,
    clause: str,
    name: str,
    question: Question,
    figures: Mapping[str, object] | None = None,
) -> Refusal:
    said = {"question": name, "asks": question.says.model_dump(), **(figures or {})}
    return Refusal(key, clause, said)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
