"""Where the golden events lie: in a checkout or an installed gateway."""

import sys
from collections.abc import Iterator
from pathlib import Path


def golden_events() -> Iterator[Path]:
    """The golden events of every version, oldest version first, by name.

    Each file is the body of one event, byte for byte, under `VERSION/NAME.json`.
    """
    beside = Path(__file__).parents[2] / "docs" / "schemas" / "golden"
    folder = beside if beside.is_dir() else Path(sys.prefix, "share", "gashub", "golden")
    yield from sorted(folder.glob("*/*.json"))
