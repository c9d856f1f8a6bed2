"""A mapping file makes their bodies of our events, and can make no success of what was no PASS."""

import json
from pathlib import Path
from typing import Any

import pytest

from hub.cli.main import app
from hub.errors import CommandRefused, ConfigError
from hub.mapping import Mapped
from tests.golden_events import GOLDEN

KEPT = GOLDEN / "1.0.0"
WORDS = '{ PASS = "合格", FAIL = "不合格", INCONCLUSIVE = "无法判定", ABORTED = "中止" }'
GOOD = f"""
[verdict]
"WorkOrder.No" = "data.order"
"WorkOrder.Result" = {{ from = "data.verdict.verdict", words = {WORDS} }}
"WorkOrder.Section" = {{ from = "data.section", absent = "-" }}
"WorkOrder.Text" = "data.verdict.sentence.zh"
"WorkOrder.Outcome" = "data.verdict.outcome"
Origin = {{ value = "gashub" }}

[hazard]
code = "data.code"
due = "data.next_due_at"
"""


def mapped(tmp_path: Path, text: str) -> Mapped:
    file = tmp_path / "crm-mapping.toml"
    file.write_text(text, encoding="utf-8")
    return Mapped(file)


def golden(name: str) -> Any:
    return json.loads((KEPT / f"{name}.json").read_bytes())


def test_a_body_is_made_field_by_field(tmp_path: Path) -> None:
    """Levels by dots; what is absent is left out, or what the file says stands for it."""
    event = golden("verdict-pass")
    body = json.loads(mapped(tmp_path, GOOD).body("verdict", event))

    assert body == {
        "WorkOrder": {
            "No": event["data"]["order"],
            "Result": "合格",
            "Section": "-",
            "Text": event["data"]["verdict"]["sentence"]["zh"],
        },
        "Origin": "gashub",
    }


def test_the_same_event_has_the_same_body_each_time(tmp_path: Path) -> None:
    event = golden("verdict-fail")

    assert len({mapped(tmp_path, GOOD).body("verdict", event) for _ in range(3)}) == 1


@pytest.mark.parametrize("name", ["pass", "fail", "inconclusive", "aborted"])
def test_the_four_words_stay_four(tmp_path: Path, name: str) -> None:
    body = json.loads(mapped(tmp_path, GOOD).body("verdict", golden(f"verdict-{name}")))
    said = {"pass": "合格", "fail": "不合格", "inconclusive": "无法判定", "aborted": "中止"}

    assert body["WorkOrder"]["Result"] == said[name]


def verdict(words: str, more: str = "", top: str = "") -> str:
    return f'{top}\n[verdict]\nr = {{ from = "data.verdict.verdict", words = {words} }}\n{more}'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(
            verdict('{ PASS = "OK", FAIL = "NOK", INCONCLUSIVE = "OK", ABORTED = "X" }'),
            "INCONCLUSIVE becomes 'OK', which is a success",
            id="as PASS",
        ),
        pytest.param(
            verdict('{ PASS = "Done", FAIL = "F", INCONCLUSIVE = " done ", ABORTED = "X" }'),
            "INCONCLUSIVE becomes ' done '",
            id="looks like PASS",
        ),
        pytest.param(
            verdict('{ PASS = "closed", FAIL = "F", INCONCLUSIVE = "Passed", ABORTED = "X" }'),
            "INCONCLUSIVE becomes 'Passed'",
            id="sounds like success",
        ),
        pytest.param(
            verdict('{ PASS = 1, FAIL = "F", INCONCLUSIVE = 1.0, ABORTED = "X" }', ""),
            "INCONCLUSIVE becomes",
            id="equal numbers",
        ),
        pytest.param(
            verdict('{ PASS = "1", FAIL = "F", INCONCLUSIVE = "01", ABORTED = "X" }', ""),
            "INCONCLUSIVE becomes",
            id="equal digits",
        ),
        pytest.param(
            verdict('{ PASS = "P", FAIL = "F", INCONCLUSIVE = "ＰＡＳＳ", ABORTED = "X" }', ""),
            "INCONCLUSIVE becomes",
            id="full width",
        ),
        pytest.param(
            verdict(
                '{ PASS = "合格", FAIL = "F", INCONCLUSIVE = "合格\u200b", ABORTED = "X" }', ""
            ),
            "INCONCLUSIVE becomes",
            id="zero width",
        ),
        pytest.param(
            verdict('{ PASS = "合格", FAIL = "F", INCONCLUSIVE = "合格。", ABORTED = "X" }', ""),
            "INCONCLUSIVE becomes",
            id="a full stop",
        ),
        pytest.param(
            verdict('{ PASS = "合格", FAIL = "F", INCONCLUSIVE = "合 格", ABORTED = "X" }', ""),
            "INCONCLUSIVE becomes",
            id="a blank",
        ),
        pytest.param(
            verdict('{ PASS = "PASS", FAIL = "F", INCONCLUSIVE = "РАSS", ABORTED = "X" }', ""),
            "INCONCLUSIVE becomes",
            id="Cyrillic",
        ),
        pytest.param(
            verdict(
                '{ PASS = ["合格"], FAIL = "F", INCONCLUSIVE = ["合格", ""], ABORTED = "X" }', ""
            ),
            "INCONCLUSIVE becomes",
            id="in a list",
        ),
        pytest.param(
            verdict(
                '{ PASS={c="A"}, FAIL = "F",INCONCLUSIVE={c="a",t="?"}, ABORTED = "X" }',
                "",
            ),
            "INCONCLUSIVE becomes",
            id="in a table",
        ),
        pytest.param(
            verdict(
                '{ PASS = "合格", FAIL = "F", INCONCLUSIVE = { r = "合格" }, ABORTED = "X" }', ""
            ),
            "INCONCLUSIVE becomes",
            id="a word and a table",
        ),
        pytest.param(
            verdict(
                '{ PASS = "合格", FAIL = "不合格", INCONCLUSIVE = "无法", ABORTED = "X" }',
                'R = { value = { code = ["合格!"] } }\n',
            ),
            "without looking",
            id="a fixed table",
        ),
        pytest.param(
            verdict(
                '{ PASS = "合格", FAIL = "不合格", INCONCLUSIVE = "无法", ABORTED = "X" }',
                'R = { value = { "合格" = 1 } }\n',
            ),
            "without looking",
            id="a fixed key",
        ),
        pytest.param(
            verdict('{ PASS = true, FAIL = false, INCONCLUSIVE = 1, ABORTED = "X" }'),
            "INCONCLUSIVE becomes 1",
            id="true and 1",
        ),
        pytest.param(
            verdict(
                '{ PASS = "A", FAIL = "B", INCONCLUSIVE = "C", ABORTED = "D" }',
                top='success = ["A", "c"]',
            ),
            "INCONCLUSIVE becomes 'C'",
            id="named as success",
        ),
        pytest.param(
            verdict("{ PASS = 1, FAIL = 2, INCONCLUSIVE = 2, ABORTED = 3 }"),
            "need words of their own",
            id="FAIL and INCONCLUSIVE the same",
        ),
        pytest.param(
            verdict('{ PASS = "A", FAIL = "B" }'), "lacks INCONCLUSIVE, ABORTED", id="two words"
        ),
        pytest.param(
            verdict(WORDS).replace("words", 'absent = "合格", words'), "`absent`", id="absent"
        ),
        pytest.param('[verdict]\nNo = "data.order"', "no field says what the verdict", id="silent"),
        pytest.param(
            verdict(WORDS, 'state = { value = "合格" }'), "without looking", id="constant PASS"
        ),
        pytest.param(
            verdict(
                WORDS, 'o = { from = "data.verdict.outcome", words = { no_anomaly = "通过" } }'
            ),
            "without looking",
            id="a screen as an inspection",
        ),
        pytest.param(
            verdict(WORDS.replace("}", ', no_anomaly = "通过" }')),
            "no_anomaly becomes '通过', which is a success",
            id="a screen as a PASS",
        ),
        pytest.param(
            '[job]\nr = { from = "data.verdict", words = { PASS = "A", FAIL = "B", INCONCLUSIVE ='
            ' "A", ABORTED = "D" } }',
            "INCONCLUSIVE becomes 'A'",
            id="of a job",
        ),
        pytest.param('[verdicts]\nNo = "data.order"', 'did you mean "verdict"', id="kind"),
        pytest.param('[order]\n"a" = "data.order"\n"a.b" = "data.kind"', "both be", id="overlap"),
        pytest.param('[order]\na = { value = 1, from = "data.kind" }', "either", id="both"),
        pytest.param('[order]\na = { form = "data.kind" }', "form", id="misspelt"),
        pytest.param("success = []", "events", id="nothing"),
        pytest.param("[order", "TOML", id="no TOML"),
        pytest.param("order = 5", "crm-mapping.toml", id="no table"),
    ],
)
def test_a_file_that_is_unsafe_or_unusable_is_refused_when_it_is_read(
    tmp_path: Path, text: str, why: str
) -> None:
    """It names the file, the field, and what is wrong."""
    with pytest.raises(ConfigError, match=r"crm-mapping\.toml") as told:
        mapped(tmp_path, text)
    assert why in str(told.value)


@pytest.mark.parametrize(
    "words",
    [
        "{ PASS = 0, FAIL = 1, INCONCLUSIVE = 2, ABORTED = 3 }",
        '{ PASS = true, FAIL = false, INCONCLUSIVE = "open", ABORTED = "void" }',
        '{ PASS = "PASS", FAIL = "FAIL", INCONCLUSIVE = "FAIL_PENDING", ABORTED = "DRAFT" }',
    ],
)
def test_other_peoples_words_may_be_any_that_are_four(tmp_path: Path, words: str) -> None:
    assert mapped(tmp_path, verdict(words)).kinds == {"verdict"}


@pytest.mark.parametrize(
    ("words", "becomes"),
    [
        (WORDS, "无法判定"),
        (WORDS.replace("}", ', no_anomaly = "室外未见异常" }'), "室外未见异常"),
        ("{}", "INCONCLUSIVE"),
    ],
)
def test_an_outdoor_screen_is_no_success(tmp_path: Path, words: str, becomes: str) -> None:
    """Its PASS is told by its outcome, or keeps the job open: of a verdict and of a job's test."""
    of_job = f'[job]\nr = {{ from = "data.verdict", words = {words} }}\n'
    file = mapped(tmp_path, verdict(words, of_job))
    tested = golden("job-test")
    tested["data"] |= {"verdict": "PASS", "test_outcome": "no_anomaly"}

    assert json.loads(file.body("verdict", golden("verdict-screened"))) == {"r": becomes}
    assert json.loads(file.body("job", tested)) == {"r": becomes}


def test_a_screen_that_found_something_stays_what_it_is(tmp_path: Path) -> None:
    screened = golden("verdict-screened")
    screened["data"]["verdict"] |= {"verdict": "FAIL", "outcome": "strong_anomaly"}

    body = json.loads(mapped(tmp_path, verdict(WORDS)).body("verdict", screened))
    assert body == {"r": "不合格"}


def test_a_word_that_the_file_does_not_know_is_named(tmp_path: Path) -> None:
    """A new word of ours is refused for that event, and nothing is made up for it."""
    text = '[visit]\nresult = { from = "data.outcome", words = { entered = "E" } }'
    with pytest.raises(ConfigError, match="no word for 'absent'"):
        mapped(tmp_path, text).body("visit", golden("visit-absent"))


def test_the_dry_run_shows_bodies_and_doubts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`gashub contract map`: every golden event of a kind that is mapped; a slip is a warning."""
    file = tmp_path / "m.toml"
    file.write_text(GOOD + 'late = "data.next_due"\n', encoding="utf-8")
    app(["contract", "map", str(file), "--dry-run"], standalone_mode=False)
    told = capsys.readouterr()

    assert "# verdict-inconclusive" in told.out
    assert '"Result": "无法判定"' in told.out
    assert "# hazard-opened" in told.out
    assert 'no event of this kind has "data.next_due"' in told.err


def test_an_event_of_ones_own_can_be_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, strange = tmp_path / "m.toml", tmp_path / "x.json"
    file.write_text(GOOD, encoding="utf-8")
    strange.write_text('{"type": "com.example"}')
    given = ["contract", "map", str(file), "--dry-run"]
    app([*given, str(KEPT / "verdict-aborted.json")], standalone_mode=False)

    assert "中止" in capsys.readouterr().out
    with pytest.raises(CommandRefused, match="no event of a gateway"):
        app([*given, str(strange)], standalone_mode=False)
    with pytest.raises(CommandRefused, match="none of these events"):
        app([*given, str(KEPT / "alarm-raised.json")], standalone_mode=False)


def test_tables_may_share_what_says_nothing(tmp_path: Path) -> None:
    """A field that all four words have alike makes no success of any."""
    words = ", ".join(
        f'{word} = {{ kind = "gas", v = 1, code = "{word[0]}" }}'
        for word in ("PASS", "FAIL", "INCONCLUSIVE", "ABORTED")
    )
    body = mapped(tmp_path, verdict(f"{{ {words} }}")).body("verdict", golden("verdict-fail"))
    assert json.loads(body)["r"]["code"] == "F"
