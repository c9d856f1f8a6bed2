"""Silver and gold, for instruments: documented frames, through the real driver."""

from hub.conformance.subject import Subject, Unmet
from hub.golden import Case, golden_cases, replay_golden

LEAST_CASES = 2
"""Of those to take, and of those to refuse."""


def golden_replayed(subject: Subject) -> None:
    """golden.json has frames to take and frames to refuse, and each comes out as it says."""
    for case in sound_cases(subject):
        try:
            replay_golden(subject.kind, case)
        except AssertionError as differs:
            named = f"golden case {case['id']}"
            said = str(differs).removeprefix(f"{case['id']}: ").removeprefix(f"{case['id']} ")
            glue = " " if said.startswith("is to be refused") else ": "
            raise Unmet(f"{named}{glue}{said}") from differs
        except Exception as bug:
            raise Unmet(f"golden case {case['id']}: {type(bug).__name__}: {bug}") from bug


def captured(subject: Subject) -> None:
    """At least one case was captured from a real device, and says from which, when and by whom."""
    captures = [case for case in _cases(subject) if case["provenance"] == "capture"]
    if not captures:
        raise Unmet(
            "no golden case is a capture from a real device; `gashub frames record` makes one, "
            "and nothing else counts"
        )
    for case in captures:
        lacks = [key for key in ("plugin", "line", "started") if not case.get(key)]
        if any("at_s" not in item for item in case["exchange"]):
            lacks.append("at_s")
        device = case.get("device") or {}
        lacks += [f"device.{key}" for key in ("model", "serial", "seen_by") if not device.get(key)]
        if lacks:
            raise Unmet(
                f"golden case {case['id']} says capture and lacks {', '.join(lacks)}: keep what "
                "`gashub frames record` wrote, and add whose device it was"
            )


def sound_cases(subject: Subject) -> list[Case]:
    """The golden cases, some of them to take and some to refuse.

    raises  Unmet when there are too few of either
    """
    cases = _cases(subject)
    refused = sum("refused" in case["expect"] for case in cases)
    for what, count in (("take", len(cases) - refused), ("refuse", refused)):
        if count < LEAST_CASES:
            raise Unmet(
                f"golden.json has {count or 'no'} case{'s' * (count != 1)} to {what}, and needs at "
                f"least {LEAST_CASES}: add examples of the document"
            )
    return cases


def _cases(subject: Subject) -> list[Case]:
    try:
        return golden_cases(subject.folder)
    except FileNotFoundError:
        raise Unmet("golden.json is missing") from None
    except ValueError as wrong:
        raise Unmet(str(wrong)) from wrong
