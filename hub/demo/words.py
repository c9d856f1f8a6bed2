"""The demo's own words, in both languages. Verdicts bring their sentences with them."""

from typing import Final, Literal

Lang = Literal["zh", "en"]

WORDS: Final[dict[str, tuple[str, str]]] = {
    "starting": (
        "启动:代理 {broker}、CRM 接收端、{simulators} 台模拟仪表、网关",
        "starting: broker {broker}, CRM receiver, {simulators} simulated instruments, the hub",
    ),
    "running": (
        "网关已运行(进程 {pid}),时钟快 {factor:g} 倍;门限仍为 15 分钟和 5 分钟",
        "hub running (pid {pid}), clock {factor:g} times real; thresholds stay 15 and 5 minutes",
    ),
    "stage": ("{at} {number} {title}:{stage}", "{at} {number} {title}: {stage}"),
    "decided": ("{at} {number} {title}:{verdict}", "{at} {number} {title}: {verdict}"),
    "delivering": ("判定完成,等待 CRM 回执和备案批次", "all judged; waiting for CRM and filing"),
    "slow": (
        "时间在等 {loop};机器忙,演示变慢,但不缺数据",
        "time waits for {loop}: the machine is busy; the demo slows down and loses nothing",
    ),
    "kept": (
        "保持运行,按 Ctrl-C 结束。另一终端可用:gashub status -c {config}",
        "left running; Ctrl-C ends it. In another terminal: gashub status -c {config}",
    ),
    "stopped": ("已中断,进程均已结束", "stopped; every process has ended"),
    "broken": ("演示中断:{why}", "the demo broke off: {why}"),
    "table": ("判定结果", "Verdicts"),
    "order": ("工单", "Order"),
    "test": ("项目", "Test"),
    "verdict": ("判定", "Verdict"),
    "sentence": ("结论", "Sentence"),
    "clause": ("条款", "Clause"),
    "receipt": ("CRM 回执", "CRM receipt"),
    "batch": ("备案批次", "Filing batch"),
    "progress": ("进度", "Progress"),
    "curve": ("曲线", "Curve"),
    "value": ("读数", "Reading"),
    "files": ("文件,均在 {folder}", "Files, all in {folder}"),
    "ledger": (
        "账本核验:{size} 条全部正确,与 CRM 持有的 {heads} 个账本头一致",
        "ledger verified: {size} entries, in line with the {heads} heads that the CRM holds",
    ),
    "all_well": (
        "全部符合预期:{verdicts} 个判定均有 CRM 回执和备案批次,用时 {real_s:.0f} 秒",
        "all as expected: {verdicts} verdicts with CRM receipt and filing batch; {real_s:.0f} s",
    ),
    "missing": ("缺少:{what}", "missing: {what}"),
    "waiting": ("等待", "waiting"),
    "zeroed": ("已归零", "zeroed"),
    "pressurising": ("升压", "pressurising"),
    "stabilising": ("稳压", "stabilising"),
    "holding": ("保压", "holding"),
    "venting": ("泄压复零", "venting"),
    "sampling": ("取样", "sampling"),
    "evaluated": ("已判定", "evaluated"),
    "PASS": ("合格", "PASS"),
    "FAIL": ("不合格", "FAIL"),
    "INCONCLUSIVE": ("无法判定", "INCONCLUSIVE"),
    "ABORTED": ("已中止", "ABORTED"),
}


def word(lang: Lang, key: str, **facts: object) -> str:
    """The text called *key*, filled in."""
    text = WORDS[key][lang == "en"]
    return text.format(**facts) if facts else text
