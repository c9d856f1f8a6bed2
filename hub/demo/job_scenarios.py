"""The five jobs of the regulations, as technicians work them. Times are hub seconds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from hub.demo.scenarios import DECIDED_WITHIN_S
from hub.demo.worker import Worker

ZONE: Final = ZoneInfo("Asia/Shanghai")
STAFF: Final[Sequence[Mapping[str, Any]]] = (
    {
        "id": "T-17",
        "certificates": {
            role: {"number": f"C-2041-{role}", "until": "2099-12-31"}
            for role in ("purge", "inspection", "repair")
        },
    },
    {
        "id": "T-18",
        "certificates": {
            role: {"number": f"C-1999-{role}", "until": "2020-01-01"}
            for role in ("purge", "repair")
        },
    },
    {"id": "S-2", "supervisor": True},
)
"""Somebody who may, somebody whose certificate is over, and a supervisor."""


@dataclass(frozen=True, slots=True)
class JobScenario:
    """One job. `order` is made at the hub's time of opening (µs)."""

    number: str
    title: Mapping[str, str]
    order: Callable[[int], Mapping[str, Any]]
    work: Callable[[Worker], None]
    ended: str


def _local(now_us: int, **later: float) -> str:
    moment = datetime.fromtimestamp(now_us // 1_000_000, ZONE) + timedelta(**later)
    return moment.isoformat()


def _named(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def _hold(op: Worker, step: str, gauge: str, line: str, unit: int, pa: int) -> None:
    """A hold from the open vent to its verdict, and let off afterwards."""
    op.do(step)
    op.event("isolated")
    op.event("zeroed", gauge)
    op.wait(15)
    op.event("pump_on")
    op.hands(line, f"pump {pa} @{unit}")
    op.wait(120)
    op.hands(line, f"pump_off @{unit}")
    op.event("pump_off")
    op.until_stage("venting", DECIDED_WITHIN_S)
    if op.progress() is not None:
        op.event("vent_open")
    op.hands(line, f"vent @{unit}")
    op.until_decided(DECIDED_WITHIN_S)


def _samples(op: Worker, analyser: str) -> None:
    """Gas drives the air out until three samples are good."""
    op.do("samples")
    op.event("point", point="vent")
    op.hands(analyser, "settle 97")
    op.until_decided(DECIDED_WITHIN_S)


def _air(op: Worker, step: str, pct_vol: float) -> None:
    """The air at three points, zeroed outside first."""
    op.hands("detector-1", "jump 0")
    op.hands("detector-1", "silence")
    op.wait(5)
    op.do(step)
    op.event("zeroed", "detector-1")
    op.hands("detector-1", "clear")
    op.wait(5)
    for point, share in (("ceiling", 1.0), ("stove", 0.9), ("door", 0.5)):
        op.event("point", point=point)
        op.hands("detector-1", f"jump {pct_vol * share:.3f}")
        op.wait(75)
        if op.progress() is None:
            return
    op.event("close")
    op.until_decided(DECIDED_WITHIN_S)


def residential_purge(op: Worker) -> None:
    op.do("acceptance", accepted="yes", record="AR-2026-118")
    op.do("plan", approved="yes", document="PL-7")
    op.do("arrive", consent="yes")
    op.do("site", items=op.items("site_residential"))
    op.do("isolation", valves="riser valve and top end closed", as_ordered="yes")
    op.do("vent_point", place="top_outdoors", photo=op.photo("vent"))
    _hold(op, "riser_hold", "pm-1", "rs485-a", 1, 5300)
    op.do("open_valve", guarded="yes")
    op.do("vent")
    _samples(op, "analyser-1")
    _hold(op, "indoor_hold", "pm-2", "rs485-a", 2, 5300)
    op.do("connect")
    op.do("joint_check", method="fluid", result="none")
    op.do("ignite")
    op.do("flame", flame="normal", meter_before="0.012", meter_after="0.021")
    op.do("inspect", items=op.items("inspection"), talk="yes")
    op.do("sign", fees="yes", signature=op.photo("signature"), cleaned="yes")
    op.do("close")


def commercial_purge(op: Worker) -> None:
    op.do("acceptance", accepted="yes", record="AR-9", plan_approved="yes", plan="PL-9")
    op.do("arrive", consent="yes")
    op.do(
        "drawings",
        agree="yes",
        drawing="D-2026-9",
        vent="outdoors",
        photo=op.photo("vent"),
        appliance_order="wok range, steamer, boiler",
    )
    op.do("site", items=op.items("site_commercial"))
    op.do("isolation", valves="inlet closed, blank plates out", as_ordered="yes")
    _hold(op, "tightness", "pm-3", "rs485-b", 1, 5300)
    op.do("fans", fans_on="yes", guarded="yes", no_flame="yes")
    op.do("open_valve")
    op.do("vent")
    _samples(op, "analyser-2")
    op.do("bag", flame="orange_yellow", photo=op.photo("bag"))
    op.do("close_vent", plugged="yes", result="none")
    op.do("connect", supplier="none")
    op.do("joint_check", method="detector", result="none")
    op.do("ignite")
    op.do("flow_meter", works="yes", before="0", after="0.4")
    op.do("shut_down", last="main_valve")
    op.do("inspect", equipment="wok range 2x, steamer", hazards=[], talk="yes")
    op.do("sign", signature=op.photo("signature"), cleaned="yes")
    op.do("close")


def repair(op: Worker) -> None:
    """Gas in the kitchen at first; the hazard that this opens is worked to its end as well."""
    op.do("dispatch", to="T-17")
    op.do("arrive", tools="yes")
    _air(op, "leak_test", 1.3)
    leak = op.another(f"{op.number}-H1")
    leak.do("isolate", point="hose joint at the stove", how="valve")
    leak.do("sticker", photo=op.photo("sticker"))
    leak.do("hand_over", to=op.number)
    op.do("ventilate", what="windows open, meter valve closed")
    op.wait(300)
    _air(op, "leak_test", 0.2)
    op.do("start_work", valve="yes")
    op.wait(600)
    op.do("worked", what="hose and both clamps replaced", damage="wear")
    _hold(op, "post_hold", "pm-4", "rs485-b", 2, 2200)
    op.do("resupply")
    op.do("final_check", method="fluid", result="none", lights="yes")
    op.do("inspect", items=op.items("inspection"), talk="yes")
    op.do("sign", signature=op.photo("signature"))
    op.do("close")
    leak.do("mend", how="restored", what="hose and clamps replaced", photo=op.photo("mended"))
    _air(leak, "leak_test", 0.0)
    leak.do("verify", result="gone", photo=op.photo("verified"))
    leak.do("close")


def absent_visit(op: Worker) -> None:
    """Nobody at home: a notice is posted and photographed."""
    op.do("visit", outcome="absent", notice_photo=op.photo("notice"))


def absent_screen(op: Worker) -> None:
    """After the third date: the doorway from outside, by laser."""
    op.do("absent")
    op.do("laser")
    op.event("self_test_ok", "laser-1")
    op.event("point", point="background")
    op.wait(15)
    for sweep in (1, 2, 3):
        op.event("point", point=f"door#{sweep}")
        op.wait(7)
    op.event("point", point="")
    if op.progress() is not None:
        op.event("close")
    op.until_decided(DECIDED_WITHIN_S)
    op.do("screened")


def customer(number: int) -> dict[str, str]:
    """Who lives there: made up, and looked for by the tests where nobody may stand."""
    return {
        "user_no": f"88001000{number:02}",
        "name": "演示用户",
        "phone": f"1380000{number:04}",
        "building": f"{number} 栋",
        "room": "0501",
        "meter_no": f"M00{number:06}",
    }


def _residential_order(_: int) -> Mapping[str, Any]:
    return {
        "job": "residential_purge",
        "user_class": "residential",
        "facts": {"new_user": "yes", "instruction": "WI-1"},
        "sections": {"riser": "B3-U2-riser", "indoor": "B3-U2-0501"},
        "customer": customer(1),
        "tests": {
            "riser_hold": {
                "p_design_pa": 5000,
                "medium": "air",
                "sample_period_s": 1,
                "isolation": {"declared": True},
                "instruments": _named("pm-1", "thermometer-1", "barometer-1"),
            },
            "samples": {"sample_period_s": 1, "instruments": _named("analyser-1")},
            "indoor_hold": {
                "medium": "air",
                "sample_period_s": 1,
                "isolation": {"declared": True},
                "instruments": _named("pm-2"),
            },
        },
    }


def _commercial_order(_: int) -> Mapping[str, Any]:
    return {
        "job": "commercial_purge",
        "user_class": "commercial",
        "facts": {"medium_pressure": "no", "instruction": "WI-6"},
        "sections": {"installation": "R7-kitchen"},
        "customer": customer(2),
        "tests": {
            "tightness": {
                "p_design_pa": 5000,
                "medium": "air",
                "sample_period_s": 1,
                "isolation": {"declared": True},
                "instruments": _named("pm-3"),
            },
            "samples": {"sample_period_s": 1, "instruments": _named("analyser-2")},
        },
    }


def _repair_order(now_us: int) -> Mapping[str, Any]:
    return {
        "job": "repair",
        "user_class": "residential",
        "facts": {
            "scope": "post_meter",
            "hot_work": "no",
            "affects": "home",
            "reported_at": _local(now_us, minutes=-10),
            "promised_at": _local(now_us, hours=1),
        },
        "sections": {"worked": "B5-U1-0302"},
        "customer": customer(3),
        "tests": {
            "leak_test": {
                "points": {"ceiling": "ceiling", "stove": "suspect", "door": "other"},
                "sample_period_s": 1,
                "instruments": _named("detector-1"),
            },
            "post_hold": {
                "section": {"part": "indoor"},
                "p_operating_pa": 2000,
                "medium": "air",
                "sample_period_s": 1,
                "isolation": {"declared": True},
                "instruments": _named("pm-4"),
            },
        },
    }


def _inspection_order(_: int) -> Mapping[str, Any]:
    return {
        "job": "inspection",
        "user_class": "residential",
        "facts": {"cycle": "2026"},
        "customer": customer(4),
        "tests": {
            "laser": {
                "distance_m": 30,
                "reflector": "door",
                "weather": "clear",
                "sample_period_s": 1,
                "instruments": _named("laser-1"),
            },
        },
    }


JOBS: Final[Sequence[JobScenario]] = (
    JobScenario(
        "J-1",
        {"zh": "居民置换", "en": "residential purge"},
        _residential_order,
        residential_purge,
        "done",
    ),
    JobScenario(
        "J-2",
        {"zh": "工商置换", "en": "commercial purge"},
        _commercial_order,
        commercial_purge,
        "done",
    ),
    JobScenario("J-3", {"zh": "漏气维修", "en": "repair of a leak"}, _repair_order, repair, "done"),
)
"""Worked at the same time, on one day. The hazard of J-3 is J-3-H1."""
ABSENT: Final = JobScenario(
    "J-4",
    {"zh": "三次到访不遇", "en": "absent three times"},
    _inspection_order,
    absent_screen,
    "absent",
)
"""Worked on three days, after the others."""
