"""Filings with an authority: by HTTPS, by SFTP, or into a folder for whoever uploads by hand."""

from typing import Any

from hub import FarSide, Sink, SinkKind, Site, hookimpl
from plugins.filing.settings import (
    FolderFilingSettings,
    HttpsFilingSettings,
    SftpFilingSettings,
)


@hookimpl
def register_sinks() -> list[SinkKind[Any]]:
    return [
        SinkKind("filing_https", HttpsFilingSettings, _https, _address),
        SinkKind("filing_sftp", SftpFilingSettings, _sftp),
        SinkKind("filing_folder", FolderFilingSettings, _folder, _place),
    ]


def _https(name: str, settings: HttpsFilingSettings, site: Site) -> Sink:
    """Only a gateway with such a sink loads HTTP and signatures; so below."""
    from plugins.filing.https import HttpsFiling  # noqa: PLC0415

    return HttpsFiling(name, settings, site)


def _sftp(name: str, settings: SftpFilingSettings, site: Site) -> Sink:
    from plugins.filing.sftp import SftpFiling  # noqa: PLC0415

    return SftpFiling(name, settings, site)


def _folder(name: str, settings: FolderFilingSettings, site: Site) -> Sink:
    from plugins.filing.folder import FolderFiling  # noqa: PLC0415

    return FolderFiling(name, settings, site)


def _address(settings: HttpsFilingSettings) -> FarSide:
    return FarSide(settings.url, ca_file=settings.ca_file, lan=settings.lan)


def _place(settings: FolderFilingSettings) -> FarSide:
    return FarSide(folder=settings.folder)
