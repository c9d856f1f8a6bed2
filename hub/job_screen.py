"""One job on a terminal: where it stands, what may be done now, and what is refused and why."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console

from hub.tables import line, pairs, rows
from hub.texts import Language, say

_STYLES: Final = {"open": "green", "waiting": "yellow", "done": "dim"}


def print_job(
    shown: Mapping[str, Any], lang: Language, console: Console | None = None, *, brief: bool = False
) -> None:
    """Print the answer of `job.show`; steps that do not apply are left out.

    brief  of steps that are refused only the names, and not why
    """
    console = console or Console()
    phase = shown["ended"] or shown["phase_text"][lang]
    line(console, f"{shown['job']}  {shown['title'][lang]}  {phase}", style="bold")
    pack = shown["rule_pack"]
    facts = {**shown["facts"], **shown["sections"]}
    pairs(console, {**facts, "rule_pack": f"{pack['id']} {pack['version']}"}, 2)
    refused = [step["step"] for step in shown["steps"] if step["state"] == "waiting"]
    for step in shown["steps"]:
        if step["state"] != "apart" and not (brief and step["state"] == "waiting"):
            print_step(step, lang, console)
    if brief and refused:
        line(console, f"{say(lang, 'job.screen.waiting')}  {', '.join(refused)}", 2, style="dim")
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


def print_step(step: Mapping[str, Any], lang: Language, console: Console) -> None:
    """Print how one step stands, and every reason why it is refused."""
    state = say(lang, f"job.screen.{step['state']}")
    verdict = f"  {step['verdict']}" if step.get("verdict") else ""
    text = f"{state}  {step['step']}  {step['text'][lang]} ({step['clause']}){verdict}"
    line(console, text, 2, style=_STYLES.get(step["state"], "none"))
    for refusal in step["refusals"]:
        line(console, refusal["text"][lang], 8, style="dim")
