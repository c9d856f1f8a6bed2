"""The running API keeps to its own OpenAPI document, whatever is sent (schemathesis)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
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
from tests.api_rig import House

EXAMPLES: Final = int(os.environ.get("GASHUB_API_EXAMPLES", "25"))
"""For each operation; `make prove` asks for more."""
CHECKS: Final = [
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
