"""The running API keeps to its own OpenAPI document, whatever is sent (schemathesis)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hub.api.application import document
from hub.api.problems import MEDIA
from tests.api_rig import House
from tests.pointing import at, references

EXAMPLES: Final = int(os.environ.get("GASHUB_API_EXAMPLES", "25"))
"""For each operation; `make prove` asks for more."""


def declared_problem(ctx: Any, response: Any, case: Any) -> None:
    """A problem is one of those that the document lists for the route, under its status."""
    del ctx
    kind = response.headers.get("content-type", [""])[0]
    if kind.startswith(MEDIA) and response.status_code != 405:  # not by the route at all
        sort = str(response.json()["type"])
        listed = case.operation.definition.raw["responses"].get(str(response.status_code), {})
        assert f"`{sort}`" in listed.get("description", ""), f"{sort} is not listed"


CHECKS: Final = [
    declared_problem,
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With an order and a job in it, so that some of what is made up is there."""
    folder = tmp_path_factory.mktemp("schema")
    with House(folder, burst=10_000, requests_per_minute=100_000) as made:
        yield made
        assert made.send("GET", "/v1/health").body == {"hub": "up"}, "it is still there"
        log = (Path(folder) / "api.log").read_text() + (Path(folder) / "run.log").read_text()
        assert "api_failed" not in log
        assert "command_failed" not in log


schema = schemathesis.openapi.from_dict(document())


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_keeps_to_its_document(house: House, case: Any) -> None:
    case.call_and_validate(
        base_url=f"http://127.0.0.1:{house.port}",
        headers={"Authorization": f"Bearer {token_of(house)}"},
        checks=CHECKS,
    )


def test_the_document_is_openapi_3_1() -> None:
    """By the meta-schema of OpenAPI 3.1, its schemas by that of JSON Schema 2020-12; each of its
    references leads somewhere. A planted fault of each sort is found.
    """
    made = document()
    assert made["openapi"] == "3.1.0"
    assert faults(made) == []

    made["paths"]["/v1/orders"]["post"]["parameters"][0]["in"] = "nowhere"
    made["components"]["schemas"]["Health"]["type"] = "objekt"
    made["paths"]["/v1/health"]["get"]["responses"]["200"] = {"$ref": "#/components/absent"}
    assert {one.partition(":")[0] for one in faults(made)} == {"OpenAPI", "schema", "reference"}


def faults(made: Any) -> list[str]:
    """What is wrong with an OpenAPI document; each begins with its sort."""
    found = []
    try:
        schemathesis.openapi.from_dict(made).validate()
    except ValueError as wrong:
        found.append(f"OpenAPI: {wrong}")
    for name, one in made["components"]["schemas"].items():
        try:
            Draft202012Validator.check_schema(one)
        except SchemaError as wrong:
            found.append(f"schema: {name}: {wrong.message}")
    for reference in references(made):
        try:
            at(made, reference)
        except KeyError as missing:
            found.append(f"reference: {reference}: {missing}")
    return found


def token_of(house: House) -> str:
    if not hasattr(house, "everything"):
        house.everything = house.token()  # type: ignore[attr-defined]
    return str(house.everything)  # type: ignore[attr-defined]


def test_a_document_that_promises_something_else_is_seen(house: House) -> None:
    """The checks above can fail."""
    wrong = document()
    wrong["components"]["schemas"]["Health"]["properties"]["hub"]["type"] = "integer"
    case = schemathesis.openapi.from_dict(wrong)["/v1/health"]["GET"].Case()
    with pytest.raises(FailureGroup) as seen:
        case.call_and_validate(base_url=f"http://127.0.0.1:{house.port}", checks=CHECKS)
    assert "is not of type" in str(seen.value.exceptions[0])
