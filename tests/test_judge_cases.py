"""Every case folder is judged as its expected.json demands."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.judgement import judge_files
from tests.make_cases import APPROVED, shortened

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
ANSWERS = {
    line["case"]: line
    for line in map(json.loads, APPROVED.read_text(encoding="utf-8").splitlines())
}


def differences(expected: Mapping[str, Any], answer: Mapping[str, Any], at: str = "") -> list[str]:
    """Where the answer departs from what is expected; objects are compared key by key."""
    found = []
    for key, value in expected.items():
        if key == "why":
            continue
        if isinstance(value, Mapping) and isinstance(answer.get(key), Mapping):
            found += differences(value, answer[key], f"{at}{key}.")
        elif answer.get(key) != value:
            found.append(f"{at}{key}: expected {value!r}, got {answer.get(key)!r}")
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path) -> None:
    """The answer holds every key that the case lists, and is as a whole the approved one."""
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))

    answer = judge_files(case / "order.json", case / "readings.csv")

    assert differences(expected, answer) == [], expected["why"]
    assert {"case": case.name, **shortened(answer)} == ANSWERS[case.name]


def test_there_are_cases_for_every_verdict() -> None:
    """Both sides of the limits: no verdict word is without a case."""
    verdicts = {json.loads((case / "expected.json").read_text())["verdict"] for case in CASES}

    assert len(CASES) >= 70
    assert verdicts == {"PASS", "FAIL", "INCONCLUSIVE", "ABORTED"}
