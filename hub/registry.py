"""Which plugins are in, what kinds they bring, and how to tell them the news."""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import Any, TypeVar, cast

import pluggy
import structlog

from hub import builtin, hookspecs
from hub.errors import ConfigError
from hub.model import DriverKind, FollowerKind, LineDriverKind, SinkKind
from hub.procedures import ProcedureKind
from hub.refusal import suggestion

log = structlog.get_logger()
K = TypeVar(
    "K", DriverKind[Any] | LineDriverKind[Any], SinkKind[Any] | FollowerKind[Any], ProcedureKind
)


class Registry:
    """The plugins that the config names, and no others.

    raises  ConfigError for a plugin that cannot be imported, a misspelt hook, two plugins that
            bring a kind of the same name
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._plugins = pluggy.PluginManager("gashub")
        self._plugins.add_hookspecs(hookspecs)
        self._plugins.register(builtin, "builtin")
        for name in names:
            self._register(name)
        try:
            self._plugins.check_pending()
        except pluggy.PluginValidationError as unknown:
            raise ConfigError(
                f'plugin "{unknown.plugin}": {unknown}; hooks are listed in hub/hookspecs.py'
            ) from unknown
        hook = self._plugins.hook
        offers: list[tuple[str, list[Any]]] = [
            (impl.plugin_name, [*cast("Iterable[Any]", impl.function())])
            for impl in hook.register_drivers.get_hookimpls()
        ]
        self.drivers: Mapping[str, DriverKind[Any] | LineDriverKind[Any]] = _by_name(
            kinds for _, kinds in offers
        )
        self.brought_by = {kind.name: plugin for plugin, kinds in offers for kind in kinds}
        """Kind of driver -> the plugin that brings it."""
        self.sinks: Mapping[str, SinkKind[Any] | FollowerKind[Any]] = _by_name(
            hook.register_sinks()
        )
        self.procedures: Mapping[str, ProcedureKind] = _by_name(hook.register_procedures())

    def names(self) -> list[str]:
        return [name for name, _ in self._plugins.list_name_plugin()]

    def find_work_order(self, number: str) -> Mapping[str, Any] | None:
        """Ask the plugins for an order. A plugin that raises is named and passed over."""
        for impl in reversed(self._plugins.hook.find_work_order.get_hookimpls()):
            try:
                found = impl.function(*({"number": number}[name] for name in impl.argnames))
            except Exception:  # a stranger's code; the next plugin may still know the order
                log.exception("plugin_failed", plugin=impl.plugin_name, hook="find_work_order")
                continue
            if isinstance(found, Mapping):
                return found
        return None

    def tell(self, hook: str, **news: object) -> None:
        """Give news to each plugin in turn. One that raises does not deafen the rest."""
        for impl in getattr(self._plugins.hook, hook).get_hookimpls():
            try:
                impl.function(*(news[name] for name in impl.argnames))
            except Exception:  # a stranger's code, and the record is already safe
                log.exception("plugin_failed", plugin=impl.plugin_name, hook=hook)

    def listens(self, hook: str) -> bool:
        """Whether any plugin wants this news, so that the hot path can skip the telling."""
        return bool(getattr(self._plugins.hook, hook).get_hookimpls())

    def _register(self, name: str) -> None:
        module = import_plugin(name)
        try:
            self._plugins.register(module, name)
        except pluggy.PluginValidationError as wrong:
            raise ConfigError(
                f'plugin "{name}": {wrong}; hooks and arguments are in hub/hookspecs.py'
            ) from wrong
        except ValueError as doubled:
            raise ConfigError(
                f'hub.plugins names "{name}" twice, once perhaps by its dotted name'
            ) from doubled


def import_plugin(name: str) -> ModuleType:
    """A built-in's short name, an entry point of group gashub, or a dotted module.

    raises  ConfigError naming what there is, when it cannot be found
    """
    # A built-in comes first: a stranger of the same name cannot take its place.
    built_in = "." not in name and find_spec(f"plugins.{name}") is not None
    strangers = {} if built_in else _strangers()
    module = name if "." in name else strangers.get(name, f"plugins.{name}")
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f'hub.plugins names "{name}", but {missing}; '
            f"{suggestion(name, {*built_in_plugins(), *strangers})} (a module of your own needs "
            "a dot in its name, or an entry point of group gashub)"
        ) from missing


def _strangers() -> Mapping[str, str]:
    """Modules by the short names that installed packages give them."""
    from importlib.metadata import entry_points  # noqa: PLC0415  built-ins do without

    return {point.name: point.value for point in entry_points(group="gashub")}


def built_in_plugins() -> list[str]:
    """Names of the folders under plugins/; nothing of them is imported by this."""
    folder = find_spec("plugins")
    where = folder.submodule_search_locations if folder is not None else None
    return [module.name for module in pkgutil.iter_modules(where)] if where else []


def _by_name(offers: Iterable[Iterable[K]]) -> Mapping[str, K]:
    kinds: dict[str, K] = {}
    for offer in offers:
        for kind in offer:
            if kind.name in kinds:
                raise ConfigError(
                    f'two plugins bring a kind "{kind.name}"; leave one of them out of hub.plugins'
                )
            kinds[kind.name] = kind
    return kinds
