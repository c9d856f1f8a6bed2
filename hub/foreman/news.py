"""What outsiders hear of a job: no personal data, no free text."""

from collections.abc import Mapping
from typing import Any, Final

from hub.clock import iso
from hub.jobs import Act, Event, JobState, Missed, Ruled, Signalled, Waived
from hub.rulepack import Job

_TOLD: Final = ("yes_no", "choice", "number", "hazard", "hazards")
"""Kinds of questions whose answers say nothing about a person."""


def news_of(job: Job, event: Event, before: JobState, after: JobState) -> dict[str, Any]:
    """The part of a job's event that its *event* is; see `hub.events.JobData`."""
    opened = [code for code, _, _ in after.hazards[len(before.hazards) :]]
    outcome = _outcome(job, event, before, after)
    return {
        **_told(job, event),
        **({"hazards": opened} if opened else {}),
        **({"outcome": outcome} if outcome else {}),
    }


def grade_of(state: JobState) -> dict[str, str]:
    """Which hazard a job is, if it is one."""
    if state.kind != "hazard":
        return {}
    return {"code": str(state.facts["code"]), "level": str(state.facts["level"])}


def _outcome(job: Job, event: Event, before: JobState, after: JobState) -> str:
    """What came of a visit, where the event says so; see `hub.happenings.VisitData`."""
    if not isinstance(event, Act):
        return ""
    step = job.step[event.step]
    asked = step.ask.get("outcome")
    if asked is not None and asked.kind == "choice":
        return str(event.answers.get("outcome", ""))
    if before.visit_us is not None and after.ended and not before.ended:
        return after.ended
    return event.step if step.visit == "ends" else ""


def _told(job: Job, event: Event) -> Mapping[str, Any]:
    match event:
        case Act():
            step = job.step[event.step]
            answers = {
                name: answer
                for name, answer in event.answers.items()
                if step.ask[name].kind in _TOLD
            }
            return {
                "what": "step",
                "step": event.step,
                "clause": step.clause,
                "answers": answers,
            }
        case Ruled():
            clause = job.step[event.step].clause
            return {
                "what": "test",
                "step": event.step,
                "clause": clause,
                "verdict": event.verdict,
                "test_outcome": event.outcome,
                "attempt": event.attempt,
            }
        case Signalled():
            signal = job.signal[event.signal]
            return {
                "what": "signal",
                "step": event.signal,
                "clause": signal.clause,
                "tells": signal.tells,
            }
        case Missed():
            deadline = job.deadline[event.deadline]
            return {
                "what": "deadline",
                "step": event.deadline,
                "clause": deadline.clause,
                "tells": deadline.tells,
                "due_at": iso(event.at_us),
            }
        case Waived():
            return {"what": "waived", "step": event.notice}
        case _:
            return {"what": "instrument"}
