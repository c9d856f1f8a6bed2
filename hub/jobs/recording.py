"""Events of a job as plain values for the record, and back."""

from collections.abc import Mapping
from typing import Any, Final

from hub.jobs.case import Act, Event, Missed, Ruled, Signalled, Swapped, Waived
from hub.jobs.timing import time_us

_KINDS: Final[Mapping[str, type[Event]]] = {
    "act": Act,
    "ruled": Ruled,
    "signalled": Signalled,
    "missed": Missed,
    "waived": Waived,
    "swapped": Swapped,
}
_WORDS: Final = {kind: word for word, kind in _KINDS.items()}


def as_record(event: Event) -> dict[str, Any]:
    """The event in JSON's types; `what` says which it is."""
    facts = {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in event._asdict().items()
    }
    return {"what": _WORDS[type(event)], **facts}


def ruled_by(step: str, record: Mapping[str, Any], *, adopted: bool = False) -> Ruled:
    """What a verdict's record means for the job whose *step* it is.

    adopted  of another job's test: it speaks of the pipe as it was when that test began, and not
             of today's
    """
    verdict = record["verdict"]
    return Ruled(
        step,
        record["decided_us"],
        record["attempt"],
        verdict["verdict"],
        record["section"],
        record.get("serials", {}),
        verdict.get("outcome") or "",
        time_us(record["opened_at"]) if adopted else 0,
    )


def from_record(record: Mapping[str, Any]) -> Event:
    """The inverse of `as_record`; what it does not know is left out.

    raises  KeyError, TypeError for a record that is none
    """
    kind = _KINDS[record["what"]]
    return kind(**{name: record[name] for name in kind._fields if name in record})
