"""What a judgement says: the verdict, and for a running test where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, Final, Literal

Word = Literal["PASS", "FAIL", "INCONCLUSIVE", "ABORTED"]
Number = Decimal | Fraction | int

_MICRO: Final = Decimal("0.000001")
_ABSURD: Final = 30
_WIDE: Final = Context(prec=50, rounding=ROUND_HALF_EVEN)


def text_of(number: Number) -> str:
    """Plain decimal text, at most six decimals, without binary noise.

    A number of more than thirty digits is no measurement; it keeps its exponent.
    """
    if isinstance(number, Fraction):
        number = Decimal(number.numerator) / Decimal(number.denominator)
    value = Decimal(number)
    if value.adjusted() > _ABSURD:
        return f"{value:.6E}"
    value = value.quantize(_MICRO, context=_WIDE)
    text = f"{value:f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement. Only PASS releases an interlock; never fold it into a boolean."""

    number: str
    procedure: str
    verdict: Word
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
    figures: Mapping[str, Any]
    limits: Mapping[str, Mapping[str, str]]
    clauses: tuple[str, ...]
    rule_pack: Mapping[str, str]
    not_checked: tuple[str, ...]
    sentence: Mapping[str, str]
    outcome: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The answer of the judge contract, JSON-ready, without input_sha256."""
        answer: dict[str, Any] = {
            "number": self.number,
            "procedure": self.procedure,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "flags": list(self.flags),
            "figures": dict(self.figures),
            "limits": {name: dict(limit) for name, limit in self.limits.items()},
            "clauses": list(self.clauses),
            "rule_pack": dict(self.rule_pack),
            "not_checked": list(self.not_checked),
            "sentence": dict(self.sentence),
        }
        if self.outcome is not None:
            answer["outcome"] = self.outcome
        return answer


Stage = Literal[
    "waiting",
    "zeroed",
    "pressurising",
    "stabilising",
    "holding",
    "venting",
    "sampling",
    "evaluated",
]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Where a running test stands. verdict is None until nothing later can change it.

    since_us      when this stage began (None: not begun)
    remaining_s   what is left of this stage at most; None where no time is set
    latest        newest usable value in canonical units, as (value, unit)
    """

    stage: Stage
    since_us: int | None = None
    remaining_s: Decimal | None = None
    latest: tuple[Decimal, str] | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    verdict: Verdict | None = None
