"""The demo of the jobs: every kind worked to its end, and nothing out of turn on the way."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hub.demo import run_jobs
from hub.demo.worker import Worker
from hub.looking import jobs

LONG_S = 900.0
"""Real seconds after which the test gives up; about 160 where nothing else runs."""
LEAST_REFUSED = 60


class Impatient:
    """Before each step, tries every step that is not open: each is refused, and leaves no trace."""

    def __init__(self) -> None:
        self.refused: Counter[tuple[str, str, str]] = Counter()
        self.wrong: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, worker: Worker, step: str) -> None:
        shown = worker.shown()
        for one in shown["steps"]:
            if one["state"] != "waiting":
                continue
            answer = worker.attempt(one["step"])
            with self._lock:
                self._weigh(shown, one, answer)
        after = worker.shown()
        if [s["state"] for s in after["steps"]] != [s["state"] for s in shown["steps"]]:
            self.wrong.append(f"{worker.number} before {step}: a refused step changed the job")

    def _weigh(self, shown: Any, one: Any, answer: Any) -> None:
        where = f"{shown['job']} {shown['phase']} {one['step']}"
        if answer["done"]:
            self.wrong.append(f"{where}: was let through")
        for refusal in answer["refusals"]:
            if not refusal["clause"] or not all(refusal["text"].values()):
                self.wrong.append(f"{where}: {refusal} has no clause or no words")
        self.refused[shown["kind"], shown["phase"], one["step"]] += 1


@pytest.mark.timeout(LONG_S)
def test_every_kind_of_job_ends_well_and_only_in_its_order(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A purge of each sort, a repair with its hazard, three absences; exit 0, no step too early."""
    impatient = Impatient()
    code = run_jobs(tmp_path, lang="en", before=impatient)
    told = capfd.readouterr().out
    assert code == 0, told
    assert "all jobs ended as they should" in told
    assert impatient.wrong == []
    assert len(impatient.refused) >= LEAST_REFUSED, impatient.refused
    kinds = {kind for kind, _, _ in impatient.refused}
    assert kinds == {"residential_purge", "commercial_purge", "repair", "hazard", "inspection"}
    found = {one["job"]: one["phase"] for one in jobs((tmp_path / "latest").resolve() / "state")}
    assert found == {
        "J-1": "done",
        "J-2": "done",
        "J-3": "done",
        "J-3-H1": "closed",
        "J-4": "absent",
    }
