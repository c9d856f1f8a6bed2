"""Every built-in plugin keeps the contract: the same files, a true sample, a door of its own."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import hub
from hub.config import check_settings, load_config
from hub.registry import Registry
from hub.samples import GATEWAY, PLUGINS, all_samples, gateway_config

FOLDERS = sorted(p.name for p in PLUGINS.iterdir() if (p / "__init__.py").is_file())
SAMPLES = {path.parent.name: (path, text) for path, text in all_samples()}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_plugin_is_a_folder_with_the_same_six_files(name: str) -> None:
    """A newcomer finds the same names everywhere; a procedure has no settings."""
    folder = PLUGINS / name
    has = {p.name for p in folder.iterdir()}

    assert {"__init__.py", "test_plugin.py", "README.md"} <= has
    assert has & {"driver.py", "sink.py", "follower.py", "procedure.py"}
    if "procedure.py" not in has:
        assert {"settings.py", "sample.toml"} <= has


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_sample_is_what_the_settings_say(name: str) -> None:
    """`gashub samples --write` leaves no difference."""
    path, text = SAMPLES[name]

    assert path.read_text(encoding="utf-8") == text


def test_the_gateways_sample_is_what_the_settings_say(tmp_path: Path) -> None:
    """config/gateway.toml is current, and is a config that loads as it stands."""
    text = gateway_config()

    assert GATEWAY.read_text(encoding="utf-8") == text
    assert load_config(GATEWAY).hub.gateway == "gw-0001"


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_sample_is_accepted_by_the_settings(name: str) -> None:
    """What an operator pastes works."""
    path, text = SAMPLES[name]
    table: dict[str, Any] = tomllib.loads(text)
    registry = Registry([name])
    for section in ("link", "sink"):
        for entry in table.get(section, []):
            given = {k: v for k, v in entry.items() if k not in ("name", "kind")}
            kinds: dict[str, Any] = {**registry.drivers, **registry.sinks}
            check_settings(kinds[entry["kind"]].settings, given, path, section)
    for line in table.get("line", []):
        for entry in line["instrument"]:
            given = {k: v for k, v in entry.items() if k not in ("name", "kind")}
            check_settings(registry.drivers[entry["kind"]].settings, given, path, "line")


def test_all_built_in_plugins_load_together() -> None:
    """No two bring a kind of the same name, and no hook is misspelt."""
    registry = Registry(FOLDERS)

    assert set(FOLDERS) < set(registry.names())
    assert registry.drivers
    assert registry.sinks
    assert "riser_hold" in registry.procedures


def test_the_front_door_is_whole() -> None:
    """Every name it promises is there."""
    assert [name for name in hub.__all__ if not hasattr(hub, name)] == []


def test_plugins_are_imported_only_when_the_config_names_them(tmp_path: Path) -> None:
    """A registry of one plugin leaves the others alone."""
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import sys; from hub.registry import Registry; Registry(['boreal']);"
                "print([m for m in sys.modules if m.startswith('plugins.')"
                " and not m.startswith('plugins.boreal')])"
            ),
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    assert said.stdout.strip() == "[]"


def test_importing_a_plugin_touches_no_port() -> None:
    """Importing is naming kinds; nothing is opened before the hub runs."""
    for name in FOLDERS:
        importlib.import_module(f"plugins.{name}")
