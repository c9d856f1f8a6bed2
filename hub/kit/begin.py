"""Write a plugin from its template, and what is made from its settings: all of it or nothing."""

import importlib
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from hub.errors import CommandRefused
from hub.kit import steps
from hub.kit.naming import Home, fit_for_file, fit_for_plugin, home_of
from hub.pages import with_settings
from hub.samples import GATEWAY, PLUGINS, plugin_sample

TEMPLATES = Path(__file__).parent / "templates"
PROFILE = "modbus-profile"
_PLAIN = "plain"  # what the settings call an instrument without a profile


class Begun(NamedTuple):
    """What was written, and what its author does now."""

    files: Sequence[Path]
    next_steps: str


def begin(name: str, kind: str, into: Path | None = None) -> Begun:
    """Write plugin *name* of *kind* (a folder under templates/, with - for _).

    into    the package folder that gets it; absent: the built-in plugins, and for a Modbus
            profile those that are shipped
    raises  CommandRefused for a name that cannot be one, or a place that is taken or cannot be
            written; nothing is left of it then
    """
    if into is None and not GATEWAY.is_file():
        raise CommandRefused(
            "this gashub is installed and no checkout of its repository, so it has no place for "
            "new built-in plugins; name a folder of your own with --into"
        )
    if kind == PROFILE:
        return _profile(name, into or PLUGINS / "modbus" / "profiles")
    package = (into or PLUGINS).resolve()
    folder = package / name
    _free(folder)
    fit_for_plugin(name)
    home = home_of(package)
    with _all_or_nothing(folder):
        folder.mkdir(parents=True)
        words = {"name": name, "module": f"{home.dotted}.{name}"}
        for template in sorted((TEMPLATES / kind.replace("-", "_")).glob("*.tmpl")):
            _write(folder / template.stem, template, words)
        _made_from_settings(folder, home)
        if not (package / "__init__.py").exists():
            (package / "__init__.py").write_text('"""Plugins of our own for gashub."""\n')
    told = steps.of_folder(kind, name, folder, home, built_in=package == PLUGINS)
    return Begun(sorted(folder.glob("*.*")), told)


def _profile(name: str, into: Path) -> Begun:
    path = into / f"{name}.toml"
    _free(path)
    fit_for_file(name)
    if name == _PLAIN:
        raise CommandRefused(
            f'profile = "{name}" means an instrument that has none; name it after the instrument'
        )
    with _all_or_nothing(path):
        into.mkdir(parents=True, exist_ok=True)
        _write(path, TEMPLATES / "modbus_profile" / "profile.toml.tmpl", {"name": name})
    shipped = into.resolve() == PLUGINS / "modbus" / "profiles"
    return Begun([path], steps.of_profile(name, path, shipped=shipped))


def _free(place: Path) -> None:
    try:
        taken = place.exists()
    except OSError as fault:  # a folder that may not be entered, a name that no disk takes
        raise CommandRefused(f"{place}: {fault.strerror}; give another place") from fault
    if taken:
        raise CommandRefused(f"{place} is there already; choose another name, or remove it")


@contextmanager
def _all_or_nothing(place: Path) -> Iterator[None]:
    """If it cannot be finished, take away *place* and the folders that were made for it."""
    new = place
    while not new.parent.exists():
        new = new.parent
    try:
        yield
    except BaseException as fault:
        with suppress(OSError):  # most likely it was never made; the fault itself says why
            shutil.rmtree(new) if new.is_dir() else new.unlink()
        if isinstance(fault, OSError):
            raise CommandRefused(
                f"{place}: cannot be written ({fault.strerror}); nothing is left of it: "
                "make room or give another place with --into"
            ) from fault
        raise


def _write(path: Path, template: Path, words: Mapping[str, str]) -> None:
    text = template.read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace("{{" + word + "}}", value)
    path.write_text(text, encoding="utf-8")


def _made_from_settings(folder: Path, home: Home) -> None:
    """The sample, and the table in the README: the plugin is imported for them."""
    sys.path.insert(0, str(home.path))
    try:
        importlib.invalidate_caches()
        plugin = importlib.import_module(f"{home.dotted}.{folder.name}")
    finally:
        sys.path.remove(str(home.path))
    if sample := plugin_sample(plugin):
        (folder / "sample.toml").write_text(sample, encoding="utf-8")
    readme = folder / "README.md"
    written = with_settings(readme.read_text(encoding="utf-8"), plugin)
    readme.write_text(written, encoding="utf-8")
