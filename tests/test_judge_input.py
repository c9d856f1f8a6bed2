"""Bad input: exit 2, nothing on stdout, one line on stderr that says what and where."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hub.judgement import judge_files, run_judge
from hub.order_file import UnusableInput, parse_order, strict_json
from tests.make_cases import Case, write
from tests.toy import held, order

HEADER = "at,instrument,quantity,value,unit,quality,seq,point"
ROW = "2026-11-23T10:00:00+08:00,g,pressure,5200,Pa,good,1,"
GOOD = json.dumps(order())


def judge_text(tmp_path: Path, order_text: str | bytes, readings_text: str | bytes) -> int:
    """Run the judge on two texts."""
    for name, text in (("order.json", order_text), ("readings.csv", readings_text)):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return run_judge(tmp_path / "order.json", tmp_path / "readings.csv", as_json=True)


def patched(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


BAD_ORDERS = {
    "not json": ("{", "not JSON"),
    "empty": ("", "not JSON"),
    "not utf-8": (b"\xff\xfe", "not UTF-8"),
    "a list": ("[]", "must be an object"),
    "duplicate key": (patched('"number"', '"number": "a", "number"'), "stands twice"),
    "nested duplicate": (patched('"name": "g"', '"name": "g", "name": "h"'), "stands twice"),
    "NaN": (patched('"range_pa": 20000', '"range_pa": NaN'), "NaN is no JSON number"),
    "Infinity": (patched('"range_pa": 20000', '"range_pa": -Infinity'), "no JSON number"),
    "1e999": (patched('"range_pa": 20000', '"range_pa": 1e999'), "too large"),
    "huge integer": (patched('"range_pa": 20000', f'"range_pa": {"9" * 5000}'), "too large"),
    "deep": ("[" * 100_000, "too deep"),
    "unknown key": (patched('"number"', '"nummer": "x", "number"'), 'did you mean "number"'),
    "unknown nested key": (patched('"serial"', '"serail"'), 'instruments[0].serail"; did you'),
    "unknown section key": (patched('"medium"', '"section": {"prat": "x"}, "medium"'), "section."),
    "no number": (patched('"number": "T-1", ', ""), '"number" is missing'),
    "empty number": (patched('"T-1"', '""'), '"number"'),
    "number no text": (patched('"T-1"', "7"), "must be text"),
    "no procedure": (patched('"procedure": "indoor_hold", ', ""), '"procedure" is missing'),
    "unknown procedure": (patched("indoor_hold", "indor_hold"), 'did you mean "indoor_hold"'),
    "no instruments": (json.dumps({"number": "1", "procedure": "indoor_hold"}), "instruments"),
    "empty instruments": (json.dumps(order(instruments=[])), "at least one"),
    "instrument no object": (json.dumps(order(instruments=["g"])), "must be an object"),
    "no name": (patched('"name": "g", ', ""), "name"),
    "same name twice": (json.dumps(order(instruments=order()["instruments"] * 2)), "twice"),
    "no quantity": (patched('"quantity": "pressure", ', ""), "quantity"),
    "unknown quantity": (patched('"pressure"', '"presure"'), 'did you mean "pressure"'),
    "event as quantity": (patched('"pressure"', '"event"'), "use one of"),
    "unknown unit": (patched('"unit": "Pa"', '"unit": "pascal"'), "instruments[0].unit"),
    "unit of another quantity": (patched('"unit": "Pa"', '"unit": "%LEL"'), "is not a unit of"),
    "number as text": (patched('"range_pa": 20000', '"range_pa": "20000"'), "must be a number"),
    "number as bool": (patched('"range_pa": 20000', '"range_pa": true'), "must be a number"),
    "null": (patched('"range_pa": 20000', '"range_pa": null'), "must be a number"),
    "bad day": (patched("2027-06-30", "2027-06-31"), "must be a day"),
    "day with time": (patched("2027-06-30", "2027-06-30T00:00"), "must be a day"),
    "unknown medium": (patched('"medium": "air"', '"medium": "water"'), "use one of"),
    "unknown role": (patched('"medium"', '"points": {"a": "floor"}, "medium"'), "points.a"),
    "declared no bool": (patched('"declared": true', '"declared": "yes"'), "true or false"),
    "isolation no text": (patched('"declared": true', '"by": 7'), "must be text"),
    "unknown pack": (patched('"medium"', '"rule_pack": "nowhere", "medium"'), "rule pack"),
}  # fmt: skip

BAD_READINGS = {
    "empty": ("", "header"),
    "bad header": ("at,instrument\n", "must be exactly"),
    "more columns": (HEADER + ",x\n", "must be exactly"),
    "not utf-8": (b"at\xff", "not UTF-8"),
    "half a row": (f"{HEADER}\n{ROW}\n2026-11-23T10", "line 3: 1 fields"),
    "too many fields": (f"{HEADER}\n{ROW},x\n", "9 fields"),
    "open quote": (f'{HEADER}\n"2026', "not CSV"),
    "no zone": (f"{HEADER}\n{ROW.replace('+08:00', '')}\n", "no time with a zone"),
    "no time": (f"{HEADER}\n{ROW.replace('2026-11-23T10:00:00+08:00', 'soon')}\n", "'soon'"),
    "no such hour": (f"{HEADER}\n{ROW.replace('T10', 'T25')}\n", "no time with a zone"),
    "unknown quantity": (f"{HEADER}\n{ROW.replace('pressure', 'preasure')}\n", "did you mean"),
    "unknown unit": (f"{HEADER}\n{ROW.replace('Pa', 'pascal')}\n", "unknown unit 'pascal'"),
    "unknown quality": (f"{HEADER}\n{ROW.replace('good', 'goood')}\n", 'did you mean "good"'),
    "no quality": (f"{HEADER}\n{ROW.replace('good', '')}\n", "unknown quality ''"),
    "unknown instrument": (f"{HEADER}\n{ROW.replace(',g,', ',h,')}\n", "unknown instrument"),
    "no instrument": (f"{HEADER}\n{ROW.replace(',g,', ',,')}\n", "unknown instrument"),
    "unknown event": (
        f"{HEADER}\n2026-11-23T10:00:00Z,,event,pump_of,,,,\n", 'did you mean "pump_off"'
    ),
    "close is for live tests": (f"{HEADER}\n2026-11-23T10:00:00Z,,event,close,,,,\n", "event"),
    "event of a stranger": (
        f"{HEADER}\n2026-11-23T10:00:00Z,x,event,zeroed,,,,\n", "unknown instrument"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ORDERS)
def test_a_bad_order_is_refused(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 and one line with the place; never half an answer."""
    text, says = BAD_ORDERS[name]

    code = judge_text(tmp_path, text, f"{HEADER}\n{ROW}\n")

    out, err = capfd.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


@pytest.mark.parametrize("name", BAD_READINGS)
def test_bad_readings_are_refused(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 and one line with file and line."""
    text, says = BAD_READINGS[name]

    code = judge_text(tmp_path, GOOD, text)

    out, err = capfd.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert "readings.csv" in err


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The path stands in the message."""
    with pytest.raises(UnusableInput, match=r"nothing\.json: cannot be read"):
        judge_files(tmp_path / "nothing.json", tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    "row",
    [
        ROW.replace("5200", value)
        for value in ("NaN", "inf", "1e999", "-1e999", "", "5,2", "5_200", "٥٢٠٠", "0x10", "abc")
        if "," not in value
    ]
    + [ROW.replace(",Pa,", ",,"), ROW.replace("Pa", "%LEL")],
)
def test_a_bad_value_is_an_unusable_row(row: str, tmp_path: Path) -> None:
    """It is no unusable input: the file is judged without it."""
    assert judge_text(tmp_path, GOOD, f"{HEADER}\n{row}\n") == 0


@pytest.mark.parametrize(
    "at",
    [
        "2026-11-23T10:00:00Z", "2026-11-23T10:00:00+0800", "2026-11-23T10:00:00.123456789+08:00",
        "2026-11-23 10:00:00+08:00", "2026-11-23T10:00+08",
    ],
)  # fmt: skip
def test_times_of_iso_8601_are_read(at: str, tmp_path: Path) -> None:
    """Any of its common forms, as long as the zone is there."""
    row = ROW.replace("2026-11-23T10:00:00+08:00", at)

    assert judge_text(tmp_path, GOOD, f"{HEADER}\n{row}\n") == 0


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Editors add it unasked; it changes nothing but the digest."""
    code = judge_text(tmp_path, b"\xef\xbb\xbf" + GOOD.encode(), f"\ufeff{HEADER}\n{ROW}\n")

    assert code == 0


def test_the_program_prints_one_answer(tmp_path: Path) -> None:
    """As a process: exit 0, one JSON object on stdout, both digests, nothing on stderr."""
    write_case = Case("x", "", order(number="工单-7"), held(), {})
    folder = _written(write_case, tmp_path)
    ran = subprocess.run(
        [
            sys.executable, "-m", "hub.judgement",
            folder / "order.json", folder / "readings.csv", "--json",
        ],
        capture_output=True, check=False, env={"LC_ALL": "C", "PATH": ""},
    )  # fmt: skip

    answer = json.loads(ran.stdout)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert answer["number"] == "工单-7"
    assert answer["verdict"] == "PASS"
    assert set(answer["input_sha256"]) == {"order", "readings"}
    assert set(answer["sentence"]) == {"zh", "en"}
    assert answer["rule_pack"]["id"] == "default"
    assert "uncorrected" in answer["sentence"]["en"]


def _written(case: Case, tmp_path: Path) -> Path:
    write(case, tmp_path)
    return tmp_path / case.name


def test_people_read_sentences(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without --json the answer is the verdict, both sentences, reasons and gaps."""
    folder = _written(Case("x", "", order(), held(), {}), tmp_path)

    assert run_judge(folder / "order.json", folder / "readings.csv") == 0

    out = capfd.readouterr().out
    assert "PASS" in out
    assert "户内保压：合格" in out
    assert "not_checked: let_by" in out


def test_numbers_keep_their_digits() -> None:
    """A number of the order is a Decimal, digit by digit."""
    given = strict_json('{"a": 0.1, "b": 12345678901234567890}', "order")

    assert [str(value) for value in given.values()] == ["0.1", "12345678901234567890"]


def test_an_order_takes_the_desks_numbers() -> None:
    """The live desk hands over int and Decimal; a float would be binary noise."""
    parsed = parse_order({**order(), "p_operating_pa": 2000})

    assert parsed.p_operating_pa == 2000
    with pytest.raises(UnusableInput, match="must be a number"):
        parse_order({**order(), "p_operating_pa": 2000.5})
