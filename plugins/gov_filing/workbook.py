"""The filing as a workbook for people: one sheet of facts, one of records.

Codes stay text in the cells, so that leading zeros and 18 characters survive; figures are
numbers. Text is never a formula, and text that a spreadsheet program could take for one when the
sheet is saved as CSV is given an apostrophe.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from hub import guarded

LONGEST_CELL = 32767


class Column(NamedTuple):
    key: str
    zh: str
    en: str
    width: int
    number: bool = False


COLUMNS = (
    Column("seq", "序号", "No.", 6, number=True),
    Column("order", "工单编号", "Work order", 18),
    Column("section", "管段编号", "Section", 14),
    Column("procedure_zh", "检测项目", "Procedure", 18),
    Column("result", "结论代码", "Result code", 16),
    Column("result_zh", "结论", "Result", 30),
    Column("result_en", "结论（英文）", "Result (English)", 30),
    Column("reasons", "原因代码", "Reason codes", 20),
    Column("p1_pa", "初始压力 Pa", "Start pressure, Pa", 14, number=True),
    Column("p2_pa", "最终压力 Pa", "End pressure, Pa", 14, number=True),
    Column("drop_raw_pa", "压降 Pa", "Drop, Pa", 12, number=True),
    Column("drop_corr_pa", "修正压降 Pa", "Corrected drop, Pa", 14, number=True),
    Column("hold_s", "保压时间 s", "Hold, s", 12, number=True),
    Column("leak_l_h", "泄漏量 L/h", "Leak, L/h", 12, number=True),
    Column("distance_m", "检测距离 m", "Distance, m", 12, number=True),
    Column("background_ppm_m", "本底值 ppm·m", "Background, ppm·m", 16, number=True),
    Column("max_pct_lel", "最大浓度 %LEL", "Highest, %LEL", 14, number=True),
    Column("max_pct_vol", "最大浓度 %vol", "Highest, %vol", 14, number=True),
    Column(
        "excess_ppm_m_max", "最大超本底值 ppm·m", "Highest over background, ppm·m", 20, number=True
    ),
    Column("clauses", "依据条款", "Clauses", 24),
    Column("rule_pack", "规则包", "Rule pack", 18),
    Column("decided_at", "判定时间", "Decided at", 26),
    Column("sentence_zh", "说明", "Sentence", 60),
    Column("sentence_en", "说明（英文）", "Sentence (English)", 60),
    Column("event", "事件编号", "Event", 30),
)
FACTS = (
    ("batch_id", "批次号", "Batch"),
    ("schema_version", "格式版本", "Schema version"),
    ("company", "企业名称", "Company"),
    ("credit_code", "统一社会信用代码", "Unified social credit code"),
    ("division_code", "行政区划代码", "Division code"),
    ("gateway", "网关", "Gateway"),
    ("start", "起始日期", "Period from"),
    ("end", "截止日期", "Period to"),
    ("created_at", "生成时间", "Created at"),
    ("total", "记录数", "Records"),
    ("by_result", "按结论计数", "Counts by result"),
    ("records_sha256", "记录摘要 SHA-256", "SHA-256 of the records"),
    ("root", "账本根", "Ledger root"),
    ("size", "账本条数", "Ledger entries"),
    ("origin", "账本标识", "Ledger origin"),
    ("checkpoint", "账本检查点", "Ledger checkpoint"),
)


def write_workbook(path: Path, filing: Mapping[str, Any]) -> None:
    """Write it. Rows go to the disk as they come, so memory does not grow with them.

    raises  OSError
    """
    # Here, because it costs 2 MB and 30 ms that a start without a filing need not pay.
    import xlsxwriter  # noqa: PLC0415
    from xlsxwriter.exceptions import FileCreateError  # noqa: PLC0415

    header: Mapping[str, Any] = filing["header"]
    book = xlsxwriter.Workbook(
        str(path),
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    # The filing's own time, so that the same filing gives the same file.
    created = datetime.fromisoformat(header["created_at"]).replace(tzinfo=None)
    book.set_properties(
        {"title": header["batch_id"], "company": header["company"], "created": created}
    )
    title = book.add_format({"bold": True, "text_wrap": True})
    text = book.add_format({"num_format": "@", "text_wrap": True})
    _facts(book.add_worksheet("备案信息 Filing"), header, title, text)
    _records(book.add_worksheet("明细 Records"), filing["records"], title, text)
    try:
        book.close()
    except FileCreateError as wrapped:
        # The library hides the system's error in its own; the caller acts on the errno.
        raise wrapped.args[0] if isinstance(wrapped.args[0], OSError) else wrapped from wrapped


def _facts(sheet: Any, header: Mapping[str, Any], title: Any, text: Any) -> None:
    counts = header["counts"]
    known = {
        **header,
        **header["period"],
        **header["ledger"],
        "total": counts["total"],
        "by_result": ", ".join(f"{word} {n}" for word, n in sorted(counts["by_result"].items())),
    }
    sheet.set_column(0, 1, 28)
    sheet.set_column(2, 2, 80)
    for row, (key, zh, en) in enumerate(FACTS):
        sheet.write_string(row, 0, zh, title)
        sheet.write_string(row, 1, en, title)
        if isinstance(known[key], int):
            sheet.write_number(row, 2, known[key])
        else:
            sheet.write_string(row, 2, guarded(known[key]), text)


def _records(sheet: Any, records: Sequence[Mapping[str, Any]], title: Any, text: Any) -> None:
    sheet.freeze_panes(1, 2)
    for at, column in enumerate(COLUMNS):
        sheet.set_column(at, at, column.width)
        sheet.write_string(0, at, f"{column.zh}\n{column.en}", title)
    for row, record in enumerate(records, 1):
        cells = _cells(row, record)
        for at, column in enumerate(COLUMNS):
            value = cells.get(column.key, "")
            if value == "":
                continue
            if column.number:
                sheet.write_number(row, at, float(Decimal(value)))
            else:
                sheet.write_string(row, at, guarded(value)[:LONGEST_CELL], text)


def _cells(row: int, record: Mapping[str, Any]) -> dict[str, str]:
    pack = record["rule_pack"]
    sentence = record.get("sentence", {})
    return {
        **{key: value for key, value in record.items() if isinstance(value, str)},
        **record["figures"],
        "seq": str(row),
        "reasons": ", ".join(record["reasons"]),
        "clauses": "; ".join(record["clauses"]),
        "rule_pack": f"{pack['id']} {pack['version']}",
        "sentence_zh": sentence.get("zh", ""),
        "sentence_en": sentence.get("en", ""),
    }
