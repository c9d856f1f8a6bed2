"""Why something is refused, in words: every key that the code can produce can be said."""

import ast
import json
from pathlib import Path

import pytest

from hub import jobs
from hub.jobs import Refusal, said
from hub.texts import CATALOGUE, LANGUAGES
from tests.job_rig import PHOTO, Run
from tests.job_ways import repair, residential_purge

MAKERS = {"Refusal", "_refusal", "_WrongError"}
PASSED_ON = {"wrong.key", "key"}
"""The two places in answering.py that hand on a key that was made elsewhere."""


JOBS = Path(jobs.__file__).parent


def keys_in_the_code(*folders: Path) -> set[str]:
    """Every key with which a refusal is made; each is written out where it is made."""
    keys = set()
    for path in sorted(path for folder in folders for path in folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in MAKERS and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    keys.add(str(first.value))
                else:
                    assert ast.unparse(first) in PASSED_ON, f"{path.name}:{node.lineno}"
    return keys


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_refusal_has_its_words_and_no_words_are_left_over(lang: str) -> None:
    said_of = {
        key.removeprefix("job.refused.")
        for key in CATALOGUE[lang]
        if key.startswith("job.refused.")
    }
    assert said_of == keys_in_the_code(JOBS, JOBS.with_name("foreman"))


@pytest.mark.parametrize("key", sorted(keys_in_the_code(JOBS, JOBS.with_name("foreman"))))
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_refusal_names_its_clause(key: str, lang: str) -> None:
    assert "{clause}" in CATALOGUE[lang][f"job.refused.{key}"]


def told(run: Run, step: str, by: str = "", **answers: object) -> list[Refusal]:
    return run.act(step, by, **answers)[1]


def test_a_refusal_says_what_failed_why_and_what_to_do() -> None:
    run = residential_purge(until="open_valve")
    run.wait(h=25)
    (old,) = told(run, "open_valve", guarded="yes")
    assert said("en", old) == (
        '"opening of the riser valve" needs a valid "riser hold test"; the PASS is older than '
        "24 h (clause 1.6.1): do the test again"
    )
    assert said("zh", old) == (
        "“开启立管阀门”须有有效的“立管保压”；合格结论已超过 24 小时（条款 1.6.1）：请重新检测"
    )


def test_lists_are_joined_and_an_empty_one_is_said() -> None:
    run = residential_purge(until="flame")
    keyed = {one.key: one for one in told(run, "flame", flame="blue", smell="none")}
    assert said("en", keyed["answer_choice"]).endswith("give one of normal, lifting, yellow")
    assert "flame, meter_before, meter_after" in said("en", keyed["unasked"])
    assert said("zh", keyed["answer_choice"]).endswith("请选 normal、lifting、yellow 之一")
    (unasked,) = told(residential_purge(until="vent"), "vent", wind="none")
    assert said("en", unasked).endswith("what is asked: nothing")


def test_a_refusal_from_the_record_is_said_the_same() -> None:
    """It was written as JSON."""
    run = repair(until="arrive", scope="pre_meter")
    run.do("notice_48h", where="door", photo=PHOTO)
    for refusal in told(run, "start_work", valve="perhaps"):
        key, clause, figures = json.loads(json.dumps(refusal))
        again = Refusal(key, clause, figures)
        assert [said(lang, again) for lang in LANGUAGES] == [
            said(lang, refusal) for lang in LANGUAGES
        ]
