"""Two tenants on one gateway: whatever a token of one site asks, it learns nothing of another's.

The table has a row for every route of the API, so that a new route without one fails.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

import pytest

from hub.testing import wait_until
from tests.api_rig import HOLD, House, order
from tests.foreman_rig import PHOTO, PHOTO_SHA
from tests.test_api import FOLDER_SINK, GUARDED, sink

SPEC: Final = {name: HOLD[name] for name in ("medium", "instruments")}
GIVEN_UP: Final = {"by": "T-1", "reason": "moved", "safe": True}


class Row(NamedTuple):
    """How a route keeps tenants apart.

    how   list: others' rows are not in it; one: what is another's is not there; new: it must be
          of a site of one's own; shared: it belongs to no site, for the reason in *more*
    path  with what belongs to the east in its places; for one
    more  body of a request that the owner may make
    """

    how: str
    path: str = ""
    more: Any = None


TABLE: Final[Mapping[tuple[str, str], Row]] = {
    ("POST", "/v1/orders"): Row("new", more=order("N-1", site="east")),
    ("GET", "/v1/orders"): Row("list"),
    ("GET", "/v1/orders/{number}"): Row("one", "/v1/orders/O-E"),
    ("PUT", "/v1/orders/{number}"): Row("one", "/v1/orders/O-E2", order("O-E2", "x", site="east")),
    ("POST", "/v1/orders/{number}/cancel"): Row("one", "/v1/orders/O-E2/cancel", {"reason": ""}),
    ("GET", "/v1/verdicts"): Row("list"),
    ("POST", "/v1/jobs"): Row("new", more={
        "number": "N-2", "job": "inspection", "user_class": "residential", "site": "east",
        "facts": {"cycle": "2026-2"}, "sections": {}, "customer": {"user_no": "1"},
    }),
    ("GET", "/v1/jobs"): Row("list"),
    ("GET", "/v1/hazards"): Row("list"),
    ("GET", "/v1/jobs/{number}"): Row("one", "/v1/jobs/J-E"),
    ("PUT", "/v1/jobs/{number}/tests/{step}"): Row("one", "/v1/jobs/P-E/tests/indoor_hold", SPEC),
    ("POST", "/v1/jobs/{number}/cancel"): Row("one", "/v1/jobs/P-E/cancel", GIVEN_UP),
    ("GET", "/v1/staff"): Row("shared", more="ids and certificates; no site has people of its own"),
    ("PUT", "/v1/staff/{id}"): Row("shared", more="no token with sites has this scope"),
    ("GET", "/v1/instruments"): Row("shared", more="the gateway's, whoever orders with them"),
    ("PUT", "/v1/instruments/{name}"): Row("shared", more="no token with sites has this scope"),
    ("PUT", "/v1/files/{sha256}"): Row("shared", more="who sends it has it; nobody can read one"),
    ("GET", "/v1/deliveries"): Row("list"),
    ("GET", "/v1/deliveries/{id}"): Row("one", "/v1/deliveries/{id}"),
    ("POST", "/v1/deliveries/{id}/redeliver"): Row("one", "/v1/deliveries/{id}/redeliver"),
    ("GET", "/v1/evidence/{number}"): Row("one", "/v1/evidence/O-E"),
}  # fmt: skip


class Tenants:
    """A gateway on which the east has one of everything, and the west has nothing."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.east = house.token(sites=["east"])
        self.west = house.token(sites=["west"], client="west")
        house.ask("staff.put", text=json.dumps({"id": "T-1", "certificates": {
            role: {"number": "C-1", "until": "2099-06-30"} for role in ("inspection", "purge")
        }}))  # fmt: skip
        self.put(f"/v1/files/{PHOTO_SHA}", PHOTO)
        for number in ("O-E", "O-E2"):
            self.post("/v1/orders", order(number, site="east"))
        house.ask("order.open", number="O-E")
        house.ask("order.event", number="O-E", word="abort")
        job = dict(TABLE["POST", "/v1/jobs"].more)
        self.post("/v1/jobs", {**job, "number": "J-E"})
        purge = {"facts": {"new_user": "yes", "instruction": "WI-1"},
                 "sections": {"riser": "A-1", "indoor": "A-1-1"}}  # fmt: skip
        self.post("/v1/jobs", {**job, **purge, "number": "P-E", "job": "residential_purge"})
        for step, answers in (
            ("visit", {"outcome": "entered", "consent": "yes"}),
            ("enter", {}),
            ("leak_check", {"result": "leak", "photo": PHOTO_SHA}),
        ):
            assert house.ask("job.do", number="J-E", step=step, by="T-1", answers=answers)["done"]
        wait_until(lambda: self.items("/v1/deliveries?state=taken", self.east), "a delivery")
        self.delivery = self.items("/v1/deliveries?state=taken", self.east)[0]["id"]

    def post(self, path: str, body: Any) -> None:
        assert self.house.send("POST", path, body, self.east).status == 201, path

    def put(self, path: str, body: Any) -> None:
        assert self.house.send("PUT", path, body, self.east).status == 200, path

    def items(self, path: str, token: str) -> list[Any]:
        found: list[Any] = self.house.send("GET", path, token=token).body["items"]
        return found

    def ask(self, method: str, path: str, body: Any, token: str) -> Any:
        """One request, with the version that stands."""
        shown = self.house.send("GET", path.partition("/tests")[0], token=self.east)
        version = shown.headers.get("ETag", '"1"')
        return self.house.send(method, path, body, token, If_Match=version)


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenants]:
    folder = tmp_path_factory.mktemp("tenants")
    (folder / "mine").mkdir()
    (folder / "mine" / "__init__.py").write_text("")
    (folder / "mine" / "into.py").write_text(FOLDER_SINK)
    with House(folder, '"mine.into"', sink(folder, "crm"), burst=10_000,
               requests_per_minute=100_000) as house:  # fmt: skip
        yield Tenants(house)


def test_every_route_has_its_row() -> None:
    """A new route fails here until it is said, and tried, how it keeps tenants apart."""
    assert set(TABLE) == {(method, path) for method, path, _ in GUARDED}


def rows(how: str) -> list[tuple[str, str]]:
    return [route for route, row in TABLE.items() if row.how == how]


@pytest.mark.parametrize(("method", "path"), rows("list"))
def test_a_list_has_nothing_of_the_others(tenants: Tenants, method: str, path: str) -> None:
    assert tenants.items(path, tenants.east), "the owner sees something"
    assert tenants.items(path, tenants.west) == []


@pytest.mark.parametrize("query", ["order=O-E", "order=J-E", "cursor="])
def test_no_question_opens_anothers_list(tenants: Tenants, query: str) -> None:
    for path in ("/v1/verdicts", "/v1/deliveries"):
        said = tenants.house.send("GET", f"{path}?{query}", token=tenants.west)
        assert said.status == 422 or said.body["items"] == []


@pytest.mark.parametrize(("method", "path"), rows("one"))
def test_what_is_anothers_is_not_there(tenants: Tenants, method: str, path: str) -> None:
    """404 in the very words of a thing that does not exist; the owner's request is carried out."""
    row = TABLE[method, path]
    url = row.path.replace("{id}", tenants.delivery)
    name = url.split("/")[3]
    absent = "0" * len(name)
    numbered = isinstance(row.more, dict) and "number" in row.more
    for one in (name, absent):
        given = {**row.more, "number": one} if numbered else row.more
        said = tenants.ask(method, url.replace(name, one), given, tenants.west)
        assert (said.status, said.problem) == (404, "absent")
        assert said.body["detail"].replace(one, "X") == {
            "deliveries": "no delivery 'X'",
        }.get(url.split("/")[2], "no order or job 'X'")
    assert tenants.ask(method, url, row.more, tenants.east).status in (200, 201)


@pytest.mark.parametrize(("method", "path"), rows("new"))
def test_what_is_new_must_be_of_ones_own_site(tenants: Tenants, method: str, path: str) -> None:
    given = TABLE[method, path].more
    for body in (given, {key: given[key] for key in given if key != "site"}):
        assert tenants.house.send(method, path, body, tenants.west).problem == "other_site"
    assert tenants.house.send(method, path, given, tenants.east).status == 201


def test_a_parent_is_a_job_of_ones_own_site(tenants: Tenants) -> None:
    """Refused in the same words, there or not; and no refusal tells what another's job is."""
    job = {**TABLE["POST", "/v1/jobs"].more, "site": "west", "number": "J-W"}
    send = tenants.house.send
    said = [
        send("POST", "/v1/jobs", {**job, "parent": one}, tenants.west) for one in ("J-E", "J-0")
    ]
    assert [one.status for one in said] == [422, 422]
    assert said[0].body == said[1].body
    own = {**job, "site": "east", "parent": "J-E", "number": "J-E3"}
    real = send("POST", "/v1/jobs", {**own, "trial": True}, tenants.east)
    assert (real.status, "parent" in real.body["detail"]) == (422, True)
    assert send("POST", "/v1/jobs", own, tenants.east).status == 201
    taken = send("POST", "/v1/orders", order("J-E", site="west"), tenants.west)
    assert taken.status == 409
    assert "inspection" not in str(taken.body)


@pytest.mark.parametrize(("method", "path"), rows("shared"))
def test_what_is_shared_has_a_reason(tenants: Tenants, method: str, path: str) -> None:
    """What can be written by one tenant and read by another can be written by none of them."""
    assert TABLE[method, path].more
    if method == "PUT" and "{sha256}" not in path:
        url = path.replace("{id}", "T-5").replace("{name}", "pm-5")
        for token in (tenants.east, tenants.west):
            assert tenants.house.send(method, url, {}, token).problem == "forbidden"
    if "{sha256}" in path:
        url = path.replace("{sha256}", sha256(PHOTO).hexdigest())
        assert tenants.house.send("GET", url, token=tenants.east).status == 405
