"""Write tests/cases/: `python -m tests.make_cases`. Deterministic; expected by reasoning.

`--approve` also writes tests/approved_answers.jsonl, the complete answers of all cases, to be
read through before it is committed: it guards what no sentence of the contract mentions.

Each case is one sentence of docs/judge.md with the verdict that the sentence demands. `expected`
lists the keys of the answer that the sentence speaks of. The verdicts were written from the rules;
the program is only held against them.
"""

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

from hub.judgement import judge_files
from hub.procedures import Row
from hub.readings_file import HEADER
from tests.case_gas import GAS_CASES
from tests.case_gas_more import MORE_GAS_CASES
from tests.case_holds import HOLD_CASES
from tests.case_holds_more import MORE_HOLD_CASES
from tests.case_survivors_a import SURVIVOR_CASES_A
from tests.case_survivors_b import SURVIVOR_CASES_B
from tests.toy import iso

ALL_CASES = [
    *HOLD_CASES,
    *MORE_HOLD_CASES,
    *GAS_CASES,
    *MORE_GAS_CASES,
    *SURVIVOR_CASES_A,
    *SURVIVOR_CASES_B,
]
CASES = Path(__file__).parent / "cases"
APPROVED = Path(__file__).parent / "approved_answers.jsonl"


class Case(NamedTuple):
    """why: the sentence; expected: a part of the answer."""

    name: str
    why: str
    order: dict[str, Any]
    rows: list[Row]
    expected: dict[str, Any]


def write(case: Case, cases: Path = CASES) -> None:
    """One folder: order.json, readings.csv, expected.json."""
    folder = cases / case.name
    folder.mkdir(parents=True)
    (folder / "order.json").write_text(_json(case.order), encoding="utf-8")
    (folder / "expected.json").write_text(
        _json({"why": case.why, **case.expected}), encoding="utf-8"
    )
    with (folder / "readings.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(HEADER)
        lines.writerows([iso(row.at_us), *row[1:]] for row in sorted(case.rows))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def shortened(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without its digests, each limit by its value alone."""
    short = {key: value for key, value in answer.items() if key != "input_sha256"}
    short["limits"] = {name: limit["value"] for name, limit in answer["limits"].items()}
    return short


def approve() -> None:
    """Write down all answers as they are now."""
    with APPROVED.open("w", encoding="utf-8") as file:
        for case in sorted(path for path in CASES.iterdir() if path.is_dir()):
            answer = judge_files(case / "order.json", case / "readings.csv")
            line = {"case": case.name, **shortened(answer)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def main() -> None:
    shutil.rmtree(CASES, ignore_errors=True)
    for name, why, order, rows, expected in ALL_CASES:
        write(Case(name, why, order, rows, expected))
    if "--approve" in sys.argv:
        approve()


if __name__ == "__main__":
    main()
