"""A system that speaks OData V4, such as SAP's plant maintenance, told of verdicts and hazards."""

from typing import TYPE_CHECKING

from hub import FarSide, SinkKind, Site, hookimpl
from plugins.odata.settings import OdataSettings

if TYPE_CHECKING:
    from plugins.odata.sink import Odata


@hookimpl
def register_sinks() -> list[SinkKind[OdataSettings]]:
    return [SinkKind("odata", OdataSettings, build, _far_side)]


def build(_: str, settings: OdataSettings, site: Site) -> "Odata":
    """Make the sink. A gateway that names the plugin without a sink of its never loads its HTTP."""
    from plugins.odata import sink  # noqa: PLC0415  see above

    return sink.Odata(settings, site)


def _far_side(settings: OdataSettings) -> FarSide:
    return FarSide(settings.url, ca_file=settings.ca_file, lan=settings.lan)
