"""The demos' own words, in both languages. Verdicts bring their sentences with them."""

from typing import Final, Literal

Lang = Literal["zh", "en"]

WORDS: Final[dict[str, tuple[str, str]]] = {
    "starting": (
        "启动：代理 {broker}、CRM 接收端、{simulators} 台模拟仪表、网关",
        "starting: broker {broker}, CRM receiver, {simulators} simulated instruments, the hub",
    ),
    "running": (
        "网关已运行（进程 {pid}），时钟快 {factor:g} 倍；门限仍为 15 分钟和 5 分钟",
        "hub running (pid {pid}), clock {factor:g} times real; thresholds stay 15 and 5 minutes",
    ),
    "stage": ("{at} {number} {title}:{stage}", "{at} {number} {title}: {stage}"),
    "decided": ("{at} {number} {title}:{verdict}", "{at} {number} {title}: {verdict}"),
    "delivering": ("判定完成，等待 CRM 回执和备案批次", "all judged; waiting for CRM and filing"),
    "slow": (
        "时间在等 {loop}；机器忙，演示变慢，但不缺数据",
        "time waits for {loop}: the machine is busy; the demo slows down and loses nothing",
    ),
    "kept": (
        "保持运行，按 Ctrl-C 结束。另一终端可用：gashub status -c {config}",
        "left running; Ctrl-C ends it. In another terminal: gashub status -c {config}",
    ),
    "stopped": ("已中断，进程均已结束", "stopped; every process has ended"),
    "broken": ("演示中断：{why}", "the demo broke off: {why}"),
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
    "files": ("文件，均在 {folder}", "Files, all in {folder}"),
    "ledger": (
        "账本核验：{size} 条全部正确，与 CRM 持有的 {heads} 个账本头一致",
        "ledger verified: {size} entries, in line with the {heads} heads that the CRM holds",
    ),
    "all_well": (
        "全部符合预期：{verdicts} 个判定均有 CRM 回执和备案批次，用时 {real_s:.0f} 秒",
        "all as expected: {verdicts} verdicts with CRM receipt and filing batch; {real_s:.0f} s",
    ),
    "missing": ("缺少：{what}", "missing: {what}"),
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
    # ---- the demo of the instruments
    "instruments_starting": (
        "启动：代理 {broker}、{lines} 条串口线路、{instruments} 台仪表、网关",
        "starting: broker {broker}, {lines} serial lines, {instruments} instruments, the hub",
    ),
    "instruments_running": (
        "网关已运行（进程 {pid}），约 {s:.0f} 秒；期间人为制造 {mishaps} 个故障",
        "hub running (pid {pid}), for about {s:.0f} s; {mishaps} things go wrong on purpose",
    ),
    "mishaps_on": ("现在出故障：{what}", "going wrong now: {what}"),
    "mishaps_off": ("故障已排除，等待恢复", "all mended; waiting for good readings"),
    "rows": ("第 {first}–{last} 行，共 {rows} 行", "rows {first}-{last} of {rows}"),
    "seconds": ("{s:.0f} 秒", "{s:.0f} s"),
    "instrument": ("仪表", "Instrument"),
    "plugin": ("插件", "Plugin"),
    "model": ("型号", "Model"),
    "where": ("线路", "Line"),
    "unit": ("单位", "Unit"),
    "quality": ("质量", "Quality"),
    "age": ("多久前", "Age"),
    "readings": ("读数次数", "Readings"),
    "state": ("状态", "State"),
    "cannot": ("不能演示：{why}", "cannot be shown: {why}"),
    "ok": ("正常", "ok"),
    "starting_up": ("启动中", "starting"),
    "lost": ("失联", "lost"),
    "failed": ("驱动出错", "driver failed"),
    "good": ("良好", "good"),
    "late": ("迟到", "late"),
    "stale": ("过期", "stale"),
    "over_range": ("超量程", "over range"),
    "under_range": ("低于量程", "under range"),
    "warming_up": ("预热中", "warming up"),
    "fault": ("仪表故障", "fault"),
    "low_battery": ("电池低", "low battery"),
    "inhibited": ("抑制中", "inhibited"),
    "bad": ("无效", "bad"),
    "bad_frame": ("报文被拒", "frame refused"),
    "other_unit": ("单位被改", "other unit"),
    "dead": ("无法解读", "not readable"),
    "unconfirmed": ("待确认", "to be confirmed"),
    "unidentified": ("身份未知", "not identified"),
    "serial_number": ("身份未知", "not identified"),
    "rebirth_asked": ("已请求重报", "asked to say its names"),
    "silent": ("不应答", "no answer"),
    "instrument_lost": ("失联", "lost"),
    "port_lost": ("串口断开", "port lost"),
    "device_offline": ("设备离线", "device offline"),
    "summary": ("小结", "Summary"),
    "read_well": (
        "至少有一个良好读数的仪表 {count} 台：{names}",
        "{count} instruments gave at least one good reading: {names}",
    ),
    "named_well": ("故障 {what}：已显示", "went wrong: {what}: shown"),
    "no_good_reading": (
        "{name}（{plugin} {model}）没有良好读数；{why}",
        "{name} ({plugin} {model}): no good reading; {why}",
    ),
    "no_instrument_for": ("故障 {what}：没有这台仪表", "{what}: there is no such instrument"),
    "not_named": ("故障 {what}：没有显示", "{what}: was not shown"),
    "not_back": ("{name}：排除故障后没有良好读数", "{name}: no good reading after it was mended"),
    "instruments_well": (
        "全部符合预期：{drivers} 个驱动、{count} 台仪表、{mishaps} 个故障，用时 {real_s:.0f} 秒",
        "as expected: {drivers} drivers, {count} instruments, {mishaps} faults; {real_s:.0f} s",
    ),
}


def word(lang: Lang, key: str, **facts: object) -> str:
    """The text called *key*, filled in."""
    text = WORDS[key][lang == "en"]
    return text.format(**facts) if facts else text
