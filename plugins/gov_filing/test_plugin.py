"""The filing folder: whole files or none, the same bytes every time, and no more than is due."""

import errno
import hashlib
import json
import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import rfc8785
from pydantic import ValidationError
from structlog.testing import capture_logs
from ulid import ULID

from hub import Delivery, Parcel, SinkPaused, SinkUnavailable, Site, check_digit_fits, guarded
from hub.testing import HandClock
from plugins.gov_filing import sink as sink_module
from plugins.gov_filing.records import figures_of, record_of
from plugins.gov_filing.settings import FilingSettings
from plugins.gov_filing.sink import FilingFolder
from plugins.gov_filing.workbook import COLUMNS

CLAIMED_S = 1_790_000_000.0
BATCH = str(ULID.from_timestamp(CLAIMED_S))
STEM = f"gashub-gw-1-{BATCH}"
CODE = "91110000101623741K"


def parcel(n: int = 1, order: str = "2026-1184", **changed: Any) -> Parcel:
    verdict = {
        "number": order,
        "procedure": "riser_hold",
        "verdict": "PASS",
        "reasons": [],
        "flags": [],
        "figures": {"p1_pa": "10012", "drop_raw_pa": "-7.5", "hold_s": "900"},
        "clauses": ["4.4.2", "6.1"],
        "rule_pack": {"id": "default", "version": "1"},
        "sentence": {"zh": "压降在允许范围内。", "en": "The drop is within its limit."},
        **changed,
    }
    event = {
        "id": f"01JD00000000000000000000{n:02d}",
        "time": "2026-11-23T16:30:00.000000Z",
        "data": {
            "order": order,
            "attempt": f"01JE00000000000000000000{n:02d}",
            "verdict": verdict,
            "ledger": {"origin": "o", "size": 40 + n, "root": f"r{n}", "checkpoint": "c\n"},
        },
    }
    return Parcel(f"P{n}", "gov", f"K{n}", order, "verdict", json.dumps(event).encode(), 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "filing"
    made.mkdir()
    return made


def filer(folder: Path, **given: Any) -> FilingFolder:
    settings = FilingSettings.model_validate(
        {
            "folder": folder,
            "company": "某燃气有限公司",
            "credit_code": CODE,
            "division_code": "010105",
        }
        | given
    )

    def no_secret(name: str) -> str:
        raise KeyError(name)

    return FilingFolder("gov", settings, Site("gw-1", HandClock(), no_secret))


def file(folder: Path, *parcels: Parcel, **given: Any) -> Delivery:
    sink = filer(folder, **given)
    sink.open()
    return sink.deliver(parcels, BATCH)


def filed(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{STEM}.json").read_bytes())
    return found


# -- what is filed


def test_the_header_says_who_what_when_and_under_which_head(folder: Path) -> None:
    """Every field of the batch header, with times at +08:00 and counts that add up."""
    delivery = file(folder, parcel(1), parcel(2, verdict="FAIL"), parcel(3, verdict="FAIL"))

    found = filed(folder)
    header = found["header"]
    assert header["batch_id"] == BATCH
    assert header["schema_version"] == "gashub.filing.v1"
    assert header["company"] == "某燃气有限公司"
    assert (header["credit_code"], header["division_code"]) == (CODE, "010105")
    assert header["created_at"] == "2026-09-21T22:13:20+08:00"
    assert header["period"] == {"start": "2026-11-24", "end": "2026-11-24"}
    assert header["counts"] == {"total": 3, "by_result": {"PASS": 1, "FAIL": 2}}
    assert header["ledger"] == {"origin": "o", "size": 43, "root": "r3", "checkpoint": "c\n"}
    digest = hashlib.sha256(rfc8785.dumps(found["records"])).hexdigest()
    assert header["records_sha256"] == digest
    assert set(delivery.taken) == {"P1", "P2", "P3"}


def test_the_file_is_canonical_json_and_its_digest_beside_it(folder: Path) -> None:
    """sha256sum -c would agree."""
    receipt = file(folder, parcel()).taken["P1"]

    body = (folder / f"{STEM}.json").read_bytes()
    assert rfc8785.dumps(json.loads(body)) == body
    lines = (folder / f"{STEM}.sha256").read_text().splitlines()
    for line, kind in zip(lines, ("json", "xlsx"), strict=True):
        digest, name = line.split("  ")
        assert name == f"{STEM}.{kind}"
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert receipt == f"{STEM}.json sha256:{lines[0][:64]}"


@pytest.mark.parametrize(
    ("verdict", "outcome", "result"),
    [
        ("PASS", "no_anomaly", "no_anomaly"),
        ("FAIL", "anomaly", "anomaly"),
        ("FAIL", "strong_anomaly", "strong_anomaly"),
        ("INCONCLUSIVE", "invalid", "invalid"),
        ("ABORTED", None, "invalid"),
    ],
)
def test_an_outdoor_screen_is_never_filed_as_an_inspection(
    folder: Path, verdict: str, outcome: str | None, result: str
) -> None:
    """Its outcome word is the result; no PASS, and nothing that says somebody was inside."""
    sentence = {"zh": "已入户安检合格", "en": "Inspected: pass."}
    screen = parcel(procedure="laser_screen", verdict=verdict, outcome=outcome, sentence=sentence)
    file(folder, screen)

    (record,) = filed(folder)["records"]
    assert record["result"] == result
    assert filed(folder)["header"]["counts"]["by_result"] == {result: 1}
    everything = (folder / f"{STEM}.json").read_text(encoding="utf-8")
    assert '"PASS"' not in everything
    assert "已入户安检" not in everything
    assert "Inspected" not in everything


def test_no_anomaly_says_what_it_means_in_both_languages(folder: Path) -> None:
    """Outdoors, and not an inspection."""
    file(folder, parcel(procedure="laser_screen", outcome="no_anomaly"))

    (record,) = filed(folder)["records"]
    assert record["result_en"] == "no anomaly found outdoors; not an inspection"
    assert record["result_zh"] == "户外检测未发现异常，不作为入户安检"


@pytest.mark.parametrize("word", ["FAIL", "INCONCLUSIVE", "ABORTED"])
def test_what_did_not_pass_is_not_filed_as_passed(folder: Path, word: str) -> None:
    """Each word stays itself."""
    file(folder, parcel(verdict=word, reasons=["drop"]))

    (record,) = filed(folder)["records"]
    assert (record["result"], record["reasons"]) == (word, ["drop"])
    assert record["result_zh"] != "合格"


def test_free_text_and_personal_data_stay_at_home(folder: Path) -> None:
    """Canaries planted wherever an order or a sentence of somebody could carry them."""
    canary = "张三 13812345678 某小区3栋"
    planted = parcel(
        figures={"p1_pa": "1", "note": canary, "events": [canary], "at": {canary: "12.5"}},
        not_checked=[canary],
        isolation={"text": canary},
        limits={"x": {"value": canary}},
    )
    file(folder, planted)

    for path in folder.iterdir():
        assert "张三" not in path.read_bytes().decode("utf-8", errors="ignore")
    assert filed(folder)["records"][0]["figures"] == {"p1_pa": "1", "at_max": "12.5"}
    rows = sheet(folder, 1)
    assert not any("张三" in str(cell) for row in rows for cell in row)


@pytest.mark.parametrize(
    ("figures", "kept"),
    [
        (
            {"a": "0.10", "b": 3, "c": True, "d": None, "e": "NaN", "f": "1e999999999"},
            {"a": "0.10", "b": "3"},
        ),
        ({"max_pct_lel": {"x": "3.0", "y": "12.5"}}, {"max_pct_lel": "12.5"}),
        ({"excess_ppm_m": {"door": "-2", "vent": "0"}}, {"excess_ppm_m_max": "0"}),
        ({"samples": [{"value": "91"}], "empty": {}}, {}),
    ],
)
def test_only_numbers_are_copied_from_the_figures(
    figures: Mapping[str, Any], kept: Mapping[str, str]
) -> None:
    """As decimal text with every digit; of a table by name the largest, without the names."""
    assert figures_of(figures) == kept


def test_an_event_that_is_no_verdict_is_refused(folder: Path) -> None:
    """It does not hold up the verdicts beside it."""
    alarm = Parcel("P9", "gov", "K9", "", "alarm", b'{"data":{"alarm":{}}}', 0)
    assert record_of(alarm) is None
    delivery = file(folder, alarm, parcel())

    assert set(delivery.refused) == {"P9"}
    assert set(delivery.taken) == {"P1"}
    assert filer(folder).deliver([alarm], BATCH).taken == {}


# -- the workbook


def sheet(folder: Path, at: int) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(folder / f"{STEM}.xlsx")
    return list(book.worksheets[at].iter_rows(values_only=True))


def cell(folder: Path, key: str, row: int = 1) -> Any:
    at = [column.key for column in COLUMNS].index(key)
    return sheet(folder, 1)[row][at]


def test_codes_stay_text_and_figures_are_numbers(folder: Path) -> None:
    """Leading zeros, 18 characters and a negative drop survive another program's reading."""
    file(folder, parcel(order="007"))

    facts = {row[1]: row[2] for row in sheet(folder, 0)}
    assert facts["Division code"] == "010105"
    assert facts["Unified social credit code"] == CODE
    assert cell(folder, "order") == "007"
    assert cell(folder, "drop_raw_pa") == -7.5
    assert cell(folder, "hold_s") == 900
    assert cell(folder, "p2_pa") is None


def test_titles_are_chinese_with_english_below(folder: Path) -> None:
    """So that whoever opens it can read it."""
    file(folder, parcel())

    titles = sheet(folder, 1)[0]
    assert titles[1] == "工单编号\nWork order"
    assert all("\n" in title for title in titles)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "=HYPERLINK(1)",
        "＝1+1",
        "＋1",
        "－1",
        "＠A",
        "  =1",
    ],
)
def test_text_is_never_a_formula(folder: Path, text: str) -> None:
    """Not in the workbook, and not after somebody saved it as CSV."""
    file(folder, parcel(order=text))
    book = openpyxl.load_workbook(folder / f"{STEM}.xlsx")
    kept = [c for row in book.worksheets[1].iter_rows() for c in row if c.value is not None]

    assert all(c.data_type != "f" for c in kept)
    assert guarded(text) == f"'{text}"
    assert str(cell(folder, "order")).startswith("'")
    assert filed(folder)["records"][0]["order"] == text


# -- once and whole


def test_the_same_batch_again_writes_nothing(folder: Path) -> None:
    """A crash after the files and before the outcome makes no second filing."""
    first = file(folder, parcel(1), parcel(2))
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}

    assert file(folder, parcel(1), parcel(2)) == first
    after = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    assert after == before
    assert len(after) == 3


def test_a_filing_written_anew_is_byte_identical(folder: Path) -> None:
    """Picked up and delivered again it is the same file, whenever that is."""
    file(folder, parcel(1), parcel(2))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    file(folder, parcel(1), parcel(2))

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


class Cut(BaseException):
    """Power goes off: nothing after it is done, no handler runs."""


@pytest.mark.parametrize("step", range(1, 10))
def test_a_cut_at_any_step_files_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """What is complete has its digest; what is not is made whole by the next attempt."""
    steps = iter(range(1, 100))

    def sync_then_cut(path: Path) -> None:
        if next(steps) == step:
            raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(sink_module, "_sync", sync_then_cut)
        try:
            file(folder, parcel(1), parcel(2))
        except Cut:
            complete = (folder / f"{STEM}.sha256").exists()
            assert complete == (step == 6)
    file(folder, parcel(1), parcel(2))

    assert sorted(p.suffix for p in folder.iterdir()) == [".json", ".sha256", ".xlsx"]
    assert filed(folder)["header"]["counts"]["total"] == 2


def test_a_file_that_was_changed_after_filing_is_not_overwritten(folder: Path) -> None:
    """Evidence of what was filed is left for a person to look at."""
    file(folder, parcel())
    path = folder / f"{STEM}.json"
    path.write_bytes(path.read_bytes().replace(b"PASS", b"FAIL"))
    changed = path.read_bytes()

    with pytest.raises(SinkPaused, match=f"{path.name}.*changed"):
        file(folder, parcel())
    assert path.read_bytes() == changed


def test_another_filing_under_the_same_id_is_not_taken_for_ours(folder: Path) -> None:
    """Same batch id, other records: somebody's mistake, and not to be papered over."""
    file(folder, parcel())

    with pytest.raises(SinkPaused, match="another filing"):
        file(folder, parcel(order="other"))


# -- trouble


def test_a_folder_that_is_not_there_is_not_made_up(folder: Path) -> None:
    """A mount that is missing would else fill the disk below it."""
    with pytest.raises(SinkUnavailable, match=r"not there; mount it or create it"):
        filer(folder / "gone").open()


@contextmanager
def files_of_at_most(length: int) -> Iterator[None]:
    """The system refuses to let any file of this process grow beyond *length* bytes.

    Only around what is tested: the log that pytest writes to is such a file too.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_folder_keeps_the_batch_and_leaves_nothing_whole(tmp_path: Path) -> None:
    """Refused by the system in the middle of a file; named with the way out."""
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    with (
        pytest.raises(SinkUnavailable, match=r"tiny.*cannot be written.*free space"),
        files_of_at_most(700),
    ):
        file(tiny, *(parcel(n) for n in range(1, 10)))

    assert not list(tiny.glob("*.json"))
    assert not list(tiny.glob("*.sha256"))


def test_a_read_only_folder_keeps_the_batch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root the bits do not hold, so the system's refusal is raised where it would come."""

    def refuse(self: Path, data: bytes) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", refuse)
        with pytest.raises(SinkUnavailable, match=r"Read-only file system.*mount"):
            file(folder, parcel())
    assert file(folder, parcel()).taken


def test_what_an_interrupted_write_left_is_cleared_away(folder: Path) -> None:
    """Ours only: another gateway's and a stranger's files are not touched."""
    for name in (f"{STEM}.json.part", "gashub-gw-2-X.json.part", "theirs.part"):
        (folder / name).write_text("half")
    file(folder, parcel())

    assert sorted(p.name for p in folder.glob("*.part")) == [
        "gashub-gw-2-X.json.part",
        "theirs.part",
    ]


# -- settings


@pytest.mark.parametrize("code", [CODE, "911101066976941872", "914501000000000270"])
def test_the_check_digit_of_true_codes_fits(code: str) -> None:
    """GB 32100, annex A; the last one has remainder 0, where careless code fails."""
    assert check_digit_fits(code)


def test_a_real_company_whose_check_fails_is_warned_about_and_filed(folder: Path) -> None:
    """91350211M0000XUF46 exists; refusing it would keep a company from filing."""
    with capture_logs() as logs:
        file(folder, parcel(), credit_code="91350211M0000XUF46")

    assert [line["event"] for line in logs] == ["credit_code_check_digit"]
    assert filed(folder)["header"]["credit_code"] == "91350211M0000XUF46"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"credit_code": "91110000101623741"}, "credit_code"),
        ({"credit_code": "9111000010162374IK"}, "credit_code"),
        ({"credit_code": 911100001016237410}, "credit_code"),
        ({"division_code": "1101"}, "division_code"),
        ({"division_code": 110105}, "division_code"),
        ({"company": ""}, "company"),
        ({"batch_max": 1}, "batch_max"),
    ],
)
def test_settings_that_cannot_be_filed_with_are_refused(
    folder: Path, given: Mapping[str, Any], field: str
) -> None:
    """Codes are text of the right length; a number would have lost its zeros already."""
    with pytest.raises(ValidationError, match=field):
        filer(folder, **given)
