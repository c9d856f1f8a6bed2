"""What people try when they are in a hurry, in each job, and the clause that forbids it.

Each line: what is tried; how far the job has come; what happened since; the step with its answers,
by whom; and the refusal, as key and clause of the regulations.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from hub.jobs import Around, Swapped
from hub.jobs.timing import ZONE
from tests.job_rig import PEOPLE, PHOTO, Run, items
from tests.job_ways import (
    commercial_purge,
    hazard_leak,
    inspection,
    inspection_absent,
    repair,
    residential_purge,
)

OTHER_PHOTO: Final = "7a" * 32
WIRED: Final = {"unloaded": {"result": "not_ok", "hazard": "L3-1"}}


Happened = Callable[[Run], object]


class Made(NamedTuple):
    """How a job came as far as it has: by *way*, and then by what happened to it."""

    way: Callable[..., Run]
    until: str
    happened: tuple[Happened, ...]
    facts: Mapping[str, str]

    def __call__(self) -> Run:
        run = self.way(until=self.until, **self.facts)
        for one in self.happened:
            one(run)
        return run


def at(way: Callable[..., Run], until: str, *happened: Happened, **facts: str) -> Made:
    """A job that has come as far as *until*, and what happened to it since."""
    return Made(way, until, happened, facts)


class Shortcut(NamedTuple):
    """`step` "" is the order itself, and its facts the answers. `waives` is the second person of a
    waiver; the step is then the notice that is let be.
    """

    what: str
    run: Made
    step: str
    refused: tuple[str, str]
    answers: Mapping[str, Any] = {}
    by: str = "T-1"
    waives: str | None = None
    reason: str = "gas leaks"


# ---------------------------------------------------------------------- what happens


def wait(hours: float) -> Happened:
    return lambda run: run.wait(h=hours)


def do(step: str, by: str = "", **answers: Any) -> Happened:
    return lambda run: run.do(step, by, **answers)


def ruled(step: str, verdict: str = "PASS", **more: Any) -> Happened:
    return lambda run: run.test(step, verdict, **more)


def signal(word: str) -> Happened:
    return lambda run: run.signal(word)


def swapped(run: Run) -> None:
    """The gauge was exchanged for another."""
    run.take(Swapped("pm-1", "S-777", run.now_us))


def worked_next_door(part: str) -> Happened:
    """Another job has opened the same section."""

    def happened(run: Run) -> None:
        run.wait(s=60)
        run.around = Around(PEOPLE, {run.state.sections[part]: run.now_us})

    return happened


def clock_stood(run: Run) -> None:
    """The box was without power, and nobody knows for how long."""
    run.wait(s=60)
    run.around = Around(PEOPLE, untrusted_us=run.now_us)
    run.wait(s=60)


def again(run: Run) -> None:
    """Everybody left, and came back."""
    run.do("leave")
    run.wait(h=1)
    run.do("arrive", **({"tools": "yes"} if run.state.kind == "repair" else {"consent": "yes"}))


def moment(hour: int, days: int = 0) -> str:
    return datetime(2026, 11, 24 + days, hour, tzinfo=ZONE).isoformat()


def late(hour: int) -> dict[str, str]:
    return {"reported_at": f"2026-11-23T{hour}:30:00+08:00", "affects": "unit"}


NOTICE: Final[Mapping[str, str]] = {
    "number": "N-1", "risk": "yes", "deadline": "2026-11-30T18:00:00+08:00",
    "signed": "yes", "scan": PHOTO,
}  # fmt: skip
VENTED: Final = do("vent_point", place="top_outdoors", photo=PHOTO)
SIGNED: Final = {"fees": "yes", "signature": PHOTO, "cleaned": "yes"}
OPEN: Final = {"guarded": "yes"}
WORK: Final = {"valve": "yes"}
FLAME: Final = {"flame": "normal", "meter_before": "0.10", "meter_after": "0.12"}
YELLOW: Final = do("flame", **{**FLAME, "flame": "yellow"})
DRAWN: Final = {
    "agree": "yes", "drawing": "D-9", "vent": "outdoors", "photo": PHOTO, "appliance_order": "wok",
}  # fmt: skip
BLANK: Final = do("site", items=items("site_commercial", blank_plates="not_ok"))
POSTED: Final = do("notice_48h", where="door", photo=PHOTO)
TOLD: Final = do("notice_24h", how="phone", proof=PHOTO)
AWAY: Final = do("visit", outcome="absent", notice_photo=PHOTO)

purge, shop = residential_purge, commercial_purge
RESIDENTIAL: Final = (
    Shortcut("arrive before the installation is accepted", at(purge, "acceptance"), "arrive",
             ("after", "1.4.1(1)"), {"consent": "yes"}),
    Shortcut("arrive though the acceptance failed",
             at(purge, "acceptance", do("acceptance", accepted="no", record="AR-1"),
                do("plan", approved="yes", document="PL-1")),
             "arrive", ("not_in_order", "1.4.1(1)"), {"consent": "yes"}),
    Shortcut("arrive without an approved plan for the courtyard", at(purge, "plan"), "arrive",
             ("after", "1.4.1(1)"), {"consent": "yes"}),
    Shortcut("go on without having been let in", at(purge, "arrive", do("arrive", consent="no")),
             "site", ("no_visit", "1.4, 1.6.2"), {"items": items("site_residential")}),
    Shortcut("arrive twice", at(purge, "site"), "arrive", ("visit_open", "1.5.1-1.5.5"),
             {"consent": "yes"}),
    Shortcut("work with a certificate that expired yesterday", at(purge, "site"), "site",
             ("certificate_expired", "1.3.3, 6.3.3"), {"items": items("site_residential")}, "T-2"),
    Shortcut("work without any certificate", at(purge, "arrive"), "arrive",
             ("no_certificate", "1.3.3, 6.3.3"), {"consent": "yes"}, "T-3"),
    Shortcut("work under a name that nobody knows", at(purge, "arrive"), "arrive",
             ("stranger", "1.5.1-1.5.5"), {"consent": "yes"}, "X-9"),
    Shortcut("hold before the isolation is confirmed", at(purge, "isolation"), "riser_hold",
             ("after", "1.6.1")),
    Shortcut("hold on a section that is not isolated as ordered",
             at(purge, "isolation", do("isolation", valves="end open", as_ordered="no")),
             "riser_hold", ("not_in_order", "1.6.1")),
    Shortcut("open the riser valve without a hold", at(purge, "riser_hold", VENTED),
             "open_valve", ("need_absent", "1.6.1"), OPEN),
    Shortcut("open after a hold that failed",
             at(purge, "riser_hold", ruled("riser_hold", "FAIL"), VENTED),
             "open_valve", ("need_failed", "1.6.1"), OPEN),
    Shortcut("open after a hold that came to nothing",
             at(purge, "riser_hold", ruled("riser_hold", "INCONCLUSIVE"), VENTED),
             "open_valve", ("need_failed", "1.6.1"), OPEN),
    Shortcut("open after a hold that was broken off",
             at(purge, "riser_hold", ruled("riser_hold", "ABORTED"), VENTED),
             "open_valve", ("need_failed", "1.6.1"), OPEN),
    Shortcut("open after a hold of another section",
             at(purge, "riser_hold", ruled("riser_hold", section="A-7-2 indoor"),
                VENTED),
             "open_valve", ("need_section", "1.6.1"), OPEN),
    Shortcut("open by a PASS of the day before yesterday", at(purge, "open_valve", wait(49)),
             "open_valve", ("need_old", "1.6.1"), OPEN),
    Shortcut("open while the hold is done again", at(purge, "open_valve", do("riser_hold")),
             "open_valve", ("need_over", "1.6.1"), OPEN),
    Shortcut("open after the gauge was exchanged", at(purge, "open_valve", swapped), "open_valve",
             ("need_over", "1.6.1"), OPEN),
    Shortcut("open after another job worked on the riser",
             at(purge, "open_valve", worked_next_door("riser")), "open_valve",
             ("need_worked", "1.6.1"), OPEN),
    Shortcut("open by a PASS from before the clock stood", at(purge, "open_valve", clock_stood),
             "open_valve", ("need_clock", "1.6.1"), OPEN),
    Shortcut("open after work on the pipe",
             at(purge, "open_valve", do("pipe_work", what="valve repacked")), "open_valve",
             ("need_over", "1.6.1"), OPEN),
    Shortcut("try a hold a fourth time without a supervisor",
             at(purge, "riser_hold", *[ruled("riser_hold", "INCONCLUSIVE")] * 3), "riser_hold",
             ("tries", "domain c.3")),
    Shortcut("vent indoors",
             at(purge, "vent_point", do("vent_point", place="indoors", photo=PHOTO)), "open_valve",
             ("not_in_order", "1.6.6"), OPEN),
    Shortcut("vent outdoors, but not at the top",
             at(purge, "vent_point", do("vent_point", place="lower_outdoors", photo=PHOTO)),
             "open_valve", ("not_in_order", "1.6.3"), OPEN),
    Shortcut("open with wires hung on the pipe",
             at(purge, "open_valve", do("site", items=items("site_residential", **WIRED))),
             "open_valve", ("not_in_order", "1.4, 1.6.2"), OPEN),
    Shortcut("leave an item of the site out", at(purge, "site"), "site",
             ("items_missing", "1.4, 1.6.2"), {"items": {"structure": "ok"}}),
    Shortcut("answer an item that nobody asks", at(purge, "site"), "site",
             ("items_strange", "1.4, 1.6.2"),
             {"items": {**items("site_residential"), "weather": "ok"}}),
    Shortcut("answer the whole list with ok", at(purge, "site"), "site",
             ("answer_items", "1.4, 1.6.2"), {"items": "ok"}),
    Shortcut("answer an item by a word of one's own", at(purge, "site"), "site",
             ("answer_item", "1.4.2(3)"), {"items": items("site_residential", no_flame="fine")}),
    Shortcut("vent before the valve is open", at(purge, "open_valve"), "vent",
             ("phase", "1.6.3, 1.6.6")),
    Shortcut("take samples before venting", at(purge, "vent"), "samples",
             ("after", "1.6.3, 1.6.6")),
    Shortcut("light without samples", at(purge, "samples"), "ignite", ("need_absent", "1.6.4")),
    Shortcut("light without an indoor hold", at(purge, "indoor_hold"), "ignite",
             ("need_absent", "1.6.5")),
    Shortcut("light after the indoor hold failed",
             at(purge, "ignite", ruled("indoor_hold", "FAIL")), "ignite", ("need_failed", "1.6.5")),
    Shortcut("light by an indoor hold of an earlier visit", at(purge, "ignite", again), "ignite",
             ("need_visit", "1.6.5")),
    Shortcut("light by samples of an earlier visit", at(purge, "ignite", again), "ignite",
             ("need_visit", "1.6.4")),
    Shortcut("light without a check of the joints", at(purge, "joint_check"), "ignite",
             ("after", "1.6.7")),
    Shortcut("light with a joint that leaks",
             at(purge, "joint_check", do("joint_check", method="fluid", result="leak")), "ignite",
             ("not_in_order", "1.6.7")),
    Shortcut("light after an appliance was connected anew", at(purge, "ignite", do("connect")),
             "ignite", ("undone", "1.6.7")),
    Shortcut("light when everybody has left", at(purge, "ignite", do("leave")), "ignite",
             ("no_visit", "1.6.5, 1.6.7")),
    Shortcut("go on by oneself after the pressure was abnormal",
             at(purge, "samples", signal("abnormal_pressure")), "resume",
             ("no_supervisor", "1.6.8"), {"reason": "it is normal again"}),
    Shortcut("decide about one's own work",
             at(purge, "samples", signal("abnormal_pressure"), do("leave", "S-2")), "resume",
             ("own_work", "1.6.8"), {"reason": "it is normal again"}, "S-2"),
    Shortcut("sample while stopped", at(purge, "samples", signal("gas_alarm")), "samples",
             ("phase", "1.6.4")),
    Shortcut("book a meter that does not count", at(purge, "flame"), "flame",
             ("answer_above", "1.6.7"), {**FLAME, "meter_after": "0.10"}),
    Shortcut("book a reading that is no number", at(purge, "flame"), "flame",
             ("answer_number", "1.6.7"), {**FLAME, "meter_after": "a bit more"}),
    Shortcut("sign with a yellow flame", at(purge, "sign", YELLOW),
             "sign", ("not_in_order", "1.6.7"), SIGNED),
    Shortcut("close without the customer's signature", at(purge, "sign"), "close",
             ("after", "1.5.6")),
    Shortcut("sign without a signature", at(purge, "sign"), "sign", ("unanswered", "1.5.6"),
             {"fees": "yes", "cleaned": "yes"}),
    Shortcut("sign by a word in place of the scan", at(purge, "sign"), "sign",
             ("answer_file", "1.5.6"), {"fees": "yes", "signature": "signed", "cleaned": "yes"}),
    Shortcut("sign twice", at(purge, "close"), "sign", ("done", "1.5.6"),
             {"fees": "yes", "signature": OTHER_PHOTO, "cleaned": "yes"}),
    Shortcut("close without the inspection of every entry",
             at(purge, "inspect"), "sign", ("after", "1.5.4"),
             SIGNED),
    Shortcut("go on after the end", at(purge, ""), "ignite", ("ended", "1.6.5, 1.6.7")),
)  # fmt: skip

COMMERCIAL: Final = (
    Shortcut("arrive without an approved purge plan",
             at(shop, "acceptance", do("acceptance", accepted="yes", record="A", plan_approved="no",
                                       plan="P")),
             "arrive", ("not_in_order", "6.4.1(1)"), {"consent": "yes"}),
    Shortcut("open without the repeated tightness test",
             at(shop, "tightness", do("fans", fans_on="yes", guarded="yes", no_flame="yes")),
             "open_valve", ("need_absent", "6.6.1")),
    Shortcut("test with a blank plate still in",
             at(shop, "isolation", BLANK),
             "isolation", ("not_in_order", "6.4, 6.6"), {"valves": "closed", "as_ordered": "yes"}),
    Shortcut("open with the fans off",
             at(shop, "open_valve", do("fans", fans_on="no", guarded="yes", no_flame="yes")),
             "open_valve", ("not_in_order", "6.7.3")),
    Shortcut("open where the drawings do not agree",
             at(shop, "open_valve", do("drawings", **{**DRAWN, "agree": "no"})), "open_valve",
             ("not_in_order", "6.6.7-6.6.8")),
    Shortcut("vent into the kitchen",
             at(shop, "open_valve", do("drawings", **{**DRAWN, "vent": "indoors"})), "open_valve",
             ("not_in_order", "6.6.4")),
    Shortcut("open by a tightness test of two days ago", at(shop, "open_valve", wait(49)),
             "open_valve", ("need_old", "6.6.1")),
    Shortcut("take a flame's colour for the samples",
             at(shop, "samples", do("bag", flame="orange_yellow", photo=PHOTO)), "close_vent",
             ("phase", "6.7.6"), {"plugged": "yes", "result": "none"}),
    Shortcut("light by a flame's colour",
             at(shop, "samples", do("bag", flame="orange_yellow", photo=PHOTO)), "ignite",
             ("need_absent", "6.6.3")),
    Shortcut("light with the vent open", at(shop, "close_vent"), "ignite", ("after", "6.7.6")),
    Shortcut("light with the vent not tight",
             at(shop, "ignite", do("close_vent", plugged="yes", result="leak")), "ignite",
             ("not_in_order", "6.7.6")),
    Shortcut("light large equipment without its maker",
             at(shop, "connect", do("connect", supplier="alone")), "joint_check",
             ("not_in_order", "6.7.7"), {"method": "fluid", "result": "none"}),
    Shortcut("light after the pipe was opened by another job",
             at(shop, "ignite", worked_next_door("installation")), "ignite",
             ("need_worked", "6.6.1")),
    Shortcut("close the main valve before the fans",
             at(shop, "sign", do("shut_down", last="fans")), "sign", ("not_in_order", "6.7.9"),
             {"signature": PHOTO, "cleaned": "yes"}),
    Shortcut("book a flow meter that stands", at(shop, "flow_meter"), "flow_meter",
             ("answer_above", "6.6.5"), {"works": "yes", "before": "1", "after": "1"}),
    Shortcut("describe a hazard in one's own words", at(shop, "inspect"), "inspect",
             ("answer_hazard", "5.2"), {"equipment": "wok", "hazards": ["smells"], "talk": "yes"}),
    Shortcut("purge a medium-pressure section that there is not", at(shop, "fans"),
             "medium_section", ("not_here", "6.7.1"), {"record": "TR-1", "done": "yes"}),
    Shortcut("file it unsigned", at(shop, "sign"), "close", ("after", "6.5.4")),
)  # fmt: skip

REPAIR: Final = (
    Shortcut("go without having been sent", at(repair, "dispatch"), "arrive", ("after", "4.4.4"),
             {"tools": "yes"}),
    Shortcut("send somebody whom nobody knows", at(repair, "dispatch"), "dispatch",
             ("stranger", "4.4.4"), {"to": "X-9"}),
    Shortcut("begin without tools", at(repair, "arrive", do("arrive", tools="no")), "leak_test",
             ("not_in_order", "4.4.4")),
    Shortcut("work before the concentration is measured", at(repair, "leak_test"), "start_work",
             ("need_absent", "4.4.9"), WORK),
    Shortcut("work at or over the limit", at(repair, "ventilate"), "start_work",
             ("need_failed", "4.4.9"), WORK),
    Shortcut("work by a measurement of three hours ago", at(repair, "start_work", wait(3)),
             "start_work", ("need_old", "4.4.9"), WORK),
    Shortcut("work by the measurement of the last visit", at(repair, "start_work", again),
             "start_work", ("need_over", "4.4.9"), WORK),
    Shortcut("work on after an interruption",
             at(repair, "worked", do("interrupt")), "start_work", ("need_over", "4.4.9"), WORK),
    Shortcut("work on after two hours without measuring", at(repair, "worked", wait(2.1)),
             "worked", ("phase", "4.4.3"), {"what": "hose replaced"}),
    Shortcut("work with an expired certificate", at(repair, "start_work"), "start_work",
             ("certificate_expired", "4.3.1-4.3.2, 4.4.1"), WORK, "T-2"),
    Shortcut("work before the meter without notice",
             at(repair, "start_work", scope="pre_meter"), "start_work",
             ("notice_absent", "4.5.1(1)"), WORK),
    Shortcut("work before the meter 47 h after the notice",
             at(repair, "arrive", POSTED, wait(47), do("arrive", tools="yes"), ruled("leak_test"),
                scope="pre_meter"),
             "start_work", ("notice_late", "4.5.1(1)"), WORK),
    Shortcut("count a notice whose age nobody knows",
             at(repair, "arrive", POSTED, wait(60), do("arrive", tools="yes"), clock_stood,
                ruled("leak_test"), scope="pre_meter"),
             "start_work", ("notice_clock", "4.5.1(1)"), WORK),
    Shortcut("change meters 23 h after the notice",
             at(repair, "arrive", TOLD, wait(23), do("arrive", tools="yes"), ruled("leak_test"),
                scope="meter"),
             "start_work", ("notice_late", "4.5.2(3)"), WORK),
    Shortcut("let the notice of a meter be", at(repair, "start_work", scope="meter"),
             "notice_24h", ("not_waivable", "4.5.2(3)"), by="T-1", waives="S-1"),
    Shortcut("let a notice be by oneself", at(repair, "start_work", scope="pre_meter"),
             "notice_48h", ("one_person", "4.5.1(1)"), by="S-1", waives="S-1"),
    Shortcut("let a notice be by two who are no supervisors",
             at(repair, "start_work", scope="pre_meter"), "notice_48h",
             ("no_supervisor", "4.5.1(1)"), by="T-1", waives="T-3"),
    Shortcut("let a notice be for no reason", at(repair, "start_work", scope="pre_meter"),
             "notice_48h", ("no_reason", "4.5.1(1)"), by="T-1", waives="S-1", reason=" "),
    Shortcut("let something be that is no notice", at(repair, "start_work"), "leak_test",
             ("no_notice", "4.4.4"), by="T-1", waives="S-1"),
    Shortcut("repair a block's outage the same night",
             at(repair, "start_work", do("close_tonight", valves="riser", photo=PHOTO), **late(22)),
             "start_work", ("notice_late", "4.4.6"), WORK),
    Shortcut("repair a block's outage without closing it off that night",
             at(repair, "start_work", **late(23)), "start_work", ("notice_absent", "4.4.6"), WORK),
    Shortcut("cut a riser without an approved plan",
             at(repair, "start_work", do("plan", approved="no", document="P-1"), hot_work="yes"),
             "start_work", ("not_in_order", "4.5.1(3)"), WORK),
    Shortcut("call it done before it has begun", at(repair, "start_work"), "worked",
             ("phase", "4.4.3"), {"what": "hose replaced"}),
    Shortcut("supply without a hold", at(repair, "post_hold"), "resupply",
             ("need_absent", "4.4.7")),
    Shortcut("supply after a hold that failed", at(repair, "post_hold", ruled("post_hold", "FAIL")),
             "resupply", ("need_failed", "4.4.7")),
    Shortcut("take the short hold after work before the meter",
             at(repair, "arrive", POSTED, wait(48), do("arrive", tools="yes"), ruled("leak_test"),
                do("start_work", valve="yes"), do("worked", what="regulator"), scope="pre_meter"),
             "post_hold", ("not_here", "4.4.7")),
    Shortcut("supply without the riser's hold after work before the meter",
             at(repair, "arrive", POSTED, wait(48), do("arrive", tools="yes"), ruled("leak_test"),
                do("start_work", valve="yes"), do("worked", what="regulator"), scope="pre_meter"),
             "resupply", ("need_absent", "4.4.7")),
    Shortcut("supply after a hold of the neighbour's pipe",
             at(repair, "post_hold", ruled("post_hold", section="A-7-1 worked")), "resupply",
             ("need_section", "4.4.7")),
    Shortcut("supply when work went on after the hold",
             at(repair, "resupply", do("start_work", valve="yes"), do("worked", what="more")),
             "resupply", ("need_over", "4.4.7")),
    Shortcut("supply without the readings of both meters",
             at(repair, "arrive", TOLD, wait(25), do("arrive", tools="yes"), ruled("leak_test"),
                do("start_work", valve="yes"), do("worked", what="meter"), ruled("post_hold"),
                scope="meter"),
             "resupply", ("after", "4.5.2(4)")),
    Shortcut("sign with a leak", at(repair, "final_check",
                                    do("final_check", method="fluid", result="leak", lights="yes"),
                                    do("inspect", items=items("inspection"), talk="yes")),
             "sign", ("not_in_order", "4.4.10"), {"signature": PHOTO}),
    Shortcut("sign with an appliance that does not light",
             at(repair, "final_check",
                do("final_check", method="fluid", result="none", lights="no"),
                do("inspect", items=items("inspection"), talk="yes")),
             "sign", ("not_in_order", "4.4.10"), {"signature": PHOTO}),
    Shortcut("close without a signature", at(repair, "sign"), "close", ("after", "4.4.3")),
    Shortcut("go on by oneself after gas over the stop limit",
             at(repair, "worked", signal("gas_over")), "resume", ("no_supervisor", "4.4.9"),
             {"reason": "aired"}),
    Shortcut("answer with more than was asked", at(repair, "resupply"), "resupply",
             ("unasked", "4.4.7, 4.5.1(2)"), {"hold": "surely fine"}),
)  # fmt: skip

INSPECTION: Final = (
    Shortcut("inspect from the street", at(inspection, "visit"), "items", ("phase", "3.5.1"),
             {"items": items("inspection")}),
    Shortcut("inspect without a certificate", at(inspection, "visit"), "visit",
             ("no_certificate", "3.3.4"), {"outcome": "entered", "consent": "yes"}, "S-1"),
    Shortcut("call it entered without consent",
             at(inspection, "visit", do("visit", outcome="entered", consent="no")), "enter",
             ("not_here", "3.4.1")),
    Shortcut("absent without a photo of the notice", at(inspection, "visit"), "visit",
             ("unanswered", "3.2.1, 3.2.2, 3.2.3"), {"outcome": "absent"}),
    Shortcut("refused without the paper form", at(inspection, "visit"), "visit",
             ("unanswered", "3.2.1, 3.2.2, 3.2.3"), {"outcome": "refused", "refusal": "no time"}),
    Shortcut("leave an item of the fifteen out", at(inspection, "items"), "items",
             ("items_missing", "3.5.1"),
             {"items": {f"I{n}": "ok" for n in range(1, 15)}}),
    Shortcut("find a fault and not say which hazard", at(inspection, "items"), "items",
             ("item_hazard", "3.5.1"), {"items": items("inspection", I9="not_ok")}),
    Shortcut("grade a fault by another item's hazard", at(inspection, "items"), "items",
             ("item_hazard", "3.5.1"),
             {"items": items("inspection", I3={"result": "not_ok", "hazard": "L3-7"})}),
    Shortcut("name a hazard of what is in order", at(inspection, "items"), "items",
             ("item_hazard_ok", "3.5.1"),
             {"items": items("inspection", I9={"result": "ok", "hazard": "L2-3"})}),
    Shortcut("sign before the leak check", at(inspection, "leak_check"), "sign",
             ("after", "3.5.1"), {"signature": PHOTO, "form": PHOTO}),
    Shortcut("sign a hazard without its notice", at(inspection, "notice"), "sign",
             ("after", "3.8.1"), {"signature": PHOTO, "form": PHOTO}),
    Shortcut("end it unsigned", at(inspection, "sign"), "done", ("after", "3.3.3-5, 3.2.1")),
    Shortcut("three visits on one day",
             at(inspection_absent, "visit", AWAY, AWAY, AWAY), "absent", ("count", "3.7.5")),
    Shortcut("two absences and a refusal",
             at(inspection_absent, "visit", AWAY, wait(24), AWAY, wait(24),
                do("visit", outcome="refused", refusal="no", refusal_scan=PHOTO)),
             "absent", ("count", "3.7.5")),
    Shortcut("screen from outdoors after one visit", at(inspection_absent, "visit", AWAY), "laser",
             ("phase", "3.7.5")),
    Shortcut("file as absent without the screen", at(inspection_absent, "laser"), "screened",
             ("need_absent", "3.7.5")),
    Shortcut("file as absent by a screen that is not valid",
             at(inspection_absent, "laser", ruled("laser", "INCONCLUSIVE")), "screened",
             ("need_failed", "3.7.5")),
    Shortcut("file an anomaly without looking",
             at(inspection_absent, "laser", ruled("laser", "FAIL")), "screened",
             ("after", "3.7.5")),
    Shortcut("file as refused what was entered", at(inspection, "enter"), "refused",
             ("not_here", "3.2.3, 3.7.6")),
)  # fmt: skip

HAZARD: Final = (
    Shortcut(
        "describe a hazard in words of one's own",
        at(hazard_leak, "isolate"),
        "",
        ("answer_hazard", "5.2"),
        {"code": "smells of gas", "found_at": moment(11), "place": "kitchen"},
    ),
    Shortcut(
        "find a leak tomorrow, so that today is not late",
        at(hazard_leak, "isolate"),
        "",
        ("answer_future", "5.2"),
        {"code": "L1-1", "found_at": moment(11, days=1), "place": "kitchen"},
    ),
    Shortcut("put the sticker on a leak that is not isolated",
             at(hazard_leak, "isolate", do("isolate", point="joint", how="not_isolated")),
             "sticker", ("not_in_order", "5.3.4"), {"photo": PHOTO}),
    Shortcut("mend a leak without isolating it", at(hazard_leak, "isolate"), "mend",
             ("after", "5.3.4"), {"how": "restored", "what": "hose", "photo": PHOTO}),
    Shortcut("keep a leak from repair and only send a notice", at(hazard_leak, "hand_over"),
             "notice", ("after", "5.3.4, 3.7.2"), NOTICE),
    Shortcut("put a deadline off by another notice", at(hazard_leak, "mend"), "notice",
             ("done", "5.3.4, 3.8.1"), NOTICE),
    Shortcut("give a deadline that is none", at(hazard_leak, "notice"), "notice",
             ("answer_time", "5.3.4, 3.8.1"), {**NOTICE, "deadline": "soon"}),
    Shortcut("write what cannot be printed", at(hazard_leak, "isolate"), "isolate",
             ("answer_text", "5.3.4"), {"point": "joint\x07", "how": "valve"}),
    Shortcut("leave a telephone number where nothing is erased",
             at(hazard_leak, "isolate"), "isolate",
             ("names_somebody", "5.3.4"), {"point": "joint, ask 13912345678", "how": "valve"}),
    Shortcut("mend by a way that the regulations do not know", at(hazard_leak, "mend"), "mend",
             ("answer_choice", "5.3.5"), {"how": "taped over", "what": "tape", "photo": PHOTO}),
    Shortcut("verify a leak without a re-check", at(hazard_leak, "leak_test"), "verify",
             ("need_absent", "5.3.4"), {"result": "gone", "photo": PHOTO}),
    Shortcut("verify by a hold after the detector found gas",
             at(hazard_leak, "leak_test", ruled("leak_test", "FAIL"), ruled("hold")), "verify",
             ("need_failed", "5.3.4"), {"result": "gone", "photo": PHOTO}),
    Shortcut("verify by a re-check from before the repair",
             at(hazard_leak, "verify", do("still_there", why="smell"),
                do("isolate", point="joint", how="valve"), do("sticker", photo=PHOTO),
                do("mend", how="restored", what="joint", photo=PHOTO)),
             "verify", ("need_over", "5.3.4"), {"result": "gone", "photo": PHOTO}),
    Shortcut("verify by a re-check from before other work on the section",
             at(hazard_leak, "verify", worked_next_door("leaking")), "verify",
             ("need_worked", "5.3.4"), {"result": "gone", "photo": PHOTO}),
    Shortcut("close what is not verified", at(hazard_leak, "verify"), "close", ("phase", "5.3.5")),
    Shortcut("close what is still there",
             at(hazard_leak, "verify", do("verify", result="still", photo=PHOTO)), "close",
             ("phase", "5.3.5")),
    Shortcut("close what is only suspended",
             at(hazard_leak, "mend", do("suspend", valve="meter valve", sealed="yes", photo=PHOTO)),
             "close", ("phase", "5.3.5")),
    Shortcut("give gas back to a leak that is not mended",
             at(hazard_leak, "mend", do("suspend", valve="meter valve", sealed="yes", photo=PHOTO)),
             "resupply", ("phase", "5.3.5, 4.4.7")),
    Shortcut("give gas back by a detector in an empty pipe",
             at(hazard_leak, "mend", do("suspend", valve="meter valve", sealed="yes", photo=PHOTO),
                do("mend", how="restored", what="hose", photo=PHOTO), ruled("leak_test")),
             "resupply", ("need_absent", "4.4.7")),
)  # fmt: skip
SHORTCUTS: Final = (*RESIDENTIAL, *COMMERCIAL, *REPAIR, *INSPECTION, *HAZARD)
