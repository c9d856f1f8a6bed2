"""Series that once passed and must not: each a fault that somebody found, kept for ever."""

import json
from pathlib import Path

import pytest

from hub.judgement import judge_files

FOUND = sorted(path for path in (Path(__file__).parent / "found").iterdir() if path.is_dir())


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
def test_what_was_found_stays_mended(case: Path) -> None:
    """Verdict and deciding reason are those of the finding; in no case PASS."""
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))

    answer = judge_files(case / "order.json", case / "readings.csv")

    assert expected["verdict"] != "PASS"
    assert (answer["verdict"], answer["reasons"][0]) == (expected["verdict"], expected["reason"])
