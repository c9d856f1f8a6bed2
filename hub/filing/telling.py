"""What outsiders are told of a filing: fields of `gashub.filing.v1`. Pure.

The words of `state` in the contract are a closed list, older than two of ours. So these go out
with the word that the filing had before, and `stands` says which they are.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hub.filing.life import State

_CONTRACT: Final[Mapping[State, str]] = {"queued": "approved", "duplicate_of": "duplicate"}
_CODE: Final = re.compile(r"[A-Za-z]{1,8}[-_.]?[0-9]{1,6}|[0-9]{1,5}")
_FIELD: Final = re.compile(r"[a-z]+(?:_(?:[a-z]+|[a-z]?[0-9]+))+")
_OF_FIELDS: Final = (
    "account address amount area auth authority begin body build building certificate channel check"
    " city class code company content count country credit customer data date day device digest"
    " district division document duplicate end error expired field file filing format gas hash"
    " hazard id identity illegal inspection instrument invalid is item key kind length level line"
    " list mandatory maximum meter minimum missing month name no not null number of operator order"
    " out package page parameter period permission phone photo point pressure province purge range"
    " record repeated report request required result row rule schema section sequence sign"
    " signature site size staff start state status system time timestamp too total type unique"
    " unit unknown unsupported user value verdict version visit wrong year"
)
"""Words of which the names of fields are made, and none that is somebody's name in letters."""
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
    words = (_WORD.match(unicodedata.normalize("NFKC", reason).strip()) for reason in reasons)
    codes = (word[0].rstrip("._-") for word in words if word)
    return list(dict.fromkeys(code for code in codes if _is_code(code)))


def _is_code(text: str) -> bool:
    if _CODE.fullmatch(text):
        return True
    parts = [part for part in text.split("_") if part.isalpha() and len(part) > 1]
    return (
        bool(_FIELD.fullmatch(text)) and bool(parts) and set(_OF_FIELDS.split()).issuperset(parts)
    )


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
