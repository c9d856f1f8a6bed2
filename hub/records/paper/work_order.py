"""The work order of a job, as it went: who did what when, what was found, and what was signed."""

from collections.abc import Iterator
from typing import Any, Final

from hub.clock import shanghai
from hub.jobs import Act, Event, Missed, Ruled, Signalled, Swapped, Waived
from hub.orders import hazard_of
from hub.records.customer import customer_of
from hub.records.history import Happening, History
from hub.records.paper.hold_report import verdict_box
from hub.records.paper.sheet import Pair, Paper, Pictures, at_us, begun, customer_pairs
from hub.records.record import Decided
from hub.records.words import Words, largest, not_ok
from hub.rulepack.jobs import Question

_MAXIMA: Final = {
    "max_pct_lel": "gas_max_pct_lel",
    "max_pct_vol": "gas_max_pct_vol",
    "excess_ppm_m": "laser_excess_ppm_m",
}
"""Figure of a gas check -> the column whose title it has."""
_SAMPLES: Final = 3
"""The last ones: a bad sample begins the count anew. Where none counted they say how it stood."""
_SIGNATURE: Final = "signature"
_LABELS: Final = (
    *("customer", "facts", "steps", "time", "step", "who", "said", "hazards", "code", "wording"),
    *("level", "class", "job", "signatures", "whence", "not_checked", "none"),
)


def work_order(words: Words, number: str) -> Paper:
    """Raises CommandRefused for a number that is no job."""
    history = words.record.history(number)
    known = customer_of(words.record, number, words.recipient or "authority")
    pictures = Pictures(words)
    entries = [*history.entries, *history.apart()]
    entries += [known.entry] if known.entry is not None else []
    title = words.say("paper.work_order", kind=words.text(history.job.title))
    said = {
        **begun(words, title, number, entries),
        "labels": {key: words.say(f"paper.label.{key}") for key in _LABELS},
        "facts": _facts(words, history),
        "customer": customer_pairs(words, known),
        "steps": [_step(words, history, one) for one in history.happenings],
        "hazards": [*_hazards(words, history)],
        "signatures": [*_signatures(words, history, pictures)],
        "whence": _whence(words, history),
    }
    return Paper("work_order", said, pictures.images, at_us(words, entries))


def _facts(words: Words, history: History) -> list[Pair]:
    job, facts = history.job, history.state.facts
    told: list[Pair] = [
        (words.say("column.number"), history.number),
        (words.say("column.state"), words.state(history)),
        (words.say("column.user_class"), words.known("user_class", history.user_class)),
        (words.say("column.opened_at"), words.moment(history.state.opened_us)),
        (words.say("column.subject"), history.subject or "—"),
    ]
    told += [
        (words.text(question.says), words.answer(history.pack, question, name, facts[name]))
        for name, question in job.facts.items()
        if name in facts
    ]
    told += [
        (words.say("paper.section", part=words.text(job.sections[name])), section)
        for name, section in history.state.sections.items()
    ]
    kept = history.kept_until()
    if kept is not None:
        told.append((words.say("column.kept_until"), kept.isoformat()))
    return told


def _step(words: Words, history: History, happening: Happening) -> dict[str, Any]:
    event = happening.event
    title, clause = _title(words, history, event)
    return {
        "at": shanghai(event.at_us),
        "title": title,
        "clause": clause,
        "who": _who(words, happening),
        "lines": [*_lines(words, history, event)],
        "files": [*_files(words, history, event)],
        "verdict": _verdict(words, history, event),
        "entry": str(happening.entry),
    }


def _title(words: Words, history: History, event: Event) -> Pair:
    job = history.job
    match event:
        case Act() | Ruled():
            step = job.step[event.step]
            text = words.text(step.text)
            begins = isinstance(event, Act) and bool(step.test)
            return words.say("paper.begins", test=text) if begins else text, step.clause
        case Signalled():
            signal = job.signal[event.signal]
            return words.say("paper.signal", what=words.text(signal.text)), signal.clause
        case Missed():
            deadline = job.deadline[event.deadline]
            return words.say("paper.missed", what=words.text(deadline.text)), deadline.clause
        case Waived():
            step = job.step[event.notice]
            return words.say("paper.waived", what=words.text(step.text)), step.clause
        case Swapped():
            return words.say("paper.swapped", instrument=event.instrument), ""


def _who(words: Words, happening: Happening) -> str:
    event = happening.event
    by = [name for name in (getattr(event, "by", ""), getattr(event, "second", "")) if name]
    certificate = happening.body.get("certificate", "")
    return words.listed([*by, str(certificate)])


def _lines(words: Words, history: History, event: Event) -> Iterator[Pair]:
    match event:
        case Act():
            asked = history.job.step[event.step].ask
            for name, question in asked.items():
                if name in event.answers and question.kind != "file":
                    answer = event.answers[name]
                    told = words.answer(history.pack, question, name, answer)
                    yield words.text(question.says), told
                    if question.kind == "items":
                        yield from _not_ok(words, history, question, answer)
        case Signalled() if event.detail:
            yield words.say("paper.detail"), event.detail
        case Waived():
            yield words.say("paper.reason"), event.reason
        case Swapped():
            yield words.say("paper.label.serial"), event.serial
        case _:
            return


def _not_ok(words: Words, history: History, question: Question, answer: Any) -> Iterator[Pair]:
    for item, text, one in not_ok(history.pack, question, answer):
        parts = [one.get(key, "") for key in ("hazard", "remark")]
        yield f"{item} {words.text(text)}", " ".join(part for part in parts if part)


def _files(words: Words, history: History, event: Event) -> Iterator[Pair]:
    """Title and SHA-256 of every file that an act names."""
    if not isinstance(event, Act):
        return
    for name, answer in event.answers.items():
        question: Question = history.job.step[event.step].ask[name]
        if question.kind == "file":
            yield words.text(question.says), str(answer)
        elif question.kind == "items":
            for item, one in answer.items():
                if "photo" in one:
                    yield item, one["photo"]


def _verdict(words: Words, history: History, event: Event) -> dict[str, Any] | None:
    if not isinstance(event, Ruled):
        return None
    decided = words.record.decided(event.attempt)
    if decided is None:
        return None
    box = verdict_box(words, decided.verdict)
    standing = history.state.steps[event.step]
    if event.verdict == "PASS" and not (standing.stands and standing.attempt == event.attempt):
        box["word"] = words.say("over", verdict=box["word"])
    if decided.verdict.get("outcome"):  # an outdoor screen: nobody has been inside
        box["word"] = words.known("outcome", decided.verdict["outcome"])
        box["means"] = ""
    return {
        **box,
        "figures": [*_figures(words, decided)],
        "attempt": event.attempt,
        "serials": ", ".join(f"{name} {serial}" for name, serial in event.serials.items()),
    }


def _figures(words: Words, decided: Decided) -> Iterator[Pair]:
    """What a gas check has measured; a hold's figures are in its sentence and in its report."""
    for figure, title in _MAXIMA.items():
        if (most := largest(decided, figure)) is not None:
            yield words.say(f"column.{title}"), f"{most:f}"
    taken = decided.verdict["figures"].get("samples", [])
    counted = [one for one in taken if one["state"] == "counted"]
    shown = (counted or taken)[-_SAMPLES:]
    for one in shown:
        yield shanghai(one["at_us"]), f"{one['value'] or '—'} {one['unit']} ({one['point']})"
    if len(taken) > len(shown):
        yield words.say("paper.more_samples"), str(len(taken) - len(shown))


def _hazards(words: Words, history: History) -> Iterator[list[str]]:
    """Code, wording, level, class, and the job that it became."""
    for at, (code, _, _) in enumerate(history.state.hazards, 1):
        hazard = history.pack.hazard[code]
        child = hazard_of(history.number, at)
        yield [
            code,
            words.text(hazard.text),
            str(hazard.level),
            words.known("hazard_class", hazard.hazard_class),
            child if words.record.job_kind(child) else "—",
        ]


def _signatures(words: Words, history: History, pictures: Pictures) -> Iterator[dict[str, str]]:
    for happening in history.happenings:
        event = happening.event
        if isinstance(event, Act) and _SIGNATURE in event.answers:
            question = history.job.step[event.step].ask[_SIGNATURE]
            yield {
                "title": words.text(question.says),
                "at": words.moment(event.at_us),
                **pictures.shown(str(event.answers[_SIGNATURE])),
            }


def _whence(words: Words, history: History) -> list[Pair]:
    pack = history.pack
    return [
        (words.say("paper.fact.rule_pack"), f"{pack.id} {pack.version}"),
        (words.say("paper.fact.pack_sha256"), str(history.order["pack_sha256"])),
    ]
