"""May this be done now? If not: why not, and by which clause. The only place that says no."""

from collections.abc import Iterator, Mapping

from hub.jobs.case import Act, Around, JobState, Refusal, Standing, Waived
from hub.jobs.timing import day_of, due_us, holds
from hub.rulepack import Clock, Job, RulePack
from hub.rulepack.jobs import Need, Notice, Step


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
    return [
        *_of_phase(job, state, step, act),
        *_of_order(job, state, step),
        *_of_person(pack, state, step, act, around),
        *_of_needs(pack, job, state, step, act, around),
        *_of_notices(pack, job, state, step, act),
        *_of_count(job, state, step),
        *_of_tries(job, state, act),
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
    told += _two_persons(waived.by, waived.second, clause, around, supervisor=True)
    return told


def _of_phase(job: Job, state: JobState, step: Step, act: Act) -> Iterator[Refusal]:
    if state.phase not in step.phase:
        yield Refusal(
            "phase",
            step.clause,
            {
                "step": step.text.model_dump(),
                "phase": job.phases[state.phase].model_dump(),
                "phases": _listed(job, step.phase),
            },
        )
    standing = state.steps.get(act.step)
    if standing is not None and standing.stands and not step.repeats and not step.test:
        yield Refusal("done", step.clause, {"step": step.text.model_dump()})


def _of_order(job: Job, state: JobState, step: Step) -> Iterator[Refusal]:
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
            yield Refusal("undone", before.clause, {**figures, **_why(job, standing)})
        else:
            yield Refusal("not_in_order", _clause_of(before, standing), figures)


def _of_person(
    pack: RulePack, state: JobState, step: Step, act: Act, around: Around
) -> Iterator[Refusal]:
    person = around.people.get(act.by)
    if person is None:
        yield Refusal("stranger", step.clause, {"by": act.by})
        return
    if step.role:
        role = pack.role[step.role]
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
        elif act.by in state.actors:
            yield Refusal("own_work", step.clause, {"by": act.by})


def _two_persons(
    by: str, second: str, clause: str, around: Around, *, supervisor: bool
) -> Iterator[Refusal]:
    if by == second or not second:
        yield Refusal("one_person", clause, {"by": by})
    known = [around.people[id] for id in (by, second) if id in around.people]
    for id in (by, second):
        if id and id not in around.people:
            yield Refusal("stranger", clause, {"by": id})
    if supervisor and len(known) == 2 and not any(person.supervisor for person in known):
        yield Refusal("no_supervisor", clause, {"by": f"{by}, {second}"})


def _of_needs(
    pack: RulePack, job: Job, state: JobState, step: Step, act: Act, around: Around
) -> Iterator[Refusal]:
    for need in step.needs:
        told = [
            list(_of_test(pack, job, state, step, need, test, act, around))
            for test in need.tests
            if holds(state, job.step[test].when)
        ]
        failed = [found for found in told if found and found[0].key == "need_failed"]
        if failed:  # of tests any of which would do, one that failed is heard all the same
            yield from failed[0]
        elif told and all(told):
            yield from min(told, key=lambda found: found[0].key == "need_absent")


def _of_test(
    pack: RulePack,
    job: Job,
    state: JobState,
    step: Step,
    need: Need,
    test: str,
    act: Act,
    around: Around,
) -> Iterator[Refusal]:
    standing = state.steps.get(test)
    figures = {"step": step.text.model_dump(), "test": job.step[test].text.model_dump()}
    if standing is None or (not standing.verdict and not standing.stands):
        yield Refusal("need_absent", need.clause, figures)
    elif standing.why_not:
        yield Refusal("need_over", need.clause, {**figures, **_why(job, standing)})
    elif standing.verdict not in need.verdicts:
        yield Refusal("need_failed", need.clause, {**figures, "verdict": standing.verdict})
    elif standing.section != state.sections.get(job.step[test].section, standing.section):
        wanted = state.sections[job.step[test].section]
        sections = {"section": standing.section, "wanted": wanted}
        yield Refusal("need_section", need.clause, {**figures, **sections})
    else:
        yield from _aged(pack, state, need, standing, act, around, figures)


def _aged(
    pack: RulePack,
    state: JobState,
    need: Need,
    standing: Standing,
    act: Act,
    around: Around,
    figures: Mapping[str, object],
) -> Iterator[Refusal]:
    """A PASS that stands may still be too old, of another visit, or of a pipe worked on since."""
    if need.clock:
        clock = pack.clock[need.clock]
        if act.at_us > due_us(clock, standing.at_us):
            yield Refusal("need_old", need.clause, {**figures, **_length(clock)})
    if need.this_visit and (state.visit_us is None or standing.at_us < state.visit_us):
        yield Refusal("need_visit", need.clause, figures)
    if standing.at_us < around.untrusted_us:
        yield Refusal("need_clock", need.clause, figures)
    if need.despite_work:
        return
    worked_us = max(around.disturbed_us.get(standing.section, 0), state.disturbed_us)
    if worked_us > standing.at_us:
        yield Refusal("need_worked", need.clause, {**figures, "section": standing.section})


def _of_notices(
    pack: RulePack, job: Job, state: JobState, step: Step, act: Act
) -> Iterator[Refusal]:
    for notice in step.notices:
        if notice.step in state.waived or not holds(state, notice.when):
            continue
        yield from _of_notice(pack, job, state, step, notice, act)


def _of_notice(
    pack: RulePack, job: Job, state: JobState, step: Step, notice: Notice, act: Act
) -> Iterator[Refusal]:
    posted = job.step[notice.step]
    clock = pack.clock[notice.clock]
    figures = {
        "step": step.text.model_dump(),
        "notice": posted.text.model_dump(),
        **_length(clock),
    }
    standing = state.steps.get(notice.step)
    if standing is None or not standing.stands:
        yield Refusal("notice_absent", notice.clause, figures)
    elif act.at_us < due_us(clock, standing.at_us):
        yield Refusal("notice_late", notice.clause, figures)


def _of_count(job: Job, state: JobState, step: Step) -> Iterator[Refusal]:
    count = step.count
    if count is None:
        return
    days = state.days.get((count.step, count.question, count.answer), frozenset())
    if len(days) < count.days.value:
        yield Refusal(
            "count",
            count.days.clause,
            {
                "step": step.text.model_dump(),
                "asked": job.step[count.step].text.model_dump(),
                "answer": count.answer,
                "days": len(days),
                "wanted": f"{count.days.value.normalize():f}",
            },
        )


def _of_tries(job: Job, state: JobState, act: Act) -> Iterator[Refusal]:
    """A test that came to nothing too often in a row is for a supervisor."""
    standing = state.steps.get(act.step)
    if job.tries is None or standing is None or standing.again < job.tries.value:
        return
    decided = state.steps.get(job.decides)
    if decided is None or decided.at_us <= standing.at_us:
        yield Refusal(
            "tries",
            job.tries.clause,
            {
                "step": job.step[act.step].text.model_dump(),
                "again": standing.again,
                "decides": job.step[job.decides].text.model_dump(),
            },
        )


def _length(clock: Clock) -> dict[str, object]:
    return {"length": f"{clock.length.normalize():f}", "counts": clock.counts}


def _why(job: Job, standing: Standing) -> dict[str, object]:
    """What undid a step, in words."""
    name = standing.why_not
    for things in (job.step, job.signal, job.deadline):
        if name in things:
            return {"why": things[name].text.model_dump()}
    words = {
        "instrument": {"zh": "仪器已更换", "en": "another instrument came in its place"},
        "again": {"zh": "已重新开始检测", "en": "the test has begun again"},
    }
    return {"why": words[name]}


def _clause_of(step: Step, standing: Standing) -> str:
    """The clause that an answer offends against; the step's where it says none."""
    for name, question in step.ask.items():
        if question.kind == "choice":
            chosen = question.options.get(str(standing.answers.get(name)))
            if chosen is not None and not chosen.goes_on and chosen.forbids:
                return chosen.forbids
    return step.clause


def _listed(job: Job, phases: tuple[str, ...]) -> dict[str, str]:
    return {
        "zh": "、".join(job.phases[name].zh for name in phases),
        "en": ", ".join(job.phases[name].en for name in phases),
    }
