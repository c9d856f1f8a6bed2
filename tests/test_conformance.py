"""Every built-in is what it claims to be, and `gashub conformance` sees what it looks for."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from hub.conformance import Options, Result, examine
from hub.conformance.examining import CHECKS, NO_GOLD, described
from hub.conformance.table import as_rows, show, show_checks
from hub.errors import ConfigError
from hub.golden import PROVENANCES, golden_cases
from hub.pages import LEVELS, claimed_level
from hub.registry import built_in_plugins
from hub.samples import PLUGINS
from tests.planting import planted

AT_ONCE = 6
"""Examinations: nearly all of their time they wait for a pty."""
PLANTED = tomllib.loads(Path(__file__).with_name("planted.toml").read_text())["fault"]

Waiting = Mapping[str, Future[Any]]


def name_of(fault: Mapping[str, Any]) -> str:
    return f"{fault['kind']}: {fault['missing']}"


@pytest.fixture(scope="module")
def examined(request: pytest.FixtureRequest) -> Iterator[Waiting]:
    """What this run examines, by plugin or planted fault, begun all together."""
    jobs: dict[str, Future[Any]] = {}
    with (
        pytest.MonkeyPatch.context() as patch,
        ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn")) as pool,
    ):
        patch.syspath_prepend(PLUGINS.parent)  # whence a new process has this very package
        for item in request.session.items:
            asked = getattr(getattr(item, "callspec", None), "params", {})
            if getattr(item, "module", None) is not request.module:
                continue
            if plugin := asked.get("plugin"):
                jobs[plugin] = pool.submit(examine, plugin, Options(tests=False))
            if fault := asked.get("fault"):
                jobs[name_of(fault)] = pool.submit(planted, fault["kind"], fault.get("change", []))
        yield jobs


@pytest.mark.timeout(900)
@pytest.mark.parametrize("plugin", built_in_plugins())
def test_every_built_in_is_what_its_readme_claims_and_at_least_silver(
    examined: Waiting, plugin: str
) -> None:
    """The gate for all built-in plugins; `gashub conformance --all` shows the same as a table."""
    for result in examined[plugin].result():
        assert result.level in ("silver", "gold"), result.missing
        assert result.enough(silver=True), f"claims {result.claimed}: {result.missing}"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", PLANTED, ids=name_of)
def test_a_planted_fault_is_found_where_it_belongs(
    examined: Waiting, fault: dict[str, Any]
) -> None:
    """The level below is reached, and the first thing that is missing is the planted one."""
    result = examined[name_of(fault)].result()
    assert result.missing.startswith(fault["missing"]), result
    assert LEVELS.index(result.level) == LEVELS.index(fault["level"]) - 1


@pytest.mark.timeout(300)
def test_gold_can_be_reached() -> None:
    """With a capture, ten thousand bent messages and ten seconds among faults."""
    result = planted("serial-poll", [], Options(fuzz=10_000, soak_s=10), capture=True)
    assert (result.level, result.missing) == ("gold", "")
    fuzz, soak = result.counted
    assert re.match(r"fuzzed: \d+ of 100\d\d bent messages became false readings; odds of ", fuzz)
    assert re.match(r"soaked: \d+ faults in 10 s: no false reading", soak)


@pytest.mark.timeout(300)
def test_a_capture_alone_is_not_gold() -> None:
    result = planted("serial-poll", [], capture=True)
    assert (result.level, result.missing[:19]) == ("silver", "fuzzed: not fuzzed:")
    assert result.counted == ()


@pytest.mark.timeout(300)
def test_who_asks_for_fuzz_and_soak_is_told_whatever_else_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No capture, so no gold; the figures are in the table and in the JSON all the same."""
    result = planted("serial-poll", [], Options(fuzz=2_000, soak_s=1, tests=False))
    assert (result.level, result.missing[:9]) == ("silver", "captured:")
    fuzz, soak = result.counted
    assert re.match(r"fuzzed: \d of 20\d\d bent messages became false readings; .* gold asks", fuzz)
    assert re.match(r"soaked: \d+ faults in 1 s: .*; gold asks for 10 s", soak)
    assert as_rows([result])[0]["counted"] == result.counted
    show([result])
    said = capsys.readouterr().out
    assert fuzz in " ".join(said.split())


def test_the_table_fits_a_hundred_columns_and_loses_no_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is missing stands in the last column, and brackets in it are no markup."""
    missing = f"golden replayed: got [/bold] {'a long sentence ' * 20}end"
    show([Result("acme.my_gauge", "my_gauge", "instrument", "bronze", "silver", missing, 7)])
    show_checks()
    said = capsys.readouterr().out
    assert max(len(line) for line in said.splitlines()) <= 100
    head, row, *more = said.partition("sort ")[0].splitlines()
    assert head.split() == ["plugin", "kind", "bronze", "silver", "gold", "claims", "lacks"]
    assert row.split()[:6] == ["acme.my_gauge", "my_gauge", "yes", "no", "-", "silver"]
    told = [line[head.index("lacks") :] for line in (row, *more)]
    assert " ".join(" ".join(told).split()) == missing


def test_no_built_in_can_have_gold_or_claims_it() -> None:
    """Nobody has heard a real device yet: no golden case says that it is a capture."""
    for plugin in built_in_plugins():
        folder = PLUGINS / plugin
        assert claimed_level((folder / "README.md").read_text(encoding="utf-8")) == "silver", plugin
        if (folder / "golden.json").is_file():
            assert {c["provenance"] for c in golden_cases(folder)} <= set(PROVENANCES) - {"capture"}


def test_what_cannot_be_asked_is_told_and_is_no_pass(examined: Waiting) -> None:
    """A person has no wire and a folder gives no answers; a procedure and a sink are no device."""
    for plugin, reasons in NOT_ASKED.items():
        asked = examined.get(plugin)  # by the test of all built-ins, if that is run as well
        (result,) = asked.result() if asked else examine(plugin, Options(tests=False))
        assert (result.level, result.beside) == ("silver", (NO_GOLD, *reasons)), plugin
        checks = [check for level in CHECKS[result.sort].values() for check in level]
        assert result.met == len(checks) - len(reasons)


NOT_ASKED = {
    "manual": ["no wire simulator: a person hands in; what is handed in is bent instead"],
    "import_file": ["no wire simulator: a person hands in; what is handed in is bent instead"],
    "gov_filing": ["rubbish answers: a folder gives no answers"],
    "crm": ["rubbish parcels: the far side judges what it is sent, not the sink"],
    "odata": ["rubbish parcels: the far side judges what it is sent, not the sink"],
    "odoo": ["rubbish parcels: the far side judges what it is sent, not the sink"],
    "tryton": ["rubbish parcels: the far side judges what it is sent, not the sink"],
    "telemetry_mqtt": ["rubbish parcels: the far side judges what it is sent, not the sink"],
}


@pytest.mark.timeout(300)
def test_odds_that_promise_too_much_are_found_by_fuzzing() -> None:
    """One byte of XOR and a second look let a few of a hundred thousand bent lines through."""
    odds = {"file": "simulator.py", "old": "2e-4", "new": "1e-9"}
    result = planted("serial-stream", [odds], Options(fuzz=50_000), capture=True)
    assert re.match(r"fuzzed: [1-9]\d* of 500\d\d bent messages became", result.missing), result
    assert result.counted == (result.missing,)


def test_what_is_asked_for_is_described() -> None:
    """Every check has one sentence for people, and a name of its own within its sort."""
    rows = described()
    assert {row[0] for row in rows} == set(CHECKS)
    assert [row for row in rows if not row[3].endswith(".")] == []
    assert len({row[:3] for row in rows}) == len(rows)


def test_a_plugin_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match='did you mean "keller"'):
        examine("kellr", Options())


def test_the_command_answers_in_json_and_by_its_exit_code() -> None:
    """0 for a built-in that is silver; what an examined link logs is no part of the answer."""
    command = [sys.executable, "-m", "hub", "conformance", "mqtt", "--json"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    (row,) = json.loads(said.stdout)
    assert (row["plugin"], row["level"], row["claimed"]) == ("mqtt", "silver", "silver")
