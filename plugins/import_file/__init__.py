"""Files that a logger wrote: CSV by a column map, and testo's TJF records."""

from hub import DriverKind, hookimpl
from plugins.import_file.driver import ImportDriver
from plugins.import_file.settings import ImportSettings


@hookimpl
def register_drivers() -> list[DriverKind[ImportSettings]]:
    return [DriverKind("import_file", ImportSettings, ImportDriver)]
