"""From events to where a job stands. What is folded has been allowed; nothing is refused here."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hub.jobs.case import (
    NOTHING,
    Act,
    Event,
    JobState,
    Missed,
    Ruled,
    Signalled,
    Standing,
    Swapped,
    Waived,
)
from hub.jobs.timing import day_of, is_late, time_us
from hub.rulepack import Job, RulePack
from hub.rulepack.jobs import Question, Step


def begun(
    pack: RulePack,
    kind: str,
    number: str,
    facts: Mapping[str, str],
    sections: Mapping[str, str],
    opened_us: int,
) -> JobState:
    """A job of *kind* as it begins; *facts* are those of its order, checked."""
    job = pack.job[kind]
    made = {
        name: "yes" if is_late(pack.clock[late.clock], time_us(facts[late.fact])) else "no"
        for name, late in job.late.items()
        if late.fact in facts
    }
    for name, question in job.facts.items():
        if question.kind == "hazard" and name in facts:
            hazard = pack.hazard[facts[name]]
            leak = "yes" if hazard.hazard_class == "leak" else "no"
            made |= {"level": str(hazard.level), "leak": leak}
    return JobState(number, kind, job.first_phase, {**facts, **made}, sections, opened_us)


def folded(pack: RulePack, state: JobState, events: Iterable[Event]) -> JobState:
    """*state* after *events*, oldest first."""
    job = pack.job[state.kind]
    for event in events:
        working = state.phase in job.works
        state = _folded(job, state, event)
        if working:  # until now, whatever has ended it
            state = replace(state, disturbed_us=max(state.disturbed_us, event.at_us))
    return state


def _folded(job: Job, state: JobState, event: Event) -> JobState:
    match event:
        case Act():
            return _act(job.step[event.step], state, event)
        case Ruled():
            return _ruled(job.step[event.step], state, event)
        case Signalled():
            signal = job.signal[event.signal]
            state = _undone(state, signal.undoes, event.signal, event.at_us)
            return replace(state, phase=signal.to or state.phase)
        case Missed():
            deadline = job.deadline[event.deadline]
            state = _undone(state, deadline.undoes, event.deadline, event.at_us)
            missed = state.missed | {(event.deadline, event.at_us)}
            return replace(state, missed=missed, phase=deadline.to or state.phase)
        case Waived():
            return replace(state, waived=state.waived | {event.notice})
        case Swapped():
            state = _heard(state, {event.instrument: event.serial}, event.at_us)
            return replace(state, steps=_unsworn(state.steps, {event.instrument: event.serial}))


def _act(step: Step, state: JobState, act: Act) -> JobState:
    goes_on = all(
        goes_on_with(question, act.answers.get(name)) for name, question in step.ask.items()
    )
    if step.test:  # a test begins: whatever it said before holds no longer
        before = state.steps.get(act.step, Standing(act.at_us, goes_on=False, stands=False))
        standing = before._replace(stands=False, began_us=act.at_us, why_not="again")
    else:
        standing = Standing(
            act.at_us, goes_on, stands=goes_on, answers=act.answers, trusted=act.trusted
        )
        state = _undone(state, step.undoes, act.step, act.at_us)
    visit_us = state.visit_us
    if step.visit == "begins" and goes_on:  # whoever may not enter has not arrived
        visit_us = act.at_us
    elif step.visit == "ends":
        visit_us = None
    return replace(
        state,
        phase=step.to if step.to and goes_on and not step.test else state.phase,
        steps={**state.steps, act.step: standing},
        days=_days(state, act),
        visit_us=visit_us,
        actors=state.actors if step.rank == "supervisor" else state.actors | {act.by},
        hazards=[*state.hazards, *((code, act.step, act.at_us) for code in opened(step, act))],
        disturbed_us=act.at_us if step.disturbs else state.disturbed_us,
        ended=step.ends if goes_on else state.ended,
    )


def _ruled(step: Step, state: JobState, ruled: Ruled) -> JobState:
    before = state.steps.get(ruled.step)
    began_us, why_not = _begun_us(state, before, ruled)
    passed = ruled.verdict == "PASS" and not why_not
    again = before.again if before else 0
    if ruled.verdict != "ABORTED":  # broken off says nothing, and breaks no row
        again = again + 1 if ruled.verdict == "INCONCLUSIVE" else 0
    standing = Standing(
        ruled.at_us,
        passed,
        stands=passed,
        attempt=ruled.attempt,
        verdict=ruled.verdict,
        section=ruled.section,
        serials=ruled.serials,
        began_us=began_us,
        again=again,
        why_not=why_not,
    )
    hazards = [
        (step.opens[word], ruled.step, ruled.at_us)
        for word in (ruled.outcome, ruled.verdict)
        if word in step.opens
    ]
    sworn = {**_unsworn(state.steps, ruled.serials), ruled.step: standing}
    state = _heard(replace(state, steps=sworn), ruled.serials, ruled.at_us)
    state = _undone(state, step.undoes, ruled.step, ruled.at_us)
    phase = state.phase
    if not passed:
        phase = step.falls.get(phase, phase)
    elif step.to and phase in step.phase:  # else the job has gone elsewhere while it ran
        phase = step.to
    return replace(state, phase=phase, hazards=[*state.hazards, *hazards])


def _begun_us(state: JobState, before: Standing | None, ruled: Ruled) -> tuple[int, str]:
    """When what a verdict speaks of began, or 0 and why it counts for nothing.

    What undid a test while it ran has undone its verdict as well.
    """
    began_us = ruled.began_us or (before.began_us if before else 0)
    if ruled.began_us and ruled.began_us <= state.undone_us.get(ruled.step, 0):
        began_us = 0
    if not began_us:
        undone = before.why_not if before and before.why_not != "again" else ""
        return 0, undone or "unbegun"
    for instrument, serial in ruled.serials.items():
        now, heard_us = state.heard.get(instrument, (serial, 0))
        if now != serial and heard_us >= began_us:
            return 0, "instrument"
    return began_us, ""


def _undone(state: JobState, undoes: Iterable[str], why: str, at_us: int) -> JobState:
    """*state* with these steps to be done again, and these tests, running ones too, for nothing."""
    names = tuple(undoes)
    changed = {
        name: state.steps[name]._replace(stands=False, began_us=0, why_not=why)
        for name in names
        if name in state.steps and (state.steps[name].stands or state.steps[name].began_us)
    }
    return replace(
        state,
        steps={**state.steps, **changed},
        undone_us={**state.undone_us, **dict.fromkeys(names, at_us)},
    )


def _heard(state: JobState, serials: Mapping[str, str], at_us: int) -> JobState:
    """What instruments have said that they are, unless something newer is known."""
    newer = {
        instrument: (serial, at_us)
        for instrument, serial in serials.items()
        if at_us >= state.heard.get(instrument, ("", 0))[1]
    }
    return replace(state, heard={**state.heard, **newer})


def _unsworn(steps: Mapping[str, Standing], serials: Mapping[str, str]) -> Mapping[str, Standing]:
    """A PASS is worth what its instrument is: another device under its name ends it."""
    changed = {
        name: standing._replace(stands=False, began_us=0, why_not="instrument")
        for name, standing in steps.items()
        if standing.stands
        and any(
            instrument in serials and serials[instrument] != serial
            for instrument, serial in standing.serials.items()
        )
    }
    return {**steps, **changed}


def _days(state: JobState, act: Act) -> Mapping[Any, Any]:
    """On which days each answer was given; a day of a clock nobody can trust does not count."""
    if not act.trusted:
        return state.days
    given = {
        (act.step, question, answer): state.days.get((act.step, question, answer), frozenset())
        | {day_of(act.at_us)}
        for question, answer in act.answers.items()
        if isinstance(answer, str)
    }
    return {**state.days, **given}


def goes_on_with(question: Question, answer: Any) -> bool:
    """Whether an answer lets the job go on. One that was left out does: it was optional."""
    if answer is None:
        return True
    match question.kind:
        case "yes_no":
            return bool(answer == "yes")
        case "choice":
            return question.options[answer].goes_on
        case "items":
            return not question.all_ok or all(
                item["result"] != "not_ok" for item in answer.values()
            )
    return True


def opened(step: Step, act: Act) -> Iterable[str]:
    """The hazards that an act's answers are, in the order of its questions."""
    for name, question in step.ask.items():
        answer = act.answers.get(name, NOTHING)
        if question.kind == "hazards":
            yield from answer
        elif question.kind == "choice" and answer and question.options[answer].opens:
            yield question.options[answer].opens
        elif question.kind == "items":
            yield from (item["hazard"] for item in answer.values() if item.get("hazard"))
