"""Orders out of XLSX: the first sheet, with a row of headings. Needs openpyxl (extra `api`)."""

import io
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any
from zipfile import ZipFile

from hub.inbox.csv_rows import of_lines
from hub.inbox.row import MOST_ROWS, Row, Unreadable
from hub.inbox.xlsx_bounds import MOST_COLUMNS, check


def rows(data: bytes) -> list[Row]:
    """Raises Unreadable. Values are read, formulas are not worked out."""
    try:
        from openpyxl import load_workbook  # noqa: PLC0415  an extra
    except ImportError:
        raise Unreadable(
            "XLSX files cannot be read here: install requirements/api.txt, or send CSV or JSON"
        ) from None
    try:
        lines = _lines(data, load_workbook)
    except Unreadable:
        raise
    except Exception as wrong:  # noqa: BLE001  a stranger's file; the library has many errors
        raise Unreadable(f"no XLSX workbook: {type(wrong).__name__}: {wrong}") from None
    return of_lines(lines)


def _lines(data: bytes, load_workbook: Callable[..., Any]) -> list[tuple[str, list[str]]]:
    with ZipFile(io.BytesIO(data)) as packed:
        bare = check(packed)
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    if bare:
        _refuse_bare(load_workbook(io.BytesIO(data), read_only=True, keep_links=False), bare)
    lines = []
    rows = book.worksheets[0].iter_rows(values_only=True, max_col=MOST_COLUMNS)
    for at, cells in enumerate(rows, 1):
        if at > MOST_ROWS:
            raise Unreadable(f"more than {MOST_ROWS} rows; send several files")
        if any(cell is not None for cell in cells):
            lines.append((f"row {at}", [_text(cell) for cell in cells]))
    return lines


def _refuse_bare(book: Any, bare: set[str]) -> None:
    """An order must not lose what a cell says because no office program has worked it out yet."""
    for cells in book.worksheets[0].iter_rows(max_col=MOST_COLUMNS):
        for cell in cells:
            if cell.data_type == "f" and cell.coordinate in bare:
                raise Unreadable(
                    f"cell {cell.coordinate} has a formula without its value, and formulas are not "
                    "worked out here; write the value itself, or open the workbook in an office "
                    "program and save it"
                )


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)
