"""Registers on a real ledger: true figures, the right types, no data that nobody asked for."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import openpyxl
import pytest
from rich.console import Console

from hub.cli.records import PaperName, RegisterName
from hub.cli.records import Recipient as ForWhom
from hub.errors import CommandRefused
from hub.foreman.personal import Recipient
from hub.formulas import guarded
from hub.jobs.timing import ZONE
from hub.records import REGISTERS, Period, Record, Table, Words, export, lines, period_of
from hub.records.cells import LONGEST_CELL, short
from hub.records.paper import PAPERS
from hub.records.register import spans
from hub.records.screen import show
from hub.records.table import root_of
from hub.records.words import visible
from hub.texts import CATALOGUE, Language
from hub.texts.records import RECORDS
from tests.foreman_rig import Yard, purge_order
from tests.records_rig import (
    ABSENT,
    COMMERCIAL,
    CUSTOMER,
    HAZARD,
    INSPECTED,
    LEAK,
    NAME,
    PURGE,
    REPAIR,
    copied,
    days_of_work,
)

NOW_US = int(datetime(2026, 12, 1, tzinfo=ZONE).timestamp()) * 1_000_000
PERSONAL = (*CUSTOMER.values(), "张小明", "M0099887799")
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a few days of work; nobody writes it any more."""
    folder = tmp_path_factory.mktemp("state")
    with Yard(folder) as yard:
        days_of_work(yard)
    return folder


@pytest.fixture
def record(worked: Path) -> Iterator[Record]:
    with Record(worked) as opened:
        yield opened


def table(record: Record, name: str, **more: Any) -> Table:
    words = Words(record, more.pop("lang", "zh"), more.pop("recipient", None), NOW_US)
    return Table(REGISTERS[name], words, **more)


def values(record: Record, name: str, **more: Any) -> dict[str, Mapping[str, Any]]:
    """Job -> the values of its row."""
    return {row.number: row.values for row in table(record, name, **more).rows()}


def sheet(made: Table, path: Path) -> list[dict[str, Any]]:
    """A register as another program reads it from its workbook: title -> cell."""
    export(made, path)
    found = openpyxl.load_workbook(path)[made.words.say("sheet.rows")]
    titles, *rows = found.iter_rows()
    return [
        {str(title.value): cell for title, cell in zip(titles, row, strict=True)} for row in rows
    ]


# -- figures


def test_R3_a_purge_stands_in_its_register_with_the_figures_of_its_verdicts(record: Record) -> None:
    row = values(record, "purge")[PURGE]
    attempt = record.history(PURGE).rulings("riser_hold")[-1].attempt
    decided = record.decided(attempt)
    assert decided is not None
    figures = decided.verdict["figures"]

    assert row["riser_p1_pa"] == Decimal(figures["p1_pa"])
    assert row["riser_p2_pa"] == Decimal(figures["p2_pa"])
    assert row["riser_drop_pa"] == Decimal(figures["drop_raw_pa"])
    assert (row["riser_hold_s"], row["indoor_hold_s"]) == (900, 300)
    assert (row["riser_section"], row["indoor_section"]) == ("A-7-2", "A-7-2-301")
    assert row["riser_verdict"] == "合格 PASS"
    assert row["riser_serial"] == "S-pm-1"
    assert [row[f"sample_{at}_pct_vol"] for at in (1, 2, 3)] == [96, 96, 96]
    assert (row["meter_before_m3"], row["meter_after_m3"]) == (Decimal("12.10"), Decimal("12.34"))
    assert (row["staff"], row["certificates"]) == ("T-1", "T-1 C-1")
    assert row["kept_until"] == date(2028, 11, 24)  # two years, 1.7.1


def test_a_commercial_purge_has_its_own_test_and_its_own_retention(record: Record) -> None:
    row = values(record, "purge")[COMMERCIAL]

    assert (row["commercial_verdict"], row["commercial_hold_s"]) == ("合格 PASS", 1800)
    assert "riser_verdict" not in row
    assert (row["vent_point"], row["kept_until"]) == ("室外", date(2029, 11, 29))


def test_a_repair_shows_its_checks_its_notice_and_that_it_was_late(record: Record) -> None:
    row = values(record, "repair")[REPAIR]

    assert row["gas_checks"] == (
        "2026-11-25 13:43:38 不合格 FAIL 25 %LEL；2026-11-25 13:47:08 合格 PASS 1.5 %LEL"
    )
    assert (row["gas_max_pct_lel"], row["notice_ahead_h"]) == (25, Decimal("25.1"))
    assert (row["late"], row["reported_late"], row["hold_verdict"]) == ("是", "否", "合格 PASS")
    assert (row["old_reading_m3"], row["new_reading_m3"]) == (Decimal("1234.56"), Decimal("0.01"))
    assert row["hazards"] == "L1-1"


def test_R51_an_inspection_shows_its_visits_and_an_outdoor_screen_is_none(record: Record) -> None:
    rows = values(record, "inspection")

    assert rows[INSPECTED]["visit_log"] == "2026-11-25 13:55:25 到访不遇；2026-11-26 13:55:25 入户"
    assert (rows[INSPECTED]["items_not_ok"], rows[INSPECTED]["notice_number"]) == ("I9 L2-3", "N-9")
    assert rows[INSPECTED]["state"] == "已结束：安检完成"
    assert (rows[ABSENT]["visits"], rows[ABSENT]["signature"]) == (3, "否")
    assert rows[ABSENT]["laser_outcome"] == "户外未见异常（不等于已安检）"
    english = values(record, "inspection", lang="en")[ABSENT]
    assert english["laser_outcome"] == "no anomaly outdoors (no inspection)"


def test_a_hazard_is_told_in_the_catalogues_words_and_with_its_days_overdue(record: Record) -> None:
    rows = values(record, "hazards")

    assert rows[LEAK]["wording"] == "户内燃气设施任何部位漏气"
    assert (rows[LEAK]["level"], rows[LEAK]["hazard_class"]) == (1, "漏气")
    assert (rows[LEAK]["overdue"], rows[LEAK]["overdue_days"]) == ("是", 6)  # due the same day
    assert (rows[LEAK]["found_in"], rows[LEAK]["sticker"]) == (REPAIR, "否")
    assert (rows[HAZARD]["notice_number"], rows[HAZARD]["notice_signed"]) == ("00017", "拒签")
    assert rows[HAZARD]["overdue"] == "否"


def test_a_pass_that_no_longer_holds_says_so(tmp_path: Path) -> None:
    with Yard(tmp_path) as yard:
        yard.staffed().open(purge_order())
        for step, answers in (
            ("acceptance", {"accepted": "yes", "record": "AR-1"}),
            ("plan", {"approved": "yes", "document": "PL-1"}),
            ("arrive", {"consent": "yes"}),
            ("isolation", {"valves": "both ends closed", "as_ordered": "yes"}),
        ):
            yard.step(PURGE, step, **answers)
        yard.hold(PURGE, "riser_hold", every_s=4)
        yard.step(PURGE, "pipe_work", what="a valve exchanged")
        with Record(tmp_path) as record:
            assert values(record, "purge")[PURGE]["riser_verdict"] == "合格 PASS（已失效）"


def test_what_was_refused_has_its_clause_also_where_no_job_came_of_it(tmp_path: Path) -> None:
    with Yard(tmp_path, pack="default") as yard:
        yard.staffed().open(purge_order())
        with Record(tmp_path) as record:
            (row,) = table(record, "refused").rows()
            assert row.values["tried"] == "开立作业"
            assert "not_signed_off" in str(row.values["reason_codes"])
            assert "规则包未签认" in str(row.values["reasons"])


def test_a_refused_step_is_in_the_register_for_supervisors(record: Record) -> None:
    first, second = table(record, "refused").rows()

    assert (first.values["tried"], first.values["clauses"]) == ("开启立管阀门", "1.6.1")
    assert (second.values["tried_code"], second.values["reasons"]) == (
        "start_work", "最新结论不是合格"
    )  # fmt: skip
    assert first.values["tried_by"] == "T-1"


# -- whence each figure comes


@pytest.mark.parametrize("name", sorted(REGISTERS))
def test_every_row_names_the_entries_that_it_rests_on(record: Record, name: str) -> None:
    for row in table(record, name).rows():
        about = [record.entry(index) for index in row.entries]
        assert about
        orders = {entry.refs.get("order") for entry in about}
        assert orders == {row.number}


def test_the_head_above_a_register_is_that_of_the_ledger(worked: Path, record: Record) -> None:
    """And what was written since is not looked at, so that figures and head are about one log."""
    made = table(record, "purge")
    before = [*made.rows()]
    shutil.copytree(worked, worked.with_name("grown"))
    with Yard(worked.with_name("grown")) as yard:
        assert root_of(yard.ledger.head()) == made.facts(0)["ledger_root"]
        assert str(yard.ledger.head().size) == made.facts(0)["ledger_size"]
        with Record(yard.folder) as read_before:
            yard.open(purge_order("2026-2999"))
            yard.refused("2026-2999", "ignite")
            late = table(read_before, "purge")
            assert [row.number for row in late.rows()] == [row.number for row in before]
            assert late.facts(0)["ledger_root"] == made.facts(0)["ledger_root"]
            assert len([*table(read_before, "refused").rows()]) == 2
        with Record(yard.folder) as read_after:
            assert "2026-2999" in values(read_after, "purge")


def test_a_copy_of_the_ledger_file_is_enough(worked: Path, tmp_path: Path) -> None:
    shutil.copy(worked / "ledger.db", tmp_path / "of the office.db")
    with Record(tmp_path / "of the office.db") as record:
        assert set(values(record, "purge")) == {PURGE, COMMERCIAL}


# -- choosing


def test_a_period_has_both_its_days_as_the_field_reckons(record: Record) -> None:
    """The purge was opened at noon of 24 November in Shanghai."""
    day = date(2026, 11, 24)

    assert set(values(record, "purge", period=Period(day, day))) == {PURGE}
    assert set(values(record, "purge", period=Period(date(2026, 11, 25)))) == {COMMERCIAL}
    assert values(record, "purge", period=Period(last=date(2026, 11, 23))) == {}
    assert Period(day, day).bounds_us()[0] % 86_400_000_000 == 57_600_000_000  # 16:00 UTC


def test_rows_are_chosen_by_kind_and_state(record: Record) -> None:
    assert set(values(record, "purge", kind="commercial_purge")) == {COMMERCIAL}
    assert set(values(record, "hazards", kind="leak")) == {LEAK}
    assert set(values(record, "inspection", state="absent")) == {ABSENT}
    assert set(values(record, "inspection", state="ended")) == {INSPECTED, ABSENT}
    assert set(values(record, "purge", state="running")) == set()
    with pytest.raises(CommandRefused, match="leak, pipe, equipment"):
        table(record, "hazards", kind="leek")
    with pytest.raises(CommandRefused, match='did you mean "running"'):
        table(record, "hazards", state="runing")
    with pytest.raises(CommandRefused, match="running, ended, done"):
        table(record, "hazards", state="open")


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        ("2026-13-01", "", "--from is '2026-13-01'"),
        ("", "yesterday", "--to is 'yesterday'"),
        ("2026-12-02", "2026-12-01", "exchange them"),
    ],
)
def test_a_period_that_is_none_is_refused(first: str, last: str, says: str) -> None:
    with pytest.raises(CommandRefused, match=says):
        period_of(first, last)


# -- personal data


@pytest.mark.parametrize("name", sorted(REGISTERS))
@pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
def test_nobodys_data_are_in_a_register_unless_asked_for(
    record: Record, tmp_path: Path, name: str, kind: str
) -> None:
    made, path = table(record, name), tmp_path / f"out.{kind}"
    if kind == "json":
        said = "".join(lines(made))
    else:
        export(made, path)
        said = path.read_text("utf-8") if kind == "csv" else str(everything(path))

    assert len(said) > 200
    assert [word for word in PERSONAL if word in said] == []


def everything(path: Path) -> list[Any]:
    book = openpyxl.load_workbook(path)
    return [cell for page in book for row in page.iter_rows(values_only=True) for cell in row]


def test_the_company_reads_its_customers_and_an_authority_reads_masks(record: Record) -> None:
    company = values(record, "repair", recipient="company")[REPAIR]
    authority = values(record, "repair", recipient="authority")[REPAIR]

    assert company["customer_name"] == NAME
    assert company["customer_user_no"] == "008800123456789012"
    assert (company["old_meter"], company["new_meter"]) == ("M0099887766", "M0099887799")
    assert authority["customer_user_no"] == "****9012"
    assert (authority["customer_room"], authority["customer_address"]) == ("", "")
    assert authority["new_meter"] == "****7799"
    assert values(record, "repair")[REPAIR]["new_meter"] == "（保密）"


def test_a_hazard_that_a_job_has_found_is_about_that_jobs_customer(record: Record) -> None:
    rows = table(record, "hazards", recipient="company").rows()
    leak = next(row for row in rows if row.number == LEAK)

    assert leak.values["customer_room"] == "0317"
    assert "personal" in [record.entry(index).kind for index in leak.entries]


def test_what_was_erased_says_so_and_the_rest_still_stands(worked: Path, tmp_path: Path) -> None:
    shutil.copytree(worked, tmp_path / "state")
    with Yard(tmp_path / "state") as yard:
        personal = [entry.index for entry in yard.entries("personal")]
        with yard.ledger.transaction() as tx:
            for index in personal:
                tx.erase(index, "asked for by the customer", "S-1")
    with Record(tmp_path / "state") as record:
        row = values(record, "repair", recipient="company")[REPAIR]
        assert (row["customer_name"], row["old_meter"]) == ("已删除", "已删除")
        assert row["old_reading_m3"] == Decimal("1234.56")
        english = values(record, "repair", recipient="company", lang="en")[REPAIR]
        assert english["customer_phone"] == "erased"


# -- files


def test_a_workbook_has_numbers_as_numbers_and_codes_as_text(
    record: Record, tmp_path: Path
) -> None:
    rows = sheet(table(record, "purge", recipient="company"), tmp_path / "purge.xlsx")
    row = rows[0]

    assert row["作业编号"].value == PURGE
    assert (row["立管 p1 Pa"].value, row["立管 p1 Pa"].data_type) == (5200.5, "n")
    assert row["开立时间（北京时间）"].value.isoformat() == "2026-11-24T12:00:00"
    assert row["开立时间（北京时间）"].is_date
    assert row["保存至"].value.isoformat() == "2028-11-24T00:00:00"
    assert (row["户号"].value, row["户号"].data_type) == ("008800123456789012", "s")
    assert row["户号"].number_format == "@"
    assert (row["姓名"].value, row["姓名"].data_type) == (f"'{NAME}", "s")
    assert {cell.data_type for each in rows for cell in each.values()} <= {"s", "n", "d"}
    assert {cell.hyperlink for each in rows for cell in each.values()} == {None}


def test_a_workbook_can_be_read_down_and_filtered(record: Record, tmp_path: Path) -> None:
    export(table(record, "purge", lang="en"), tmp_path / "purge.xlsx")
    book = openpyxl.load_workbook(tmp_path / "purge.xlsx")
    rows, about = book["Register"], book["About"]
    facts = dict(about.iter_rows(values_only=True))

    assert rows.freeze_panes == "B2"
    assert rows.auto_filter.ref == rows.dimensions
    assert rows.column_dimensions["A"].width > 15
    assert book.active.title == "Register"
    assert (facts["Rows"], facts["Gateway"]) == (2, "gw-test")
    assert facts["Personal data"] == "none; customers by pseudonym"
    assert re.fullmatch(r"example_city 2026\.1 sha256:[0-9a-f]{64}", str(facts["Rule packs"]))


def test_a_csv_is_whole_for_machines_and_for_excel(record: Record, tmp_path: Path) -> None:
    made = table(record, "purge", recipient="company")
    assert export(made, tmp_path / "purge.csv") == 2
    data = (tmp_path / "purge.csv").read_bytes()
    text = data.decode("utf-8-sig")
    parsed = [*csv.reader(text.splitlines(keepends=True), strict=True)]
    titles = parsed.index(made.titles())
    first = dict(zip(parsed[titles], parsed[titles + 1], strict=True))

    assert data.startswith(b"\xef\xbb\xbf")
    assert text.count("\r\n") == text.count("\n") == len(parsed)
    assert {len(line) for line in parsed} == {len(made.columns)}
    assert first["姓名"] == f"'{NAME}"
    assert (first["电话"], first["户号"]) == ("'+8613812345678", "008800123456789012")
    assert first["立管 p1 Pa"] == "5200.5"
    assert parsed[titles - 1][:2] == ["行数", "2"]


def test_libreoffice_reads_the_workbook_as_the_csv_has_it(record: Record, tmp_path: Path) -> None:
    """Every cell: Chinese text, long numbers, moments, guarded names."""
    for name in ("purge", "hazards", "inspection", "repair"):
        made = table(record, name, recipient="company")
        export(made, tmp_path / f"{name}.csv")
        export(made, tmp_path / f"{name}.xlsx")
    form = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,2"
    subprocess.run(
        ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/lo", "--convert-to",
         form, "--outdir", tmp_path / "read", *sorted(tmp_path.glob("*.xlsx"))],
        check=True, capture_output=True, timeout=100,
    )  # fmt: skip
    for name in ("purge", "hazards", "inspection", "repair"):
        ours = parsed_csv(tmp_path / f"{name}.csv")[-len(values(record, name)) - 1 :]
        theirs = parsed_csv(tmp_path / "read" / f"{name}-台账.csv")
        assert [[same(cell) for cell in row] for row in theirs] == [
            [same(cell) for cell in row] for row in ours
        ]


def parsed_csv(path: Path) -> list[list[str]]:
    return [*csv.reader(path.read_text("utf-8-sig").splitlines(keepends=True))]


def same(cell: str) -> str:
    """A number without zeros at its end: a spreadsheet has none."""
    return re.sub(r"(\.\d*?)0+$", r"\1", cell).rstrip(".") if re.match(r"\d+\.\d+$", cell) else cell


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('O\'Neil "小" 明', 'O\'Neil "小" 明'),
        ('=HYPERLINK("x")', "'=HYPERLINK(\"x\")"),
        (" =1+1", "' =1+1"),
        ("＝1+1", "'＝1+1"),
        ("-7", "'-7"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("first\r\nsecond", "first second"),
        ("\x00\x1b[31m\x07", "[U+0000][U+001B][31m[U+0007]"),
        ("\u202egnp.exe", "[U+202E]gnp.exe"),
        ("أحمد 🔥👨‍👩‍👧", "أحمد 🔥👨‍👩‍👧"),
        ("长" * 500, "长" * 500),
    ],
)  # fmt: skip
def test_a_hostile_name_is_text_in_every_file(tmp_path: Path, name: str, shown: str) -> None:
    with Yard(tmp_path / "state") as yard:
        yard.staffed().open(purge_order(customer={**CUSTOMER, "name": name}))
    with Record(tmp_path / "state") as record:
        made = table(record, "purge", recipient="company")
        (row,) = sheet(made, tmp_path / "x.xlsx")
        assert (row["姓名"].value, row["姓名"].data_type) == (shown, "s")
        export(made, tmp_path / "x.csv")
        titles, line = parsed_csv(tmp_path / "x.csv")[-2:]
        assert dict(zip(titles, line, strict=True))["姓名"] == shown


def test_text_too_long_for_a_cell_is_cut_and_says_so() -> None:
    assert len(short("长" * LONGEST_CELL)) < LONGEST_CELL
    assert short("长" * LONGEST_CELL).endswith("…")
    assert len(short("🔥" * 20_000).encode("utf-16-le")) // 2 < LONGEST_CELL
    assert guarded("7-14") == "7-14"
    assert visible("户号 8800") == "户号 8800"
    assert spans([3, 5, 6, 7, 9, 10]) == "3, 5..7, 9..10"


def test_an_empty_register_has_its_titles_and_says_that_it_is_empty(
    record: Record, tmp_path: Path
) -> None:
    made = table(record, "repair", period=Period(last=date(2020, 1, 1)))
    assert sheet(made, tmp_path / "none.xlsx") == []
    assert export(made, tmp_path / "none.csv") == 0
    assert parsed_csv(tmp_path / "none.csv")[-1] == made.titles()
    assert json.loads("".join(lines(made)))["facts"]["count"] == "0"


def test_a_file_is_written_whole_or_not_at_all(record: Record, tmp_path: Path) -> None:
    made = table(record, "purge")
    with pytest.raises(CommandRefused, match=r"\.csv or \.xlsx"):
        export(made, tmp_path / "purge.pdf")
    with pytest.raises(CommandRefused, match="cannot be written"):
        export(made, tmp_path / "nowhere" / "purge.xlsx")
    export(made, tmp_path / "purge.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["purge.xlsx"]


def test_five_thousand_jobs_are_not_held_in_memory(tmp_path: Path) -> None:
    """Their rows alone would be twenty megabytes."""
    with Yard(tmp_path / "state") as yard:
        yard.staffed().open(purge_order())
        yard.step(PURGE, "acceptance", accepted="yes", record="AR-1")
        copied(yard, PURGE, 5000)
    for form in ("csv", "xlsx"):
        with Record(tmp_path / "state") as record:
            tracemalloc.start()
            assert export(table(record, "purge"), tmp_path / f"many.{form}") == 5001
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < 4_000_000, form

    assert len(parsed_csv(tmp_path / "many.csv")) == 5001 + 13


# -- the command


def gashub(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "gashub", *map(str, args)], capture_output=True, text=True, check=False
    )


def test_the_command_writes_and_shows_without_a_configuration(worked: Path, tmp_path: Path) -> None:
    out = tmp_path / "隐患.xlsx"
    said = gashub("records", "hazards", "--file", worked, "--out", out, "--lang", "zh")
    assert (said.returncode, said.stdout) == (0, f"{out}：3 行\n")
    assert openpyxl.load_workbook(out)["台账"]["A2"].value == LEAK

    said = gashub("records", "purge", "--file", worked, "--from", "2026-11-25")
    told = json.loads(said.stdout)
    assert [row["number"] for row in told["rows"]] == [COMMERCIAL]
    assert told["rows"][0]["opened_at"].endswith("Z")
    assert all(isinstance(index, int) for index in told["rows"][0]["entries"])

    said = gashub("records", "purge", "--file", tmp_path)
    assert said.returncode == 2
    assert "there is no ledger" in said.stderr


def test_a_terminal_shows_rows_and_facts(record: Record) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    show(table(record, "hazards", lang="en"), console)
    text = console.export_text()

    assert re.search(rf"^{LEAK} +open", text, re.MULTILINE)
    assert "Wording of the catalogue: Any leak of any indoor gas facility" in text
    assert re.search(r"^Rows +3$", text, re.MULTILINE)


def test_a_running_hub_never_loads_the_registers() -> None:
    """Nor what writes them: a gateway that exports nothing stays small."""
    code = (
        "import hub.app, hub.service, sys\n"
        "print([name for name in sys.modules if name.startswith(('hub.records', "
        "'hub.texts.records', 'typst', 'xlsxwriter'))])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


# -- texts


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_column_has_its_title_and_every_refusal_its_words(lang: Language) -> None:
    texts = RECORDS[lang]
    for register in REGISTERS.values():
        titles = [texts[f"records.column.{column.key}"] for column in register.columns]
        assert len(set(titles)) == len(titles), "two columns of one title cannot be told apart"
    refused = [key.split(".")[-1] for key in CATALOGUE[lang] if key.startswith("job.refused.")]
    assert [key for key in refused if f"records.refused.{key}" not in texts] == []


def test_the_command_knows_every_register_paper_and_reader() -> None:
    assert get_args(RegisterName) == tuple(REGISTERS)
    assert get_args(PaperName) == tuple(PAPERS)
    assert get_args(ForWhom) == get_args(Recipient)


def test_what_was_refused_is_chosen_by_how_its_job_stands(record: Record) -> None:
    """No rows must never look like nothing refused."""
    running, ended = (
        [row.number for row in table(record, "refused", state=state).rows()]
        for state in ("running", "ended")
    )
    every = [row.number for row in table(record, "refused").rows()]
    assert len(every) == 2
    assert sorted(running + ended) == sorted(every)
    word = record.history(ended[0]).state.ended
    assert ended[0] in [row.number for row in table(record, "refused", state=word).rows()]
