"""What the OpenAPI document says beyond the routes' own signatures: problems, headers, servers."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hub.api.problems import MEDIA, STATUS
from hub.once import KEPT_DAYS
from hub.texts.api import API

SERVERS: Final = [
    {
        "url": "{scheme}://{host}:{port}",
        "description": "As `[api]` of the gateway's configuration has it; the operator knows.",
        "variables": {
            "scheme": {
                "default": "http",
                "enum": ["http", "https"],
                "description": "https wherever it is reached from another machine.",
            },
            "host": {"default": "127.0.0.1"},
            "port": {"default": "8470"},
        },
    }
]
_KEY: Final = (
    "1 to 128 visible ASCII characters: a new key for a new request, the same one for a retry. The "
    f"answer is kept for {KEPT_DAYS} days, for each client of a token: the same key with the same "
    "request gets the first answer again, with nothing done twice; one that comes while the first "
    "is still worked on waits for its answer. With another request (path, body or If-Match) it is "
    "422 (reused). A request that was refused keeps no key: mend it, and send it with the same one "
    "or a new one."
)
_MATCH: Final = (
    "The ETag of what you saw, as it stands there, quotes included (without them it is taken as "
    'well): "17". Without it, or with *, 428 (version_missing); when somebody was faster, 412 '
    "(stale): look again."
)
_ETAG: Final = {
    "ETag": {
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
        "description": "Version of what is there now, in quotes. If-Match takes it as it stands.",
    }
}
_TAGGED: Final = {
    ("post", "/v1/orders"): "201",
    ("get", "/v1/orders/{number}"): "200",
    ("put", "/v1/orders/{number}"): "200",
    ("get", "/v1/jobs/{number}"): "200",
}
"""Routes with an ETag -> the status that has it."""
_REFUSED: Final = frozenset(
    {"/v1/jobs", "/v1/jobs/{number}/cancel", "/v1/jobs/{number}/tests/{step}"}
)
"""Paths where the regulations may speak against it."""


def describe(made: dict[str, Any], public: frozenset[str]) -> None:
    """Write it into the document *made*. *public* are the paths that need no token."""
    made["servers"] = SERVERS
    made["components"]["schemas"]["Problem"]["properties"]["type"]["examples"] = [
        urn(sort) for sort in STATUS
    ]
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            parameters = {one["name"]: one for one in operation.get("parameters", ())}
            if key := parameters.get("Idempotency-Key"):
                _header(key, _KEY, required=method == "post", pattern="^[\\x21-\\x7e]{1,128}$")
            if match := parameters.get("If-Match"):
                _header(match, _MATCH, required=True)
            if status := _TAGGED.get((method, path)):
                operation["responses"][status]["headers"] = _ETAG
            if path not in public:
                operation["responses"].update(_problems(method, path, parameters))


def urn(sort: str) -> str:
    return f"urn:gashub:problem:{sort}"


def _header(parameter: dict[str, Any], says: str, *, required: bool, pattern: str = "") -> None:
    schema: dict[str, Any] = {"type": "string", **({"pattern": pattern} if pattern else {})}
    parameter.update({"required": required, "description": says, "schema": schema})


def _problems(
    method: str, path: str, parameters: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each status with the problems that it may be."""
    sorts = set(sorts_of(method, path, parameters))
    for status in sorted({STATUS[sort] for sort in sorts}):
        found = [sort for sort in STATUS if sort in sorts and STATUS[sort] == status]
        yield (
            str(status),
            {
                "description": "; ".join(
                    f"`{urn(one)}`: {API['en'][f'api.{one}']}" for one in found
                ),
                "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )


def sorts_of(method: str, path: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """The problems that a route may answer with, as a caller has to expect them."""
    yield from ("unauthorized", "forbidden", "unusable", "too_many", "failed", "unavailable")
    yield from ("too_large", "too_slow")
    if "{number}" in path or "{id}" in path:
        yield "absent"
    if "Idempotency-Key" in parameters:
        yield "reused"
        if method == "post":
            yield "key_missing"
    if "If-Match" in parameters:
        yield from ("stale", "version_missing")
    if method != "get":
        yield "conflict"
    if method == "post" and path in ("/v1/orders", "/v1/jobs"):
        yield "other_site"
    if path in _REFUSED and method != "get":
        yield "refused"
