"""A ruling put into words: the verdict of the answer, with one sentence in each language."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from hub.procedures.case import HOLDS, TestOrder
from hub.procedures.ruling import Ruling
from hub.procedures.verdict import Verdict, text_of
from hub.rulepack import RulePack, as_limit
from hub.texts import LANGUAGES, Language, say

_FINEST: Final = 6
_LARGE: Final = 20


def verdict_of(order: TestOrder, ruling: Ruling, pack: RulePack) -> Verdict:
    """The verdict as it is filed."""
    figures = dict(ruling.figures)
    if ruling.details:
        figures["faults"] = list(dict.fromkeys(ruling.details))
    limits = {name: as_limit(figure) for name, figure in ruling.limits.items()}
    return Verdict(
        number=order.number,
        procedure=order.procedure,
        verdict=ruling.verdict,
        reasons=tuple(ruling.reasons),
        flags=tuple(dict.fromkeys(ruling.flags)),
        figures=figures,
        limits=limits,
        clauses=_clauses(limits),
        rule_pack={"id": pack.id, "version": pack.version},
        not_checked=tuple(dict.fromkeys(ruling.not_checked)),
        sentence={lang: _sentence(lang, order, ruling) for lang in LANGUAGES},
        outcome=ruling.outcome,
    )


def _clauses(limits: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Each clause behind a limit once; a figure may rest on several, separated by comma."""
    found = (clause for limit in limits.values() for clause in limit["clause"].split(", "))
    return tuple(dict.fromkeys(found))


def _sentence(lang: Language, order: TestOrder, ruling: Ruling) -> str:
    parts = _passed(order, ruling) if ruling.verdict == "PASS" else _reasons(ruling)
    numbers = _numbers(ruling)
    why = say(lang, "judge.and").join(say(lang, key, **numbers) for key in parts)
    if ruling.details:
        details = say(lang, "judge.list").join(
            say(lang, f"judge.detail.{detail}") for detail in dict.fromkeys(ruling.details)
        )
        why += say(lang, "judge.details", details=details)
    procedure = say(lang, f"judge.procedure.{order.procedure}")
    return say(lang, f"judge.{ruling.verdict}", procedure=procedure, why=why)


def _passed(order: TestOrder, ruling: Ruling) -> list[str]:
    if order.procedure not in HOLDS:
        return [f"judge.pass.{order.procedure}"]
    corrected = "uncorrected" if "uncorrected" in ruling.flags else "corrected"
    return ["judge.pass.hold", f"judge.pass.{corrected}"]


def _reasons(ruling: Ruling) -> list[str]:
    return [f"judge.reason.{reason}" for reason in ruling.reasons]


def _numbers(ruling: Ruling) -> dict[str, object]:
    """The figures that sentences mention, rounded for people; "?" where a hold has none."""
    limit = ruling.limits.get("drop_pa")
    limit_pa = None if limit is None else Decimal(as_limit(limit)["value"])

    def told(name: str, beside: Decimal | None = None) -> str:
        text = ruling.figures.get(name)
        return "?" if text is None else rounded(Decimal(text), 1, beside)

    return {
        "drop_raw_pa": told("drop_raw_pa", limit_pa),
        "drop_corr_pa": told("drop_corr_pa", limit_pa),
        "hold_s": told("hold_s"),
        "limit_pa": "?" if limit_pa is None else text_of(limit_pa),
    }


def rounded(value: Decimal, places: int, beside: Decimal | None = None) -> str:
    """A number for people, with at most *places* decimals.

    beside  a limit that the reader will compare it with: it gets as many decimals as it takes to
            stand on its true side
    """
    if value.adjusted() > _LARGE:
        return text_of(value)
    for more in range(places, _FINEST):
        near = round(value, more)  # half to even, exactly
        if beside is None or near.compare(beside) == value.compare(beside):
            return text_of(near)
    return text_of(value)
