"""One job on a terminal: where it stands, what may be done now, and what is refused and why."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from rich.console import Console

from hub.tables import line, pairs, rows
from hub.texts import Language, say

_STYLES: Final = {"open": "green", "waiting": "yellow", "done": "dim"}


def print_job(
    shown: Mapping[str, Any],
    lang: Language,
    console: Console | None = None,
    *,
    steps: Collection[str] = ("open", "waiting", "done"),
) -> None:
    """Print the answer of `job.show`, of its steps those in one of the states *steps*."""
    console = console or Console()
    phase = shown["ended"] or shown["phase_text"][lang]
    line(console, f"{shown['job']}  {shown['title'][lang]}  {phase}", style="bold")
    pack = shown["rule_pack"]
    facts = {**shown["facts"], **shown["sections"]}
    pairs(console, {**facts, "rule_pack": f"{pack['id']} {pack['version']}"}, 2)
    for step in shown["steps"]:
        if step["state"] in steps:
            _step(console, step, lang)
    if shown["deadlines"]:
        line(console, say(lang, "job.screen.deadlines"), style="bold")
        rows(
            console,
            [
                {"due": one["due_local"], "what": one["text"][lang], "clause": one["clause"]}
                for one in shown["deadlines"]
            ],
            2,
        )
    if shown["hazards"]:
        line(console, say(lang, "job.screen.hazards"), style="bold")
        rows(console, shown["hazards"], 2)


def _step(console: Console, step: Mapping[str, Any], lang: Language) -> None:
    state = say(lang, f"job.screen.{step['state']}")
    verdict = f"  {step['verdict']}" if step.get("verdict") else ""
    text = f"{state}  {step['step']}  {step['text'][lang]} ({step['clause']}){verdict}"
    line(console, text, 2, style=_STYLES.get(step["state"], "none"))
    if step["state"] == "open" and step["asks"]:
        line(console, "  ".join(f"{name}={_wanted(one)}" for name, one in step["asks"].items()), 8)
    for refusal in step["refusals"]:
        line(console, refusal["text"][lang], 8, style="dim")


def _wanted(question: Mapping[str, Any]) -> str:
    """What an answer to it looks like, for whoever types `job do`."""
    if question["kind"] == "yes_no":
        return "yes|no"
    return "|".join(question["options"]) or question["kind"].upper()
