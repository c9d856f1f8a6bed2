"""The company's CRM, told of every verdict and alarm by a signed webhook."""

from hub import FarSide, SinkKind, hookimpl
from plugins.crm.settings import CrmSettings
from plugins.crm.sink import Crm


@hookimpl
def register_sinks() -> list[SinkKind[CrmSettings]]:
    return [SinkKind("crm", CrmSettings, Crm, _far_side)]


def _far_side(settings: CrmSettings) -> FarSide:
    return FarSide(
        settings.url,
        ca_file=settings.ca_file,
        cert_file=settings.cert_file,
        key_file=settings.key_file,
    )
