"""What carries out each rule of the regulations: `docs/coverage.md`, from the pack alone.

A rule is carried out by entries of the pack or parts of the hub; or it says why not: `later` or
`outside`. What a rule leaves a record of follows from what carries it out.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from hub.rulepack import Rule, RulePack
from hub.rulepack.jobs import Step

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "coverage.md"
State = Literal["carried out", "partly", "later", "outside", "unaccounted"]
_RECORDED: Final[Mapping[str, tuple[str, str]]] = {
    "verdict": ("检测结论", "verdict"),
    "event": ("作业事件", "event of the job"),
    "order": ("作业工单", "order of the job"),
    "pack": ("规则包", "rule pack of each record"),
}
_BY_TABLE: Final = {
    "hold": "verdict", "work": "verdict", "purge": "verdict", "laser": "verdict",
    "purge.pressure": "event", "checklist": "event", "clock": "event", "role": "event",
    "hazard": "event", "retention": "event",
}  # fmt: skip
_STATES: Final[Mapping[State, tuple[str, str]]] = {
    "carried out": ("已执行", "carried out"),
    "partly": ("部分执行", "partly"),
    "later": ("后续版本", "a later version"),
    "outside": ("系统之外", "outside a hub"),
    "unaccounted": ("未说明", "unaccounted for"),
}
_COLUMNS: Final = (
    "编号 no.", "条款 clause", "规定", "rule", "状态 state", "由何执行 by", "记录于 recorded as",
    "说明", "remark",
)  # fmt: skip
_HEAD: Final = """\
# 规程覆盖表 / Coverage of the regulations

第一至第六章的每条规定由什么执行、记录在何处；未执行的写明原因。键为规则包中的键，`gashub rules show 键` 显示其内容；路径为本仓库中的程序。由 `gashub rules coverage --write` 生成。

What carries out each rule of chapters 1 to 6, and where that is recorded; or why nothing does. Keys are those of the rule pack, shown by `gashub rules show KEY`; paths are parts of this program. Written by `gashub rules coverage --write`.
"""  # noqa: E501


class Covered(NamedTuple):
    """One rule, and what becomes of it. `recorded`: keys of what the record holds of it."""

    number: str
    rule: Rule
    state: State
    recorded: tuple[str, ...]


def covered(pack: RulePack) -> Iterator[Covered]:
    """Every rule of the pack, in its order."""
    for number, rule in pack.rule.items():
        kinds = () if _state(rule) == "later" else _recorded_as(pack, rule)
        yield Covered(number, rule, _state(rule), tuple(dict.fromkeys(kinds)))


def page(pack: RulePack) -> str:
    """The page as it stands in docs/coverage.md."""
    found = list(covered(pack))
    counts = Counter(one.state for one in found)
    lines = [_HEAD, f"| 状态 | state | {len(found)} |", "|---|---|---|"]
    lines += [f"| {zh} | {en} | {counts[state]} |" for state, (zh, en) in _STATES.items()]
    lines += ["", "| " + " | ".join(_COLUMNS) + " |", "|---" * len(_COLUMNS) + "|"]
    lines += ["| " + " | ".join(_cells(one)) + " |" for one in found]
    return "\n".join(lines) + "\n"


def _cells(one: Covered) -> Iterator[str]:
    rule = one.rule
    reasons = [reason for reason in (rule.later, rule.outside) if reason]
    yield one.number
    yield rule.clause
    yield rule.text.zh
    yield rule.text.en
    yield "<br>".join(_STATES[one.state])
    yield "<br>".join(f"`{key}`" for key in rule.by)
    yield "<br>".join(f"{zh} {en}" for zh, en in (_RECORDED[kind] for kind in one.recorded))
    yield "；".join(reason.zh for reason in reasons)
    yield "; ".join(reason.en for reason in reasons)


def _state(rule: Rule) -> State:
    """`later` beside what decides alone is not carried out: what is there waits for the rest."""
    if rule.later and (not rule.by or rule.hub == "decides"):
        return "later"
    if rule.by:
        return "partly" if rule.later or rule.outside else "carried out"
    return "outside" if rule.outside else "unaccounted"


def _recorded_as(pack: RulePack, rule: Rule) -> Iterator[str]:
    for key in rule.by:
        part = pack.at(key)
        if key.startswith("job."):
            if key.endswith(".needs") or (isinstance(part, Step) and part.test):
                yield "verdict"
            ordered = key.split(".")[2] in ("facts", "user_classes")
            yield "order" if ordered else "event"
        else:
            yield _BY_TABLE.get(key) or _BY_TABLE.get(key.partition(".")[0], "pack")
