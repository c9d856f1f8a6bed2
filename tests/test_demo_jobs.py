"""The demo of the jobs: every kind worked to its end, and nothing out of turn on the way."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hub.demo import run_jobs
from hub.demo.job_scenarios import customer
from hub.demo.worker import Worker
from hub.looking import jobs
from tests.job_shortcuts import SHORTCUTS, Shortcut
from tests.job_ways import (
    commercial_purge,
    hazard_leak,
    inspection_absent,
    repair,
    residential_purge,
)

LONG_S = 900.0
"""Real seconds after which the test gives up; about 160 where nothing else runs."""
LEAST_REFUSED = 60
LEAST_TRIED = 44
WAYS = {
    "J-1": residential_purge,
    "J-2": commercial_purge,
    "J-3": repair,
    "J-3-H1": hazard_leak,
    "J-4": inspection_absent,
}
"""Job of the demo -> the way of the shortcuts that it can be tried with."""
IDS = {"T-1": "", "T-2": "T-18", "T-3": "S-2", "X-9": "X-9"}
"""Who tries a shortcut -> the same person here; "" is who does the demo's work."""
ELSEWHERE = {"put a deadline off by another notice"}
"""Shortcuts after a step that the demo does without: its hazard is handed over with no notice."""


def shortcuts_of(number: str, step: str) -> list[Shortcut]:
    """Those that need nothing to have happened before *step* but what the demo does."""
    return [
        one
        for one in SHORTCUTS
        if (one.run.way, one.run.until) == (WAYS[number], step)
        and one.step
        and one.waives is None
        and not one.run.happened
        and not one.run.facts
        and one.what not in ELSEWHERE
    ]


class Impatient:
    """Before each step, tries every step that is not open, and what people try in a hurry there:
    each is refused, the latter by the clause that forbids it, and leaves no trace.
    """

    def __init__(self) -> None:
        self.refused: Counter[tuple[str, str, str]] = Counter()
        self.tried: set[str] = set()
        self._reached: set[tuple[str, str]] = set()
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
        with self._lock:
            first = (worker.number, step) not in self._reached
            self._reached.add((worker.number, step))
        for shortcut in shortcuts_of(worker.number, step) if first else ():
            answer = worker.attempt(shortcut.step, IDS[shortcut.by], **shortcut.answers)
            with self._lock:
                self._try(shortcut, answer)
        after = worker.shown()
        if [s["state"] for s in after["steps"]] != [s["state"] for s in shown["steps"]]:
            self.wrong.append(f"{worker.number} before {step}: a refused step changed the job")

    def _try(self, shortcut: Shortcut, answer: Any) -> None:
        told = [(one["key"], one["clause"]) for one in answer["refusals"]]
        if answer["done"] or shortcut.refused not in told:
            self.wrong.append(f"{shortcut.what}: expected {shortcut.refused}, got {told}")
        self.tried.add(shortcut.what)

    def _weigh(self, shown: Any, one: Any, answer: Any) -> None:
        where = f"{shown['job']} {shown['phase']} {one['step']}"
        if answer["done"]:
            self.wrong.append(f"{where}: was let through")
        for refusal in answer["refusals"]:
            if not refusal["clause"] or not all(refusal["text"].values()):
                self.wrong.append(f"{where}: {refusal} has no clause or no words")
        self.refused[shown["kind"], shown["phase"], one["step"]] += 1


def spilt(folder: Path) -> list[str]:
    """Files in which a customer of the demo stands, other than the record itself: logs, what the
    CRM was told, bundles for an authority.
    """
    known = [value.encode() for one in (1, 2, 3, 4) for value in set(customer(one).values())]
    return [
        f"{path.relative_to(folder)}: {word.decode()}"
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("ledger.db")
        for word in known
        if len(word) >= 8 and word in path.read_bytes()
    ]


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
    assert not impatient.wrong, "\n".join(impatient.wrong)
    assert len(impatient.refused) >= LEAST_REFUSED, impatient.refused
    assert len(impatient.tried) >= LEAST_TRIED, impatient.tried
    kinds = {kind for kind, _, _ in impatient.refused}
    assert kinds == {"residential_purge", "commercial_purge", "repair", "hazard", "inspection"}
    assert spilt((tmp_path / "latest").resolve()) == []
    found = {one["job"]: one["phase"] for one in jobs((tmp_path / "latest").resolve() / "state")}
    assert found == {
        "J-1": "done",
        "J-2": "done",
        "J-3": "done",
        "J-3-H1": "closed",
        "J-4": "absent",
    }
