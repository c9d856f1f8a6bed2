"""The company's Tryton: it names work orders, and is told of every verdict and of hazards."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hub import FarSide, SinkKind, Site, hookimpl
from plugins.tryton.settings import TrytonSettings

if TYPE_CHECKING:
    from plugins.tryton.sink import Tryton

_SINKS: dict[str, "Tryton"] = {}
"""By name, of the running configuration: a hook is a function of the module and has no other way
to the servers that orders are read from."""


@hookimpl
def register_sinks() -> list[SinkKind[TrytonSettings]]:
    return [SinkKind("tryton", TrytonSettings, build, _far_side)]


@hookimpl
def find_work_order(number: str) -> Mapping[str, Any] | None:
    """The order in the file `gashub.json` of Tryton's task of this number.

    raises  SinkUnavailable, SinkPaused, NoAnswer when a server cannot be asked
    """
    for sink in _SINKS.values():
        found = sink.find_order(number)
        if found is not None:
            return found
    return None


def build(name: str, settings: TrytonSettings, site: Site) -> "Tryton":
    """Make the sink. A gateway that names the plugin without a sink of its never loads its HTTP."""
    from plugins.tryton import sink  # noqa: PLC0415  see above

    _SINKS[name] = sink.Tryton(name, settings, site)
    return _SINKS[name]


def _far_side(settings: TrytonSettings) -> FarSide:
    return FarSide(
        settings.url,
        ca_file=settings.ca_file,
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        lan=settings.lan,
    )
