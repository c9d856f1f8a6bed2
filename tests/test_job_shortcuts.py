"""Every shortcut is refused, by the clause that forbids it, in words that say what to do."""

import pytest

from hub.jobs import Refusal, Waived, answered, said, waiver_refusals
from hub.texts import LANGUAGES
from tests.job_rig import PEOPLE
from tests.job_shortcuts import SHORTCUTS, Shortcut
from tests.test_job_wording import JOBS, keys_in_the_code


def tried(shortcut: Shortcut) -> list[Refusal]:
    """What the engine says to it."""
    run = shortcut.run()
    run.tick()
    if not shortcut.step:
        job, given = run.job, shortcut.answers
        return answered(run.pack, job.facts, given, job.clause, PEOPLE, run.now_us).refusals
    if shortcut.waives is None:
        return run.act(shortcut.step, shortcut.by, **shortcut.answers)[1]
    waived = Waived(shortcut.step, run.now_us, shortcut.by, shortcut.waives, shortcut.reason)
    return waiver_refusals(run.pack, run.state, waived, run.around)


@pytest.mark.parametrize("shortcut", SHORTCUTS, ids=lambda one: one.what)
def test_a_shortcut_is_refused_by_its_clause(shortcut: Shortcut) -> None:
    told = tried(shortcut)
    assert shortcut.refused in [(one.key, one.clause) for one in told]
    for one in told:
        for lang in LANGUAGES:
            sentence = said(lang, one)
            assert one.clause in sentence
            assert "{" not in sentence


def test_every_refusal_that_there_is_has_been_tried() -> None:
    """With all figures that its sentence asks for."""
    assert {one.refused[0] for one in SHORTCUTS} == keys_in_the_code(JOBS)


def test_no_shortcut_stands_twice() -> None:
    assert len({one.what for one in SHORTCUTS}) == len(SHORTCUTS) >= 75
