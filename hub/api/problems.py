"""Errors as callers get them: application/problem+json (RFC 9457), in Chinese or English.

`type` says which sort it is and does not change; `detail` is what was found, `remedy` what to do.
"""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from hub.errors import CommandRefused
from hub.texts import Language
from hub.texts.api import API

MEDIA: Final = "application/problem+json"
STATUS: Final[Mapping[str, int]] = {
    "key_missing": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "other_site": 403,
    "absent": 404,
    "method": 405,
    "too_slow": 408,
    "conflict": 409,
    "refused": 409,
    "stale": 412,
    "too_large": 413,
    "unusable": 422,
    "reused": 422,
    "version_missing": 428,
    "too_many": 429,
    "failed": 500,
    "unavailable": 503,
}
"""Sort of problem -> HTTP status."""
_SORTS: Final = {"": "unusable", "busy": "unavailable"}
"""Of a refusal of the hub, where its code is not the sort already."""


class ProblemModel(BaseModel):
    """An error, RFC 9457."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str = Field(description="urn:gashub:problem:SORT; it does not change.")
    title: str
    status: int
    detail: str = Field(description="What was found. A text for people.")
    remedy: str = Field(description="What to do. A text for people.")


class Problem(Exception):
    """An answer that is an error. `sort` is a key of `STATUS`."""

    def __init__(self, sort: str, detail: str = "", /, retry_after_s: int = 0, **more: Any) -> None:
        super().__init__(detail)
        self.sort = sort
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.more = more


def of_refusal(refused: CommandRefused) -> Problem:
    """What the hub has refused."""
    sort = _SORTS.get(refused.code, refused.code)
    return Problem(sort, str(refused), retry_after_s=5 if sort == "unavailable" else 0)


def answer(problem: Problem, lang: Language) -> JSONResponse:
    texts = API[lang]
    headers = {"Content-Language": lang, "Cache-Control": "no-store"}
    if problem.retry_after_s:
        headers["Retry-After"] = str(problem.retry_after_s)
    if problem.sort == "unauthorized":
        headers["WWW-Authenticate"] = 'Bearer realm="gashub"'
    if problem.sort == "method":
        headers["Allow"] = ", ".join(problem.more.pop("allowed"))
    title = texts[f"api.{problem.sort}"]
    body = {
        "type": f"urn:gashub:problem:{problem.sort}",
        "title": title,
        "status": STATUS[problem.sort],
        "detail": problem.detail or title,
        "remedy": texts[f"api.{problem.sort}.remedy"],
        **problem.more,
    }
    return JSONResponse(body, STATUS[problem.sort], headers, MEDIA)


def language(accepted: str, default: Language) -> Language:
    """The first of the header's languages that there is."""
    for part in accepted.lower().split(","):
        tag = part.partition(";")[0].strip()[:2]
        if tag == "zh":
            return "zh"
        if tag == "en":
            return "en"
    return default


def of_validation(wrong: RequestValidationError) -> Problem:
    """What is wrong with parameters and bodies, place by place."""
    places = [
        {"at": "/".join(map(str, one["loc"])), "why": one["msg"]} for one in wrong.errors()[:20]
    ]
    detail = "; ".join(f"{one['at']}: {one['why']}" for one in places)
    return Problem("unusable", detail, errors=places)


def of_http(wrong: HTTPException, request: Request) -> Problem:
    """What the router has to say: no such path, not by this method."""
    if wrong.status_code == 405:
        return Problem("method", f"{request.method} {request.url.path}", allowed=_allowed(request))
    if isinstance(wrong.__cause__, Problem):  # of a body, wrapped by the framework that read it
        return wrong.__cause__
    if wrong.status_code == 400:
        return Problem("unusable", f"{request.url.path}: {wrong.detail}")
    sort = next((name for name, code in STATUS.items() if code == wrong.status_code), "unusable")
    return Problem(sort, f"{request.url.path}: {wrong.detail}")


def _allowed(request: Request) -> list[str]:
    """The methods of every route of the path; the router itself names those of the first alone."""
    return [
        method
        for method in ("GET", "POST", "PUT", "DELETE")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]
