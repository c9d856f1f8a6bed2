"""The one way of an order from an inbox into the hub, and the reply that tells of it."""

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

from hub.errors import CommandRefused
from hub.inbox.row import Row, as_json

Ask = Callable[..., Any]
"""`hub.control.call`, with the socket filled in."""
Result = Literal["taken", "refused"]
CANCEL: Final = "cancel"


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
    number = str(row.order.get("number", ""))
    order = {key: value for key, value in row.order.items() if key != "do"}
    word = row.order.get("do", "add")
    try:
        if word == CANCEL:
            key = sha256(as_json(row.order).encode()).hexdigest()
            request = {
                "do": "order.abort", "number": number, "reason": str(order.get("reason", ""))
            }  # fmt: skip
            ask("once", caller=f"inbox:{inbox}", key=key, request=request)
        elif word != "add":
            return Outcome(row.place, number, "refused", f'"do" is {word!r}; add or {CANCEL}')
        elif "job" in order:
            answer = ask("job.open", text=as_json(order), by=f"inbox:{inbox}")
            if not answer["done"]:
                why = "; ".join(f"{one['clause']}: {one['text']['zh']}/{one['text']['en']}"
                                for one in answer["refusals"])  # fmt: skip
                return Outcome(row.place, number, "refused", why)
        else:
            ask("order.add", text=as_json(order))
    except CommandRefused as refused:
        if refused.code == "busy":
            raise HubAway(str(refused)) from refused
        return Outcome(row.place, number, "refused", str(refused))
    except OSError as fault:
        raise HubAway(str(fault)) from fault
    return Outcome(row.place, number, "taken")


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
    return json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n"
