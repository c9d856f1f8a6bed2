"""Plugins with faults planted into them, examined; in a process of their own, so many at once."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from hub.conformance import Options, Result, examine
from hub.kit import begin
from hub.registry import built_in_plugins
from hub.samples import PLUGINS


def planted(
    kind: str,
    changes: Iterable[Mapping[str, str]],
    options: Options | None = None,
    *,
    capture: bool = False,
) -> Result:
    """A fresh plugin from its template, or a copy of a built-in, changed and examined.

    kind     of template, or the name of the built-in
    changes  each a file, what stands there, and what is put in its place
    capture  its first golden case is made to look like one from a real device
    raises   AssertionError when what is to be replaced is not there
    """
    with tempfile.TemporaryDirectory(prefix="gashub-planted-") as home:
        package = Path(home, Path(home).name.replace("-", "_"))
        name = kind if kind in built_in_plugins() else "mine"
        if name == "mine":
            begin(name, kind, package)
        else:
            _copied(name, package)
        for change in changes:
            path = package / name / change["file"]
            text = path.read_text(encoding="utf-8")
            assert change["old"] in text, f"{change['file']} has no {change['old']!r}"
            path.write_text(text.replace(change["old"], change["new"]), encoding="utf-8")
        if capture:
            _as_captured(package / name / "golden.json")
        # Another name, so that Python does not go on with what `begin` has imported.
        again = package.rename(f"{package}_again")
        for compiled in list(again.rglob("__pycache__")):  # of a text as long, in the same second
            shutil.rmtree(compiled)
        for path in again.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(f"{package.name}.", f"{again.name}."), encoding="utf-8")
        sys.path.insert(0, home)
        try:
            (result,) = examine(f"{again.name}.{name}", options or Options())
        finally:
            sys.path.remove(home)
        return result


def _copied(plugin: str, package: Path) -> None:
    """A scratch copy of a built-in, as somebody would begin with it."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PLUGINS / plugin, package / plugin, ignore=skip)
    (package / "__init__.py").write_text("")
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f"plugins.{plugin}", f"{package.name}.{plugin}"))


def _as_captured(golden: Path) -> None:
    """What `gashub frames record` writes, and whose device it was."""
    first, *others = json.loads(golden.read_text(encoding="utf-8"))
    first |= {
        "provenance": "capture", "plugin": "mine", "line": {"baud": 9600},
        "started": "2026-09-20T12:00:00Z",
        "device": {"model": "G7", "serial": "10470001", "seen_by": "Li Lei"},
        "exchange": [{**item, "at_s": at / 10} for at, item in enumerate(first["exchange"])],
    }  # fmt: skip
    golden.write_text(json.dumps([first, *others]), encoding="utf-8")
