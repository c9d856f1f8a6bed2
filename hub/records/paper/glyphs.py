"""Which characters a font can really show.

A paper in which a letter is silently missing is worse than none, and PDF/A forbids it. Fonts map
characters to glyphs that are empty, too (WenQuanYi Micro Hei does so with ℃), so that a look at
the map alone is not enough.

Source: OpenType 1.9, tables ttc header, head, cmap (formats 4 and 12), loca.
"""

import struct
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

_COLLECTION: Final = b"ttcf"
_BEST_MAPS: Final = ((3, 10), (0, 4), (0, 3), (3, 1))
"""Platform and encoding, the widest first."""


def covered(path: Path, index: int) -> frozenset[int]:
    """Code points that font *index* of a file has a glyph with an outline for.

    raises  OSError; ValueError when it is no font that this can read
    """
    data = path.read_bytes()
    try:
        tables = _tables(data, index)
        glyphs = _mapped(data, tables[b"cmap"])
        drawn = _drawn(data, tables)
    except (struct.error, KeyError, IndexError) as wrong:
        raise ValueError(f"{path}: no TrueType or OpenType font: {wrong!r}") from wrong
    return frozenset(
        char
        for char, glyph in glyphs
        if glyph and (drawn is None or drawn[glyph] or unicodedata.category(chr(char)) == "Zs")
    )


def _tables(data: bytes, index: int) -> Mapping[bytes, int]:
    """Name of a table -> where it begins."""
    begin = 0
    if data[:4] == _COLLECTION:
        (begin,) = struct.unpack_from(">I", data, 12 + 4 * index)
    (count,) = struct.unpack_from(">H", data, begin + 4)
    return {
        data[at : at + 4]: struct.unpack_from(">I", data, at + 8)[0]
        for at in range(begin + 12, begin + 12 + 16 * count, 16)
    }


def _mapped(data: bytes, cmap: int) -> Iterator[tuple[int, int]]:
    """Character and glyph, from the widest map there is."""
    (count,) = struct.unpack_from(">H", data, cmap + 2)
    maps = {}
    for at in range(cmap + 4, cmap + 4 + 8 * count, 8):
        platform, encoding, offset = struct.unpack_from(">HHI", data, at)
        maps[platform, encoding] = cmap + offset
    at = next(maps[key] for key in _BEST_MAPS if key in maps)
    (form,) = struct.unpack_from(">H", data, at)
    if form == 12:
        return _format_12(data, at)
    if form == 4:
        return _format_4(data, at)
    raise KeyError(f"cmap format {form}")


def _format_12(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    (groups,) = struct.unpack_from(">I", data, at + 12)
    for first, last, glyph in struct.iter_unpack(">III", data[at + 16 : at + 16 + 12 * groups]):
        for char in range(first, last + 1):
            yield char, glyph + char - first


def _format_4(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    (twice,) = struct.unpack_from(">H", data, at + 6)
    ends, starts = at + 14, at + 16 + twice
    deltas, offsets = starts + twice, starts + 2 * twice

    def word(where: int) -> int:
        return int(struct.unpack_from(">H", data, where)[0])

    for k in range(0, twice, 2):
        first, last, delta, offset = (word(t + k) for t in (starts, ends, deltas, offsets))
        for char in range(first, min(last, 0xFFFE) + 1):
            glyph = char
            if offset:
                glyph = word(offsets + k + offset + 2 * (char - first))
            yield char, (glyph + delta) & 0xFFFF if glyph else 0


def _drawn(data: bytes, tables: Mapping[bytes, int]) -> Any:
    """For each glyph whether it has an outline; None for outlines of another kind (CFF)."""
    if b"loca" not in tables or b"glyf" not in tables:
        return None
    (long,) = struct.unpack_from(">h", data, tables[b"head"] + 50)
    (count,) = struct.unpack_from(">H", data, tables[b"maxp"] + 4)
    offsets = struct.unpack_from(f">{count + 1}{'I' if long else 'H'}", data, tables[b"loca"])
    return [after > before for before, after in pairwise(offsets)]
