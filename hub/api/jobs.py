"""Jobs and hazards: opened, given a test, given up, looked at."""

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from hub.api import pages
from hub.api.asked import body
from hub.api.house import Caller, Key, OptionalKey, Text, Version, caller
from hub.api.models import GiveUpGiven, JobAnswer, JobRow, JobShown, Page
from hub.api.orders import Cursor, Limit, allow_site
from hub.api.problems import Problem

router: Final = APIRouter()
Reads = Annotated[Caller, caller("jobs:read")]
Writes = Annotated[Caller, caller("jobs:write")]


@router.post("/jobs", status_code=201, openapi_extra=body("JobGiven"), response_model=JobAnswer)
def open_job(who: Writes, text: Text, key: Key, response: Response) -> Any:
    """Take an order for a whole job. What the regulations refuse is a 409 with every reason."""
    allow_site(who, text)
    answer = _done(who.ask("job.open", key, text=text, by=who.name))
    response.headers["Location"] = f"/v1/jobs/{quote(answer['job'], safe='')}"
    return answer


@router.get("/jobs", response_model=Page[JobRow])
def listed(
    who: Reads,
    kind: Annotated[str, Query(max_length=64)] = "",
    running: bool = False,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Any:
    """List jobs, in the order in which they were opened."""
    with who.house.reading() as reader:
        return pages.jobs(reader, who.token, cursor, limit, kind, running=running)


@router.get("/hazards", response_model=Page[JobRow])
def hazards(who: Reads, running: bool = False, cursor: Cursor = "", limit: Limit = 100) -> Any:
    """List hazards: jobs of that kind, each with the job that it came out of as `parent`."""
    with who.house.reading() as reader:
        return pages.jobs(reader, who.token, cursor, limit, "hazard", running=running)


@router.get("/jobs/{number}", response_model=JobShown)
def shown(who: Reads, number: str, response: Response) -> Any:
    """Show where a job stands. Its ETag is what an amendment needs."""
    who.site_of(number)
    version = _version(who, number)  # before the job, so that it is never newer than what is shown
    answer = who.ask("job.show", number=number)
    response.headers["ETag"] = f'"{version}"'
    return {**answer, "completed": pages.completed(answer["ended"])}


@router.put(
    "/jobs/{number}/tests/{step}", openapi_extra=body("TestGiven"), response_model=JobAnswer
)
def add_test(
    who: Writes, number: str, step: str, text: Text, version: Version, key: OptionalKey = ""
) -> Any:
    """Give a job the order for a test that it has none for."""
    who.site_of(number)
    return _done(
        who.ask("job.test", key, number=number, step=step, text=text, version=version or "-")
    )


@router.post("/jobs/{number}/cancel", openapi_extra=body("GiveUpGiven"), response_model=JobAnswer)
def cancel(who: Writes, number: str, given: GiveUpGiven, key: Key) -> Any:
    """Give a job up, by its step give_up, which has its own gates. It needs no If-Match.

    A job that has ended is not given up: 409 (refused), under whatever key but the first.
    """
    who.site_of(number)
    answers = {"reason": given.reason, "safe": "yes" if given.safe else "no"}
    return _done(
        who.ask("job.do", key, number=number, step="give_up", by=given.by, answers=answers)
    )


def _done(answer: Any) -> Any:
    if answer["done"]:
        return {**answer, "completed": pages.completed(answer["ended"])}
    why = "; ".join(f"{one['clause']}: {one['text']['en']}" for one in answer["refusals"])
    raise Problem("refused", why, refusals=answer["refusals"])


def _version(who: Caller, number: str) -> str:
    with who.house.reading() as reader:
        ((entry,),) = reader.rows(
            "SELECT max(coalesce((SELECT entry FROM chains WHERE name='job ' || ?1), 0),"
            " coalesce((SELECT entry FROM orders WHERE number=?1), 0))",
            (number,),
        )
    return str(entry)
