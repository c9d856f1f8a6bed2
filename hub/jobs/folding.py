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
        state = _folded(job, state, event)
    return state


def _folded(job: Job, state: JobState, event: Event) -> JobState:
    match event:
        case Act():
            return _act(job.step[event.step], state, event)
        case Ruled():
            return _ruled(job.step[event.step], state, event)
        case Signalled():
            signal = job.signal[event.signal]
            return _fallen(state, signal.to, signal.undoes, event.signal, event.at_us)
        case Missed():
            deadline = job.deadline[event.deadline]
            state = replace(state, missed=state.missed | {(event.deadline, event.at_us)})
            return _fallen(state, deadline.to, deadline.undoes, event.deadline, event.at_us)
        case Waived():
            return replace(state, waived=state.waived | {event.notice})
        case Swapped():
            named = {event.instrument: event.serial}
            return replace(state, steps=_unsworn(state.steps, named, event.at_us))


def _act(step: Step, state: JobState, act: Act) -> JobState:
    goes_on = all(
        goes_on_with(question, act.answers.get(name)) for name, question in step.ask.items()
    )
    if step.test:  # a test begins: whatever it said before holds no longer
        before = state.steps.get(act.step, Standing(act.at_us, goes_on=False, stands=False))
        standing = before._replace(stands=False, why_not="again")
    else:
        standing = Standing(act.at_us, goes_on, stands=goes_on, answers=act.answers)
    steps: Mapping[str, Standing] = {**state.steps, act.step: standing}
    if not step.test:
        steps = _undone(steps, step.undoes, act.step, act.at_us)
    visit_us = state.visit_us
    if step.visit == "begins":
        visit_us = act.at_us
    elif step.visit == "ends":
        visit_us = None
    return replace(
        state,
        phase=step.to if step.to and goes_on and not step.test else state.phase,
        steps=steps,
        days=_days(state, act),
        visit_us=visit_us,
        actors=state.actors if step.rank == "supervisor" else state.actors | {act.by},
        hazards=[*state.hazards, *((code, act.step, act.at_us) for code in opened(step, act))],
        disturbed_us=act.at_us if step.disturbs else state.disturbed_us,
        ended=step.ends if goes_on else state.ended,
    )


def _ruled(step: Step, state: JobState, ruled: Ruled) -> JobState:
    before = state.steps.get(ruled.step)
    passed = ruled.verdict == "PASS"
    again = (before.again if before else 0) + 1 if ruled.verdict == "INCONCLUSIVE" else 0
    # What undid the test while it ran undoes its verdict as well.
    undone = before is not None and before.why_not not in ("", "again")
    undone_us = before.undone_us if before else 0
    late = undone or ruled.at_us <= undone_us
    standing = Standing(
        ruled.at_us,
        passed,
        stands=passed and not late,
        attempt=ruled.attempt,
        verdict=ruled.verdict,
        section=ruled.section,
        serials=ruled.serials,
        again=again,
        why_not=before.why_not if before is not None and late else "",
        undone_us=undone_us,
    )
    steps: Mapping[str, Standing] = {
        **_unsworn(state.steps, ruled.serials, ruled.at_us),
        ruled.step: standing,
    }
    if standing.stands:
        steps = _undone(steps, step.undoes, ruled.step, ruled.at_us)
    hazards = state.hazards
    for word in (ruled.outcome, ruled.verdict):
        if word in step.opens:
            hazards = [*hazards, (step.opens[word], ruled.step, ruled.at_us)]
    moves = step.to and standing.stands and state.phase in step.phase
    return replace(state, steps=steps, hazards=hazards, phase=step.to if moves else state.phase)


def _fallen(state: JobState, to: str, undoes: Iterable[str], why: str, at_us: int) -> JobState:
    steps = _undone(state.steps, undoes, why, at_us)
    return replace(state, phase=to or state.phase, steps=steps)


def _undone(
    steps: Mapping[str, Standing], undoes: Iterable[str], why: str, at_us: int
) -> Mapping[str, Standing]:
    """What stood stands no longer, and a test that runs will not."""
    changed = {
        name: steps[name]._replace(stands=False, why_not=why, undone_us=at_us)
        for name in undoes
        if name in steps and (steps[name].stands or steps[name].why_not == "again")
    }
    return {**steps, **changed}


def _unsworn(
    steps: Mapping[str, Standing], serials: Mapping[str, str], at_us: int
) -> Mapping[str, Standing]:
    """A PASS is worth what its instrument is: another device under its name ends it."""
    changed = {
        name: standing._replace(stands=False, why_not="instrument", undone_us=at_us)
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
