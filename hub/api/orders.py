"""Orders: taken, amended, cancelled, looked at; and the verdicts that came of them."""

import json
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from hub.api import pages
from hub.api.asked import body
from hub.api.house import Caller, Key, OptionalKey, Text, Version, caller
from hub.api.models import (
    CancelGiven,
    Cancelled,
    OrderRow,
    OrderShown,
    OrderTaken,
    Page,
    VerdictRow,
)
from hub.api.problems import Problem
from hub.errors import CommandRefused
from hub.looking import order as look_at
from hub.orders import from_record

router: Final = APIRouter()
Limit = Annotated[int, Query(ge=1, le=pages.LONGEST_PAGE)]
Cursor = Annotated[str, Query(max_length=200, description="`next` of an earlier answer.")]
Seen = Annotated[
    str,
    Query(max_length=200, description="`next`, or `entry` of the last one that you have seen."),
]
Reads = Annotated[Caller, caller("orders:read")]
Writes = Annotated[Caller, caller("orders:write")]


@router.post(
    "/orders", status_code=201, openapi_extra=body("OrderGiven"), response_model=OrderTaken
)
def add(who: Writes, text: Text, key: Key, response: Response) -> Any:
    """Take an order: one test in the form of the judge contract, or steps of tests.

    409 (conflict): the number is that of a job, of an order with other content, or of one that was
    cancelled: a number is used once. The same content once more, under another key, is the order
    that is there, unchanged.
    """
    allow_site(who, text)
    answer = who.ask("order.add", key, text=text)
    response.headers["ETag"] = f'"{answer["version"]}"'
    response.headers["Location"] = f"/v1/orders/{quote(answer['number'], safe='')}"
    return answer


@router.get("/orders", response_model=Page[OrderRow])
def listed(who: Reads, cursor: Cursor = "", limit: Limit = 100) -> Any:
    """List orders, in the order in which they were taken."""
    with who.house.reading() as reader:
        return pages.orders(reader, who.token, cursor, limit)


@router.get("/orders/{number}", response_model=OrderShown)
def shown(who: Reads, number: str, response: Response) -> Any:
    """Show one order: what was ordered, and every attempt and verdict.

    `ordered` with the ETag is what an amendment begins with: change it, and PUT it.
    """
    who.site_of(number)
    try:
        found = look_at(who.house.state_dir, number)
    except CommandRefused as refused:  # a job that has no test yet
        raise Problem("absent", str(refused)) from refused
    version = str(found.pop("entry"))
    response.headers["ETag"] = f'"{version}"'
    return {**found, "version": version, "ordered": _ordered(who, number)}


@router.put("/orders/{number}", openapi_extra=body("OrderGiven"), response_model=OrderTaken)
def amend(
    who: Writes,
    number: str,
    text: Text,
    version: Version,
    response: Response,
    key: OptionalKey = "",
) -> Any:
    """Let an order ask for something else: the whole order as it shall be.

    Tests that stay as they are keep their id and their verdicts; one that was tried must stay.
    `number` must be in it and be that of the path; `site` and `trial` must be as they were.
    What changes nothing is 200 with the version that stands. 409 (conflict): it was cancelled, a
    test of it runs, one that was tried would change, `site` or `trial` would, or it is a job's.
    If-Match is a part of the request that the key stands for: the same key with another one is 422
    (reused). Without a key, a retry of an amendment that was done is 412 (stale): look at it.
    """
    who.site_of(number)
    if _member(text, "number") != number:
        raise Problem("unusable", f'"number" in the body is not {number!r}, as in the path')
    answer = who.ask("order.amend", key, text=text, version=version)
    response.headers["ETag"] = f'"{answer["version"]}"'
    return answer


@router.post("/orders/{number}/cancel", openapi_extra=body("CancelGiven"), response_model=Cancelled)
def cancel(who: Writes, number: str, given: CancelGiven, key: Key) -> Any:
    """Give an order up, for good. A test of it that runs ends ABORTED. It needs no If-Match.

    Once more, under another key, it is 200 again, and nothing happens. 409 (conflict): it is a job.
    """
    who.site_of(number)
    return who.ask("order.abort", key, number=number, reason=given.reason)


@router.get("/verdicts", response_model=Page[VerdictRow])
def verdicts(
    who: Reads,
    order: Annotated[str, Query(max_length=200)] = "",
    cursor: Seen = "",
    limit: Limit = 100,
) -> Any:
    """List verdicts in the order in which they were given.

    At the end `next` is null. Keep the `entry` of the last one that you saw: as `cursor` it brings,
    later, those that came after it.
    """
    with who.house.reading() as reader:
        return pages.verdicts(reader, who.token, cursor, limit, order)


def _ordered(who: Caller, number: str) -> dict[str, Any]:
    """What was ordered, in the form in which a PUT takes it."""
    with who.house.reading() as reader:
        ((text,),) = reader.rows("SELECT record FROM orders WHERE number=?", (number,))
    found = from_record(json.loads(text))
    steps = [
        {"step": test.step, "tests": [{k: v for k, v in test.spec.items() if k != "number"}]}
        for test in found.tests
    ]
    site = {"site": found.site} if found.site else {}
    trial = {"trial": True} if found.trial else {}
    ordered = {"number": number, "steps": steps, **site, **trial}
    return dict(json.loads(json.dumps(ordered, default=float)))


def allow_site(who: Caller, text: str) -> None:
    """Raises Problem when what is sent belongs to a site that the token is not for."""
    if not who.token.sees(site := str(_member(text, "site") or "")):
        sites = ", ".join(who.token.sites)
        raise Problem(
            "other_site", f"the order is of site {site or '(none)'}, the token of {sites}"
        )


def _member(text: str, key: str) -> object:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise Problem("unusable", f"the body is no JSON: {wrong}") from None
    return given.get(key) if isinstance(given, dict) else None
