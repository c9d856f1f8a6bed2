"""What has left the gateway, and evidence that may: deliveries and bundles."""

import tempfile
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, BackgroundTasks, Query
from fastapi.responses import FileResponse

from hub.api import pages
from hub.api.house import RETRY_AFTER_S, Caller, Key, caller
from hub.api.models import DeliveryRow, DeliveryShown, Page, Redelivered
from hub.api.orders import Cursor, Limit
from hub.api.problems import Problem, of_refusal
from hub.bundle import Wanted, export
from hub.errors import CommandRefused, Fault

router: Final = APIRouter()
Reads = Annotated[Caller, caller("deliveries:read")]
Word = Annotated[str, Query(max_length=200)]


@router.get("/deliveries", response_model=Page[DeliveryRow])
def listed(
    who: Reads,
    sink: Word = "",
    state: Literal["", "waiting", "taken", "refused", "dead"] = "",
    order: Word = "",
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Any:
    """List what was sent, and to whom, in the order in which it was addressed."""
    asked = {"sink": sink, "state": state, "order": order}
    with who.house.reading() as reader:
        return pages.deliveries(reader, who.token, cursor, limit, asked)


@router.get("/deliveries/{id}", response_model=DeliveryShown)
def shown(who: Reads, id: str) -> Any:
    """Show one with its body and every attempt at it."""
    with who.house.reading() as reader:
        found = pages.delivery(reader, who.token, id)
    # The document of a filing has customers' data.
    if found["kind"] == "filing_document" and "evidence:personal" not in who.token.scopes:
        found["body"]["data"].pop("document", None)
    return found


@router.post("/deliveries/{id}/redeliver", response_model=Redelivered)
def redeliver(who: Annotated[Caller, caller("deliveries:write")], id: str, key: Key) -> Any:
    """Deliver one again that is done: the same bytes under the same key."""
    with who.house.reading() as reader:
        pages.delivery(reader, who.token, id)
    return who.ask("outbox.replay", key, parcel=id, by=who.name)


@router.get(
    "/evidence/{number}",
    response_class=FileResponse,
    responses={200: {"content": {"application/zip": {"schema": {"type": "string"}}}}},
)
def evidence(
    who: Annotated[Caller, caller("evidence:read")],
    number: str,
    tasks: BackgroundTasks,
    recipient: Annotated[
        Literal["authority", "company", "court"], Query(alias="for")
    ] = "authority",
    *,
    hazards: bool = True,
    files: bool = False,
) -> Any:
    """Everything about a job or order in one sealed file; VERIFY.md in it says how it is checked.

    For company and court it has the customer's data: those need the scope evidence:personal.
    """
    who.site_of(number)
    if recipient != "authority" and "evidence:personal" not in who.token.scopes:
        raise Problem("forbidden", "scope evidence:personal is needed", scope="evidence:personal")
    house = who.house
    house.ask("ledger.checkpoint")  # only what a signed head covers can be proved
    folder = tempfile.TemporaryDirectory(prefix="gashub-")
    out = Path(folder.name, "evidence.zip")
    try:
        wanted = Wanted(number, recipient, hazards, files)
        export(house.state_dir, out, wanted, house.clock.now_us())
    except CommandRefused as refused:
        folder.cleanup()
        raise of_refusal(refused) from refused
    except Fault as fault:
        folder.cleanup()
        raise Problem("unavailable", str(fault), retry_after_s=RETRY_AFTER_S) from fault
    tasks.add_task(folder.cleanup)
    return FileResponse(out, media_type="application/zip", background=tasks)
