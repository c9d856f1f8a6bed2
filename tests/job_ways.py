"""Each kind of job from its order to its end, as the regulations have it."""

from tests.job_rig import PHOTO, Run, items

REPORTED = {"reported_at": "2026-11-24T11:00:00+08:00", "promised_at": "2026-11-24T13:00:00+08:00"}


def residential_purge(until: str = "") -> Run:
    """A new customer's purge; stops before the step *until*."""
    run = Run("residential_purge", {"new_user": "yes", "instruction": "WI-1"})
    for step, answers in (
        ("acceptance", {"accepted": "yes", "record": "AR-1"}),
        ("plan", {"approved": "yes", "document": "PL-1"}),
        ("arrive", {"consent": "yes"}),
        ("site", {"items": items("site_residential")}),
        ("isolation", {"valves": "riser valve and end closed", "as_ordered": "yes"}),
        ("riser_hold", None),
        ("vent_point", {"place": "top_outdoors", "photo": PHOTO}),
        ("open_valve", {"guarded": "yes"}),
        ("vent", {}),
        ("samples", None),
        ("indoor_hold", None),
        ("connect", {}),
        ("joint_check", {"method": "fluid", "result": "none"}),
        ("ignite", {}),
        ("flame", {"flame": "normal", "meter_before": "0.10", "meter_after": "0.12"}),
        ("inspect", {"items": items("inspection"), "talk": "yes"}),
        ("sign", {"fees": "yes", "signature": PHOTO, "cleaned": "yes"}),
        ("close", {}),
    ):
        if step == until:
            return run
        _go(run, step, answers)
    return run


def commercial_purge(until: str = "") -> Run:
    """A restaurant without a medium-pressure section."""
    run = Run("commercial_purge", {"medium_pressure": "no", "instruction": "WI-6"})
    for step, answers in (
        (
            "acceptance",
            {"accepted": "yes", "record": "AR-9", "plan_approved": "yes", "plan": "PL-9"},
        ),
        ("arrive", {"consent": "yes"}),
        (
            "drawings",
            {
                "agree": "yes",
                "drawing": "D-9",
                "vent": "outdoors",
                "photo": PHOTO,
                "appliance_order": "wok range, steamer",
            },
        ),
        ("site", {"items": items("site_commercial")}),
        ("isolation", {"valves": "inlet closed, no blank plate", "as_ordered": "yes"}),
        ("tightness", None),
        ("fans", {"fans_on": "yes", "guarded": "yes", "no_flame": "yes"}),
        ("open_valve", {}),
        ("vent", {}),
        ("samples", None),
        ("close_vent", {"plugged": "yes", "result": "none"}),
        ("connect", {"supplier": "none"}),
        ("joint_check", {"method": "detector", "result": "none"}),
        ("ignite", {}),
        ("flow_meter", {"works": "yes", "before": "0", "after": "0.3"}),
        ("shut_down", {"last": "main_valve"}),
        ("inspect", {"equipment": "wok range 2x", "hazards": [], "talk": "yes"}),
        ("sign", {"signature": PHOTO, "cleaned": "yes"}),
        ("close", {}),
    ):
        if step == until:
            return run
        _go(run, step, answers)
    return run


def repair(until: str = "", **facts: str) -> Run:
    """A leak behind the meter: gas in the kitchen at first, ventilated, mended."""
    given = {"scope": "post_meter", "hot_work": "no", "affects": "home", **REPORTED, **facts}
    run = Run("repair", given)
    for step, answers in (
        ("dispatch", {"to": "T-1"}),
        ("arrive", {"tools": "yes"}),
        ("leak_test", "FAIL"),
        ("ventilate", {"what": "windows open, meter valve closed"}),
        ("leak_test", None),
        ("start_work", {"valve": "yes"}),
        ("worked", {"what": "hose replaced", "damage": "wear"}),
        ("post_hold", None),
        ("resupply", {}),
        ("final_check", {"method": "fluid", "result": "none", "lights": "yes"}),
        ("inspect", {"items": items("inspection"), "talk": "yes"}),
        ("sign", {"signature": PHOTO}),
        ("close", {}),
    ):
        if step == until:
            return run
        _go(run, step, answers)
    return run


def inspection(until: str = "") -> Run:
    """Somebody at home, and a hose that has aged."""
    run = Run("inspection", {"cycle": "2026"})
    aged = {"result": "not_ok", "hazard": "L2-3"}
    for step, answers in (
        ("visit", {"outcome": "entered", "consent": "yes"}),
        ("enter", {}),
        ("items", {"items": items("inspection", I9=aged)}),
        ("leak_check", {"result": "none", "photo": PHOTO}),
        ("talk", {"talk": "yes", "told": "yes"}),
        ("notice", {"number": "N-9", "signed": "yes", "scan": PHOTO}),
        ("sign", {"signature": PHOTO, "form": PHOTO}),
        ("done", {}),
    ):
        if step == until:
            return run
        _go(run, step, answers)
    return run


def inspection_absent(until: str = "") -> Run:
    """Nobody at home on three days, then the outdoor screen."""
    run = Run("inspection", {"cycle": "2026"})
    for step, answers in (
        ("visit", {"outcome": "absent", "notice_photo": PHOTO}),
        ("visit", {"outcome": "absent", "notice_photo": PHOTO}),
        ("visit", {"outcome": "absent", "notice_photo": PHOTO}),
        ("absent", {}),
        ("laser", None),
        ("screened", {}),
    ):
        if step == until:
            return run
        _go(run, step, answers)
        if step == "visit":
            run.wait(d=1)
    return run


def hazard_leak(until: str = "") -> Run:
    """A leak found in a home, to its end the same day."""
    run = Run(
        "hazard",
        {"code": "L1-1", "found_at": "2026-11-24T11:40:00+08:00", "place": "hose of the stove"},
    )
    for step, answers in (
        ("isolate", {"point": "hose joint", "how": "valve"}),
        ("sticker", {"photo": PHOTO}),
        ("hand_over", {"to": "R-77"}),
        (
            "notice",
            {
                "number": "N-1",
                "risk": "yes",
                "deadline": "2026-11-24T18:00:00+08:00",
                "signed": "yes",
                "scan": PHOTO,
            },
        ),
        ("mend", {"how": "restored", "what": "hose replaced", "photo": PHOTO}),
        ("leak_test", None),
        ("verify", {"result": "gone", "photo": PHOTO}),
        ("close", {}),
    ):
        if step == until:
            return run
        _go(run, step, answers)
    return run


WAYS = (residential_purge, commercial_purge, repair, inspection, inspection_absent, hazard_leak)


def _go(run: Run, step: str, answers: dict[str, object] | str | None) -> None:
    """A test where *answers* is its verdict, or None for PASS; a minute passes before each."""
    run.wait(s=60)
    if isinstance(answers, dict):
        run.do(step, **answers)
    else:
        run.test(step, answers or "PASS")
