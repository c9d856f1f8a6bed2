"""Judge again in fresh processes: one that has only the ledgers, one that has only the bundles.

Every case of tests/cases is lived through by a hub of its own (tests/lived.py), and the jobs of
`make demo-jobs` as well. A process that sees copies of the ledgers and nothing else judges all
their verdicts again; another sees evidence bundles and nothing else.

verdicts      recorded, of cases and of jobs
differing     verdicts that come out otherwise: in canonical form, byte for byte
as_offline    cases whose recorded verdict is also that of `gashub judge` on their two files; in
              the others a live test ends at its verdict, or begins with the first event
planted       verdicts that differ when both judges lose the last row of each attempt

python bench/again.py [--every N] [--without-jobs] [--json FILE]
"""

import argparse
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import structlog
from rich.progress import track
from rig import PYTHON, report

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the cases, and the rig that lives through them, are the tests'

import orjson  # noqa: E402

from hub.attempt import Attempt  # noqa: E402
from hub.bundle import Wanted, export  # noqa: E402
from hub.bundle.judging import rejudged  # noqa: E402
from hub.bundle.verifying import open_bundle  # noqa: E402
from hub.demo import run_jobs  # noqa: E402
from hub.judgement import judge_files  # noqa: E402
from hub.ledger import LedgerReader  # noqa: E402
from hub.ledger.canonical import canonical  # noqa: E402
from hub.procedures import Verdict  # noqa: E402
from hub.registry import Registry  # noqa: E402
from hub.replaying import decided, plain  # noqa: E402
from tests.lived import lived  # noqa: E402

CASES = ROOT / "tests" / "cases"
Verdicts = dict[str, str]
"""Verdict id -> its canonical form."""


def of_ledger(file: Path) -> Verdicts:
    with LedgerReader(file) as reader:
        return {
            one.record["id"]: canonical(plain(one.attempt.judge())).decode()
            for one in decided(reader, Registry([]))
        }


def of_bundle(file: Path) -> Verdicts:
    again = rejudged(open_bundle(file).contents, Registry([]).procedures)
    return {id: verdict.decode() for id, verdict in again}


JUDGES = {"ledgers": of_ledger, "bundles": of_bundle}


class Alone:
    """Folders with nothing in them but what each of the two processes may see."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in JUDGES:
            (folder / name).mkdir()
        self.recorded: Verdicts = {}

    def take(self, name: str, state: Path, numbers: list[str], at_us: int) -> None:
        """A ledger as it is, and a bundle of each of *numbers*."""
        with LedgerReader(state) as reader:
            for entry in reader.entries(kinds=("verdict",)):
                body = entry.record()
                self.recorded[body["id"]] = canonical(body["verdict"]).decode()
            reader.rows("VACUUM INTO ?", (str(self._folder / "ledgers" / name),))
        for number in numbers:
            export(state, self._folder / "bundles" / number, Wanted(number, hazards=False), at_us)

    def differing(self, *how: str) -> dict[str, list[str]]:
        """Ids of the verdicts that a fresh process gives otherwise, for each of the two."""
        return {
            which: sorted(
                id
                for id in self.recorded.keys() | found.keys()
                if self.recorded.get(id) != found.get(id)
            )
            for which in JUDGES
            for found in [self._judged(which, *how)]
        }

    def _judged(self, which: str, *how: str) -> Verdicts:
        done = subprocess.run(
            [PYTHON, __file__, "--judge", which, *how],
            cwd=self._folder / which,
            capture_output=True,
            check=True,
        )
        found: Verdicts = orjson.loads(done.stdout)
        return found


def judge(which: str, blind: bool) -> Verdicts:
    """Judge all that is in the working folder again; *blind* to the last row of each attempt."""
    whole = Attempt.judge

    def blinded(attempt: Attempt) -> Verdict:
        del attempt.rows[-1:]
        return whole(attempt)

    found: Verdicts = {}
    with patch.object(Attempt, "judge", blinded if blind else whole):
        for file in sorted(Path.cwd().iterdir()):
            found |= JUDGES[which](file)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every Nth case")
    parser.add_argument("--without-jobs", action="store_true")
    parser.add_argument("--judge", choices=JUDGES, help=argparse.SUPPRESS)
    parser.add_argument("--blind", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if options.judge:
        sys.stdout.buffer.write(orjson.dumps(judge(options.judge, options.blind)))
        return 0
    with tempfile.TemporaryDirectory(prefix="gashub-") as name:
        folder = Path(name)
        (folder / "alone").mkdir()
        result = measured(folder, Alone(folder / "alone"), options.every, not options.without_jobs)
    report(result, options.json)
    return int(bool(result["differing"]["ledgers"] or result["differing"]["bundles"]))


def measured(folder: Path, alone: Alone, every: int, jobs: bool) -> Mapping[str, Any]:
    cases = sorted(path for path in CASES.iterdir() if path.is_dir())[::every]
    as_offline = 0
    for case in track(cases, "cases", transient=True):
        state = folder / "state"
        one = lived(case, state)
        offline = judge_files(case / "order.json", case / "readings.csv")
        said = (offline["verdict"], offline["reasons"])
        as_offline += said == (one.verdict["verdict"], one.verdict["reasons"])
        alone.take(case.name, state, [one.number], one.at_us)
        shutil.rmtree(state)
    of_cases = len(alone.recorded)
    if jobs:
        if run_jobs(folder / "jobs", lang="en"):
            raise SystemExit("the jobs did not end well; see above")
        state = (folder / "jobs" / "latest").resolve() / "state"
        with LedgerReader(state) as reader:
            numbers = [row[0] for row in reader.rows("SELECT number FROM jobs", ())]
            last_us = max(entry.at_us for entry in reader.entries(kinds=("verdict",)))
        alone.take("jobs", state, numbers, last_us)
    return {
        "cases": len(cases),
        "verdicts": {"cases": of_cases, "jobs": len(alone.recorded) - of_cases},
        "as_offline": as_offline,
        "differing": alone.differing(),
        "planted": min(len(found) for found in alone.differing("--blind").values()),
    }


if __name__ == "__main__":
    raise SystemExit(main())
