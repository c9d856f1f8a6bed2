"""The one way of an order from an inbox into the hub, and the reply that tells of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

import structlog

from hub.errors import CommandRefused
from hub.inbox.row import Row, as_json

log = structlog.get_logger()

Ask = Callable[..., Any]
"""`hub.control.call`, with the socket filled in."""
Result = Literal["taken", "refused"]
CANCEL: Final = "cancel"
MOST_SHOWN: Final = 60


class HubAway(Exception):
    """The hub cannot take anything now. What was not answered is handed over again later."""


class Outcome(NamedTuple):
    """What became of one row. `detail` is empty, or why it was refused and what to do."""

    place: str
    number: str
    result: Result
    detail: str = ""


def hand_over(ask: Ask, inbox: str, rows: Sequence[Row]) -> list[Outcome]:
    """Give every row to the hub, in their order. The same again changes nothing.

    raises  HubAway as soon as the hub is away; the rows before are durable
    """
    return [_one(ask, inbox, row) for row in rows]


def _one(ask: Ask, inbox: str, row: Row) -> Outcome:
    if row.order is None:
        return Outcome(row.place, "", "refused", row.fault)
    try:
        return _of_order(ask, inbox, row.place, row.order)
    except HubAway:
        raise
    except Exception as bug:  # of this row alone: the others have their turn
        log.exception("inbox_row_failed", inbox=inbox)
        why = f"it cannot be handed over ({type(bug).__name__}); see the log of gashub-inbox"
        return Outcome(row.place, "", "refused", why)


def _of_order(ask: Ask, inbox: str, place: str, given: Mapping[str, Any]) -> Outcome:
    number = given.get("number", "")
    if not isinstance(number, str):
        return Outcome(place, "", "refused", f'"number" is {_show(number)}; it must be text')
    order = {key: value for key, value in given.items() if key != "do"}
    word = given.get("do", "add")
    try:
        if word == CANCEL:
            reason = order.get("reason", "")
            if not isinstance(reason, str):
                why = f'"reason" is {_show(reason)}; it must be text'
                return Outcome(place, number, "refused", why)
            key = sha256(as_json(given).encode()).hexdigest()
            request = {"do": "order.abort", "number": number, "reason": reason}
            ask("once", caller=f"inbox:{inbox}", key=key, request=request)
        elif word != "add":
            return Outcome(place, number, "refused", f'"do" is {_show(word)}; add or {CANCEL}')
        elif "job" in order:
            answer = ask("job.open", text=as_json(order), by=f"inbox:{inbox}")
            if not answer["done"]:
                why = "; ".join(f"{one['clause']}: {one['text']['zh']}/{one['text']['en']}"
                                for one in answer["refusals"])  # fmt: skip
                return Outcome(place, number, "refused", why)
        else:
            ask("order.add", text=as_json(order))
    except CommandRefused as refused:
        if refused.code == "busy":
            raise HubAway(str(refused)) from refused
        return Outcome(place, number, "refused", str(refused))
    except OSError as fault:
        raise HubAway(str(fault)) from fault
    return Outcome(place, number, "taken")


def _show(value: object) -> str:
    """A foreign value as JSON, not longer than a glance."""
    text = as_json(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def reply(what: str, data: bytes, outcomes: Sequence[Outcome], fault: str = "") -> bytes:
    """The reply to one input: JSON, the same for the same input and outcome.

    what   its file name or topic
    fault  why it could not be read at all; "" when it could
    """
    told = {
        "input": what,
        "sha256": sha256(data).hexdigest(),
        "fault": fault,
        "taken": sum(one.result == "taken" for one in outcomes),
        "refused": sum(one.result == "refused" for one in outcomes),
        "rows": [one._asdict() for one in outcomes],
    }
    return json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"
