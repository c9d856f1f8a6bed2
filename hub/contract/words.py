"""The words that events use and schemas leave open: of the shipped rule pack and of the texts.

Kinds of job with their phases, steps, ends, signals and deadlines; user classes; hazards; reasons
of verdicts and refusals. A company's own pack may add words, so a receiver lets others pass.
"""

from typing import Any, Final

from hub.events import COMPLETED
from hub.rulepack import Job, load_pack
from hub.texts import CATALOGUE, LANGUAGES

_SCREEN: Final = ("no_anomaly", "anomaly", "strong_anomaly", "invalid")
_NOTE: Final = (
    "Words of the rule pack that is shipped. A company's own pack may add some: show a word that "
    "you do not know as it is. Text in braces is filled in on the gateway."
)


def words() -> dict[str, Any]:
    """All of it, in JSON's types: word -> text in both languages."""
    pack = load_pack()
    screened = {"no_anomaly": _texts("judge.pass.")["laser_screen"]}
    reasons = {**_texts("judge.reason."), **screened}
    return {
        "note": _NOTE,
        "rule_pack": {"id": pack.id, "version": pack.version},
        "kinds": {name: _kind(job) for name, job in pack.job.items()},
        "user_classes": sorted({one for job in pack.job.values() for one in job.user_classes}),
        "visit_outcomes": _outcomes(list(pack.job.values())),
        "hazards": {
            code: {"level": str(one.level), **one.text.model_dump()}
            for code, one in pack.hazard.items()
        },
        "procedures": _texts("judge.procedure."),
        "verdict_reasons": reasons,
        "verdict_outcomes": {word: reasons[word] for word in _SCREEN},
        "refusal_reasons": _texts("job.refused."),
    }


def _kind(job: Job) -> dict[str, Any]:
    ends = {step.ends for step in job.step.values() if step.ends}
    return {
        **job.title.model_dump(),
        "user_classes": list(job.user_classes),
        "facts": {
            name: {
                "kind": one.kind,
                "optional": one.optional,
                "options": list(one.options),
                **one.says.model_dump(),
            }
            for name, one in job.facts.items()
        },
        "sections": {name: text.model_dump() for name, text in job.sections.items()},
        "phases": {name: text.model_dump() for name, text in job.phases.items()},
        "ended": {word: {"completed": word in COMPLETED} for word in sorted(ends)},
        "steps": {name: step.text.model_dump() for name, step in job.step.items()},
        "tests": {name: step.test for name, step in job.step.items() if step.test},
        "signals": {
            name: {"tells": one.tells, **one.text.model_dump()} for name, one in job.signal.items()
        },
        "deadlines": {
            name: {"tells": one.tells, **one.text.model_dump()}
            for name, one in job.deadline.items()
        },
    }


def _outcomes(jobs: list[Job]) -> dict[str, dict[str, str]]:
    """What `outcome` of a visit may be; see `hub.happenings.VisitData`.

    Of an answer its own words; of a step that ends visit or job, the step's.
    """
    found: dict[str, dict[str, str]] = {}
    for job in jobs:
        steps = job.step.items()
        if any(step.visit for _, step in steps):
            for name, step in steps:
                if word := step.ends or (name if step.visit == "ends" else ""):
                    found.setdefault(word, step.text.model_dump())
        for question in (step.ask["outcome"] for _, step in steps if "outcome" in step.ask):
            found |= {word: one.says.model_dump() for word, one in question.options.items()}
    return dict(sorted(found.items()))


def _texts(prefix: str) -> dict[str, dict[str, str]]:
    """Code -> text in each language, of all that begin with *prefix*."""
    codes = [key.removeprefix(prefix) for key in CATALOGUE["en"] if key.startswith(prefix)]
    return {code: {lang: CATALOGUE[lang][prefix + code] for lang in LANGUAGES} for code in codes}
