"""`gashub new-plugin`: what it writes is green from the start, for every kind."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.cli.author import Sort
from hub.errors import CommandRefused
from hub.kit import begin
from hub.kit.begin import TEMPLATES
from hub.registry import import_plugin
from hub.samples import PLUGINS
from hub.simulate.finding import simulator_of
from hub.testing import on_the_wire

ROOT = PLUGINS.parent
BIN = Path(sys.executable).parent
FOLDERS = [sort.value for sort in Sort if sort is not Sort.MODBUS_PROFILE]


def run(home: Path, *argv: str | Path, path: str | None = None, types: Path = ROOT) -> str:
    """What a program says in *home*, where the new package stands. AssertionError when it fails.

    path   where else Python looks for packages; absent: in *home*
    types  the checkout whose types are meant
    """
    said = subprocess.run(
        argv, cwd=home, capture_output=True, text=True, check=False,
        env={
            **os.environ, "PYTHONPATH": str(home) if path is None else path, "MYPYPATH": str(types)
        },
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of somebody's own, with one plugin of each kind in the package `ours`."""
    folder = tmp_path_factory.mktemp("home")
    ruff = (ROOT / "pyproject.toml").read_text().partition("[tool.ruff]")[2].partition("# ---")[0]
    own = '[tool.ruff.lint.isort]\nknown-first-party = ["hub"]\n'
    ruff = ruff.replace("{tests/**,plugins/*/test_plugin.py}", "**/test_plugin.py")
    (folder / "pyproject.toml").write_text(f"[tool.ruff]{ruff}\n{own}")
    for kind in FOLDERS:
        argv = ["new-plugin", named(kind), "--kind", kind, "--into", str(folder / "ours")]
        run(folder, BIN / "gashub", *argv)
    return folder


def named(kind: str) -> str:
    """As long as a name may be: lines must not become too long by it."""
    return f"{kind.replace('-', '_')}_{'x' * 24}"[:24]


def test_every_kind_has_its_template() -> None:
    assert {path.name for path in TEMPLATES.iterdir()} == {s.value.replace("-", "_") for s in Sort}


def test_no_word_of_a_template_is_left_in_what_is_written(home: Path) -> None:
    texts = [path.read_text() for path in (home / "ours").rglob("*.*") if "__pyc" not in str(path)]
    assert len(texts) > 6 * len(FOLDERS)
    assert [text for text in texts if "{{" in text] == []


def test_what_is_written_passes_its_own_tests(home: Path) -> None:
    said = run(home, sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "ours")
    assert int(re.findall(r"(\d+) passed", said)[0]) > 50


def test_what_is_written_is_clean(home: Path) -> None:
    """By the rules of this repository: ruff's, in lint and in form, and mypy's strictest."""
    run(home, BIN / "ruff", "check", "ours")
    run(home, BIN / "ruff", "format", "--check", "ours")
    run(home, BIN / "mypy", "--strict", "--config-file", ROOT / "pyproject.toml", "ours")


@pytest.mark.parametrize("kind", FOLDERS)
def test_what_is_written_is_silver(home: Path, kind: str) -> None:
    """As its README says; `gashub conformance` exits 0 only then."""
    said = run(home, BIN / "gashub", "conformance", "--json", f"ours.{named(kind)}")
    assert '"level": "silver"' in said
    assert '"claimed": "silver"' in said


@pytest.mark.parametrize("kind", FOLDERS)
def test_what_is_written_stands_in_a_gateways_config(home: Path, kind: str, tmp_path: Path) -> None:
    """Its sample, pasted as it is, is a config that `gashub check` takes."""
    plugin = f"ours.{named(kind)}"
    sample = home / "ours" / named(kind) / "sample.toml"
    assert sample.is_file() == (kind != "procedure")
    (tmp_path / "gateway.toml").write_text(
        f'[hub]\ngateway = "gw"\nstate_dir = "{tmp_path}"\nplugins = ["{plugin}"]\n'
        + (sample.read_text() if sample.is_file() else "")
    )
    (tmp_path / "filings").mkdir()
    assert "gateway.toml: good" in run(home, BIN / "gashub", "check", tmp_path / "gateway.toml")


def test_an_own_plugins_sample_and_readme_follow_its_settings(home: Path) -> None:
    """`gashub samples ours.NAME --write` does for it what it does for the built-in ones."""
    folder = home / "ours" / named("serial-poll")
    written = {name: (folder / name).read_text() for name in ("sample.toml", "README.md")}
    for name, text in written.items():
        (folder / name).write_text(text.replace("confirm_over", "gone"))
        assert "confirm_over" in text
    said = run(home, BIN / "gashub", "samples", f"ours.{folder.name}", "--write").splitlines()
    assert said == [str(folder / "sample.toml"), str(folder / "README.md"), said[-1]]
    assert said[-1] == "2 written, 0 unchanged"
    again = run(home, BIN / "gashub", "samples", f"ours.{folder.name}", "--write")
    assert again == "0 written, 2 unchanged\n"
    assert "`confirm_over`" in (folder / "README.md").read_text()
    assert (folder / "sample.toml").read_text() == written["sample.toml"]
    (folder / "README.md").write_text(written["README.md"])


def test_the_next_steps_are_commands_that_work(tmp_path: Path) -> None:
    """As somebody would paste them, from another folder, with nothing set up before."""
    argv = [
        "new-plugin",
        "my_laser",
        "--kind",
        "serial-stream",
        "--into",
        str(tmp_path / "a" / "b"),
    ]
    said = run(tmp_path, BIN / "gashub", *argv, path="")
    steps = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    assert f"export PYTHONPATH={tmp_path / 'a'}" in steps
    assert "gashub conformance b.my_laser" in steps
    written = next(step for step in steps if step.startswith("gashub samples"))
    tests = next(step for step in steps if "-m pytest" in step)
    program = f"export PYTHONPATH={tmp_path / 'a'}\n{BIN}/{written}\n{tests}"
    assert re.search(r"\d+ passed", run(tmp_path, "sh", "-c", program, path=""))


@pytest.mark.parametrize("kind", FOLDERS)
def test_the_next_steps_name_every_file_in_the_order_of_contributing(
    kind: str, tmp_path: Path
) -> None:
    said = run(tmp_path, BIN / "gashub", "new-plugin", "mine", "--kind", kind, "--into", "ours")
    told = re.findall(r"^  \d\. (\S+): ", said, re.MULTILINE)
    written = [line.rpartition("/")[2] for line in said.splitlines() if line.startswith("/")]
    assert sorted(told) == sorted(written)
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    order = re.findall(r"^\| `(\w+\.\w+)` \| ", page, re.MULTILINE)
    own = {"sink.py": "driver.py", "procedure.py": "driver.py"}
    known = [own.get(name, name) for name in told]
    assert known == sorted(known, key=order.index)


def test_a_package_inside_another_has_its_whole_name(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "__init__.py").touch()
    argv = ["new-plugin", "my_sink", "--kind", "sink", "--into", str(tmp_path / "acme" / "gas")]
    assert 'plugins = ["acme.gas.my_sink"]' in run(tmp_path, BIN / "gashub", *argv)
    text = (tmp_path / "acme" / "gas" / "my_sink" / "__init__.py").read_text()
    assert "from acme.gas.my_sink.sink import" in text


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with a new built-in plugin of each kind, and a shipped profile."""
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", "cases", "found")
    for top in ("hub", "plugins", "config", "docs", "tests"):
        shutil.copytree(ROOT / top, folder / top, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for kind in Sort:
        own(folder, "new-plugin", named(kind.value), "--kind", kind.value)
    own(folder, "samples", "--write")
    return folder


def own(checkout: Path, *argv: str) -> str:
    """What the checkout's own `gashub` says: the installed one imports another folder's."""
    program = "from hub.__main__ import main; import sys; sys.argv[0] = 'gashub'; main()"
    return run(checkout, sys.executable, "-c", program, *argv, types=checkout)


def test_a_built_in_goes_beside_the_others(checkout: Path) -> None:
    """It is found by its short name, is in the pages that name all, and can be simulated."""
    for kind in FOLDERS:
        assert (checkout / "plugins" / named(kind) / "__init__.py").is_file()
    assert named("serial-poll") in (checkout / "docs" / "instruments.md").read_text()
    assert f'kind = "{named("sink")}"' in (checkout / "config" / "gateway.toml").read_text()
    assert "over_range, unit, identity, model" in own(
        checkout, "simulate", named("serial-poll"), "--help"
    )
    said = own(checkout, "conformance", "--json", named("procedure"), named("sink"))
    assert said.count('"level": "silver"') == 2


def test_the_repository_stays_green_with_it(checkout: Path) -> None:
    """The contract of the built-ins, and the rules of lint and types."""
    run(checkout, sys.executable, "-m", "pytest", "-q", "tests/test_contract.py", types=checkout)
    new = [f"plugins/{named(kind)}" for kind in FOLDERS]
    run(checkout, BIN / "ruff", "check", *new)
    run(checkout, BIN / "ruff", "format", "--check", *new)


def test_a_modbus_instrument_needs_only_a_profile(tmp_path: Path) -> None:
    """The driver takes the new profile, and its simulator plays it."""
    begun = begin("my_tx", "modbus-profile", tmp_path)
    (path,) = begun.files
    assert str(path) in begun.next_steps
    (kind,) = import_plugin("modbus").register_drivers()
    kind.settings.model_validate({"address": 1, "profile": str(path)})
    config = begun.next_steps.partition("config:")[2].partition("Check")[0]
    own = f'[hub]\ngateway = "gw"\nstate_dir = "{tmp_path}"'
    (tmp_path / "gateway.toml").write_text(config.replace("[hub]", own))
    run(tmp_path, BIN / "gashub", "check", "gateway.toml")
    with on_the_wire(simulator_of("modbus"), f"profile={path}") as wire:
        assert wire.instruments[0].device.sense == "pressure"


REFUSED = {
    "MyGauge": "small letters.*: my_gauge",
    "my-gauge": "small letters.*: my_gauge",
    "1st": "small letters",
    "x": "small letters",
    "": "small letters",
    "a" * 25: "small letters",
    "../evil": "small letters",
    "class": "word of Python's; say more: class_gauge",
    "json": "module of Python's; say more: json_gauge",
    "modbus": "gashub's own.*modbus_2",
    "riser_hold": "gashub's own",
    "hub": "gashub's own",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path) -> None:
    """In one sentence, with a name that would do; nothing is written."""
    with pytest.raises(CommandRefused, match=REFUSED[name]) as refusal:
        begin(name, "sink", tmp_path / "ours")
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["no-package", "class", "json", "pydantic", "hub", "plugins"])
def test_a_folder_that_cannot_be_its_package_is_refused(folder: str, tmp_path: Path) -> None:
    """Neither one that Python cannot name, nor one that stands in the way of another package."""
    with pytest.raises(CommandRefused, match=r"take another folder: \w+_plugins"):
        begin("mine", "sink", tmp_path / folder)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_ever_written_over(tmp_path: Path) -> None:
    begin("tx", "modbus-profile", tmp_path)
    with pytest.raises(CommandRefused, match="there already"):
        begin("tx", "modbus-profile", tmp_path)
    (tmp_path / "ours" / "mine").mkdir(parents=True)
    with pytest.raises(CommandRefused, match="there already"):
        begin("mine", "sink", tmp_path / "ours")
    assert list((tmp_path / "ours" / "mine").iterdir()) == []
    with pytest.raises(CommandRefused, match="there already"):
        begin("keller", "serial-poll")
    with pytest.raises(CommandRefused, match="an instrument that has none"):
        begin("plain", "modbus-profile", tmp_path)


@pytest.mark.parametrize("kind", ["sink", "modbus-profile"])
def test_a_place_that_cannot_be_written_is_said_so(kind: str, tmp_path: Path) -> None:
    """Under a file there is no folder, whoever asks: modes of folders mean nothing to root."""
    (tmp_path / "file").touch()
    for into in (tmp_path / "file", tmp_path / "file" / "ours"):
        with pytest.raises(CommandRefused, match=r"cannot be written \(.*--into"):
            begin("mine", kind, into)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    """The larger files do not fit; those before them, and the folders made for them, are gone."""
    (tmp_path / "a").mkdir()
    gashub = f"ulimit -f 2; {BIN}/gashub new-plugin mine --kind serial-poll --into a/b/ours"
    said = subprocess.run(
        ["bash", "-c", gashub], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert said.returncode == 2
    assert re.fullmatch(r".*mine: cannot be written \(File too large\).*\n", said.stderr)
    assert list((tmp_path / "a").iterdir()) == []


def test_an_installed_hub_wants_a_folder_of_ones_own(tmp_path: Path) -> None:
    """Beside no checkout there is no place for built-in plugins: site-packages is not one."""
    for top in ("hub", "plugins"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / top, tmp_path / top, ignore=ignored)
    with pytest.raises(AssertionError, match=r"is installed and no checkout.*--into"):
        own(tmp_path, "new-plugin", "my_gauge", "--kind", "serial-poll")
    assert not (tmp_path / "plugins" / "my_gauge").exists()


def test_help_names_every_kind() -> None:
    said = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["new-plugin", "--help"]).output
    assert all(sort.value in said for sort in Sort)
