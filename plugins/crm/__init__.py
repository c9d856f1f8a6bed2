"""The company's CRM, told of every verdict and alarm by a signed webhook."""

from hub import SinkKind, hookimpl
from plugins.crm.settings import CrmSettings
from plugins.crm.sink import Crm


@hookimpl
def register_sinks() -> list[SinkKind[CrmSettings]]:
    return [SinkKind("crm", CrmSettings, Crm)]
