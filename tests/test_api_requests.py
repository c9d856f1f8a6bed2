"""The document is enough to send an order: its examples are taken, what they need is needed."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
from hub.testing import wait_until
from tests.api_rig import House

DOCUMENT = document()
NUMBERS = iter(range(10_000))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("asked"), burst=10_000, requests_per_minute=100_000) as made:
        yield made


@pytest.fixture(scope="module")
def token(house: House) -> str:
    text = house.token()
    assert house.send("PUT", "/v1/staff/T-17", {}, text).status == 200  # gives jobs up
    return text


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
    if name == "CancelGiven":
        order = {**EXAMPLES["OrderGiven"]["one test"], "number": f"N-{at}"}
        assert house.send("POST", "/v1/orders", order, token).status == 201
        return house.send("POST", f"/v1/orders/N-{at}/cancel", body, token)
    if name == "GiveUpGiven":
        job = {**EXAMPLES["JobGiven"]["a purge"], "number": f"N-{at}"}
        assert house.send("POST", "/v1/jobs", job, token).status == 201
        return house.send("POST", f"/v1/jobs/N-{at}/cancel", body, token)
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


def test_every_request_has_an_example(house: House, token: str) -> None:
    """Each body that a route takes; that of a file is sent here."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                assert content["examples"], (method, path)
    route = DOCUMENT["paths"]["/v1/files/{sha256}"]["put"]
    (example,) = route["requestBody"]["content"]["application/octet-stream"]["examples"].values()
    path = str(example["summary"]).removeprefix("Its path is ").rstrip(".")
    taken = house.send("PUT", path, example["value"].encode(), token)
    assert (taken.status, taken.body["bytes"], taken.body["whole"]) == (200, 7, True)


REQUIRES = [one for one in NAMED if one[0] != "CancelGiven"]
"""A cancel may say nothing at all."""


@pytest.mark.parametrize(("name", "title"), REQUIRES)
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


def test_an_amendment_is_one_request_with_its_version(house: House, token: str) -> None:
    """A key stands for If-Match as well; without a key a retry is stale, with it it is answered."""
    body = {**EXAMPLES["OrderGiven"]["one test"], "number": "AM-1"}
    first = house.send("POST", "/v1/orders", body, token).headers["ETag"]
    other = {**body, "medium": "nitrogen"}

    def put(given: Any, match: str, key: str = "") -> Any:
        headers = {"If_Match": match, **({"Idempotency_Key": key} if key else {})}
        return house.send("PUT", "/v1/orders/AM-1", given, token, **headers)

    done = put(other, first, "am-1")
    assert done.status == 200
    again = put(other, first, "am-1")
    assert (again.status, again.body) == (200, done.body)
    assert put(other, done.headers["ETag"], "am-1").problem == "reused"
    assert put(other, first).problem == "stale"
    assert put(other, done.headers["ETag"]).headers["ETag"] == done.headers["ETag"]
    less = {name: value for name, value in other.items() if name != "number"}
    assert put(less, done.headers["ETag"]).problem == "unusable"


def test_site_and_trial_are_in_what_was_ordered_and_must_stay(house: House, token: str) -> None:
    body = {**EXAMPLES["OrderGiven"]["steps"], "number": "AM-2", "site": "north"}
    tag = house.send("POST", "/v1/orders", body, token).headers["ETag"]
    ordered = house.send("GET", "/v1/orders/AM-2", token=token).body["ordered"]
    assert (ordered["number"], ordered["site"], ordered["trial"]) == ("AM-2", "north", True)
    for name in ("site", "trial"):
        less = {key: value for key, value in ordered.items() if key != name}
        said = house.send("PUT", "/v1/orders/AM-2", less, token, If_Match=tag)
        assert (said.status, said.problem) == (409, "conflict"), name


def test_a_number_is_used_once_and_a_cancel_is_for_good(house: House, token: str) -> None:
    """A second cancel changes nothing, and the number is used up."""
    body = {**EXAMPLES["OrderGiven"]["one test"], "number": "CA-1"}
    taken = house.send("POST", "/v1/orders", body, token)
    assert house.send("GET", "/v1/orders/CA-1", token=token).body["state"] == "open"
    for _ in range(2):  # each under a key of its own
        said = house.send("POST", "/v1/orders/CA-1/cancel", {}, token)
        assert (said.status, said.body) == (200, {"order": "CA-1", "state": "aborted"})
    for given in (body, {**body, "medium": "nitrogen"}):
        again = house.send("POST", "/v1/orders", given, token)
        assert (again.status, again.problem) == (409, "conflict")
    assert house.send("GET", "/v1/orders/CA-1", token=token).body["state"] == "aborted"
    tag = taken.headers["ETag"]
    late = house.send("PUT", "/v1/orders/CA-1", body, token, If_Match=tag)
    assert (late.status, late.problem) == (409, "conflict")


def test_retries_at_once_have_one_answer(house: House, token: str) -> None:
    """One that comes while the first is worked on waits, and is not refused."""
    body = {**EXAMPLES["OrderGiven"]["one test"], "number": "IF-1"}

    def send(_: int) -> Any:
        return house.send("POST", "/v1/orders", body, token, Idempotency_Key="if-1")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    assert {one.status for one in answers} == {201}
    assert all(one.body == answers[0].body for one in answers)


def test_a_verdict_says_all_that_a_success_is_known_by(house: House, token: str) -> None:
    """A screen has its outcome in every list; the feed goes on from the last `entry`."""
    body = {
        "number": "VE-1", "procedure": "laser_screen",
        "instruments": [{"name": "l-1", "quantity": "gas_path", "unit": "ppm.m"}],
    }  # fmt: skip
    taken = house.send("POST", "/v1/orders", body, token).body
    house.ask("order.open", number="VE-1")
    path = "/v1/verdicts?order=VE-1"
    wait_until(lambda: house.send("GET", path, token=token).body["items"], "no verdict")
    page = house.send("GET", path, token=token).body
    (row,) = page["items"]
    assert (row["verdict"], row["outcome"]) == ("INCONCLUSIVE", "invalid")
    assert row["test"] == taken["tests"][0]["id"]
    assert page["next"] is None
    assert house.send("GET", f"{path}&cursor={row['entry']}", token=token).body["items"] == []
    orders = house.send("GET", "/v1/orders?limit=200", token=token).body["items"]
    (shown,) = [one for one in orders if one["number"] == "VE-1"]
    assert (shown["verdict"], shown["outcome"], shown["state"]) == (
        "INCONCLUSIVE", "invalid", "open",
    )  # fmt: skip


def test_a_job_says_whether_it_was_completed(house: House, token: str) -> None:
    """Null while it runs, false of one that is given up; `done` is of the request."""
    job = {**EXAMPLES["JobGiven"]["a purge"], "number": "CO-1"}
    taken = house.send("POST", "/v1/jobs", job, token).body
    assert (taken["completed"], taken["done"]) == (None, True)
    given_up = EXAMPLES["GiveUpGiven"]["moved"]
    ended = house.send("POST", "/v1/jobs/CO-1/cancel", given_up, token).body
    assert (ended["ended"], ended["completed"], ended["done"]) == ("given_up", False, True)
    assert house.send("GET", "/v1/jobs/CO-1", token=token).body["completed"] is False
    rows = house.send("GET", "/v1/jobs?limit=200", token=token).body["items"]
    assert {one["job"]: one["completed"] for one in rows}["CO-1"] is False
    again = house.send("POST", "/v1/jobs/CO-1/cancel", given_up, token)
    assert (again.status, again.problem) == (409, "refused")


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
