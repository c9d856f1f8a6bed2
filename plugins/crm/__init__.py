"""The company's CRM, told of every verdict and alarm by a signed webhook."""

from typing import TYPE_CHECKING

from hub import FarSide, SinkKind, Site, hookimpl
from plugins.crm.settings import CrmSettings

if TYPE_CHECKING:
    from plugins.crm.sink import Crm


@hookimpl
def register_sinks() -> list[SinkKind[CrmSettings]]:
    return [SinkKind("crm", CrmSettings, build, _far_side)]


def build(name: str, settings: CrmSettings, site: Site) -> "Crm":
    """Make the sink. A gateway that names the plugin without a sink of its never loads its HTTP."""
    from plugins.crm import sink  # noqa: PLC0415  see above

    return sink.Crm(name, settings, site)


def _far_side(settings: CrmSettings) -> FarSide:
    return FarSide(
        settings.url,
        ca_file=settings.ca_file,
        cert_file=settings.cert_file,
        key_file=settings.key_file,
        lan=settings.lan,
    )
