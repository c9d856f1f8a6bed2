"""A register into a file, whole or not at all, or as JSON."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from hub.clock import iso
from hub.errors import CommandRefused
from hub.records.csv_file import write_csv
from hub.records.register import Column, Value
from hub.records.table import Table
from hub.records.xlsx_file import write_xlsx

_WRITERS: Final[Mapping[str, Callable[[Table, Path], int]]] = {
    ".csv": write_csv,
    ".xlsx": write_xlsx,
}


def export(table: Table, path: Path) -> int:
    """Write a register into *path*, by its suffix; how many rows it has.

    A file of that name is replaced once the new one is whole.
    raises  CommandRefused for another suffix, or a place that cannot be written
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise CommandRefused(
            f"{path}: a register is written as {' or '.join(_WRITERS)}; give the file such a name"
        )
    return whole(path, lambda part: write(table, part))


def whole(path: Path, write: Callable[[Path], int]) -> int:
    """Have *write* write a file beside *path*, which then takes its place."""
    part = path.with_name(f".{path.name}.part")
    try:
        count = write(part)
        part.replace(path)
    except OSError as fault:
        raise CommandRefused(
            f"{path}: cannot be written: {fault.strerror or fault}; give another place"
        ) from fault
    finally:
        part.unlink(missing_ok=True)
    return count


def lines(table: Table) -> Iterator[str]:
    """The register as JSON, in pieces: {"rows": […], "facts": {…}}. Rows are made as they go."""
    yield '{"rows": ['
    columns, count = table.columns, 0
    for row in table.rows():
        shown = {
            column.key: plain(column, row.values.get(column.key))
            for column in columns
            if row.values.get(column.key) not in (None, "")
        }
        shown["entries"] = list(row.entries)
        yield (",\n" if count else "\n") + orjson.dumps(shown).decode()
        count += 1
    facts = table.facts(count)
    yield f'],\n"facts": {orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode()}}}\n'


def plain(column: Column, value: Value) -> Any:
    """A value in JSON's types: numbers and moments are text, as everywhere."""
    if column.form == "moment" and isinstance(value, int):
        return iso(value)
    return None if value is None else str(value)
