"""Whether a workbook is small enough to be read, before the library builds anything of it.

A few kilobytes unpack to gigabytes, and one element costs a hundred times its letters in memory.
So each member is looked through once, as a stream; the limits hold whatever member the library
takes for the sheet, since all are held to the same.
"""

from collections.abc import Mapping
from typing import IO, Final
from xml.parsers import expat
from zipfile import ZipFile

from hub.inbox.row import MOST_ROWS, Unreadable

UNPACKED_BYTES: Final = 8 << 20
MOST_MEMBERS: Final = 1000
MOST_COLUMNS: Final = 200
MOST_STRINGS: Final = 100_000
"""Texts that the cells share."""
MOST_PARTS: Final = 4000
"""Elements of one row, or of one shared text; each is let go of when the next begins."""
MOST_OTHER: Final = 20_000
"""Elements of the whole workbook outside these: styles, names, merged cells."""
MOST_DEPTH: Final = 64


def check(packed: ZipFile) -> set[str]:
    """The cells, such as "D2", of any sheet that have a formula and no value of it.

    raises  Unreadable for a workbook that would take too much memory
    """
    members = packed.infolist()
    size = sum(member.file_size for member in members)
    if size > UNPACKED_BYTES:
        raise Unreadable(f"{size} bytes when unpacked; {UNPACKED_BYTES} are taken")
    if len(members) > MOST_MEMBERS:
        raise Unreadable(f"{len(members)} files in it; {MOST_MEMBERS} are taken")
    counts = _Counts()
    for member in members:
        with packed.open(member) as file:
            counts.look_through(file)
    return counts.bare


class _Counts:
    def __init__(self) -> None:
        self._other = 0
        self.bare: set[str] = set()

    def look_through(self, file: IO[bytes]) -> None:
        """What is no XML is looked through up to where it is none, as the library does."""
        self._depth = self._items = self._parts = self._cells = 0
        self._within = 0
        self._cell, self._is_text, self._in_value = "", False, False
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.ParseFile(file)
        except expat.ExpatError:
            return

    def _doctype(self, *_: object) -> None:
        raise Unreadable("it has a document type, as no workbook has; save it anew")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise Unreadable("nested too deep; save it anew")
        kind = name.rpartition(":")[2]
        if not self._within and kind in ("row", "si"):
            self._item(kind)
        elif not self._within:
            self._other += 1
            if self._other > MOST_OTHER:
                raise Unreadable(
                    f"more than {MOST_OTHER} styles and the like; save the values alone, as CSV"
                )
        else:
            self._parts += 1
            if kind == "c":
                self._cells += 1
                self._cell = attributes.get("r", "")
                self._is_text = attributes.get("t") == "str"
            elif kind == "f" and not self._is_text:  # a text may be worked out to be empty
                self.bare.add(self._cell)
            self._in_value = kind == "v"
            if self._cells > MOST_COLUMNS or self._parts > MOST_PARTS:
                raise Unreadable(f"a row has more than {MOST_COLUMNS} cells, or parts of cells")

    def _item(self, kind: str) -> None:
        self._within = self._depth
        self._items += 1
        self._parts = self._cells = 0
        if self._items > (MOST_ROWS if kind == "row" else MOST_STRINGS):
            raise Unreadable(f"more than {MOST_ROWS} rows, or {MOST_STRINGS} texts; send several")

    def _text(self, _: str) -> None:
        if self._in_value and self.bare:
            self.bare.discard(self._cell)

    def _end(self, _: str) -> None:
        self._in_value = False
        if self._depth == self._within:
            self._within = 0
        self._depth -= 1
