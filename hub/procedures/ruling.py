"""What a rule has come to, before it is put into words: the common result of all procedures."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from hub.procedures.case import ABORTS
from hub.procedures.series import Event
from hub.procedures.verdict import Stage, Word
from hub.rulepack import Figure

NEVER: Final = math.inf
AT_ONCE: Final = -math.inf


@dataclass(slots=True)
class Ruling:
    """A judgement of the rows so far.

    decided_us   a later abort finds the verdict given (NEVER: no verdict yet, AT_ONCE: no abort
                 comes before it)
    settles_us   hub time from which no later row may change it (AT_ONCE: now; NEVER: only when
                 the test is closed)
    details      what is wrong, in words of the text catalogue; part of the figures
    """

    verdict: Word
    reasons: list[str]
    flags: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Figure] = field(default_factory=dict)
    not_checked: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    outcome: str | None = None
    decided_us: float = NEVER
    settles_us: float = NEVER
    stage: Stage = "waiting"
    since_us: int | None = None
    ends_us: int | None = None
    latest: tuple[Decimal, str] | None = None


def inconclusive(*reasons: str, settles_us: float = NEVER) -> Ruling:
    """No verdict can be given; the reasons, the deciding one first."""
    return Ruling("INCONCLUSIVE", list(reasons), settles_us=settles_us)


def with_abort(ruling: Ruling, events: Iterable[Event]) -> Ruling:
    """ABORTED if the test was stopped before its verdict, with the word that stopped it."""
    for event in events:
        if event.word in ABORTS and event.at_us < ruling.decided_us:
            return replace(
                ruling,
                verdict="ABORTED",
                reasons=[event.word],
                details=[],
                outcome=None if ruling.outcome is None else "invalid",
                settles_us=AT_ONCE,
            )
    return ruling
