"""The company's Odoo, told of every verdict and hazard. Written from its documentation."""

from typing import TYPE_CHECKING

from hub import FarSide, SinkKind, Site, hookimpl
from plugins.odoo.settings import OdooSettings

if TYPE_CHECKING:
    from plugins.odoo.sink import Odoo


@hookimpl
def register_sinks() -> list[SinkKind[OdooSettings]]:
    return [SinkKind("odoo", OdooSettings, build, _far_side)]


def build(_: str, settings: OdooSettings, site: Site) -> "Odoo":
    """Make the sink. A gateway that names the plugin without a sink of its never loads its HTTP."""
    from plugins.odoo import sink  # noqa: PLC0415  see above

    return sink.Odoo(settings, site)


def _far_side(settings: OdooSettings) -> FarSide:
    return FarSide(settings.url, ca_file=settings.ca_file, lan=settings.lan)
