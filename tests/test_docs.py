"""What is written for people agrees with the program."""

import ast
import importlib
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import hub
from hub import Gauge, GaugeSettings, hookspecs
from hub.attempt import POINT
from hub.cli import main as cli
from hub.commands import Commands
from hub.config import HubSettings, InstrumentFacts, LineSettings, LogSettings
from hub.conformance.truth import POINTS
from hub.conformance.wire import NUMBERLESS
from hub.filing.door import FILING_COMMANDS
from hub.foreman.commands import JobCommands
from hub.foreman.door import COMMANDS
from hub.kit import begin
from hub.once import ONCE_COMMANDS
from hub.pages import CATALOGUE, all_readmes, catalogue
from hub.procedures.case import CLOSE, EVENTS
from hub.register_commands import REGISTER_COMMANDS
from hub.second import SECOND_COMMANDS
from hub.simulate import OWN_FAULTS
from hub.units import AMBIGUOUS, UNITS
from hub.version import VERSION

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
HOOKS = {
    name: list(inspect.signature(made).parameters)
    for name, made in vars(hookspecs).items()
    if hasattr(made, "gashub_spec")
}
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "systemd/*.md", "plugins/*/*.md", "config/*.md")
    for path in ROOT.glob(pattern)
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("hook", sorted(HOOKS))
def test_every_hook_is_in_contributing_with_its_arguments(hook: str) -> None:
    """Under a heading of its own that shows how it is called."""
    assert f"### `{hook}({', '.join(HOOKS[hook])})`\n" in read("CONTRIBUTING.md")


def test_contributing_knows_no_hook_that_is_not_there() -> None:
    assert set(re.findall(r"^### `(\w+)\(", read("CONTRIBUTING.md"), re.MULTILINE)) == set(HOOKS)


@pytest.mark.parametrize("model", [HubSettings, LogSettings, InstrumentFacts, LineSettings])
def test_every_key_of_the_configuration_is_in_the_commented_one(model: type[BaseModel]) -> None:
    """config/gateway.toml shows each key, live or commented out, and says what it is for."""
    text = read("config/gateway.toml")
    shown = set(re.findall(r"^(?:# )*(\w+) = ", text, re.MULTILINE))
    shown |= set(re.findall(r"^(?:# )*\[\[\w+\.(\w+)\]\]", text, re.MULTILINE))

    assert set(model.model_fields) - shown == set()
    for name, field in model.model_fields.items():
        assert field.description, f"{model.__name__}.{name} has no description"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_the_pages_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if not re.match(r"[a-z]+:", link)]

    assert [link for link in inside if not (page.parent / link).exists()] == []


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked example of CONTRIBUTING: what `new-plugin` writes, and its files in their place.

    It stands in a package of its own, so that nothing is added to the repository.
    """
    home = tmp_path_factory.mktemp("example")
    begin("dp20", "serial-poll", home / "worked")
    for name, text in worked_example().items():
        ours = text.replace("plugins.dp20", "worked.dp20")
        (home / "worked" / "dp20" / name).write_text(ours, encoding="utf-8")
    page = home / "worked" / "dp20" / "README.md"
    said = page.read_text(encoding="utf-8")
    page.write_text(said.replace("Nothing: the protocol is made up.", "No DP20 was heard here."))
    shell(home, BIN / "gashub", "samples", "worked.dp20", "--write")
    return home


def worked_example() -> dict[str, str]:
    """File name -> content, of each block under a line that is nothing but a file's name."""
    blocks = re.findall(
        r"^`(\w+\.\w+)`\n\n```\w+\n(.*?)^```", read("CONTRIBUTING.md"), re.MULTILINE | re.DOTALL
    )
    return dict(blocks)


def shell(home: Path, *argv: str | Path) -> str:
    """What a program says in *home*. AssertionError when it fails."""
    said = subprocess.run(
        argv, cwd=home, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(home), "MYPYPATH": str(ROOT)},
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


def test_the_catalogue_is_what_the_plugins_say() -> None:
    """`gashub samples --write` leaves no difference, in it and in the READMEs' tables."""
    assert CATALOGUE.read_text(encoding="utf-8") == catalogue()
    assert [str(path) for path, text in all_readmes() if path.read_text("utf-8") != text] == []


def test_the_worked_example_has_every_file_that_an_author_writes() -> None:
    assert set(worked_example()) == {
        "__init__.py", "settings.py", "driver.py", "simulator.py", "golden.json", "test_plugin.py"
    }  # fmt: skip


def test_the_worked_example_is_a_silver_driver(example: Path) -> None:
    """Typed off the page, as it stands there."""
    said = json.loads(shell(example, BIN / "gashub", "conformance", "--json", "worked.dp20"))
    assert [(row["kind"], row["level"]) for row in said] == [("dp20", "silver")]


def test_the_worked_examples_own_tests_pass_and_it_is_clean(example: Path) -> None:
    """By the rules of this repository."""
    argv = ["-m", "pytest", "-q", "--import-mode=importlib", "worked"]
    assert re.search(r"\d\d passed", shell(example, sys.executable, *argv))
    rules = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ruff = rules.partition("[tool.ruff]")[2].partition("# ---")[0]
    own = '[tool.ruff.lint.isort]\nknown-first-party = ["hub", "worked"]\n'
    ruff = ruff.replace("{tests/**,plugins/*/test_plugin.py}", "**/test_plugin.py")
    (example / "pyproject.toml").write_text(f"[tool.ruff]{ruff}\n{own}")
    shell(example, BIN / "ruff", "check", "worked")
    shell(example, BIN / "ruff", "format", "--check", "worked")
    shell(example, BIN / "mypy", "--strict", "--config-file", ROOT / "pyproject.toml", "worked")


def test_the_worked_example_is_the_sheet() -> None:
    """Each frame that the sheet prints is a golden frame, and has the check that the sheet says."""
    sheet = "\n".join(re.findall(r"^> ?(.*)$", read("CONTRIBUTING.md"), re.MULTILINE))
    frames = re.findall(r"`(\$((?:SN|RD)[^*`]*)\*([0-9A-F]{2}))`", sheet)

    assert len(frames) == 5
    for frame, body, check in frames:
        assert f"{reduce(xor, body.encode()):02X}" == check
        assert f'{frame}\\r\\n"' in worked_example()["golden.json"]


def test_contributing_invents_nothing_of_the_hub() -> None:
    """Every `hub.NAME` in it is there, and every word that it has of the front door."""
    text = read("CONTRIBUTING.md").replace("`hub.plugins`", "")  # a key of the configuration
    for module, name in set(re.findall(r"`(hub(?:\.testing|\.simulate)?)\.([A-Za-z]\w+)`", text)):
        assert (
            hasattr(importlib.import_module(module), name)
            or name in hub.__all__
            or (importlib.util.find_spec(f"{module}.{name}"))
        ), f"{module}.{name}"
    said = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", text))
    assert said - {*hub.__all__} == set()


def table_of(heading: str) -> list[list[str]]:
    """The rows of CONTRIBUTING's table whose first column is called *heading*."""
    page = read("CONTRIBUTING.md")
    rows = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert rows, heading
    return [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in rows[1].splitlines()]


def test_the_table_of_units_is_that_of_the_hub() -> None:
    """Every unit that is taken, with its quantities; every one that is refused, with the reason."""
    taken: dict[str, set[str]] = {quantity: set() for quantity in UNITS}
    refused = {}
    for spellings, quantities, remark in table_of("hub spelling"):
        units = re.findall(r"`([^`]+)`", spellings)
        if remark.startswith("refused always: "):
            assert quantities == "pressure, barometer"
            refused |= dict.fromkeys(units, remark.removeprefix("refused always: "))
        else:
            for quantity in quantities.split(", "):
                taken[quantity].update(units)
    assert taken == {quantity: set(units) for quantity, units in UNITS.items()}
    assert refused.keys() == AMBIGUOUS.keys()
    assert [unit for unit, why in AMBIGUOUS.items() if not refused[unit].startswith(why)] == []
    assert f"{UNITS['pressure']['mmHg'].factor} Pa" in read("CONTRIBUTING.md")


def test_the_table_of_own_faults_is_that_of_the_simulators() -> None:
    """Word for word; and what is said to come under each is what conformance asks for."""
    assert {word.strip("`"): text for word, text in table_of("own fault")} == OWN_FAULTS
    assert set(OWN_FAULTS) - NUMBERLESS == {"unit", "restart", "identity"}


def test_the_values_that_conformance_senses_are_those_of_contributing() -> None:
    shown = [f"{', '.join(rest)} and {last}" for *rest, last in POINTS.values()]
    page = read("CONTRIBUTING.md")
    assert [text for text in shown if text not in page] == []


def test_what_a_gauge_has_for_its_subclass_is_in_contributing() -> None:
    """Its members and settings; what it does by itself is not for a subclass to care about."""
    named = {word for cells in table_of("of `Gauge`") for word in re.findall(r"`(\w+)", cells[0])}
    own = {name for name in vars(Gauge) if not name.startswith("_")}
    by_itself = {"poll_every_s", "stale_after_s", "reset", "read", "look", "read_again"}
    assert named == own - by_itself - {"by_memory"} | {"name", "serial", "settings"}
    assert [f for f in GaugeSettings.model_fields if f"`{f}`" not in read("CONTRIBUTING.md")] == []


def test_what_is_refused_for_its_unit_says_what_contributing_shows(example: Path) -> None:
    """The dead letters of the worked example: with a setting that would vouch, and without one."""
    program = (
        "from worked.dp20.driver import _unknown as said; print(said('MMH2O')); print(said('INHG'))"
    )
    for line in shell(example, sys.executable, "-c", program).splitlines():
        assert f"`{line}`" in read("CONTRIBUTING.md")


PLUGIN_FOLDERS = sorted(path.parent.name for path in ROOT.glob("plugins/*/__init__.py"))


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_every_built_in_plugin_is_in_the_readmes_table(page: str) -> None:
    """Once each, and no other."""
    rows = re.findall(r"^\| \[(\w+)\]\(plugins/(\w+)/README\.md\)", read(page), re.MULTILINE)
    assert sorted(name for name, _ in rows) == PLUGIN_FOLDERS
    assert all(name == folder for name, folder in rows)


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_every_command_for_people_is_in_the_readmes(page: str) -> None:
    """Of each group of commands at least one."""
    text = read(page)
    words = {command.split()[0] for command in command_tree()}
    assert sorted(word for word in words if f"gashub {word}" not in text) == []


def outline(text: str) -> list[tuple[int, int, int]]:
    """Each section: depth of its heading, table rows in it, code blocks in it."""
    sections = []
    for heading, body in re.findall(r"^(#+) .*\n((?:(?!^#+ ).*\n?)*)", text, re.MULTILINE):
        rows = len(re.findall(r"^\|", body, re.MULTILINE))
        sections.append((len(heading), rows, body.count("```")))
    return sections


def without_code(text: str) -> str:
    """Shell comments begin as headings do."""
    return re.sub(r"^(```\w*\n)(?:.*\n)*?(```)$", r"\1\2", text, flags=re.MULTILINE)


def test_both_readmes_have_the_same_sections() -> None:
    """As many headings of the same depth, table rows and code blocks, in the same order."""
    english = outline(without_code(read("README.md")))
    chinese = outline(without_code(read("README.zh-CN.md")))

    assert len(english) > 5
    assert english == chinese


def test_both_readmes_show_the_same_commands() -> None:
    """Code blocks differ in their comments only."""

    def commands(text: str) -> list[str]:
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
        return [line for line in lines if line]

    assert commands(read("README.md")) == commands(read("README.zh-CN.md"))


def command_tree() -> set[str]:
    groups = {"": cli.app, **{g.name or "": g.typer_instance for g in cli.app.registered_groups}}
    return {
        f"{group} {command.name or command.callback.__name__}".strip()
        for group, app in groups.items()
        if app is not None
        for command in app.registered_commands
        if command.callback is not None
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_gashub_command_in_the_pages_exists(page: Path) -> None:
    """In code, `gashub WORD` or `gashub WORD WORD` is a command of the program."""
    known = command_tree()
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"`([^`\n]+)`", text)
    code += re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    said = set(
        re.findall(r"(?:^|(?<!-u)[ /])gashub ([a-z-]+)( [a-z]+)?", "\n".join(code), re.MULTILINE)
    )

    groups = {command.split()[0] for command in known if " " in command}
    bad = [
        first + then
        for first, then in said
        if first not in known and not (first in groups and (not then or first + then in known))
    ]
    assert bad == []


def test_every_command_of_the_socket_is_documented() -> None:
    """docs/socket.md has a row for each command that the hub answers, and no other."""
    nothing: Any = None
    table = {*Commands(nothing, nothing, nothing, nothing, nothing, dict).table(), *COMMANDS}
    table |= {*SECOND_COMMANDS, *REGISTER_COMMANDS, *ONCE_COMMANDS, *FILING_COMMANDS}
    jobs = JobCommands(nothing, Path(), nothing, nothing, nothing).table()
    assert list(jobs) == list(COMMANDS)
    rows = set(re.findall(r"^\| `([a-z]+(?:\.[a-z]+)?)` \| ", read("docs/socket.md"), re.MULTILINE))

    assert rows - {"do"} == table


def test_every_json_in_the_judge_contract_is_json() -> None:
    """What is shown of an order can be copied into one."""
    shown = re.findall(r"`(\{[^`]*\})`", read("docs/judge.md"))

    assert len(shown) >= 3
    for text in shown:
        json.loads(text)


def test_every_word_of_an_event_is_in_the_help_of_the_command() -> None:
    words = set(re.findall(r"[a-z_]{3,}", cli.WORDS))

    assert {*EVENTS, CLOSE, POINT} <= words


def log_events() -> set[str]:
    """The names of all events that the hub logs in the field."""
    events = set()
    for path in (ROOT / "hub").rglob("*.py"):
        if {"demo", "simulate"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and re.fullmatch(r"log\.(?!bind)\w+", ast.unparse(node.func))
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                events.add(str(node.args[0].value))
    return events


def test_every_event_of_the_log_is_explained_to_operators() -> None:
    text = read("docs/operator.md")

    assert "store_refuses" in log_events()
    assert sorted(event for event in log_events() if f"`{event}`" not in text) == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = re.findall(r"^## (\d+)\. ", read("DECISIONS.md"), re.MULTILINE)

    assert [int(number) for number in numbers] == list(range(1, len(numbers) + 1))


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]

    assert f"## {version}\n" in read("CHANGELOG.md")
    assert version == VERSION
