"""Was that allowed? Asked of the list of events alone, in the words of the regulations.

Deliberately simple, and it shares no code with hub/jobs/deciding.py, needing.py or folding.py: for
each act it looks back over everything that happened before. Its tables were written from the
regulations (chapters 1 and 3 to 6, and the table of interlocks), not from the rule pack.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from hub.jobs import Act, Person, Ruled, Waived
from tests.job_seen import H_US, Log, Pass, Seen, lacking

CHINA: Final = ZoneInfo("Asia/Shanghai")
RISER: Final = Pass("riser_hold", "1.6.1", "riser", 24)
TIGHT: Final = Pass("tightness", "6.6.1", "installation", 24)
AIR: Final = Pass(
    "leak_test", "4.4.9", "", 2, visit=True, pipe=False,
    ends=("ventilate", "interrupt", "remeasure", "leak_again", "resume"),
)  # fmt: skip
NEEDED: Final[Mapping[str, Mapping[str, tuple[Pass, ...]]]] = {
    "residential_purge": {
        "open_valve": (RISER,),
        "vent": (RISER,),
        "ignite": (
            Pass("indoor_hold", "1.6.5", "indoor", visit=True),
            Pass("samples", "1.6.4", visit=True, ends=("vent",)),
        ),
    },
    "commercial_purge": {
        "medium_section": (TIGHT,),
        "open_valve": (TIGHT,),
        "vent": (TIGHT,),
        "ignite": (TIGHT, Pass("samples", "6.6.3", visit=True, ends=("vent",))),
    },
    "repair": {
        "start_work": (AIR,),
        "resupply": (),  # by what was worked on
    },
    "hazard": {"resupply": (Pass("hold", "4.4.7", "leaking", 24, ends=("still_there", "reopen")),)},
}
"""What is let loose -> the PASSes without which it must not be."""
_HOLD: Final = Pass("post_hold", "4.4.7", "worked", visit=True, ends=("leak_again",))
AFTER_WORK: Final = {
    "post_meter": _HOLD,
    "meter": _HOLD,
    "pre_meter": _HOLD._replace(test="riser_hold", clause="4.5.1(2)"),
}
"""Before the meter valve the hold is that of chapter 1."""
TRADE: Final = {
    "residential_purge": "purge", "commercial_purge": "purge",
    "repair": "repair", "inspection": "inspection",
}  # fmt: skip
SUPERVISORS: Final = ("decide", "resume")
_UNDER_WAY: Final = ("on_site", "purging", "purged", "lit", "stopped")
_OPEN: Final = ("open", "noticed", "refused", "suspended", "fixed")
SAFE: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "residential_purge": {"shut_off": _UNDER_WAY},
    "commercial_purge": {"shut_off": _UNDER_WAY},
    "repair": {"interrupt": ("working",), "leak_again": ("supplied",)},
    "inspection": {"broken_off": ("inside",)},
    "hazard": {"isolate": _OPEN, "suspend": ("open", "noticed", "refused", "fixed", "verified")},
}
"""What makes it safer, and where it must be open to anybody."""


def complaints(
    kind: str,
    facts: Mapping[str, str],
    sections: Mapping[str, str],
    people: Mapping[str, Person],
    log: Log,
) -> Iterator[str]:
    """What is wrong with each act of *log*, all of which were allowed. Nothing, if all is well."""
    for at, one in enumerate(log):
        if isinstance(one, Act):
            seen = Seen(kind, facts, sections, people, log[:at], one)
            for what in _wrong(seen):
                yield f"{kind}: {one.step} by {one.by}, event {at}: {what}"


def _wrong(seen: Seen) -> Iterator[str]:
    yield from _person(seen)
    step = seen.act.step
    if any(isinstance(one, Act) and one.step in ENDS.get(seen.kind, ()) for one in seen.log):
        ended = seen.last("give_up")
        if ended < 0 or _good(seen.log[ended]):
            yield "the job had ended"
    needed = NEEDED.get(seen.kind, {}).get(step, ())
    if (seen.kind, step) == ("repair", "resupply"):
        needed = (AFTER_WORK[seen.facts["scope"]],)
    for one in needed:
        if why := lacking(seen, one):
            yield f"no valid PASS of {one.test} (clause {one.clause}): {why}"
    if needed and seen.kind != "hazard":
        if seen.arrived() < 0:
            yield "nobody is there"
        if 0 <= seen.last("resume") < seen.stopped() or (
            seen.stopped() >= 0 and seen.last("resume") < 0
        ):
            yield "it was stopped, and no supervisor has said to go on"
    yield from CHECKS.get((seen.kind, step), _nothing)(seen)


# ---------------------------------------------------------------------- who


def _person(seen: Seen) -> Iterator[str]:
    act = seen.act
    person = seen.people.get(act.by)
    if person is None:
        yield "nobody of the register"
        return
    releases = act.step in NEEDED.get(seen.kind, {})
    if releases and seen.kind in TRADE:
        held = person.certificates.get(TRADE[seen.kind])
        if held is None or held[1] < _day(act.at_us):
            yield "no certificate that is valid today"
    if act.step in SUPERVISORS:
        if not person.supervisor:
            yield "no supervisor"
        if any(
            isinstance(one, Act) and one.by == act.by and one.step not in SUPERVISORS
            for one in seen.log
        ):
            yield "one's own work"
    row = 0
    for one in seen.log:
        if isinstance(one, Ruled) and one.step == act.step and one.verdict != "ABORTED":
            row = row + 1 if one.verdict == "INCONCLUSIVE" else 0
        if isinstance(one, Act) and one.step == "decide":
            row = min(row, 2)
    if row >= 3 and seen.kind in ("residential_purge", "commercial_purge", "repair"):
        yield "came to nothing three times, and no supervisor has decided"


# ---------------------------------------------------------------------- what else must be


def _after_all(seen: Seen, step: str, others: Sequence[str]) -> bool:
    """Whether *step* was done since the last of *others*, and since the last stop."""
    at = seen.last(step)
    return at >= 0 and all(seen.last(one) < at for one in others) and seen.stopped() < at


def _site(seen: Seen) -> Iterator[str]:
    at = seen.last("site")
    if not _after_all(seen, "site", ("arrive",)):
        yield "the site was not checked in this visit (1.4, 6.4)"
    elif any(
        item["result"] == "not_ok"
        for item in seen.log[at].answers["items"].values()  # type: ignore[union-attr]
    ):
        yield "the site is not in order (1.4, 6.4)"


def _said(seen: Seen, step: str, **wanted: str) -> Iterator[str]:
    given = seen.answers(step)
    for question, word in wanted.items():
        if given.get(question) != word:
            yield f"{step}: {question} is {given.get(question)}, not {word}"


def _planned(seen: Seen) -> Iterator[str]:
    if seen.kind == "residential_purge":
        yield from _said(seen, "plan", approved="yes")
        if seen.facts["new_user"] == "yes":
            yield from _said(seen, "acceptance", accepted="yes")
    else:
        yield from _said(seen, "acceptance", accepted="yes", plan_approved="yes")


def _vent_outdoors(seen: Seen) -> Iterator[str]:
    if seen.kind == "residential_purge":
        if not _after_all(seen, "vent_point", ("arrive",)):
            yield "no vent point of this visit (1.6.3)"
        yield from _said(seen, "vent_point", place="top_outdoors")
    else:
        yield from _said(seen, "drawings", vent="outdoors")


def _opening(seen: Seen) -> Iterator[str]:
    yield from _planned(seen)
    yield from _site(seen)
    yield from _vent_outdoors(seen)
    if seen.facts.get("medium_pressure") == "yes" and seen.act.step == "open_valve":
        if not _after_all(seen, "medium_section", ("pipe_work",)):
            yield "the medium-pressure section was not purged first (6.7.1)"
        yield from _said(seen, "medium_section", done="yes")


def _igniting(seen: Seen) -> Iterator[str]:
    yield from _planned(seen)
    yield from _site(seen)
    if not _after_all(seen, "joint_check", ("arrive", "connect", "pipe_work", "vent")):
        yield "the joints were not checked (1.6.7, 6.6.5)"
    yield from _said(seen, "joint_check", result="none")
    if seen.kind == "commercial_purge":
        if not _after_all(seen, "close_vent", ("vent", "pipe_work")):
            yield "the vent is open (6.7.6)"
        yield from _said(seen, "close_vent", plugged="yes", result="none")


def _noticed(seen: Seen) -> Iterator[str]:
    """48 h before work that precedes the meter, 24 h before a new meter."""
    scope = seen.facts["scope"]
    for applies, step, hours, waivable in (
        (scope == "pre_meter", "notice_48h", 48, True),
        (scope == "meter", "notice_24h", 24, False),
    ):
        if applies and not (waivable and _waived(seen, step)):
            at = seen.last(step)
            if at < 0:
                yield f"{step} was not given"
            elif seen.act.at_us - seen.log[at].at_us < hours * H_US:
                yield f"{step} was given too late"
            elif seen.log[at].at_us < seen.untrusted_us():
                yield f"nobody knows when {step} was given"


def _working(seen: Seen) -> Iterator[str]:
    yield from _noticed(seen)
    if seen.facts["hot_work"] == "yes":
        yield from _said(seen, "plan", approved="yes")
    late = _reported_late(seen.facts["reported_at"])
    if late and seen.facts["affects"] == "unit" and not _waived(seen, "close_tonight"):
        at = seen.last("close_tonight")
        if at < 0:
            yield "the valves were not closed that night (4.4.6)"
        elif _day(seen.act.at_us) <= _day(seen.log[at].at_us):
            yield "the repair is for the next day (4.4.6)"


def _resupplying(seen: Seen) -> Iterator[str]:
    yield from _noticed(seen)
    if not _after_all(seen, "worked", ("start_work",)):
        yield "the work has not ended"
    if seen.facts["scope"] == "meter" and not _after_all(seen, "meter_readings", ("start_work",)):
        yield "the meters were not read (4.5.2(4))"


def _waived(seen: Seen, step: str) -> bool:
    return any(
        isinstance(one, Waived)
        and one.notice == step
        and one.by != one.second
        and {one.by, one.second} <= set(seen.people)
        and (seen.people[one.by].supervisor or seen.people[one.second].supervisor)
        for one in seen.log
    )


def _ending_purge(seen: Seen) -> Iterator[str]:
    lit = seen.last("ignite")
    meter = "flame" if seen.kind == "residential_purge" else "flow_meter"
    if not lit < seen.last(meter):
        yield "flame or meter not looked at since the ignition (1.6.7, 6.6.5)"
    if seen.kind == "residential_purge":
        yield from _said(seen, "flame", flame="normal")
    if not _after_all(seen, "sign", ("ignite", "pipe_work")):
        yield "not signed since the ignition (1.5.6, 6.5.4)"


def _ending_repair(seen: Seen) -> Iterator[str]:
    if not _after_all(seen, "final_check", ("resupply", "leak_again")):
        yield "not checked since the supply is back (4.4.10)"
    yield from _said(seen, "final_check", result="none", lights="yes")
    if not _after_all(seen, "sign", ("resupply", "leak_again")):
        yield "not signed since the supply is back (4.4.3)"


def _absent(seen: Seen) -> Iterator[str]:
    days = {
        _day(one.at_us)
        for one in seen.log
        if isinstance(one, Act)
        and one.step == "visit"
        and one.trusted
        and one.answers.get("outcome") == "absent"
    }
    if len(days) < 3:
        yield f"nobody at home on {len(days)} days (3.7.5)"


def _screened(seen: Seen) -> Iterator[str]:
    laser = [one for one in seen.log if isinstance(one, Ruled) and one.step == "laser"]
    if not laser or laser[-1].verdict not in ("PASS", "FAIL"):
        yield "no outdoor screen (3.7.5)"
    elif laser[-1].verdict == "FAIL" and seen.last("recheck") < seen.log.index(laser[-1]):
        yield "the anomaly was not looked at"


def _inspected(seen: Seen) -> Iterator[str]:
    if not _after_all(seen, "sign", ("items", "leak_check", "enter")):
        yield "not signed since the last check (3.3.3-5)"
    found = seen.answers("leak_check").get("result") == "leak" or any(
        item.get("hazard")
        for item in seen.answers("items").get("items", {}).values()  # type: ignore[attr-defined]
    )
    if found and not _after_all(seen, "notice", ("items", "leak_check", "enter")):
        yield "a hazard without its notice (3.8.1)"


def _mended(seen: Seen) -> Iterator[str]:
    """A leak is gone when a re-check since the repair says so."""
    if seen.facts["leak"] == "yes":
        ends = ("still_there", "reopen")
        tests = (
            Pass("leak_test", "5.3.4", ends=ends),
            Pass("hold", "5.3.4", "leaking", ends=ends),
        )
        if all(lacking(seen, one) for one in tests):
            yield "a leak without a re-check (5.3.4)"


def _closed(seen: Seen) -> Iterator[str]:
    if not _after_all(seen, "verify", ("mend", "still_there", "reopen")):
        yield "not verified (5.3.5)"
    yield from _said(seen, "verify", result="gone")


def _nothing(_: Seen) -> Iterator[str]:
    return iter(())


Check = Callable[[Seen], Iterator[str]]
CHECKS: Final[Mapping[tuple[str, str], Check]] = {
    ("residential_purge", "open_valve"): _opening,
    ("residential_purge", "vent"): _opening,
    ("residential_purge", "ignite"): _igniting,
    ("residential_purge", "close"): _ending_purge,
    ("commercial_purge", "medium_section"): _opening,
    ("commercial_purge", "open_valve"): _opening,
    ("commercial_purge", "vent"): _opening,
    ("commercial_purge", "ignite"): _igniting,
    ("commercial_purge", "close"): _ending_purge,
    ("repair", "start_work"): _working,
    ("repair", "resupply"): _resupplying,
    ("repair", "close"): _ending_repair,
    ("inspection", "absent"): _absent,
    ("inspection", "screened"): _screened,
    ("inspection", "done"): _inspected,
    ("hazard", "verify"): _mended,
    ("hazard", "close"): _closed,
}
ENDS: Final = {
    "residential_purge": ("close", "give_up"),
    "commercial_purge": ("close", "give_up"),
    "repair": ("close", "give_up"),
    "inspection": ("done", "screened", "refused", "give_up"),
    "hazard": ("close",),
}


def _good(one: object) -> bool:
    return isinstance(one, Act) and one.answers.get("safe", "yes") == "yes"


def _day(at_us: int) -> date:
    return datetime.fromtimestamp(at_us // 1_000_000, CHINA).date()


def _reported_late(text: str) -> bool:
    return datetime.fromisoformat(text).astimezone(CHINA).hour >= 21
