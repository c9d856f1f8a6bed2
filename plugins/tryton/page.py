"""The page of a verdict for people, in both languages: plain HTML without scripts or links."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

_WORDS: Final = {
    "PASS": "通过 · passed",
    "FAIL": "不通过 · failed",
    "INCONCLUSIVE": "不能得出结论,须重做 · nothing can be concluded; to be done again",
    "ABORTED": "已中止 · given up",
}
_STYLE: Final = "body{font-family:sans-serif;margin:2em}td,th{text-align:left;padding:.2em 1em}"


def title_of(data: Mapping[str, Any]) -> str:
    """One line: order, procedure, verdict."""
    verdict = data["verdict"]
    return f"{data['order']} {verdict['procedure']}: {verdict['verdict']}"


def verdict_page(event: Mapping[str, Any]) -> bytes:
    """The page of one gashub.verdict.v1 event, UTF-8."""
    data = event["data"]
    verdict, ledger = data["verdict"], data["ledger"]
    pack = verdict["rule_pack"]
    facts = [
        ("工单 · order", data["order"]),
        ("步骤 · step", data["step"]),
        ("结论 · verdict", f"{verdict['verdict']} ({_WORDS[verdict['verdict']]})"),
        ("管段 · section", data.get("section") or "-"),
        ("开始 · begun", data["opened_at"]),
        ("判定 · decided", data["decided_at"]),
        ("原因 · reasons", ", ".join(verdict["reasons"]) or "-"),
        ("规则包 · rule pack", f"{pack['id']} {pack['version']}"),
        ("条款 · clauses", ", ".join(_clause(one) for one in verdict.get("clauses", [])) or "-"),
        ("未核查 · not checked", ", ".join(map(str, verdict.get("not_checked", []))) or "-"),
        *((name, str(value)) for name, value in sorted(verdict.get("figures", {}).items())),
        ("账本 · ledger", f"{ledger['origin']}, {ledger['size']}, {ledger['root']}"),
        ("事件 · event", event["id"]),
    ]
    rows = "\n".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts
    )
    sentence = verdict["sentence"]
    title = escape(title_of(data))
    return (
        f'<!doctype html>\n<html lang="zh-CN"><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{title}</h1>\n"
        f"<p>{escape(sentence['zh'])}</p>\n<p>{escape(sentence['en'])}</p>\n"
        f"<table>\n{rows}\n</table>\n</html>\n"
    ).encode()


def _clause(one: object) -> str:
    if isinstance(one, Mapping):
        return str(one.get("clause") or one.get("id") or one)
    return str(one)
