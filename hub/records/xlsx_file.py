"""A register as a workbook: one sheet of facts, one of rows that can be filtered.

Codes are text cells, so that leading zeros and eighteen digits survive; numbers and moments are
typed. Nothing in it is a formula or a link.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from hub.errors import CommandRefused
from hub.formulas import guarded
from hub.records.cells import Cell, cells
from hub.records.table import Table

MOST_ROWS: Final = 1_048_575
"""Below the titles; no spreadsheet program has more."""
_FORMATS: Final = {"moment": "yyyy-mm-dd hh:mm:ss", "day": "yyyy-mm-dd"}
_FROZEN_COLUMNS: Final = 1


def write_xlsx(table: Table, path: Path) -> int:
    """Write it; how many rows there are. Rows go to the disk as they come.

    raises  OSError; CommandRefused for more rows than a sheet can have
    """
    book = xlsxwriter.Workbook(
        str(path),
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
            "tmpdir": str(path.parent),
        },
    )
    created = datetime.fromtimestamp(table.words.now_us // 1_000_000, UTC).replace(tzinfo=None)
    title = table.words.say(f"register.{table.register.name}")
    book.set_properties({"title": title, "created": created})
    above = book.add_worksheet(table.words.say("sheet.facts"))
    below = book.add_worksheet(table.words.say("sheet.rows"))
    below.activate()
    count = _rows(book, below, table)
    _facts(book, above, table, count)
    try:
        book.close()
    except FileCreateError as wrapped:
        # The library hides the system's error in its own; the caller acts on the errno.
        raise wrapped.args[0] if isinstance(wrapped.args[0], OSError) else wrapped from wrapped
    return count


def _rows(book: Any, sheet: Any, table: Table) -> int:
    title = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    formats = {form: book.add_format({"num_format": text}) for form, text in _FORMATS.items()}
    text = book.add_format({"num_format": "@"})
    columns = table.columns
    sheet.freeze_panes(1, _FROZEN_COLUMNS)
    for at, (column, said) in enumerate(zip(columns, table.titles(), strict=True)):
        sheet.set_column(at, at, column.width)
        sheet.write_string(0, at, said, title)
    count = 0
    for row in table.rows():
        count += 1
        if count > MOST_ROWS:
            raise CommandRefused(
                f"the register has more than {MOST_ROWS} rows, and a sheet cannot; choose a "
                "shorter period with --from and --to, or write a .csv"
            )
        for at, (column, value) in enumerate(zip(columns, cells(columns, row.values), strict=True)):
            _write(sheet, count, at, value, formats.get(column.form, text))
    sheet.autofilter(0, 0, max(count, 1), len(columns) - 1)
    return count


def _write(sheet: Any, row: int, at: int, value: Cell, form: Any) -> None:
    if value == "":
        return
    if isinstance(value, Decimal):
        sheet.write_number(row, at, float(value))
    elif isinstance(value, datetime | date):
        sheet.write_datetime(row, at, value, form)
    else:
        sheet.write_string(row, at, value, form)


def _facts(book: Any, sheet: Any, table: Table, count: int) -> None:
    title = book.add_format({"bold": True})
    text = book.add_format({"num_format": "@"})
    left = book.add_format({"align": "left"})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    for row, (name, fact) in enumerate(table.facts(count).items()):
        sheet.write_string(row, 0, table.words.say(f"fact.{name}"), title)
        if name in ("count", "ledger_size"):
            sheet.write_number(row, 1, int(fact), left)
        else:
            sheet.write_string(row, 1, guarded(fact), text)
