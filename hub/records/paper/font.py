"""The font that papers are set in: found on the machine, and known for what it can show.

A paper in which a letter is silently missing is worse than none, and PDF/A forbids it. Fonts map
characters to glyphs that are empty, too (WenQuanYi Micro Hei does so with ℃), so that a look at
the map alone is not enough.
"""

import struct
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from hub.errors import CommandRefused
from hub.records.words import visible

ROOTS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
KNOWN: Final = (
    ("NotoSansCJK-Regular.ttc", "Noto Sans CJK SC", 2),
    ("NotoSansCJKsc-Regular.otf", "Noto Sans CJK SC", 0),
    ("SourceHanSansSC-Regular.otf", "Source Han Sans SC", 0),
    ("wqy-zenhei.ttc", "WenQuanYi Zen Hei", 0),
    ("wqy-microhei.ttc", "WenQuanYi Micro Hei", 0),
)
"""File, family and place in the file; whichever knows more characters comes first."""


class Font(NamedTuple):
    """One file of a font. `chars`: code points that it can show."""

    path: Path
    family: str
    chars: frozenset[int]

    def fit(self, value: Any) -> Any:
        """*value*, tables and lists included, with every text in letters that the font has.

        What it has not becomes a simpler form of it (℃ as °C), or else its number ([U+4DAE]): a
        letter never goes missing in silence.
        """
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {key: self.fit(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.fit(one) for one in value]
        return value

    def _text(self, text: str) -> str:
        text = visible(text)
        if self.chars.issuperset(map(ord, text)):
            return text
        return "".join(self._char(char) for char in text)

    def _char(self, char: str) -> str:
        if ord(char) in self.chars:
            return char
        simpler = unicodedata.normalize("NFKC", char)
        if simpler != char and self.chars.issuperset(map(ord, simpler)):
            return simpler
        return f"[U+{ord(char):04X}]"


def find_font(roots: Iterable[Path] = ROOTS) -> Font:
    """The best font of `KNOWN` below *roots*.

    raises  CommandRefused saying what to install
    """
    places = {
        path.name: path
        for root in roots
        if root.is_dir()
        for path in sorted(root.rglob("*.[ot]t?"))
    }
    for name, family, index in KNOWN:
        if name in places:
            return _font(places[name], family, index)
    raise CommandRefused(
        "no font with Chinese letters is here, and a paper without them is none; install one, "
        "for example: sudo apt-get install fonts-wqy-microhei"
    )


@cache
def _font(path: Path, family: str, index: int) -> Font:
    return Font(path, family, drawn(path, index))


def drawn(path: Path, index: int) -> frozenset[int]:
    """Code points that font *index* of a file has a glyph with an outline for.

    raises  OSError; CommandRefused when it is no font that can be read
    """
    from fontTools.ttLib import TTFont, TTLibError  # noqa: PLC0415  only who prints has it

    try:
        # Opened here, for fontTools leaves open what it cannot read.
        with path.open("rb") as file, TTFont(file, fontNumber=index, lazy=True) as font:
            glyphs: Mapping[int, str] = font.getBestCmap()
            # Outlines of the other kind (CFF) have no table of places, and no such gaps.
            places = font.get("loca")
            number = font.getReverseGlyphMap()
    except (TTLibError, struct.error, KeyError, AssertionError) as wrong:
        raise CommandRefused(f"{path} is no font that can be read: {wrong!r}") from wrong
    return frozenset(
        char
        for char, name in glyphs.items()
        if places is None
        or places[number[name] + 1] > places[number[name]]
        or unicodedata.category(chr(char)) == "Zs"
    )
