"""The document is enough to send an order: its examples are taken, what they need is needed."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from hub.api.application import document
from hub.api.asked import EXAMPLES, schemas
from hub.api.describing import urn
from hub.api.problems import STATUS
from hub.foreman.order import KEYS
from hub.order_file import ORDER_KEYS
from tests.api_rig import House

DOCUMENT = document()
NUMBERS = iter(range(10_000))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("asked"), burst=10_000, requests_per_minute=100_000) as made:
        yield made


@pytest.fixture(scope="module")
def token(house: House) -> str:
    return house.token()


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    )


def sent(house: House, token: str, name: str, body: Any) -> Any:
    """The answer to a request with *body*, each under a number or name of its own."""
    at = next(NUMBERS)
    if name in ("OrderGiven", "JobGiven"):
        if "number" in body:
            body = {**body, "number": f"N-{at}"}
        return house.send("POST", "/v1/orders" if name == "OrderGiven" else "/v1/jobs", body, token)
    if name == "TestGiven":
        job = {**EXAMPLES["JobGiven"]["a purge"], "number": f"N-{at}", "tests": {}}
        assert house.send("POST", "/v1/jobs", job, token).status == 201
        tag = house.send("GET", f"/v1/jobs/N-{at}", token=token).headers["ETag"]
        path = f"/v1/jobs/N-{at}/tests/indoor_hold"
        return house.send("PUT", path, body, token, If_Match=tag)
    path = f"/v1/instruments/i-{at}" if name == "InstrumentGiven" else f"/v1/staff/T-{at}"
    return house.send("PUT", path, body, token)


def without(name: str, body: Any) -> Iterator[tuple[str, Any]]:
    """*body* less one thing that its schema requires, one after the other, at any depth."""
    ask = validator(name)

    def paths(value: Any, at: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        if isinstance(value, dict):
            for key, one in value.items():
                yield (*at, key)
                yield from paths(one, (*at, key))
        if isinstance(value, list):
            for key, one in enumerate(value):
                yield from paths(one, (*at, key))

    for path in paths(body, ()):
        less = deepcopy(body)
        inner = less
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
        if not ask.is_valid(less):
            yield "/".join(map(str, path)), less


NAMED = [(name, title) for name, some in EXAMPLES.items() for title in some]


@pytest.mark.parametrize(("name", "title"), NAMED)
def test_an_example_of_the_document_is_taken(
    house: House, token: str, name: str, title: str
) -> None:
    """By its schema, and by the running API."""
    body = EXAMPLES[name][title]
    assert [one.message for one in validator(name).iter_errors(body)] == []
    answer = sent(house, token, name, body)
    assert answer.status in (200, 201), answer.body


@pytest.mark.parametrize(("name", "title"), NAMED)
def test_what_the_document_requires_is_required(
    house: House, token: str, name: str, title: str
) -> None:
    """Each field without which an example breaks its schema: the API refuses that, too."""
    left_out = list(without(name, EXAMPLES[name][title]))
    assert left_out, name
    for place, body in left_out:
        answer = sent(house, token, name, body)
        assert (answer.status, answer.problem) == (422, "unusable"), (place, answer.body)


@pytest.mark.parametrize("name", ["OrderGiven", "TestGiven", "JobGiven", "InstrumentGiven"])
def test_an_unknown_key_and_an_unknown_word_are_refused_by_both(
    house: House, token: str, name: str
) -> None:
    body = next(iter(EXAMPLES[name].values()))
    changes: list[dict[str, Any]] = [{"nonsense": 1}]
    if name in ("OrderGiven", "TestGiven"):
        changes += [{"medium": "water"}, {"p_design_pa": "5000"}, {"instruments": []},
                    {"points": {"x": "nowhere"}}, {"section": {"part": "roof"}}]  # fmt: skip
    if name == "JobGiven":
        changes += [{"customer": {"shoe": "42"}}, {"watch": "pm-1"}, {"site": "a b"}]
    if name == "InstrumentGiven":
        changes += [{"quantity": "beauty"}, {"range_pa": -1}]
    for change in changes:
        assert not validator(name).is_valid({**body, **change}), change
        assert sent(house, token, name, {**body, **change}).status == 422, change


def test_the_schemas_have_the_keys_of_the_parsers() -> None:
    made = schemas()
    one, steps = made["OrderGiven"]["oneOf"]
    assert set(one["properties"]) == {*ORDER_KEYS, "site", "trial"}
    assert set(steps["properties"]) == {"number", "steps", "site", "trial"}
    assert set(made["JobGiven"]["properties"]) == set(KEYS)


@pytest.mark.parametrize("title", list(EXAMPLES["OrderGiven"]))
def test_what_was_ordered_can_be_read_amended_and_put_again(
    house: House, token: str, title: str
) -> None:
    """As it stands it changes nothing, not even its version; amended, the rest keeps its ids."""
    taken = sent(house, token, "OrderGiven", EXAMPLES["OrderGiven"][title])
    path = f"/v1/orders/{taken.body['number']}"
    shown = house.send("GET", path, token=token)
    ordered = shown.body["ordered"]
    assert validator("OrderGiven").is_valid(ordered)
    assert ordered["steps"][0]["tests"][0]["medium"] == "air"
    assert shown.headers["ETag"] == f'"{shown.body["version"]}"'

    same = house.send("PUT", path, ordered, token, If_Match=shown.headers["ETag"])
    assert (same.status, same.headers["ETag"]) == (200, shown.headers["ETag"])
    ordered["steps"].append({"step": "more", "tests": ordered["steps"][0]["tests"]})
    more = house.send("PUT", path, ordered, token, If_Match=shown.headers["ETag"])
    assert more.status == 200
    assert more.headers["ETag"] != shown.headers["ETag"]
    assert more.body["tests"][:-1] == shown.body["tests"]
    late = house.send("PUT", path, ordered, token, If_Match=shown.headers["ETag"])
    assert (late.status, late.problem) == (412, "stale")


def test_a_body_that_is_no_text_is_unusable_and_lacks_no_key(house: House, token: str) -> None:
    answer = house.send("PUT", "/v1/staff/T-1", b"\xff", token, Content_Type="application/json")
    assert (answer.status, answer.problem) == (422, "unusable")


def test_every_problem_stands_where_it_may_come() -> None:
    """Each sort is among the answers of some route, under its status; but for the router's own."""
    found: dict[str, set[str]] = {}
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                for sort in STATUS:
                    if f"`{urn(sort)}`" in response.get("description", ""):
                        found.setdefault(sort, set()).add(status)
    assert found == {sort: {str(status)} for sort, status in STATUS.items() if sort != "method"}


def test_the_document_says_what_headers_are_for() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            named = {one["name"]: one for one in operation.get("parameters", ())}
            key, match = named.get("Idempotency-Key"), named.get("If-Match")
            assert method != "post" or (key and key["required"]), path
            for one in (key, match):
                assert one is None or len(one["description"]) > 100, path
            assert match is None or match["required"]
    tagged = [
        path for path, methods in DOCUMENT["paths"].items() for operation in methods.values()
        for response in operation["responses"].values() if "ETag" in response.get("headers", {})
    ]  # fmt: skip
    assert tagged == [
        "/v1/orders",
        "/v1/orders/{number}",
        "/v1/orders/{number}",
        "/v1/jobs/{number}",
    ]
    assert DOCUMENT["servers"]
    assert "letters." not in json.dumps(DOCUMENT)
