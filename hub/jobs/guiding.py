"""What can be done next in a job, and what each step would ask: for people and for consoles."""

from typing import NamedTuple

from hub.jobs.case import Act, Around, JobState, Refusal
from hub.jobs.deciding import refusals
from hub.jobs.timing import holds
from hub.rulepack import RulePack


class Option(NamedTuple):
    """One step as it stands for one person now.

    state     done, open (may be done now), waiting (refused now, and why), apart (does not apply)
    refusals  of a waiting one
    """

    step: str
    state: str
    refusals: tuple[Refusal, ...] = ()


def options(pack: RulePack, state: JobState, by: str, around: Around, now_us: int) -> list[Option]:
    """Every step of a job in the pack's order, as *by* would find it at *now_us*."""
    found = []
    for name, step in pack.job[state.kind].step.items():
        standing = state.steps.get(name)
        if not holds(state, step.when):
            found.append(Option(name, "apart"))
            continue
        why_not = refusals(pack, state, Act(name, now_us, by), around)
        if not why_not:
            found.append(Option(name, "open"))
        elif standing is not None and standing.stands:
            found.append(Option(name, "done"))
        else:
            found.append(Option(name, "waiting", tuple(why_not)))
    return found
