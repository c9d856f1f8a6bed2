"""Orders out of CSV: a line of headings, then a line for each order."""

import csv
import io
from itertools import islice

from hub.inbox.row import MOST_ROWS, Row, Unreadable, of_cells


def rows(data: bytes, encoding: str, delimiter: str) -> list[Row]:
    """Raises Unreadable. The last line must have its end: else a number may be cut off."""
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as wrong:
        raise Unreadable(
            f"not {encoding} at byte {wrong.start}; save it so, or set `encoding` of the inbox"
        ) from None
    if text and not text.endswith(("\n", "\r")):
        raise Unreadable("its last line has no end: it may be cut off; send it again whole")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        lines = list(islice(reader, MOST_ROWS + 1))
    except csv.Error as wrong:
        raise Unreadable(f"no CSV: {wrong}; check quotes and `delimiter` of the inbox") from None
    if len(lines) > MOST_ROWS:
        raise Unreadable(f"more than {MOST_ROWS} lines; send several files")
    return of_lines([(f"line {at}", line) for at, line in enumerate(lines, 1)])


def of_lines(lines: list[tuple[str, list[str]]]) -> list[Row]:
    """Orders of a table: (place, cells) of each line, the headings first. raises Unreadable"""
    filled = [(place, cells) for place, cells in lines if any(cell.strip() for cell in cells)]
    if not filled:
        raise Unreadable("it is empty; the first line has the headings, such as number, procedure")
    heads = [head.strip() for head in filled[0][1]]
    while heads and not heads[-1]:
        heads.pop()
    if "number" not in heads:
        raise Unreadable(f'no column "number"; the headings are: {", ".join(heads)[:200]}')
    if len(set(heads)) < len(heads) or "" in heads:
        raise Unreadable("a heading is empty or stands twice; each column has one of its own")
    return [
        Row(place, None, f"{len(cells)} cells under {len(heads)} headings; check the separators")
        if any(cell.strip() for cell in cells[len(heads) :]) or len(cells) < len(heads)
        else of_cells(place, heads, cells)
        for place, cells in filled[1:]
    ]
