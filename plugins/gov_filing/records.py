"""What of a verdict is filed: an allow-list, so that nothing else can slip in.

A filing carries order number and section, never a name, a phone number or an address: free text
of an order or an operator is not copied. A laser screen from outdoors is filed by its outcome
word; its PASS is not shown, because nobody has been inside.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import Any

import rfc8785

from hub import Parcel

SCHEMA_VERSION = "gashub.filing.v1"
SHANGHAI = timezone(timedelta(hours=8))
"""China has had one time zone without daylight saving since 1992."""
_PLAIN = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")

PROCEDURES = {
    "riser_hold": ("立管严密性试验", "riser tightness hold"),
    "indoor_hold": ("户内管严密性试验", "indoor tightness hold"),
    "post_repair_hold": ("维修后严密性试验", "hold after repair"),
    "commercial_hold": ("工商业严密性试验", "commercial tightness hold"),
    "safe_to_work": ("作业前浓度检测", "gas check before work"),
    "purge_complete": ("置换完成检测", "purge completion check"),
    "degas_complete": ("停气吹扫检测", "de-gassing completion check"),
    "laser_screen": ("户外激光检测", "outdoor laser screen"),
}
RESULTS = {
    "PASS": ("合格", "pass"),
    "FAIL": ("不合格", "fail"),
    "INCONCLUSIVE": ("无法判定，须重测", "inconclusive, to be repeated"),
    "ABORTED": ("中止", "aborted"),
    "no_anomaly": (
        "户外检测未发现异常，不作为入户安检",
        "no anomaly found outdoors; not an inspection",
    ),
    "anomaly": ("户外检测发现异常", "anomaly found outdoors"),
    "strong_anomaly": ("户外检测发现严重异常", "strong anomaly found outdoors"),
    "invalid": ("户外检测无效，须重测", "outdoor screen invalid, to be repeated"),
}


def record_of(parcel: Parcel) -> dict[str, Any] | None:
    """What is filed of one event; None for what is no verdict, or no event at all."""
    try:
        event = json.loads(parcel.body)
    except (ValueError, RecursionError):  # the latter: brackets in brackets in brackets
        return None
    data = event.get("data") if isinstance(event, dict) else None
    verdict = data.get("verdict") if isinstance(data, dict) else None
    if not (isinstance(data, dict) and isinstance(verdict, dict)):
        return None
    procedure = verdict["procedure"]
    screen = procedure == "laser_screen"
    result = (verdict.get("outcome") or "invalid") if screen else verdict["verdict"]
    name_zh, name_en = PROCEDURES.get(procedure, (procedure, procedure))
    result_zh, result_en = RESULTS.get(result, (result, result))
    record = {
        "event": event["id"],
        "order": data["order"],
        "attempt": data["attempt"],
        "procedure": procedure,
        "procedure_zh": name_zh,
        "procedure_en": name_en,
        "result": result,
        "result_zh": result_zh,
        "result_en": result_en,
        "reasons": verdict["reasons"],
        "flags": verdict.get("flags", []),
        "figures": figures_of(verdict.get("figures", {})),
        "clauses": verdict.get("clauses", []),
        "rule_pack": verdict["rule_pack"],
        "decided_at": local(datetime.fromisoformat(event["time"])),
    }
    if data.get("section"):
        record["section"] = data["section"]
    if not screen:
        record["sentence"] = {key: verdict["sentence"][key] for key in ("zh", "en")}
    return record


def figures_of(figures: Mapping[str, Any]) -> dict[str, str]:
    """The figures that are numbers, as decimal text; of a table by name its largest number."""
    kept = {}
    for key, value in figures.items():
        if isinstance(value, Mapping):
            numbers = [text for text in map(_number, value.values()) if text]
            if numbers:
                kept[key if key.startswith("max_") else f"{key}_max"] = max(numbers, key=Decimal)
        elif text := _number(value):
            kept[key] = text
    return kept


def filing(
    records: Sequence[Mapping[str, Any]],
    *,
    batch: str,
    claimed_at: datetime,
    company: str,
    credit_code: str,
    division_code: str,
    gateway: str,
    ledger: Mapping[str, Any],
) -> dict[str, Any]:
    """The whole filing. The same batch gives the same filing, whenever it is made.

    claimed_at  when the batch was formed: the filing's own time, however late it is written
    """
    counts: dict[str, int] = {}
    for record in records:
        counts[record["result"]] = counts.get(record["result"], 0) + 1
    days = sorted(record["decided_at"][:10] for record in records)
    return {
        "header": {
            "schema_version": SCHEMA_VERSION,
            "batch_id": batch,
            "company": company,
            "credit_code": credit_code,
            "division_code": division_code,
            "gateway": gateway,
            "period": {"start": days[0], "end": days[-1]},
            "created_at": local(claimed_at),
            "counts": {"total": len(records), "by_result": counts},
            "records_sha256": sha256(rfc8785.dumps(list(records))).hexdigest(),
            "ledger": {key: ledger[key] for key in ("origin", "size", "root", "checkpoint")},
        },
        "records": list(records),
    }


def newest_head(parcels: Sequence[Parcel]) -> Mapping[str, Any]:
    """The ledger head of the latest event: it covers all the others."""
    heads = [json.loads(parcel.body)["data"]["ledger"] for parcel in parcels]
    newest: Mapping[str, Any] = max(heads, key=lambda head: head["size"])
    return newest


def local(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds")


def _number(value: Any) -> str:
    """Plain decimal text of a number as the hub writes it; empty for anything else."""
    text = "" if isinstance(value, bool) else str(value)
    return text if _PLAIN.fullmatch(text) else ""
