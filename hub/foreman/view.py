"""A job as people and consoles see it: where it stands, what may be done, what is refused and why.

All texts are in both languages, so that a console may choose; numbers and times are text.
"""

from collections.abc import Mapping
from typing import Any

from hub.clock import iso, shanghai
from hub.jobs import Around, JobState, Option, Refusal, Standing, options, running
from hub.jobs.deciding import clause_against
from hub.jobs.folding import goes_on_with
from hub.jobs.wording import said
from hub.orders import hazard_of
from hub.rulepack import RulePack
from hub.rulepack.jobs import Question, Step
from hub.texts import LANGUAGES, Language, say


def view(pack: RulePack, state: JobState, by: str, around: Around, now_us: int) -> dict[str, Any]:
    """The whole of a job for *by* at *now_us*, in JSON's types.

    steps      in the pack's order: `state` is done, open (may be done now), waiting (refused now,
               see `refusals`) or apart (does not apply), and what each asks
    deadlines  that run now, the next one first
    signals    that may be told in this phase
    """
    job = pack.job[state.kind]
    found = {one.step: one for one in options(pack, state, by, around, now_us)}
    return {
        "job": state.number,
        "kind": state.kind,
        "title": job.title.model_dump(),
        "clause": job.clause,
        "rule_pack": {"id": pack.id, "version": pack.version},
        "phase": state.phase,
        "phase_text": job.phases[state.phase].model_dump(),
        "ended": state.ended,
        "opened": iso(state.opened_us),
        "facts": dict(state.facts),
        "sections": dict(state.sections),
        "on_site": state.visit_us is not None,
        "steps": [
            _step(name, step, found[name], state.steps.get(name)) for name, step in job.step.items()
        ],
        "deadlines": [
            {
                "deadline": name,
                "text": job.deadline[name].text.model_dump(),
                "clause": job.deadline[name].clause,
                "due": iso(at_us),
                "due_local": shanghai(at_us),
            }
            for name, at_us in sorted(running(pack, job, state), key=lambda one: one[1])
        ],
        "missed": sorted({name for name, _ in state.missed}),
        "hazards": [{"code": code, "step": step} for code, step, _ in state.hazards],
        "waived": sorted(state.waived),
        "checklists": {
            name: {
                item: {
                    "text": one.text.model_dump(),
                    "clause": one.clause,
                    "hazards": {
                        code: pack.hazard[code].text.model_dump() for code in one.on_failure
                    },
                }
                for item, one in pack.checklist[name].item.items()
            }
            for name in sorted({q.checklist for s in job.step.values() for q in s.ask.values()})
            if name
        },
        "signals": [
            {"signal": name, "text": signal.text.model_dump(), "clause": signal.clause}
            for name, signal in job.signal.items()
            if state.phase in signal.phase and not state.ended
        ],
    }


def _step(name: str, step: Step, option: Option, standing: Standing | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "step": name,
        "text": step.text.model_dump(),
        "clause": step.clause,
        "state": option.state,
        "test": step.test,
        "releases": step.releases,
        "asks": {each: asked(question) for each, question in step.ask.items()},
        "refusals": [told(one) for one in option.refusals],
    }
    if standing is not None:
        shown |= {
            "at": iso(standing.at_us),
            "stands": standing.stands,
            "answers": dict(standing.answers),
        }
        if standing.verdict:
            shown |= {"verdict": standing.verdict, "attempt": standing.attempt}
        if standing.why_not:
            shown["undone_by"] = standing.why_not
    return shown


def asked(question: Question) -> dict[str, Any]:
    """A question, for whoever asks it."""
    return {
        "says": question.says.model_dump(),
        "kind": question.kind,
        "options": {name: one.says.model_dump() for name, one in question.options.items()},
        "checklist": question.checklist,
        "unit": question.unit,
        "optional": question.optional,
        "when": {name: list(values) for name, values in question.when.items()},
    }


def noted(pack: RulePack, state: JobState, name: str, found: int) -> list[dict[str, Any]]:
    """What whoever has just done step *name* must know: that it does not stand, because of which
    answers, and each hazard that became a job of its own.

    found   hazards that the job had before
    """
    job = pack.job[state.kind]
    step, standing = job.step[name], state.steps[name]
    notes = []
    if not step.test and not standing.goes_on:
        wrong = [
            one.says
            for question, one in step.ask.items()
            if not goes_on_with(one, standing.answers.get(question))
        ]
        figures = {
            lang: {"step": step.text.model_dump()[lang],
                   "asks": say(lang, "judge.list").join(one.model_dump()[lang] for one in wrong)}
            for lang in LANGUAGES
        }  # fmt: skip
        notes.append(_note("not_in_order", clause_against(step, standing), figures))
    if state.kind != "hazard":
        for at, (code, _, _) in enumerate(state.hazards[found:], found + 1):
            hazard = pack.hazard[code]
            figures = {
                lang: {"job": hazard_of(state.number, at), "code": code,
                       "hazard": hazard.text.model_dump()[lang]}
                for lang in LANGUAGES
            }  # fmt: skip
            notes.append(_note("hazard", hazard.clause, figures))
    return notes


def _note(key: str, clause: str, figures: Mapping[Language, Mapping[str, str]]) -> dict[str, Any]:
    text = {
        lang: say(lang, f"job.note.{key}", clause=clause, **figures[lang]) for lang in LANGUAGES
    }
    return {"key": key, "clause": clause, "text": text}


def told(refusal: Refusal) -> dict[str, Any]:
    """A refusal in words."""
    return {
        "key": refusal.key,
        "clause": refusal.clause,
        "text": {"zh": said("zh", refusal), "en": said("en", refusal)},
    }
