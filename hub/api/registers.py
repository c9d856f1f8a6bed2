"""Registers: staff with their certificates, instruments with their calibration; and files."""

import base64
import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool

from hub.api.asked import body, file_body
from hub.api.house import Caller, Text, caller
from hub.api.models import FileTaken, InstrumentShown, Page, Person, PersonGiven
from hub.api.pages import page
from hub.api.problems import Problem
from hub.instruments import Registered
from hub.order_file import UnusableInput, strict_json

router: Final = APIRouter()
PIECE_BYTES: Final = 512 << 10
StaffId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$")]
Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Limit = Annotated[int, Query(ge=1, le=200)]
After = Annotated[str, Query(max_length=64, description="`next` of an earlier answer.")]


@router.get("/staff", response_model=Page[Person])
def staff(
    who: Annotated[Caller, caller("staff:read")], cursor: After = "", limit: Limit = 100
) -> Any:
    """List the register of staff: ids and certificates, no names."""
    return _register(who, "SELECT record FROM staff WHERE id>? ORDER BY id LIMIT ?", cursor, limit)


@router.put("/staff/{id}", response_model=Person, openapi_extra=body("PersonGiven"))
def put_person(
    who: Annotated[Caller, caller("staff:write")], id: StaffId, given: PersonGiven
) -> Any:
    """Say what somebody may do and until when. It replaces what the register said of them."""
    record = {"id": id, **given.model_dump(exclude_none=True)}
    return who.ask("staff.put", text=json.dumps(record))


@router.get("/instruments", response_model=Page[InstrumentShown])
def instruments(
    who: Annotated[Caller, caller("instruments:read")], cursor: After = "", limit: Limit = 100
) -> Any:
    """List the register of instruments; those of the configuration alone are not in it."""
    query = "SELECT record FROM instruments WHERE name>? ORDER BY name LIMIT ?"
    return _register(who, query, cursor, limit, "name")


@router.put(
    "/instruments/{name}", response_model=InstrumentShown, openapi_extra=body("InstrumentGiven"),
)  # fmt: skip
def put_instrument(
    who: Annotated[Caller, caller("instruments:write")],
    name: Annotated[str, Path(min_length=1, max_length=64)],
    text: Text,
) -> Any:
    """Say what is known of an instrument: range, resolution, calibration and its certificate."""
    try:
        given = strict_json(text, "the body")
    except UnusableInput as wrong:
        raise Problem("unusable", str(wrong)) from None
    if not isinstance(given, dict) or given.setdefault("name", name) != name:
        raise Problem("unusable", f'expected a table whose "name", if it has one, is {name!r}')
    known = set(Registered.model_fields)
    if strange := sorted(set(given) - known):
        raise Problem("unusable", f"no key {strange[0]!r}; there are {', '.join(sorted(known))}")
    # Numbers go by their digits, as text, which the register reads as it reads numbers.
    return who.ask("instrument.put", text=json.dumps(given, default=str))


@router.put(
    "/files/{sha256}",
    response_model=FileTaken,
    openapi_extra=file_body(),
)
async def put_file(
    who: Annotated[Caller, caller("files:write")], sha256: Sha256, request: Request
) -> Any:
    """Upload a photo, scan or signature, known by its SHA-256. Sent again, it changes nothing."""
    told = request.headers.get("content-length", "")
    if not told.isdecimal() or int(told) == 0:
        raise Problem("unusable", "a file needs a Content-Length of at least 1")
    size, offset, held = int(told), 0, bytearray()

    async def hand_over(piece: bytes) -> Any:
        nonlocal offset
        answer = await run_in_threadpool(
            who.ask, "file.put", sha256=sha256, size=str(size), offset=str(offset),
            base64=base64.b64encode(piece).decode(),
        )  # fmt: skip
        offset += len(piece)
        return answer

    answer = None
    async for data in request.stream():
        held += data
        while len(held) >= PIECE_BYTES:
            answer = await hand_over(bytes(held[:PIECE_BYTES]))
            del held[:PIECE_BYTES]
    if held or answer is None:
        answer = await hand_over(bytes(held))
    return answer


def _register(who: Caller, query: str, cursor: str, limit: int, key: str = "id") -> Any:
    with who.house.reading() as reader:
        rows = reader.rows(query, (cursor, limit + 1))
    return page([json.loads(row[0]) for row in rows], limit, lambda row: row[key])
