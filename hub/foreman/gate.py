"""What stands between a job and its beginning: open points, and instruments that may not serve."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from hub.jobs import Refusal
from hub.jobs.timing import day_of
from hub.rulepack import RulePack
from hub.rulepack.jobs import Step


def open_point_refusals(pack: RulePack, kind: str) -> list[Refusal]:
    """A dangerous point that the regulations leave open must be answered, by name.

    A proposal of ours is no answer before the company has signed the pack off.
    """
    told = []
    for name in pack.job[kind].answers:
        point = pack.open_point[name]
        figures = {"point": name, "text": point.text.model_dump(), "pack": pack.id}
        if not point.answered_by:
            told.append(Refusal("open_point", point.clause, figures))
        elif point.dangerous and not pack.signed_off:
            told.append(Refusal("not_signed_off", point.clause, figures))
    return told


def calibration_refusals(
    spec: Mapping[str, Any] | None, pack: RulePack, step: Step, now_us: int
) -> list[Refusal]:
    """Why the test of *step* cannot begin: none such is ordered, or calibration is over.

    Range, resolution and zero are judged with the readings; a calibration that is over would only
    waste a quarter of an hour.
    """
    figures: dict[str, Any] = {"step": step.text.model_dump()}
    if spec is None or spec["procedure"] != step.test:
        return [Refusal("no_test", step.clause, figures)]
    clause = pack.rule["R6"].clause if "R6" in pack.rule else step.clause
    told = []
    for one in spec["instruments"]:
        said = {**figures, "instrument": str(one["name"])}
        until = one.get("calibrated_until")
        if until is None:
            told.append(Refusal("no_calibration", clause, said))
        elif day_of(now_us) > date.fromisoformat(str(until)):
            told.append(Refusal("calibration_over", clause, {**said, "until": str(until)}))
    return told
