"""What outsiders are told of a filing: fields of `gashub.filing.v1`. Pure.

The words of `state` in the contract are a closed list, older than two of ours. So these go out
with the word that the filing had before, and `stands` says which they are.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hub.filing.life import State

_CONTRACT: Final[Mapping[State, str]] = {"queued": "approved", "duplicate_of": "duplicate"}
_CODE: Final = re.compile(r"[A-Za-z]{1,8}[-_.]?[0-9]{1,6}|[0-9]{1,5}|[a-z]+(?:_[a-z0-9]+)+")
"""E12, GB-0417, 440, division_code: nothing that is a word, a name, a phone or an identity card."""
_WORD: Final = re.compile(r"[A-Za-z0-9_.-]+")


def state_told(before: State, state: State) -> str:
    """The contract's word for *state*, into which a filing came from *before*."""
    shown = before if state == "discarded" else state
    return _CONTRACT.get(shown, shown)


def codes_of(reasons: Iterable[str]) -> list[str]:
    """The code that each reason of an authority begins with, each once, in their order.

    A reason is free text and may name somebody. One without a code gives none.
    """
    words = (_WORD.match(reason.strip()) for reason in reasons)
    codes = (word[0].rstrip("._-") for word in words if word)
    return list(dict.fromkeys(code for code in codes if _CODE.fullmatch(code)))


def told_of(
    *,
    filing: str,
    before: State,
    state: State,
    channel: str,
    period: str,
    records: int,
    at: str,
    receipt: str = "",
    reasons: Iterable[str] = (),
    of: str = "",
    replaces: str = "",
) -> dict[str, Any]:
    """Fields of `hub.happenings.FilingData`, but for the ledger head."""
    return {
        "filing": filing,
        "state": state_told(before, state),
        "stands": state,
        "channel": channel,
        "period": period,
        "records": records,
        "at": at,
        "receipt": receipt,
        "reasons": codes_of(reasons),
        "duplicate_of": of,
        "replaces": replaces,
    }  # fmt: skip
