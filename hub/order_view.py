"""One order on a terminal: its tests, what is going on now, and what each attempt came to."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from hub.tables import line, pairs, plain, rows
from hub.texts import Language

_LISTED = ("reasons", "flags", "clauses", "not_checked")


def show_order(shown: Mapping[str, Any], lang: Language, console: Console | None = None) -> None:
    """Print the answer of `gashub order show`; sentences in *lang*. `--json` has the limits, too.

    shown   as `hub.looking.order` gives it, with `now`: the progress of its open attempts
    """
    console = console or Console()
    pairs(console, {key: shown[key] for key in ("number", "state", "added", "id", "entry")})
    line(console, "tests", style="bold")
    rows(console, shown["tests"], 2)
    for now in shown["now"]:
        line(console, "now", style="bold")
        show_now(console, now, lang)
    for attempt in shown["attempts"]:
        _attempt(console, attempt, lang)


def show_now(console: Console, now: Mapping[str, Any], lang: Language) -> None:
    """Print how far an open attempt is, one of the answer of `order.progress`."""
    figures = dict(now.get("figures", {}))
    hints, points = figures.pop("hints", ()), figures.pop("points", ())
    left = now.get("remaining_s")
    stage = now["stage"] + (f", {left} s left at most" if left is not None else "")
    latest = {"latest": now["latest"]} if now.get("latest") else {}
    facts = {"step": now["step"], "attempt": now["attempt"], "stage": stage, **latest}
    pairs(console, {**facts, "readings": now["readings"], **figures}, 2)
    if points:
        line(console, "points", 2, style="bold")
        rows(console, [_point(point) for point in points], 4)
    for hint in hints:
        line(console, hint[lang], 2, style="yellow")


def _point(point: Mapping[str, Any]) -> dict[str, str]:
    """`hole`: the readings there have a gap that no longer stay heals."""
    stayed, needed = point["stayed_s"], point.get("needed_s", "")
    state = "complete" if point["enough"] else "readings missing" if point["hole"] else ""
    largest = [
        f"{point[key]} {unit}"
        for key, unit in (("max_pct_lel", "%LEL"), ("max_pct_vol", "%vol"))
        if key in point
    ]
    return {
        "point": point["point"],
        "role": point["role"],
        "stayed": f"{stayed} of {needed} s" if needed else "not yet",
        "max": ", ".join(largest),
        "": state,
    }


def _attempt(console: Console, attempt: Mapping[str, Any], lang: Language) -> None:
    verdict = attempt["verdict"]
    line(console, f"attempt {attempt['attempt']}", style="bold")
    opened = f"{plain(attempt['opened'])}, {attempt['state']}"
    if not verdict:
        pairs(console, {"opened": opened}, 2)
        return
    told = {key: verdict.get(key) for key in _LISTED if verdict.get(key)}
    pairs(
        console,
        {
            "opened": opened,
            "procedure": verdict["procedure"],
            "verdict": verdict["verdict"],
            "verdict_id": attempt["verdict_id"],
            "entry": attempt["entry"],
        },
        2,
    )
    line(console, verdict["sentence"][lang], 2)
    pairs(console, told, 2)
    figures = {key: value for key, value in verdict["figures"].items() if key != "events"}
    if figures:
        line(console, "figures", 2, style="bold")
        pairs(console, figures, 4)
