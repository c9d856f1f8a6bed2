"""May this be done now? If not: why not, and by which clause.

Every no is said here, in needing.py (the PASSes), or in answering.py (the answers).
"""

from collections.abc import Iterator

from hub.jobs.case import Act, Around, JobState, Refusal, Standing, Waived
from hub.jobs.needing import Tried, length, of_needs, why
from hub.jobs.timing import day_of, due_us, holds
from hub.rulepack import RulePack
from hub.rulepack.jobs import Notice, Step


def refusals(pack: RulePack, state: JobState, act: Act, around: Around) -> list[Refusal]:
    """Every reason why *act* may not be done; none: it may. Its answers are not looked at.

    raises  KeyError for a step that the job does not have
    """
    job = pack.job[state.kind]
    step = job.step[act.step]
    if state.ended:
        return [Refusal("ended", step.clause, {"ended": state.ended})]
    if not holds(state, step.when):
        return [Refusal("not_here", step.clause, {"step": step.text.model_dump()})]
    tried = Tried(pack, job, state, step, act, around)
    return [
        *_of_phase(tried),
        *_of_order(tried),
        *_of_person(tried),
        *of_needs(tried),
        *_of_notices(tried),
        *_of_count(tried),
        *_of_tries(tried),
    ]


def waiver_refusals(
    pack: RulePack, state: JobState, waived: Waived, around: Around
) -> list[Refusal]:
    """Every reason why two persons may not let this notice be."""
    job = pack.job[state.kind]
    found = [
        notice
        for step in job.step.values()
        for notice in step.notices
        if notice.step == waived.notice
    ]
    if not found:
        return [Refusal("no_notice", job.clause, {"notice": waived.notice})]
    clause = found[0].clause
    told: list[Refusal] = []
    if state.ended:
        told.append(Refusal("ended", clause, {"ended": state.ended}))
    if not all(notice.waivable for notice in found):
        notice = job.step[waived.notice].text.model_dump()
        told.append(Refusal("not_waivable", clause, {"notice": notice}))
    if not waived.reason.strip():
        told.append(Refusal("no_reason", clause, {}))
    told += _two_persons(waived.by, waived.second, clause, around)
    return told


def _of_phase(tried: Tried) -> Iterator[Refusal]:
    job, state, step = tried.job, tried.state, tried.step
    if state.phase not in step.phase:
        yield Refusal(
            "phase",
            step.clause,
            {
                "step": step.text.model_dump(),
                "phase": job.phases[state.phase].model_dump(),
                "phases": [job.phases[name].model_dump() for name in step.phase],
            },
        )
    standing = state.steps.get(tried.act.step)
    if standing is not None and standing.stands and not step.repeats and not step.test:
        yield Refusal("done", step.clause, {"step": step.text.model_dump()})


def _of_order(tried: Tried) -> Iterator[Refusal]:
    job, state, step = tried.job, tried.state, tried.step
    if step.visit in ("within", "ends") and state.visit_us is None:
        yield Refusal("no_visit", step.clause, {"step": step.text.model_dump()})
    if step.visit == "begins" and state.visit_us is not None:
        yield Refusal("visit_open", step.clause, {"step": step.text.model_dump()})
    for name in step.after:
        before = job.step[name]
        if not holds(state, before.when):
            continue
        standing = state.steps.get(name)
        if standing is not None and standing.stands:
            continue
        figures = {"step": step.text.model_dump(), "before": before.text.model_dump()}
        if standing is None:
            yield Refusal("after", before.clause, figures)
        elif standing.why_not:
            yield Refusal("undone", before.clause, {**figures, **why(job, standing)})
        else:
            yield Refusal("not_in_order", clause_against(before, standing), figures)


def _of_person(tried: Tried) -> Iterator[Refusal]:
    step, act = tried.step, tried.act
    person = tried.around.people.get(act.by)
    if person is None:
        yield Refusal("stranger", step.clause, {"by": act.by})
        return
    if step.role:
        role = tried.pack.role[step.role]
        certificate = person.certificates.get(step.role)
        figures = {"by": act.by, "role": role.text.model_dump()}
        if certificate is None:
            yield Refusal("no_certificate", role.clause, figures)
        elif day_of(act.at_us) > certificate[1]:
            until = {"number": certificate[0], "until": certificate[1].isoformat()}
            yield Refusal("certificate_expired", role.clause, {**figures, **until})
    if step.rank == "supervisor":
        if not person.supervisor:
            yield Refusal("no_supervisor", step.clause, {"by": act.by})
        elif act.by in tried.state.actors:
            yield Refusal("own_work", step.clause, {"by": act.by})


def _two_persons(by: str, second: str, clause: str, around: Around) -> Iterator[Refusal]:
    if by == second or not second:
        yield Refusal("one_person", clause, {"by": by})
    known = [around.people[id] for id in (by, second) if id in around.people]
    for id in (by, second):
        if id and id not in around.people:
            yield Refusal("stranger", clause, {"by": id})
    if len(known) == 2 and not any(person.supervisor for person in known):
        yield Refusal("no_supervisor", clause, {"by": [by, second]})


def _of_notices(tried: Tried) -> Iterator[Refusal]:
    for notice in tried.step.notices:
        if notice.step not in tried.state.waived and holds(tried.state, notice.when):
            yield from _of_notice(tried, notice)


def _of_notice(tried: Tried, notice: Notice) -> Iterator[Refusal]:
    clock = tried.pack.clock[notice.clock]
    figures = {
        "step": tried.step.text.model_dump(),
        "notice": tried.job.step[notice.step].text.model_dump(),
        **length(clock),
    }
    standing = tried.state.steps.get(notice.step)
    if standing is None or not standing.stands:
        yield Refusal("notice_absent", notice.clause, figures)
    elif tried.act.at_us < due_us(clock, standing.at_us):
        yield Refusal("notice_late", notice.clause, figures)
    elif standing.at_us < tried.around.untrusted_us or not (
        standing.trusted or tried.around.untrusted_us
    ):  # of a clock that nobody could trust then, and that was set right since
        yield Refusal("notice_clock", notice.clause, figures)


def _of_count(tried: Tried) -> Iterator[Refusal]:
    count = tried.step.count
    if count is None:
        return
    days = tried.state.days.get((count.step, count.question, count.answer), frozenset())
    if len(days) < count.days.value:
        yield Refusal(
            "count",
            count.days.clause,
            {
                "step": tried.step.text.model_dump(),
                "asked": tried.job.step[count.step].text.model_dump(),
                "answer": count.answer,
                "days": len(days),
                "wanted": f"{count.days.value.normalize():f}",
            },
        )


def _of_tries(tried: Tried) -> Iterator[Refusal]:
    """A test that came to nothing too often in a row is for a supervisor."""
    job, state = tried.job, tried.state
    standing = state.steps.get(tried.act.step)
    if job.tries is None or standing is None or standing.again < job.tries.value:
        return
    decided = state.steps.get(job.decides)
    if decided is None or decided.at_us <= standing.at_us:
        yield Refusal(
            "tries",
            job.tries.clause,
            {
                "step": tried.step.text.model_dump(),
                "again": standing.again,
                "decides": job.step[job.decides].text.model_dump(),
            },
        )


def clause_against(step: Step, standing: Standing) -> str:
    """The clause that an answer offends against; the step's where it says none."""
    for name, question in step.ask.items():
        if question.kind == "choice":
            chosen = question.options.get(str(standing.answers.get(name)))
            if chosen is not None and not chosen.goes_on and chosen.forbids:
                return chosen.forbids
    return step.clause
