"""The life of a filing: which step may follow which. Pure.

An answer of an authority never says no by itself: what does not fit is recorded as said, and the
state stays, so that nothing that was said is lost.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from hub.errors import CommandRefused

State = Literal[
    "prepared", "approved", "queued", "submitted", "submitted_unknown", "accepted", "rejected",
    "duplicate_of", "corrected", "discarded",
]  # fmt: skip
"""queued: with the outbox, and for all we know not sent yet; submitted: the far side has it, which
is no acceptance; submitted_unknown: it may have it."""
Said = Literal["submitted", "unknown", "accepted", "rejected", "duplicate"]
"""What a sink may say of a filing, from the authority or from the line to it."""
Step = Literal["drafted", "approved", "queued", "corrected", "discarded", "restored"] | Said

SAID: Final[tuple[str, ...]] = get_args(Said)
OPEN: Final[frozenset[State]] = frozenset({"queued", "submitted", "submitted_unknown"})
"""Something is still to come from the authority."""
_ANSWERED: Final[frozenset[State]] = frozenset({"accepted", "rejected", "duplicate_of"})
_WAYS: Final[Mapping[str, tuple[frozenset[State], State]]] = {
    "approved": (frozenset({"prepared"}), "approved"),
    "queued": (frozenset({"approved"}), "queued"),
    "discarded": (frozenset({"prepared", "approved", "rejected"}), "discarded"),
    "corrected": (_ANSWERED, "corrected"),
    "restored": (frozenset(), "corrected"),  # where it leads, `restored` says
    "submitted": (OPEN, "submitted"),
    "unknown": (OPEN, "submitted_unknown"),
    "accepted": (OPEN | {"rejected"}, "accepted"),
    "rejected": (OPEN, "rejected"),
    "duplicate": (OPEN, "duplicate_of"),
}
_TODO: Final[Mapping[State, str]] = {
    "prepared": "approve it, or discard it",
    "approved": "submit it, or discard it",
    "queued": "wait for the authority's answer",
    "submitted": "wait for the authority's answer",
    "submitted_unknown": "wait: the authority will be asked before anything is sent again",
    "accepted": "draft a correction (--corrects) if it is wrong",
    "rejected": "draft a correction (--corrects), or discard it",
    "duplicate_of": "draft a correction (--corrects) if the other one is wrong",
    "corrected": "look at the filing that corrects it",
    "discarded": "draft anew: its records are due again",
}


def after(state: State, step: Step) -> State | None:
    """The state after a step; None when it does not fit."""
    begins, ends = _WAYS[step]
    return ends if state in begins else None


def restored(state: State, earlier: State) -> State | None:
    """The state of a filing whose correction was discarded: what the authority had answered
    before. None when it is not corrected, or had no answer.
    """
    return earlier if state == "corrected" and earlier in _ANSWERED else None


def ordered(filing: str, state: State, step: Step) -> State:
    """The same for a step that a person orders.

    raises  CommandRefused saying what may be done instead
    """
    found = after(state, step)
    if found is None:
        raise CommandRefused(f"filing {filing} is {state} and cannot be {step}; {_TODO[state]}")
    return found
