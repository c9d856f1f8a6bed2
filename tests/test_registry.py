"""Only what the config names is loaded, and a plugin's fault is named."""

import sys
from pathlib import Path

import pytest

from hub.errors import ConfigError
from hub.registry import Registry


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on sys.path for plugins of strangers."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_plugin_that_is_not_there_is_named_with_a_remedy() -> None:
    """The start stops before anything is opened."""
    with pytest.raises(ConfigError, match='names "modbuss"'):
        Registry(["modbuss"])


def test_a_stranger_enters_by_its_dotted_name(stranger: Path) -> None:
    """The same door as a built-in's."""
    (stranger / "acme_sinks").mkdir()
    (stranger / "acme_sinks" / "__init__.py").write_text("")
    (stranger / "acme_sinks" / "lamp.py").write_text(
        "from hub import hookimpl\n"
        "SEEN = []\n"
        "@hookimpl\n"
        "def verdict_recorded(verdict):\n"
        "    SEEN.append(verdict)\n"
    )
    registry = Registry(["acme_sinks.lamp"])

    registry.tell("verdict_recorded", verdict="V")

    assert sys.modules["acme_sinks.lamp"].SEEN == ["V"]


def test_a_stranger_enters_by_its_entry_point(stranger: Path) -> None:
    """Group gashub; found by name, imported because the config names it."""
    (stranger / "acme_point.py").write_text("LOADED = True\n")
    info = stranger / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gashub]\nacme = acme_point\n")

    assert "acme" in Registry(["acme"]).names()


def test_a_stranger_cannot_take_a_built_ins_name(stranger: Path) -> None:
    """An entry point called boreal does not replace the built-in boreal."""
    (stranger / "evil_boreal.py").write_text("raise RuntimeError('imported')\n")
    info = stranger / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gashub]\nboreal = evil_boreal\n")

    assert Registry(["boreal"]).drivers  # and nothing was imported that raises


def test_a_misspelt_hook_stops_the_start(stranger: Path) -> None:
    """pluggy would take it in silence; check_pending does not."""
    _module(
        stranger,
        "acme_typo",
        "from hub import hookimpl\n@hookimpl\ndef verdict_recorted(verdict): ...\n",
    )
    with pytest.raises(ConfigError, match="verdict_recorted"):
        Registry(["acme_typo.mod"])


def test_a_hook_with_an_unknown_argument_stops_the_start(stranger: Path) -> None:
    """The plugin and the argument are named."""
    _module(
        stranger,
        "acme_args",
        "from hub import hookimpl\n@hookimpl\ndef verdict_recorded(verdikt): ...\n",
    )
    with pytest.raises(ConfigError, match="verdikt"):
        Registry(["acme_args.mod"])


def test_a_listener_that_raises_does_not_deafen_the_rest(stranger: Path) -> None:
    """News reaches the second listener though the first one breaks."""
    _module(
        stranger,
        "acme_breaks",
        "from hub import hookimpl\n@hookimpl\ndef verdict_recorded(verdict):\n    raise KeyError\n",
    )
    _module(
        stranger,
        "acme_hears",
        "from hub import hookimpl\nSEEN = []\n"
        "@hookimpl\ndef verdict_recorded(verdict):\n    SEEN.append(verdict)\n",
    )
    for order in (["acme_breaks.mod", "acme_hears.mod"], ["acme_hears.mod", "acme_breaks.mod"]):
        Registry(order).tell("verdict_recorded", verdict="V")

    assert sys.modules["acme_hears.mod"].SEEN == ["V", "V"]


def test_two_plugins_with_one_kind_are_refused(stranger: Path) -> None:
    """Which of the two would run must not depend on luck."""
    for name in ("acme_one", "acme_two"):
        _module(
            stranger,
            name,
            "from hub import SinkKind, Settings, hookimpl\n"
            "@hookimpl\ndef register_sinks():\n    return [SinkKind('lamp', Settings, None)]\n",
        )
    with pytest.raises(ConfigError, match='kind "lamp"'):
        Registry(["acme_one.mod", "acme_two.mod"])


def test_an_order_is_asked_of_each_plugin_until_one_knows_it(stranger: Path) -> None:
    """A plugin that raises is passed over; None means not mine."""
    _module(
        stranger,
        "acme_raises",
        "from hub import hookimpl\n@hookimpl\ndef find_work_order(number):\n    raise OSError\n",
    )
    _module(
        stranger,
        "acme_knows",
        "from hub import hookimpl\n@hookimpl\ndef find_work_order(number):\n"
        "    return {'number': number} if number == 'A-1' else None\n",
    )
    registry = Registry(["acme_knows.mod", "acme_raises.mod"])

    assert registry.find_work_order("A-1") == {"number": "A-1"}
    assert registry.find_work_order("B-2") is None


def _module(folder: Path, package: str, text: str) -> None:
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text("")
    (folder / package / "mod.py").write_text(text)
