"""What this gateway reads its instruments with: written into the record once per content.

    {"drivers": {KIND: {"plugin": …, "sha256": …, "version": …}},
     "instruments": {NAME: {"kind": …, "line": …, "settings": {…}}},
     "links": {NAME: {"kind": …, "settings": {…}}},
     "software": VERSION}

With it a recorded message can be read again later, elsewhere, by the same driver with the same
settings. Names of secrets are left out. Two drivers are the same when their digests are: over the
plugin's code and tables, and over what of the hub makes a reading out of a message.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from hub.clock import Clock, HandClock
from hub.errors import ConfigError
from hub.ledger import Ledger, LedgerReader
from hub.ledger.canonical import canonical
from hub.model import DriverKind, KeepsSettings, LineDriverKind, Site
from hub.parts import Parts
from hub.registry import Registry, import_plugin
from hub.settings import names_secret
from hub.version import VERSION

_MARK: Final = "parts"
_OF_THE_HUB: Final = tuple(
    f"{name}.py" for name in ("float32", "framing", "gauge", "measuring", "model", "peaks", "units")
)
_NO_PART: Final = frozenset({"test_plugin.py", "simulator.py", "sample.toml"})
"""Files of a plugin that decide nothing about a message."""


def write_down(ledger: Ledger, reader: LedgerReader, parts: Parts, clock: Clock) -> None:
    """Have the record say what readings come from now on, unless its newest word is the same."""
    body = canonical(inventory(parts))
    digest = sha256(body).hexdigest()
    row = reader.sql.execute("SELECT value FROM hub_state WHERE key=?", (_MARK,)).fetchone()
    if row == (digest,):
        return
    with ledger.transaction() as tx:
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
    here = Path(__file__).parent
    found = {f"hub/{name}": here / name for name in _OF_THE_HUB} | dict(_files(module))
    lines = (
        f"{sha256(file.read_bytes()).hexdigest()}  {name}\n" for name, file in sorted(found.items())
    )
    return sha256("".join(lines).encode()).hexdigest()


def _files(module: str) -> Iterator[tuple[str, Path]]:
    """The code and tables of a plugin: a package, or a module of its own."""
    file = Path(import_plugin(module).__file__ or "")
    if file.name != "__init__.py":
        yield file.name, file
        return
    for one in file.parent.rglob("*"):
        if one.suffix in (".py", ".toml") and one.name not in _NO_PART:
            yield one.relative_to(file.parent).as_posix(), one


def kept(driver: object, settings: BaseModel) -> dict[str, Any]:
    """The settings that decide what a message means, in JSON's types, without names of secrets."""
    model = driver.settings_to_keep() if isinstance(driver, KeepsSettings) else settings
    secret = {name for name, field in type(model).model_fields.items() if names_secret(field)}
    return model.model_dump(mode="json", by_alias=True, exclude=secret)


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
