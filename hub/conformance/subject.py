"""What is examined: one kind that a plugin brings, its folder, and how to build it."""

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from hub.clock import HubClock
from hub.entering import TakesEntries
from hub.errors import ConfigError
from hub.golden import NAME
from hub.model import DriverKind, FollowerKind, LineDriverKind, SinkKind, Site
from hub.procedures import ProcedureKind
from hub.registry import import_plugin
from hub.samples import kinds_of, sample
from hub.simulate.device import Device
from hub.simulate.finding import simulator_of

SECRET = "whsec_" + "A" * 32


class Unmet(Exception):
    """A check that is not met; the text says what was seen, and what to do."""


class NotAsked(Exception):
    """A check that this plugin cannot be asked for, and why. It is shown, and counts as nothing."""


@dataclass(frozen=True)
class Options:
    """fuzz: bent messages for gold; soak_s: real seconds of faults for gold; 0 leaves it out.

    tests  whether its own tests are run
    """

    fuzz: int = 0
    soak_s: float = 0.0
    tests: bool = True


@dataclass(frozen=True)
class Subject:
    plugin: str
    module: ModuleType
    kind: Any
    options: Options = field(default_factory=Options)

    @property
    def folder(self) -> Path:
        assert self.module.__file__, "a plugin is a folder with an __init__.py"
        return Path(self.module.__file__).parent

    @property
    def sort(self) -> str:
        """instrument, link, entry (a person hands in), sink, follower or procedure."""
        sorts = {
            LineDriverKind: "instrument",
            DriverKind: "link",
            SinkKind: "sink",
            FollowerKind: "follower",
            ProcedureKind: "procedure",
        }
        sort = sorts[type(self.kind)]
        return "entry" if sort == "link" and self._takes_entries() else sort

    def _takes_entries(self) -> bool:
        try:
            return isinstance(self.build(), TakesEntries)
        except Unmet:
            return False

    def build(self, **settings: object) -> Any:
        """The driver or sink, with its sample's settings and *settings* over them.

        raises  Unmet when it cannot be built from them
        """
        try:
            model = self.settings(**settings)
            return self.kind.build(NAME, model, site())
        except (ValueError, ConfigError) as wrong:
            raise Unmet(f"cannot be built from its sample and {settings}: {wrong}") from wrong

    def settings(self, **over: object) -> Any:
        return self.kind.settings.model_validate({**self.sample_settings(), **over})

    def sample_settings(self) -> dict[str, Any]:
        """What its sample sets, without name and kind."""
        table: Mapping[str, Any] = tomllib.loads(sample(self.kind))
        (section,) = table.values()
        on_a_line = isinstance(self.kind, LineDriverKind)
        entry = section[0]["instrument"][0] if on_a_line else section[0]
        return {key: value for key, value in entry.items() if key not in ("name", "kind")}

    @property
    def simulator(self) -> type[Device]:
        """Raises Unmet when the plugin brings none."""
        if find_spec(f"{self.module.__name__}.simulator") is None:
            raise Unmet("simulator.py is missing")
        try:
            return simulator_of(self.plugin)
        except (TypeError, AttributeError) as wrong:
            raise Unmet(f"simulator.py: {wrong}") from wrong

    def readme(self) -> str:
        """Raises Unmet when there is none."""
        path = self.folder / "README.md"
        if not path.is_file():
            raise Unmet("README.md is missing")
        return path.read_text(encoding="utf-8")

    def sources(self) -> Iterator[tuple[Path, ast.Module]]:
        """Every Python file of the plugin, parsed."""
        for path in sorted(self.folder.rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"), str(path))


def subjects(plugin: str, options: Options) -> list[Subject]:
    """One for each kind that *plugin* brings, named as in `hub.plugins`.

    raises  ConfigError when it cannot be imported
    """
    module = import_plugin(plugin)
    kinds = kinds_of(module)
    if hasattr(module, "register_procedures"):
        kinds += module.register_procedures()
    return [Subject(plugin, module, kind, options) for kind in kinds]


def site() -> Site:
    """Where the examined part thinks it is; any secret it asks for is a made-up one."""
    return Site("conformance", HubClock(), lambda _: SECRET)
