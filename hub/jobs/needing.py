"""Does a PASS hold now? Whether a step may be done that needs one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hub.jobs.case import Act, Around, JobState, Refusal, Standing
from hub.jobs.timing import due_us, holds
from hub.rulepack import Clock, Job, RulePack
from hub.rulepack.jobs import Need, Step


class Tried(NamedTuple):
    """An act that somebody wants to do, with all that decides about it."""

    pack: RulePack
    job: Job
    state: JobState
    step: Step
    act: Act
    around: Around


def of_needs(tried: Tried) -> Iterator[Refusal]:
    """Every reason why a PASS that the step needs is not there."""
    for need in tried.step.needs:
        told = [
            list(_of_test(tried, need, test))
            for test in need.tests
            if holds(tried.state, tried.job.step[test].when)
        ]
        failed = [found for found in told if found and found[0].key == "need_failed"]
        if failed:  # of tests any of which would do, one that failed is heard all the same
            yield from failed[0]
        elif told and all(told):
            yield from min(told, key=lambda found: found[0].key == "need_absent")
        elif not told and tried.step.releases:  # where nothing tests, nothing is released
            yield Refusal("need_absent", need.clause, _figures(tried, need.tests[0]))


def _of_test(tried: Tried, need: Need, test: str) -> Iterator[Refusal]:
    standing = tried.state.steps.get(test)
    figures = _figures(tried, test)
    part = tried.job.step[test].section
    wanted = tried.state.sections.get(part, "")
    if standing is None or (not standing.verdict and not standing.stands):
        yield Refusal("need_absent", need.clause, figures)
    elif standing.why_not:
        yield Refusal("need_over", need.clause, {**figures, **why(tried.job, standing)})
    elif standing.verdict not in need.verdicts:
        yield Refusal("need_failed", need.clause, {**figures, "verdict": standing.verdict})
    elif part and (standing.section != wanted or not wanted):
        sections = {"section": standing.section or "-", "wanted": wanted or "-"}
        yield Refusal("need_section", need.clause, {**figures, **sections})
    else:
        about = [standing.section] if part else list(tried.state.sections.values())
        yield from _aged(tried, need, standing, about, figures)


def _aged(
    tried: Tried,
    need: Need,
    standing: Standing,
    about: Sequence[str],
    figures: Mapping[str, object],
) -> Iterator[Refusal]:
    """A PASS that stands may still be too old, of another visit, or of a pipe worked on since.

    about  the sections that it speaks of: of a test without one, all of the job
    """
    state, around = tried.state, tried.around
    if need.clock:
        clock = tried.pack.clock[need.clock]
        if tried.act.at_us > due_us(clock, standing.at_us):
            yield Refusal("need_old", need.clause, {**figures, **length(clock)})
    if need.this_visit and (state.visit_us is None or standing.began_us < state.visit_us):
        yield Refusal("need_visit", need.clause, figures)
    if standing.at_us < around.untrusted_us:
        yield Refusal("need_clock", need.clause, figures)
    if need.despite_work:
        return
    elsewhere_us = [around.disturbed_us.get(section, 0) for section in about]
    if max(state.disturbed_us, *elsewhere_us, 0) > standing.began_us:
        yield Refusal("need_worked", need.clause, figures)


def _figures(tried: Tried, test: str) -> dict[str, object]:
    return {"step": tried.step.text.model_dump(), "test": tried.job.step[test].text.model_dump()}


def length(clock: Clock) -> dict[str, object]:
    """How long a clock is, as a sentence has it."""
    return {"length": f"{clock.length.normalize():f}", "counts": clock.counts}


def why(job: Job, standing: Standing) -> dict[str, object]:
    """What undid a step, in words."""
    name = standing.why_not
    for things in (job.step, job.signal, job.deadline):
        if name in things:
            return {"why": things[name].text.model_dump()}
    words = {
        "instrument": {"zh": "仪器已更换", "en": "another instrument came in its place"},
        "again": {"zh": "已重新开始检测", "en": "the test has begun again"},
        "unbegun": {"zh": "检测不是从本步骤开始的", "en": "it did not begin with its step"},
    }
    return {"why": words[name]}
