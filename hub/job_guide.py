"""`gashub job guide`: led through a job, one question at a time.

It asks the hub what may be done, asks the person for what that step asks for, and does it. It
holds nothing itself: after a power cut it goes on where the record stands. Whatever was answered
is not asked again, because the hub does not offer a step that stands.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from rich.console import Console
from rich.prompt import Prompt

from hub.errors import CommandRefused
from hub.job_screen import print_job
from hub.order_view import show_now
from hub.texts import Language, say

_EVENTS: Final = (
    "zeroed",
    "self_test_ok",
    "isolated",
    "pump_on",
    "pump_off",
    "vent_open",
    "point",
    "close",
)
_BACK: Final = ("", "q")


class Ask(Protocol):
    """Ask the hub; see `hub.cli.asking.ask`."""

    def __call__(self, do: str, /, **arguments: Any) -> Any: ...


Upload = Callable[[Path], str]
"""Hand a file over to the hub; its SHA-256."""


def guide(
    ask: Ask,
    number: str,
    by: str,
    lang: Language,
    upload: Upload,
    console: Console | None = None,
) -> None:
    """Lead *by* through job *number* until it has ended, or they leave with an empty answer."""
    console = console or Console()
    while True:
        shown = ask("job.show", number=number, by=by)
        states: dict[str, dict[str, Any]] = {"open": {}, "waiting": {}, "done": {}, "apart": {}}
        for one in shown["steps"]:
            states[one["state"]][one["step"]] = one
        print_job(shown, lang, console, steps=() if states["open"] else ("done", "waiting"))
        if shown["ended"]:
            return
        running = ask_progress(ask, number)
        if running is not None:
            if not _during(ask, number, running, lang, console):
                return
            continue
        if not states["open"]:
            console.print(say(lang, "job.guide.nothing"))
            return
        chosen = _choose(states["open"], states["waiting"], lang, console)
        if chosen is None:
            return
        answers = _questions(states["open"][chosen], shown, lang, upload, console)
        if answers is None:
            continue
        answer = ask("job.do", number=number, step=chosen, by=by, answers=answers)
        _tell([*answer["refusals"], *answer.get("notes", ())], lang, console)


def ask_progress(ask: Ask, number: str) -> Mapping[str, Any] | None:
    """The job's test that is running, if there is one; without a hub none runs."""
    try:
        running = ask("order.progress", number=number)
    except ConnectionError:
        return None
    return running[0] if running else None


def _tell(sentences: Iterable[Mapping[str, Any]], lang: Language, console: Console) -> None:
    for one in sentences:
        console.print(one["text"][lang], style="yellow", markup=False, highlight=False)


def _prompt(
    says: str, lang: Language, console: Console, choices: list[str] | None = None, default: Any = ""
) -> str:
    """What the person types; *default* for an empty line, and asked again where that is `...`."""
    prompt = Prompt(says, console=console, choices=choices, show_default=False)
    prompt.illegal_choice_message = say(lang, "job.guide.choice")
    return str(prompt(default=default)).strip()


def _choose(
    steps: Mapping[str, Mapping[str, Any]],
    waiting: Mapping[str, Mapping[str, Any]],
    lang: Language,
    console: Console,
) -> str | None:
    """A step that may be done now; of one that may not, why not."""
    for at, (name, step) in enumerate(steps.items(), 1):
        console.print(f"{at:3}  {name}  {step['text'][lang]}", markup=False, highlight=False)
    if waiting:
        names = ", ".join(waiting)
        console.print(say(lang, "job.guide.waiting", names=names), style="dim", highlight=False)
    while True:
        said = _prompt(say(lang, "job.guide.which"), lang, console)
        if said in _BACK:
            return None
        if said in steps:
            return said
        if said.isdecimal() and 1 <= int(said) <= len(steps):
            return list(steps)[int(said) - 1]
        if said in waiting:
            _tell(waiting[said]["refusals"], lang, console)
            continue
        console.print(say(lang, "job.guide.unknown", said=said), markup=False)


def _questions(
    step: Mapping[str, Any],
    shown: Mapping[str, Any],
    lang: Language,
    upload: Upload,
    console: Console,
) -> dict[str, Any] | None:
    """The answers to a step's questions; None when the person goes back."""
    answers: dict[str, Any] = {}
    for name, question in step["asks"].items():
        if any(answers.get(other) not in values for other, values in question["when"].items()):
            continue
        if question["kind"] == "items":
            items = _items(shown["checklists"][question["checklist"]], lang, console)
            if items is None:
                return None
            answers[name] = items
            continue
        said = _one(question, lang, upload, console)
        if said is None:
            return None
        if said or question["kind"] == "hazards":
            answers[name] = said
    return answers


def _one(
    question: Mapping[str, Any], lang: Language, upload: Upload, console: Console
) -> str | None:
    says = question["says"][lang] + (f" [{question['unit']}]" if question["unit"] else "")
    choices = list(question["options"]) or (["yes", "no"] if question["kind"] == "yes_no" else [])
    for name, text in question["options"].items():
        console.print(f"     {name}: {text[lang]}", highlight=False)
    while True:
        said = _prompt(says, lang, console, [*choices, "q"] if choices else None)
        if said == "q":
            return None
        if not said and not (question["optional"] or question["kind"] == "hazards"):
            console.print(say(lang, "job.guide.needed"))
            continue
        if question["kind"] == "file" and said:
            path = Path(said).expanduser()
            if not path.is_file():
                console.print(say(lang, "job.guide.no_file", said=said), markup=False)
                continue
            return upload(path)
        return said


def _items(
    checklist: Mapping[str, Any], lang: Language, console: Console
) -> dict[str, dict[str, str]] | None:
    """Every item is asked; none is taken for granted."""
    answers: dict[str, dict[str, str]] = {}
    for name, item in checklist.items():
        says = f"{name}  {item['text'][lang]}"
        said = _prompt(says, lang, console, ["ok", "not_ok", "not_applicable", "q"], ...)
        if said == "q":
            return None
        answers[name] = {"result": said}
        if said == "not_ok" and len(item["hazards"]) > 1:
            for code, text in item["hazards"].items():
                console.print(f"     {code}: {text[lang]}", highlight=False)
            answers[name]["hazard"] = _prompt(
                say(lang, "job.guide.hazard"), lang, console, list(item["hazards"]), ...
            )
    return answers


def _during(
    ask: Ask, number: str, running: Mapping[str, Any], lang: Language, console: Console
) -> bool:
    """A test is running: show it, and take what the technician does. False: they leave."""
    show_now(console, running, lang)
    said = _prompt(say(lang, "job.guide.event", events=", ".join(_EVENTS)), lang, console)
    if said == "q":
        return False
    if said:
        word, _, point = said.partition(" ")
        try:
            ask("order.event", number=number, word=word, instrument="", point=point)
        except CommandRefused as refused:  # a slip of the pen does not end the guiding
            console.print(str(refused), style="yellow", markup=False, highlight=False)
    return True
