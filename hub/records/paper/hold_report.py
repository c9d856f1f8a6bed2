"""The report of one hold test: what was asked, what was measured, what it came to, and whence.

What was not checked stands as large as what was. Source of the fields: domain (b.3, report; d.1).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from hub.clock import shanghai
from hub.errors import CommandRefused
from hub.procedures.case import HOLDS
from hub.records.customer import customer_of
from hub.records.history import History
from hub.records.paper.course import Course, course_of
from hub.records.paper.curve import Guide, chart, magnified, whole
from hub.records.paper.sheet import Pair, Paper, at_us, begun
from hub.records.record import Decided
from hub.records.words import Words, number
from hub.texts import say

_FIGURES: Final = {
    "p1_pa": "Pa", "p2_pa": "Pa", "drop_raw_pa": "Pa", "drop_corr_pa": "Pa", "u_corr_pa": "Pa",
    "hold_s": "s", "stabilise_s": "s", "top_ups": "", "p_pump_off_pa": "Pa",
    "zero_before_pa": "Pa", "zero_after_pa": "Pa", "resolution_pa": "Pa", "leak_l_h": "L/h",
    "leak_operating_l_h": "L/h", "attempts": "",
}  # fmt: skip
"""Figure -> unit, in the order in which they are shown."""
_LIMITS: Final = {"hold_s": "s", "drop_pa": "Pa"}
_MEDIA: Final = ("air", "nitrogen", "gas")


def hold_report(words: Words, attempt: str) -> Paper:
    """The report of an attempt, by its id or its verdict's.

    raises  CommandRefused for an id that is none, no verdict yet, or a test that is no hold
    """
    decided = words.record.decided(attempt)
    if decided is None:
        raise CommandRefused(
            f"no verdict for attempt {attempt!r} in the record; see `gashub order show`, whose "
            "`attempt` it is, and wait until it is decided"
        )
    verdict = decided.verdict
    if verdict["procedure"] not in HOLDS:
        raise CommandRefused(
            f"attempt {attempt} is a {verdict['procedure']} and no hold test; its figures are in "
            "`gashub print work-order`"
        )
    job = _job(words, decided)
    meter, entries = ([], []) if job is None else _meter(words, job)
    entries = [decided.entry, *entries]
    title = words.say("paper.hold_report", procedure=_procedure(words, verdict))
    said = {
        **begun(words, title, str(decided.body["order"]), entries),
        "verdict": verdict_box(words, verdict),
        "facts": [*_facts(words, decided, job), *meter],
        "labels": {key: words.say(f"paper.label.{key}") for key in _LABELS},
        "limits": _limits(words, decided),
        "instruments": _instruments(words, decided),
        "figures": _figures(words, verdict["figures"]),
        "whence": _whence(words, decided),
        "signs": [words.say(f"paper.sign.{who}") for who in ("tester", "witness", "user")],
        **_curves(words, decided),
    }
    return Paper("hold_report", said, {}, at_us(words, entries))


_LABELS: Final = (
    *("not_checked", "flags", "limits", "limit", "value", "clause", "source", "mark", "marks"),
    *("instruments", "instrument", "serial", "range", "resolution", "calibrated", "figures"),
    *("stages", "stage", "from", "to", "lasted", "whence", "reasons", "date"),
)


def verdict_box(words: Words, verdict: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict as papers show it: by words first, then by the form of its frame.

    The sentence is in both languages, whatever the paper's is.
    """
    word = verdict["verdict"]
    return {
        "code": word,
        "word": words.known("verdict", word),
        "means": words.say(f"paper.means.{word}"),
        "sentences": [verdict["sentence"]["zh"], verdict["sentence"]["en"]],
        "reasons": list(verdict["reasons"]),
        "flags": [words.known("flag", flag) for flag in verdict["flags"]],
        "not_checked": [words.known("not_checked", one) for one in verdict["not_checked"]]
        or [words.say("none")],
    }


def _procedure(words: Words, verdict: Mapping[str, Any]) -> str:
    return say(words.lang, f"judge.procedure.{verdict['procedure']}")


def _job(words: Words, decided: Decided) -> History | None:
    order = str(decided.body["order"])
    return words.record.history(order) if words.record.job_kind(order) else None


def _facts(words: Words, decided: Decided, job: History | None) -> list[Pair]:
    body, test = decided.body, words.record.test(decided.body["attempt"])
    spec = test.spec
    told: list[Pair] = [
        (words.say("paper.fact.order"), str(body["order"])),
        (words.say("paper.fact.section"), str(body["section"]) or "—"),
        (words.say("paper.fact.procedure"), _procedure(words, decided.verdict)),
        (words.say("paper.fact.medium"), words.known("medium", str(spec.get("medium") or "—"))),
    ]
    told += [
        (words.say(f"paper.fact.{key}"), f"{spec[key]} {unit}")
        for key, unit in (("p_design_pa", "Pa"), ("p_operating_pa", "Pa"), ("volume_l", "L"))
        if spec.get(key) is not None
    ]
    told.append(
        (words.say("paper.fact.source"), words.known("source", spec.get("source", "instrument")))
    )
    begun_by = None if job is None else job.began(str(body["attempt"]))
    if begun_by is not None:
        who, certificate = begun_by
        told.append((words.say("column.staff"), who))
        told.append((words.say("column.certificates"), certificate))
    return told


def _meter(words: Words, job: History) -> tuple[list[Pair], list[int]]:
    """Number and reading of the meter, which show that somebody was there; and their entries."""
    told: list[Pair] = []
    entries: list[int] = []
    recipient = words.recipient or "authority"
    known = customer_of(words.record, job.number, recipient)
    if known.entry is not None:
        shown = known.shown(words.say("erased"), words.say("withheld"))
        told.append((words.say("column.customer_meter_no"), shown["meter_no"] or "—"))
        entries.append(known.entry)
    for step, question, title in _READINGS:
        if (text := words.answered(job, step, question)) != "":
            told.append((words.say(f"column.{title}"), text))
            entries.append(job.acts(step)[-1][0].entry)
    return told, entries


_READINGS: Final = (
    ("flame", "meter_before", "meter_before_m3"),
    ("flame", "meter_after", "meter_after_m3"),
    ("flow_meter", "before", "meter_before_m3"),
    ("flow_meter", "after", "meter_after_m3"),
    ("meter_readings", "old_reading", "old_reading_m3"),
    ("meter_readings", "new_reading", "new_reading_m3"),
)


def _limits(words: Words, decided: Decided) -> list[list[str]]:
    """What was required: name, value, clause, source, mark."""
    limits, figures = decided.verdict["limits"], decided.verdict["figures"]
    rows = []
    floor = limits.get("p_floor_pa")
    if floor is not None and "p_req_pa" in figures:
        rows.append(_limit(words, "p_req_pa", f"{figures['p_req_pa']} Pa", floor))
    for name, unit in _LIMITS.items():
        if name in limits:
            rows.append(_limit(words, name, f"{limits[name]['value']} {unit}", limits[name]))
    return rows


def _limit(words: Words, name: str, value: str, limit: Mapping[str, str]) -> list[str]:
    return [words.say(f"paper.limit.{name}"), value, limit["clause"], limit["source"],
            limit["mark"]]  # fmt: skip


def _instruments(words: Words, decided: Decided) -> list[list[str]]:
    """Name, serial as told, range, resolution, last valid day of the calibration."""
    told = decided.body.get("serials", {})
    test = words.record.test(decided.body["attempt"])
    return [
        [
            str(one["name"]),
            str(told.get(one["name"]) or one.get("serial") or "—"),
            f"{one['range_pa']} Pa" if one.get("range_pa") is not None else "—",
            f"{one['resolution_pa']} Pa" if one.get("resolution_pa") is not None else "—",
            str(one.get("calibrated_until") or "—"),
        ]
        for one in test.spec["instruments"]
    ]


def _figures(words: Words, figures: Mapping[str, Any]) -> list[Pair]:
    return [
        (words.say(f"paper.figure.{name}"), f"{figures[name]} {unit}".rstrip())
        for name, unit in _FIGURES.items()
        if name in figures
    ]


def _whence(words: Words, decided: Decided) -> list[Pair]:
    body, verdict = decided.body, decided.verdict
    pack = verdict["rule_pack"]
    return [
        (words.say("paper.fact.attempt"), str(body["attempt"])),
        (words.say("paper.fact.verdict_id"), str(body["id"])),
        (words.say("paper.fact.entry"), str(decided.entry)),
        (words.say("paper.fact.rule_pack"), f"{pack['id']} {pack['version']}"),
        (words.say("paper.fact.pack_sha256"), str(body["pack_sha256"])),
    ]


def _curves(words: Words, decided: Decided) -> dict[str, Any]:
    """The stages with their times, and the curve: all of the test, and the hold alone."""
    course = course_of(words.record, decided)
    if course is None or len(course.at_us) < 2:
        return {"stages": [], "curves": []}
    figures = decided.verdict["figures"]
    names = {stage.name: words.say(f"paper.stage.{stage.name}") for stage in course.stages}
    required, p1 = number(figures, "p_req_pa"), number(figures, "p1_pa")
    asked = [] if required is None else [Guide(words.say("paper.guide.p_req"), required, True)]
    charts = [
        {
            "title": words.say("paper.curve.whole", gauge=course.gauge,
                               at=shanghai(course.at_us[0])),
            "chart": chart(course, *whole(course, required), asked, names),
        }
    ]  # fmt: skip
    limit = decided.verdict["limits"].get("drop_pa")
    near: list[Guide] = []
    if p1 is not None and limit is not None:
        allowed = Decimal(limit["value"])
        near = [
            Guide(words.say("paper.guide.p1", p1=f"{p1:.1f}"), p1),
            Guide(words.say("paper.guide.limit", limit=limit["value"]), p1 - allowed),
        ]
    axes = magnified(course, near)
    if axes is not None:
        charts.append(
            {
                "title": words.say("paper.curve.hold"),
                "chart": chart(course, *axes, near, names),
            }
        )
    return {"stages": _stages(words, course), "curves": charts}


def _stages(words: Words, course: Course) -> list[list[str]]:
    return [
        [
            words.say(f"paper.stage.{stage.name}"),
            shanghai(stage.from_us),
            shanghai(stage.to_us),
            f"{(stage.to_us - stage.from_us) / 1e6:.0f} s",
        ]
        for stage in course.stages
    ]
