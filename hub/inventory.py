"""What this gateway reads its instruments with: written into the record once per content.

    {"drivers": {KIND: {"plugin": …, "sha256": …, "version": …}},
     "instruments": {NAME: {"kind": …, "line": …, "settings": {…}}},
     "links": {NAME: {"kind": …, "settings": {…}}},
     "software": VERSION}

With it a recorded message can be read again later, elsewhere, by the same driver with the same
settings. Names of secrets are left out. Two drivers are the same when their digests are: over the
plugin's code and tables, and over what of the hub makes a reading out of a message.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from pydantic import BaseModel

from hub.clock import Clock, HandClock
from hub.errors import ConfigError
from hub.ledger import Ledger
from hub.ledger.canonical import canonical
from hub.model import DriverKind, KeepsSettings, LineDriverKind, Site
from hub.parts import Parts
from hub.registry import Registry, import_plugin
from hub.settings import names_secret
from hub.version import VERSION

_MARK: Final = "parts"
_OF_THE_HUB: Final = (
    *("float32.py", "framing.py", "gauge.py", "measuring.py", "model.py", "peaks.py", "units.py"),
)
_NO_PART: Final = frozenset({"test_plugin.py", "simulator.py", "sample.toml"})
"""Files of a plugin that decide nothing about a message."""


def write_down(ledger: Ledger, parts: Parts, clock: Clock) -> None:
    """Have the record say what readings come from now on, unless its newest word is the same."""
    body = canonical(inventory(parts))
    digest = sha256(body).hexdigest()
    with ledger.transaction() as tx:
        row = tx.sql.execute("SELECT value FROM hub_state WHERE key=?", (_MARK,)).fetchone()
        if row == (digest,):
            return
        tx.append("parts", body, clock.now_us())
        tx.sql.execute(
            "INSERT INTO hub_state (key, value) VALUES (?,?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (_MARK, digest),
        )


def inventory(parts: Parts) -> dict[str, Any]:
    """The body of a `parts` entry."""
    of_lines = {
        name: {"kind": one.kind.name, "line": one.line, "settings": kept(one.driver, one.settings)}
        for name, one in parts.instruments.items()
    }
    of_links = {
        name: {"kind": one.kind.name, "settings": kept(one.driver, one.settings)}
        for name, one in parts.linked.items()
    }
    kinds = {str(one["kind"]) for one in (*of_lines.values(), *of_links.values())}
    return {
        "drivers": {kind: driver(parts.registry, kind) for kind in sorted(kinds)},
        "instruments": of_lines,
        "links": of_links,
        "software": VERSION,
    }


def driver(registry: Registry, kind: str) -> dict[str, str]:
    """Which driver reads instruments or links of *kind* here: plugin, version and digest."""
    plugin = registry.brought_by[kind]
    module = import_plugin(plugin)
    built_in = module.__name__.startswith("plugins.")
    version = VERSION if built_in else str(getattr(module, "__version__", ""))
    return {"plugin": plugin, "sha256": digest_of(module.__name__), "version": version}


def digest_of(module: str) -> str:
    """SHA-256 (hex) over a line "<SHA-256>  <name>" for each file, in the order of the names."""
    found = {f"hub/{name}": files("hub") / name for name in _OF_THE_HUB}
    found |= dict(_files(module, ""))
    lines = [f"{sha256(file.read_bytes()).hexdigest()}  {name}\n" for name, file in found.items()]
    return sha256("".join(sorted(lines, key=lambda line: line[66:])).encode()).hexdigest()


def _files(module: str, below: str) -> Iterator[tuple[str, Traversable]]:
    """The code and tables of a plugin: a package, or a module of its own."""
    imported = import_plugin(module)
    if not hasattr(imported, "__path__"):
        package, _, name = module.rpartition(".")
        yield f"{name}.py", files(package) / f"{name}.py"
        return
    yield from _walk(files(module), below)


def _walk(folder: Traversable, below: str) -> Iterator[tuple[str, Traversable]]:
    for file in folder.iterdir():
        if file.is_dir():
            yield from _walk(file, f"{below}{file.name}/")
        elif file.name.endswith((".py", ".toml")) and file.name not in _NO_PART:
            yield f"{below}{file.name}", file


def kept(driver: object, settings: BaseModel) -> dict[str, Any]:
    """The settings that decide what a message means, in JSON's types, without names of secrets."""
    model = driver.settings_to_keep() if isinstance(driver, KeepsSettings) else settings
    dumped: dict[str, Any] = json.loads(model.model_dump_json(by_alias=True))
    return _without_secrets(model, dumped)


def _without_secrets(model: BaseModel, dumped: dict[str, Any]) -> dict[str, Any]:
    for name, field in type(model).model_fields.items():
        value, key = getattr(model, name), field.alias or name
        if names_secret(field):
            dumped.pop(key, None)
        elif isinstance(value, BaseModel):
            _without_secrets(value, dumped[key])
        elif isinstance(value, tuple | list):
            for inner, told in zip(value, dumped[key], strict=True):
                if isinstance(inner, BaseModel):
                    _without_secrets(inner, told)
    return dumped


def rebuilt(
    kind: DriverKind[Any] | LineDriverKind[Any], name: str, settings: Mapping[str, Any]
) -> Any:
    """A driver of *kind* as it was, from the settings in the record; it touches nothing outside.

    raises  ConfigError when it cannot be built from them
    """
    try:
        model = kind.settings.model_validate(dict(settings))
        return kind.build(name, model, Site("evidence", HandClock(), _no_secret))
    except ValueError as wrong:
        raise ConfigError(f"{name}: kind {kind.name}: {wrong}") from wrong


def _no_secret(name: str) -> str:
    raise ConfigError(f'a recorded message is read without secrets, and the driver wants "{name}"')
