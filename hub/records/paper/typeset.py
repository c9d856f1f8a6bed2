"""From what a paper says to its bytes: Typst sets it, as PDF/A-2b with its font inside.

The templates (`*.typ`) have no words and no data of their own. What stands in a paper goes to them
as one JSON file, and reaches the page as text and never as markup: a name may hold `#` or `]`.
"""

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hub.errors import CommandRefused
from hub.records.paper.font import Font

STANDARD: Final = "a-2b"
_ONE_IMAGE: Final = b'#set page(width: 40mm, height: 40mm)\n#image("%s", width: 30mm)\n'


def typeset(
    template: str, said: Mapping[str, Any], images: Mapping[str, Path], font: Font, at_us: int
) -> bytes:
    """The PDF of a paper. The same arguments give the same bytes.

    template  name of a .typ file beside this one
    said      what stands in it, in JSON's types; `font` is added
    images    name under which the template asks for it -> file; each was found `readable`
    at_us     the date of the document
    raises    CommandRefused when typst is not installed
    """
    typst = _typst()
    with TemporaryDirectory(prefix="gashub-print-") as folder:
        root = Path(folder)
        for source in files("hub.records.paper").iterdir():
            if source.name.endswith(".typ"):
                (root / source.name).write_bytes(source.read_bytes())
        for name, path in images.items():
            shutil.copyfile(path, root / name)
        told = {**font.fit(dict(said)), "font": font.family}
        (root / "said.json").write_text(json.dumps(told, ensure_ascii=False), "utf-8")
        made: bytes = typst.Compiler(
            root / f"{template}.typ",
            root=root,
            font_paths=[_alone(font, root)],
            ignore_system_fonts=True,
        ).compile(
            format="pdf",
            pdf_standards=STANDARD,
            timestamp=datetime.fromtimestamp(at_us // 1_000_000, UTC),
        )
    return made


def readable(path: Path, suffix: str) -> bool:
    """Whether a file is a picture that can stand in a paper: whatever its first bytes say, it is
    tried.
    """
    typst = _typst()
    with TemporaryDirectory(prefix="gashub-print-") as folder:
        root = Path(folder)
        name = f"picture{suffix}"
        shutil.copyfile(path, root / name)
        (root / "one.typ").write_bytes(_ONE_IMAGE % name.encode())
        try:
            typst.Compiler(root / "one.typ", root=root, ignore_system_fonts=True).compile(
                format="pdf", pdf_standards=STANDARD
            )
        except typst.TypstError:
            return False
    return True


def _alone(font: Font, root: Path) -> Path:
    """A folder with this font and no other: whatever else is installed changes no paper."""
    folder = root / "font"
    folder.mkdir()
    (folder / font.path.name).symlink_to(font.path)
    return folder


def _typst() -> Any:
    try:
        import typst  # noqa: PLC0415  80 MB that only who prints needs
    except ImportError:
        raise CommandRefused(
            "typst is not installed, and sets the papers; install it into gashub's environment: "
            "pip install --require-hashes -r requirements/pdf.txt"
        ) from None
    return typst
