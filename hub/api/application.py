"""The API put together: routes, their errors, and the document that describes them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from hub.api import deliveries, jobs, orders, registers
from hub.api.asked import schemas
from hub.api.describing import describe
from hub.api.house import House
from hub.api.limits import Bounded
from hub.api.models import Health
from hub.api.problems import (
    MEDIA,
    Problem,
    ProblemModel,
    answer,
    language,
    of_http,
    of_validation,
)
from hub.control import call

log = structlog.get_logger()

MOST_AT_ONCE: Final = 8
"""Requests that are worked on at once: fewer than the hub's socket has places for."""
PUBLIC: Final = frozenset({"/v1/health", "/v1/openapi.json"})
"""Paths that need no token: they tell nothing of anybody."""
PROBLEM: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "A problem, RFC 9457.",
        "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


def application(house: House) -> FastAPI:
    """The API of one gateway, ready to be served."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = MOST_AT_ONCE
        yield

    app = _bare(life)
    app.state.house = house
    default = house.config.hub.language
    app.add_middleware(Bounded, settings=house.config.api, lang=default)

    def say(request: Request, problem: Problem) -> JSONResponse:
        return answer(problem, language(request.headers.get("accept-language", ""), default))

    async def problem(request: Request, wrong: Exception) -> JSONResponse:
        assert isinstance(wrong, Problem)
        return say(request, wrong)

    async def unusable(request: Request, wrong: Exception) -> JSONResponse:
        assert isinstance(wrong, RequestValidationError)
        return say(request, of_validation(wrong))

    async def by_router(request: Request, wrong: Exception) -> JSONResponse:
        assert isinstance(wrong, HTTPException)
        return say(request, of_http(wrong, request))

    async def bug(request: Request, wrong: Exception) -> JSONResponse:
        log.error("api_failed", path=request.url.path, exc_info=wrong)
        return say(request, Problem("failed"))

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(RequestValidationError, unusable)
    app.add_exception_handler(HTTPException, by_router)
    app.add_exception_handler(Exception, bug)
    return app


def _bare(life: Any = None) -> FastAPI:
    app = FastAPI(
        title="gashub",
        version="1",
        summary="The way into a gateway of a gas company, for ERP and CRM.",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=PROBLEM,
        redirect_slashes=False,
    )
    v1 = APIRouter(prefix="/v1")
    for part in (orders, jobs, registers, deliveries):
        v1.include_router(part.router)

    @v1.get("/health", response_model=Health)
    def health(request: Request) -> Any:
        """Say whether the hub answers. Needs no token, and tells nothing else."""
        house: House = request.app.state.house
        house.admit(request)
        try:
            call(house.config.socket, "status")
        except Exception:  # noqa: BLE001  whatever it is, that is what is asked
            return {"hub": "down"}
        return {"hub": "up"}

    @v1.get("/openapi.json", include_in_schema=False)
    def described(request: Request) -> Any:
        request.app.state.house.admit(request)
        return Response(_document_bytes(), media_type="application/json")

    app.include_router(v1)
    return app


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API."""
    app = _bare()
    made = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary=app.summary,
        routes=app.routes,
    )
    made["components"]["schemas"]["Problem"] = ProblemModel.model_json_schema()
    made["components"]["schemas"] |= schemas()
    for path, methods in made["paths"].items():
        for operation in methods.values():
            if path not in PUBLIC:
                _mark(operation)
    describe(made, PUBLIC)
    return deepcopy(made)  # whoever changes it changes no other


@cache
def _document_bytes() -> bytes:
    return json.dumps(document(), ensure_ascii=False).encode()


def _mark(operation: dict[str, Any]) -> None:
    """Say in words which scope an operation needs; a bearer token has no list of them."""
    scopes = [
        scope for one in operation.get("security", []) for all_ in one.values() for scope in all_
    ]
    operation["x-scopes"] = scopes


def write_document(folder: Path) -> None:
    """Write the document into *folder*, as `docs` has it."""
    text = json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
    (folder / "openapi.json").write_text(text, encoding="utf-8")
