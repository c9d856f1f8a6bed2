"""The repository keeps its own promises: pins, contracts, house rules, no traces of a machine."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LONGEST_MODULE = 400
LONGEST_ALONE = 450
"""A program of the contract kit is one file, for people who have nothing of ours."""
API = {
    *("anyio", "click", "et-xmlfile", "fastapi", "h11", "idna", "openpyxl", "opentelemetry-api"),
    *("starlette", "uvicorn"),
}
"""What the extra `api` brings."""
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)")


def pins(name: str) -> dict[str, str]:
    """Package -> version of one file under requirements/."""
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return {pin[1]: pin[2] for line in lines if (pin := PIN.match(line))}


def production() -> list[Path]:
    """Every module that runs at a customer's."""
    return [
        path
        for top in ("hub", "plugins")
        for path in sorted((ROOT / top).rglob("*.py"))
        if path.name != "test_plugin.py"
    ]


def tracked() -> list[Path]:
    """Every file of the repository that holds text of ours."""
    skipped = {"mutants", "build", "dist", "out", "__pycache__", "demo-out"}
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in skipped
            and not name.endswith(".egg-info")
            and (name == ".ci" or not name.startswith("."))
        ]
        found += [Path(folder, name) for name in files if name != ".git"]  # a worktree's
    return found


# -- pins


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "requirements").glob("*.txt")))
def test_every_requirement_is_pinned_by_hash(name: str) -> None:
    """Each line is a version with at least one SHA-256, and nothing else."""
    text = (ROOT / "requirements" / name).read_text()
    stanzas = re.split(r"\n(?=\S)", text.strip())

    bad = [s for s in stanzas if not (PIN.match(s) and "--hash=sha256:" in s)]
    assert stanzas
    assert bad == []


def test_every_dependency_has_its_pin() -> None:
    """What pyproject.toml asks for is in the pinned files, so that setup cannot add to it."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"]

    def missing(wanted: list[str], pinned: dict[str, str]) -> set[str]:
        return {re.split(r"[<>=!~\[; ]", w)[0].lower() for w in wanted} - set(pinned)

    assert missing(project["dependencies"], pins("runtime.txt")) == set()
    assert missing(extras["sparkplug"], pins("sparkplug.txt")) == set()
    assert missing(extras["pdf"], pins("pdf.txt")) == set()
    assert missing(extras["api"], pins("api.txt")) == set()
    assert missing(extras["filing"], pins("filing.txt")) == set()
    assert missing([each for extra in extras.values() for each in extra], pins("dev.txt")) == set()


def test_tests_run_with_the_versions_that_customers_get() -> None:
    """The development pins contain the runtime pins, version for version, and each extra's."""
    runtime, dev = pins("runtime.txt"), pins("dev.txt")

    brought = {
        "sparkplug": {"protobuf"},
        "pdf": {"typst", "fonttools"},
        "api": API,
        "filing": {"snowland-smx", "asyncssh"},
    }
    for extra, brings in brought.items():
        pinned = pins(f"{extra}.txt")
        assert {name: dev.get(name) for name in pinned} == pinned
        assert {name: pinned.get(name) for name in runtime} == runtime
        assert set(pinned) - set(runtime) == brings, "a gateway without it stays small"


# -- traces


def test_no_file_names_a_package_host_or_a_developers_machine() -> None:
    """Pins come with hashes, not with addresses; paths are those of an installed gateway."""
    hosts = "|".join(
        ["py" + "pi.org", "python" + "hosted", "registry.npm" + "js", "deb.deb" + "ian"]
    )
    homes = "|".join(["/ro" + "ot/", "/wo" + "rk/", "/ho" + "me/"])
    trace = re.compile(rf"{hosts}|{homes}")
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in trace.finditer(text)]

    assert found == []


# -- house rules


def test_no_module_is_longer_than_one_can_read() -> None:
    alone = ROOT / "hub" / "contract" / "files"

    def most(path: Path) -> int:
        return LONGEST_ALONE if path.parent == alone else LONGEST_MODULE

    long = {str(p): n for p in production() if (n := p.read_text().count("\n")) > most(p)}

    assert long == {}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rsplit(".", 1)[-1], node


def test_no_queue_is_unbounded() -> None:
    """A queue of ours has a limit, and says what happens at it."""
    found = []
    for path in production():
        for name, call in calls(path):
            bounds = [*call.args, *(k.value for k in call.keywords if k.arg == "maxsize")]
            if name == "SimpleQueue" or (
                name in ("Queue", "LifoQueue", "PriorityQueue") and not bounds
            ):
                found.append(f"{path}:{call.lineno}")

    assert found == []


def test_every_thread_has_a_name_and_none_is_a_daemon() -> None:
    """Threads are named for what they own and are joined at stop."""
    found = []
    for path in production():
        for name, call in calls(path):
            given = {k.arg: ast.unparse(k.value) for k in call.keywords}
            if name == "Thread" and (
                "name" not in given or given.get("daemon", "False") != "False"
            ):
                found.append(f"{path}:{call.lineno}")

    assert found == []


@pytest.mark.parametrize(
    ("where", "code", "rule"),
    [
        ("hub", "import time\ntime.sleep(1)\n", "TID251"),
        ("plugins", "from time import sleep\nsleep(1)\n", "TID251"),
        ("tests", "import time\ntime.sleep(1)\n", "TID251"),
        ("hub", "print(1)\n", "T201"),
        ("hub", "try:\n    x = 1\nexcept Exception:\n    x = 2\n", "BLE001"),
        ("hub", "x: int = 'a'  # type: ignore\n", "PGH003"),
        ("hub", "# x = f(y)\n", "ERA001"),
    ],
)
def test_a_broken_house_rule_is_seen_by_lint(where: str, code: str, rule: str) -> None:
    """Each rule that lint stands for does fail when it is broken."""
    said = subprocess.run(
        [BIN / "ruff", "check", "--stdin-filename", ROOT / where / "planted.py", "-"],
        input=code, capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip

    assert rule in said.stdout


# -- import contracts


def contracts(tree: Path) -> str:
    said = subprocess.run(
        [BIN / "lint-imports", "--no-cache"],
        cwd=tree, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tree)},
    )  # fmt: skip
    return said.stdout + said.stderr


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages, to break contracts in."""
    copy = tmp_path_factory.mktemp("tree")
    for top in ("hub", "plugins"):
        shutil.copytree(ROOT / top, copy / top, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


BREACHES = [
    ("hub/bus.py", "import plugins.crm", "The hub never imports a plugin"),
    ("plugins/crm/sink.py", "import plugins.gov_filing", "Plugins never import each other"),
    ("plugins/crm/sink.py", "import hub.ledger", "Plugins enter by the front door"),
    ("plugins/crm/sink.py", "import hub.testing", "The test bench stays out of production code"),
    ("hub/bus.py", "import hub.testing", "Inside the hub, arrows point down"),
    ("hub/procedures/__init__.py", "import time", "Procedures and jobs are pure"),
    ("hub/procedures/__init__.py", "import hub.ledger", "Procedures and jobs are pure"),
    ("hub/app.py", "import hub.records", "Inside the hub, arrows point down"),
    ("hub/app.py", "import hub.api", "Inside the hub, arrows point down"),
    ("hub/clock.py", "import hub.desk", "Inside the hub, arrows point down"),
    ("hub/ledger/__init__.py", "import hub.judging", "Inside the hub, arrows point down"),
]


@pytest.mark.parametrize(("where", "line", "contract"), BREACHES)
def test_a_broken_import_contract_is_seen(tree: Path, where: str, line: str, contract: str) -> None:
    """Each contract is broken once on purpose, and says so by its name."""
    module = tree / where
    whole = module.read_text()
    module.write_text(f"{whole}\n{line}\n")
    try:
        said = contracts(tree)
    finally:
        module.write_text(whole)

    assert f"{contract} BROKEN" in said


def test_the_import_contracts_hold(tree: Path) -> None:
    said = contracts(tree)

    assert " 0 broken" in said
    assert [contract for *_, contract in BREACHES if f"{contract} KEPT" not in said] == []


# -- what CI runs


def test_ci_stops_at_the_first_failure() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert "\nset -euo pipefail\n" in script.read_text()
    subprocess.run(["bash", "-n", script], check=True)


def test_the_changelog_knows_this_version() -> None:
    assert f"## {PROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_whole() -> None:
    """Apache 2.0 from its title to the end of its appendix."""
    text = (ROOT / "LICENSE").read_text()

    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert text.rstrip().endswith("limitations under the License.")
