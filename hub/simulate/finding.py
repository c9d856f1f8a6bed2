"""Where the simulators are: each plugin's `simulator.py`, imported only when it is wanted."""

import importlib
from collections.abc import Mapping
from importlib.util import find_spec

from hub.registry import built_in_plugins, import_plugin
from hub.simulate.device import Device


def simulator_of(plugin: str) -> type[Device]:
    """The device that *plugin* brings, named as in `hub.plugins`.

    raises  ConfigError when there is no such plugin, ValueError when it has no simulator
    """
    module = import_plugin(plugin).__name__
    if find_spec(f"{module}.simulator") is None:
        raise ValueError(
            f"plugin {plugin} has no simulator; `gashub simulate --help` lists those that have one"
        )
    found = importlib.import_module(f"{module}.simulator").Simulator
    if not (isinstance(found, type) and issubclass(found, Device)):
        raise TypeError(f"{module}.simulator.Simulator is no hub.simulate.Device")
    return found


def simulators() -> Mapping[str, type[Device] | str]:
    """Those of the built-in plugins, by name; in place of one that cannot be had, the reason."""
    found: dict[str, type[Device] | str] = {}
    for name in built_in_plugins():
        try:
            if find_spec(f"plugins.{name}.simulator"):
                found[name] = simulator_of(name)
        except Exception as wrong:  # noqa: BLE001 - one unfinished plugin must not hide the rest
            found[name] = f"cannot be used: {wrong}"
    return found
