"""Filing of verdicts with the authority, as files in a folder."""

from hub import FarSide, SinkKind, hookimpl
from plugins.gov_filing.settings import FilingSettings
from plugins.gov_filing.sink import FilingFolder


@hookimpl
def register_sinks() -> list[SinkKind[FilingSettings]]:
    return [SinkKind("gov_filing", FilingSettings, FilingFolder, _far_side)]


def _far_side(settings: FilingSettings) -> FarSide:
    return FarSide(folder=settings.folder)
