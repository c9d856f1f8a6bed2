"""A filing as the workbook that an authority's page takes: a sheet of the header, one a table.

Every cell is text, so that leading zeros and eighteen digits survive; nothing is a formula, and
text that a spreadsheet program could take for one has an apostrophe in front.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hub import Profile, guarded
from plugins.filing.package import Filing

_FORBIDDEN: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", "_"))
_LONGEST_SHEET: Final = 31
_WIDTH: Final = 20


def write_workbook(path: Path, filing: Filing, profile: Profile) -> None:
    """Write it; rows go to the disk as they come. A table without rows has its titles all the
    same. What the library writes meanwhile lies beside no filing. raises OSError
    """
    with TemporaryDirectory(prefix="gashub-") as beside:
        _write(path, filing, profile, beside)


def changed(filing: Filing, profile: Profile) -> str:
    """What the profile names otherwise than the filing, which was drafted by it; "" if nothing."""
    tables = filing.document["tables"]
    for table in profile.table.values():
        if table.name not in tables:
            return f"table {table.name!r}"
        columns = {one.name for one in table.field}
        for row in tables[table.name]:
            if wrong := sorted(columns ^ set(row)):
                return f"{table.name}: {wrong[0]!r}"
    return ""


def _write(path: Path, filing: Filing, profile: Profile, beside: str) -> None:
    # Here, because it costs 2 MB and 30 ms that a start without a filing need not pay.
    import xlsxwriter  # noqa: PLC0415
    from xlsxwriter.exceptions import FileCreateError  # noqa: PLC0415

    book = xlsxwriter.Workbook(
        str(path),
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
            "tmpdir": beside,
        },
    )
    book.set_properties({"title": filing.title, "subject": filing.id})
    title = book.add_format({"bold": True, "num_format": "@"})
    text = book.add_format({"num_format": "@"})
    sheet = book.add_worksheet(_sheet(filing.title))
    sheet.set_column(0, 1, 2 * _WIDTH)
    for at, (name, value) in enumerate(filing.document["header"].items()):
        sheet.write_string(at, 0, name, title)
        sheet.write_string(at, 1, guarded(value), text)
    for table in profile.table.values():
        columns = [one.name for one in table.field]
        rows = filing.document["tables"][table.name]
        _table(book.add_worksheet(_sheet(table.name)), columns, rows, title, text)
    try:
        book.close()
    except FileCreateError as wrapped:
        # The library hides the system's error in its own; the caller acts on the errno.
        raise wrapped.args[0] if isinstance(wrapped.args[0], OSError) else wrapped from wrapped


def _table(
    sheet: Any, columns: list[str], rows: list[dict[str, str]], title: Any, text: Any
) -> None:
    sheet.set_column(0, len(columns) - 1, _WIDTH)
    for at, name in enumerate(columns):
        sheet.write_string(0, at, name, title)
    for number, row in enumerate(rows, 1):
        for at, name in enumerate(columns):
            if row[name]:
                sheet.write_string(number, at, guarded(row[name]), text)


def _sheet(name: str) -> str:
    return name.translate(_FORBIDDEN)[:_LONGEST_SHEET]
