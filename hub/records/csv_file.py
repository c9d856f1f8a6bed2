"""A register as CSV: RFC 4180 in UTF-8, with a byte order mark so that Excel reads it as such.

Facts first, one a line, then the titles, then the rows; every line has as many fields.
"""

import csv
import io
import shutil
import tempfile
from pathlib import Path

from hub.formulas import guarded
from hub.records.cells import cells, plain
from hub.records.table import Table

_BOM = "\ufeff"


def write_csv(table: Table, path: Path) -> int:
    """Write it; how many rows there are. Memory does not grow with them.

    raises  OSError
    """
    columns, count = table.columns, 0
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="", dir=path.parent) as rows:
        write = csv.writer(rows).writerow
        for row in table.rows():
            write([plain(value) for value in cells(columns, row.values)])
            count += 1
        rows.seek(0)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(_BOM + _above(table, count))
            shutil.copyfileobj(rows, file)
    return count


def _above(table: Table, count: int) -> str:
    """The facts, and the titles below them."""
    text = io.StringIO(newline="")
    write = csv.writer(text).writerow
    width = len(table.columns)
    for name, fact in table.facts(count).items():
        said = [table.words.say(f"fact.{name}"), guarded(fact)]
        write([*said, *[""] * (width - len(said))])
    write(table.titles())
    return text.getvalue()
