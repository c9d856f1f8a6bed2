"""The API beside a running hub: routes, tokens, tenants, keys, versions, pages, limits."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import trustme
import urllib3
from fastapi.routing import APIRoute

from hub.api.application import PUBLIC, _bare, document
from hub.ledger import verify
from hub.testing import wait_until
from hub.tokens import SCOPES, make
from tests.api_rig import HOLD, House, free_port, order
from tests.foreman_rig import purge_order

SCHEMA = Path(__file__).parent.parent / "docs" / "openapi.json"


def operations() -> list[tuple[str, str, str]]:
    """(method, path, scope) of every route, from the table that the router has."""
    found = []
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            found.append((method.upper(), path, " ".join(operation.get("x-scopes", []))))
    return found


ROUTES = operations()
GUARDED = [one for one in ROUTES if one[1] not in PUBLIC]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all tests that leave it running; each takes numbers of its own."""
    with House(tmp_path_factory.mktemp("api"), burst=10_000, requests_per_minute=100_000) as made:
        yield made


@pytest.fixture
def own(tmp_path: Path) -> Iterator[House]:
    """One for a test that stops it."""
    with House(tmp_path) as made:
        yield made


def filled(path: str) -> str:
    """*path* with something in its places that the record does not have."""
    digest = "a" * 64
    return path.replace("{sha256}", digest).replace("{number}", "NO-1").replace(
        "{id}", "X-1").replace("{name}", "x-1").replace("{step}", "indoor_hold")  # fmt: skip


# -- the document


def test_the_document_in_docs_is_the_apis() -> None:
    """docs/openapi.json is written from the routes: `gashub contract write docs`."""
    assert json.loads(SCHEMA.read_text("utf-8")) == document()
    assert document()["openapi"].startswith("3.1.")


def test_every_route_needs_one_scope_that_there_is() -> None:
    """A new route without a scope fails here; so does a scope that no route needs."""
    routes = {route.path for route in _bare().routes if isinstance(route, APIRoute)}
    assert {path for _, path, _ in ROUTES} | {"/v1/openapi.json"} >= routes
    assert [one for one in GUARDED if one[2] not in SCOPES] == []
    assert set(SCOPES) - {scope for *_, scope in GUARDED} == {"evidence:personal"}


# -- who may


@pytest.mark.parametrize(("method", "path", "scope"), GUARDED)
def test_a_route_is_closed_but_to_its_own_scope(
    house: House, method: str, path: str, scope: str
) -> None:
    """No token 401, a false one 401, one with every other scope 403; with the scope it answers."""
    body = {} if method in ("POST", "PUT") else None
    url = filled(path)
    assert house.send(method, url, body).problem == "unauthorized"
    assert house.send(method, url, body, "gashub_0123456789ab_x").problem == "unauthorized"
    others = house.token([one for one in SCOPES if one != scope])
    refused = house.send(method, url, body, others)
    assert (refused.status, refused.body["scope"]) == (403, scope)
    assert house.send(method, url, body, house.token([scope])).status not in (401, 403)


def test_a_token_is_refused_from_its_end_on(house: House) -> None:
    """401, and no word of what it was."""
    new = make()
    house.ask(
        "token.add", id=new.id, sha256=new.sha256, client="erp", scopes=["orders:read"], sites=[],
        expires_us=str(time.time_ns() // 1000 + 1_000_000), by="test",
    )  # fmt: skip
    assert house.send("GET", "/v1/orders", token=new.text).status == 200
    wait_until(lambda: house.send("GET", "/v1/orders", token=new.text).status == 401)
    never = house.send("GET", "/v1/orders", token=make().text)
    assert house.send("GET", "/v1/orders", token=new.text).body == never.body


def test_a_token_that_was_revoked_is_refused_at_once(house: House) -> None:
    token = house.token()
    assert house.send("GET", "/v1/orders", token=token).status == 200
    house.ask("token.revoke", id=token.split("_")[1], by="test")

    said = house.send("GET", "/v1/orders", token=token)
    assert said.status == 401
    assert said.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_operators_commands_make_replace_and_revoke_tokens(own: House) -> None:
    """With a running hub and without one; the secret is printed once and nowhere again."""

    def cli(*words: str) -> Any:
        said = subprocess.run(
            [sys.executable, "-m", "hub", "token", *words, "--config", str(own.config), "--json"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert said.returncode == 0, said.stderr
        return json.loads(said.stdout)

    def may(token: str) -> bool:
        return own.send("GET", "/v1/orders", token=token).status == 200

    first = cli("add", "erp", "--scope", "orders:read", "--days", "30")
    second = cli("add", "--replaces", first["token"], "--overlap-hours", "0")
    assert (may(first["secret"]), may(second["secret"])) == (False, True)
    own.stop("run")
    third = cli("add", "crm", "--scope", "orders:read", "--site", "east")
    assert may(third["secret"])
    cli("revoke", third["token"])
    assert not may(third["secret"])
    listed = cli("list")
    assert [(one["client"], one["state"]) for one in listed] == [
        ("crm", "revoked"), ("erp", "valid"), ("erp", "expired")
    ]  # fmt: skip
    assert second["secret"].split("_", 2)[2] not in json.dumps(listed)


def test_two_tenants_do_not_see_each_others_orders(house: House) -> None:
    """Neither in lists nor one by one; nor may they write."""
    east, west = house.token(sites=["east"]), house.token(sites=["west"], client="crm")
    assert house.send("POST", "/v1/orders", order("T-1", site="east"), east).status == 201
    assert house.send("POST", "/v1/orders", order("T-2", site="east"), west).problem == "other_site"
    assert house.send("POST", "/v1/orders", order("T-2"), west).problem == "other_site"

    numbers = [one["number"] for one in house.send("GET", "/v1/orders", token=west).body["items"]]
    assert "T-1" not in numbers
    for method, path, _ in GUARDED:
        if "{number}" in path:
            given = {"by": "T-1", "reason": "x", "safe": True} if "jobs" in path else {"reason": ""}
            url = path.replace("{number}", "T-1").replace("{step}", "indoor_hold")
            said = house.send(method, url, given, west, If_Match='"1"')
            unknown = house.send(method, url.replace("T-1", "T-9"), given, west, If_Match='"1"')
            if said.status == 422:  # the body of one is not that of another
                continue
            assert (said.status, said.problem) == (404, "absent"), path
            assert said.body["detail"].replace("T-1", "T-9") == unknown.body["detail"]
    assert house.send("GET", "/v1/orders/T-1", token=east).body["site"] == "east"


def test_a_number_of_another_tenant_cannot_be_taken_over(house: House) -> None:
    east, west = house.token(sites=["east"]), house.token(sites=["west"], client="crm")
    house.send("POST", "/v1/orders", order("T-5", site="east"), east)

    assert house.send("POST", "/v1/orders", order("T-5", site="west"), west).problem == "conflict"
    job = {**purge_order("T-5"), "site": "west"}
    assert house.send("POST", "/v1/jobs", job, west).problem == "conflict"


# -- keys and versions


def test_a_request_is_carried_out_once_though_both_processes_are_killed(own: House) -> None:
    """kill -9 of the hub and of the API between the request and its repetition."""
    token = own.token()
    first = own.send("POST", "/v1/orders", order(), token, Idempotency_Key="k")
    changed = own.send("PUT", "/v1/orders/WO-1", order("WO-1", "first"), token,
                       If_Match=first.headers["ETag"], Idempotency_Key="k2")  # fmt: skip
    own.stop("api", signal.SIGKILL)
    own.stop("run", signal.SIGKILL)
    own.start("run")
    own.start("api")
    assert own.recorded("order") == 2

    again = own.send("POST", "/v1/orders", order(), token, Idempotency_Key="k")
    assert (again.status, again.body) == (201, first.body)
    once_more = own.send("PUT", "/v1/orders/WO-1", order("WO-1", "first"), token,
                         If_Match=first.headers["ETag"], Idempotency_Key="k2")  # fmt: skip
    assert (once_more.status, once_more.body) == (200, changed.body)
    other = own.send("POST", "/v1/orders", order("WO-2"), token, Idempotency_Key="k")
    assert (other.status, other.problem) == (422, "reused")
    assert own.recorded("order") == 2
    own.stop("run")
    assert verify(own.state).ok


def test_a_storm_of_kills_takes_each_order_once(tmp_path: Path) -> None:
    """Requests go on while the hub is killed five times; what got no answer is sent again."""
    with House(tmp_path, burst=10_000) as own:
        weather(own)


def weather(own: House) -> None:
    token = own.token()
    done: dict[str, Any] = {}
    ended = threading.Event()

    def send_all() -> None:
        for at in range(40):
            number = f"S-{at}"
            while number not in done:
                said = own.send("POST", "/v1/orders", order(number), token, Idempotency_Key=number)
                if said.status == 201:
                    done[number] = said.body["id"]
                else:
                    assert said.status == 503, said.body
                    ended.wait(0.05)
        ended.set()

    sender = threading.Thread(target=send_all, name="sender")
    sender.start()
    for kill in range(5):
        wait_until(lambda at=kill: len(done) > at * 6 or ended.is_set())
        own.stop("run", signal.SIGKILL)
        own.start("run")
    sender.join(60)

    ids = dict(own.rows("SELECT number, id FROM orders"))
    assert ids == done
    assert sorted(done) == sorted(f"S-{at}" for at in range(40))
    own.stop("run")
    assert verify(own.state).ok


def test_a_hub_that_is_down_gives_503_and_reading_goes_on(own: House) -> None:
    token = own.token()
    own.send("POST", "/v1/orders", order(), token)
    own.stop("run")

    said = own.send("POST", "/v1/orders", order("WO-2"), token)
    assert (said.status, said.problem, said.headers["Retry-After"]) == (503, "unavailable", "5")
    assert own.send("GET", "/v1/orders/WO-1", token=token).status == 200
    assert own.send("GET", "/v1/health").body == {"hub": "down"}
    assert own.rows("SELECT number FROM orders") == [("WO-1",)]


def test_a_record_that_cannot_be_read_gives_503(own: House) -> None:
    """A damaged row of tokens, no such table, an empty file: none is a fault of the caller's."""
    token = own.token()
    assert own.send("GET", "/v1/orders", token=token).status == 200
    own.stop("run")
    db = own.state / "ledger.db"
    for damage in ("UPDATE tokens SET scopes='{'", "ALTER TABLE tokens RENAME TO gone"):
        with closing(sqlite3.connect(db)) as sql:
            sql.execute(damage)
            sql.commit()
        said = own.send("GET", "/v1/orders", token=token)
        assert (said.status, said.problem) == (503, "unavailable"), damage
    for path in own.state.glob("ledger.db*"):
        path.unlink()
    db.touch()
    assert own.send("GET", "/v1/orders", token=token).status == 503
    db.write_bytes(b"no database" * 1000)
    assert own.send("GET", "/v1/orders", token=token).status == 503


def test_a_post_without_a_key_is_not_carried_out(house: House) -> None:
    token = house.token()
    for key in ("", "k k", "x" * 129):
        said = house.send("POST", "/v1/orders", order("K-1"), token, Idempotency_Key=key)
        assert (said.status, said.problem) == (400, "key_missing")
    assert house.send("GET", "/v1/orders/K-1", token=token).status == 404


def test_a_number_may_be_chinese(house: House) -> None:
    """A header is ASCII: the address of what was made has the number percent-encoded."""
    token = house.token()
    made = house.send("POST", "/v1/orders", order("工单-1 é"), token)
    assert (made.status, made.headers["Location"]) == (
        201, "/v1/orders/%E5%B7%A5%E5%8D%95-1%20%C3%A9"
    )  # fmt: skip
    assert house.send("GET", made.headers["Location"], token=token).body["number"] == "工单-1 é"
    asked = {**purge_order("任务-1"), "site": ""}
    job = house.send("POST", "/v1/jobs", {k: v for k, v in asked.items() if v != ""}, token)
    assert (job.status, job.headers["Location"]) == (201, "/v1/jobs/%E4%BB%BB%E5%8A%A1-1")


def test_an_order_sent_again_is_the_same_until_it_is_cancelled(house: House) -> None:
    """By new keys, and whatever was registered of its instrument in between."""
    token = house.token()
    gauge = {"quantity": "pressure", "calibrated_until": "2027-01-31"}
    bare = {**HOLD, "number": "S-1", "instruments": [{"name": "pm-s", "quantity": "pressure"}]}
    house.send("PUT", "/v1/instruments/pm-s", gauge, token)
    first = house.send("POST", "/v1/orders", bare, token)
    house.send("PUT", "/v1/instruments/pm-s", gauge | {"calibrated_until": "2028-01-31"}, token)

    again = house.send("POST", "/v1/orders", bare, token)
    assert (again.status, again.body) == (201, first.body)
    house.send("POST", "/v1/orders/S-1/cancel", {"reason": "away"}, token)
    said = house.send("POST", "/v1/orders", bare, token)
    assert (said.status, said.problem) == (409, "conflict")
    assert "was cancelled" in said.body["detail"]


@pytest.mark.parametrize(
    ("path", "methods"), [("/v1/orders/N-1", "GET, PUT"), ("/v1/orders", "GET, POST")]
)
def test_a_wrong_method_is_told_every_one_of_the_path(
    house: House, path: str, methods: str
) -> None:
    said = house.send("DELETE", path, token=house.token())
    assert (said.status, said.problem, said.headers["Allow"]) == (405, "method", methods)


def test_an_amendment_says_which_version_it_means(house: House) -> None:
    """428 without, 412 for another one; the ETag that comes back is the next one's."""
    token = house.token()
    first = house.send("POST", "/v1/orders", order("E-1"), token).headers["ETag"]
    less = order("E-1", "first")

    assert house.send("PUT", "/v1/orders/E-1", less, token).status == 428
    assert house.send("PUT", "/v1/orders/E-1", less, token, If_Match="*").status == 428
    assert house.send("PUT", "/v1/orders/E-1", less, token, If_Match='"0"').status == 412
    assert house.send("PUT", "/v1/orders/E-1", less, token, If_Match=f"W/{first}").status == 412
    done = house.send("PUT", "/v1/orders/E-1", less, token, If_Match=first)
    assert done.status == 200
    assert house.send("PUT", "/v1/orders/E-1", less, token, If_Match=first).problem == "stale"
    assert house.send("GET", "/v1/orders/E-1", token=token).headers["ETag"] == done.headers["ETag"]


def test_an_order_is_not_amended_during_a_hold_and_the_answer_says_why(house: House) -> None:
    token = house.token()
    version = house.send("POST", "/v1/orders", order("H-1"), token).headers["ETag"]
    house.ask("order.open", number="H-1")

    said = house.send("PUT", "/v1/orders/H-1", order("H-1", "first"), token, If_Match=version)
    assert (said.status, said.problem) == (409, "conflict")
    assert "a test of it is running" in said.body["detail"]
    ended = house.send("POST", "/v1/orders/H-1/cancel", {"reason": "moved"}, token)
    assert ended.body == {"order": "H-1", "state": "aborted"}
    found = wait_until(
        lambda: house.send("GET", "/v1/verdicts?order=H-1", token=token).body["items"]
    )
    assert found is None
    (verdict,) = house.send("GET", "/v1/verdicts?order=H-1", token=token).body["items"]
    assert verdict["verdict"] == "ABORTED"


# -- jobs, registers, files, evidence


def test_a_job_goes_from_its_registers_to_its_evidence(house: House) -> None:
    """Certificate, calibration, photo, job, one more test, given up, and the bundle of it all."""
    token = house.token()
    held = {"certificates": {"purge": {"number": "C-1", "until": "2099-06-30"}}}
    assert house.send("PUT", "/v1/staff/T-7", held, token).body["id"] == "T-7"
    gauge = {"quantity": "pressure", "calibrated_until": "2099-01-31", "range_pa": 20000}
    assert house.send("PUT", "/v1/instruments/pm-7", gauge, token).status == 200
    photo = b"\xff\xd8\xff" + bytes(1 << 20)
    url = f"/v1/files/{sha256(photo).hexdigest()}"
    assert house.send("PUT", url, photo, token).body["whole"]
    assert house.send("PUT", url, photo + b"x", token).body["whole"], "it is here already"

    given = {**purge_order("J-1"), "tests": {}}
    assert house.send("POST", "/v1/jobs", given, token).status == 201
    shown = house.send("GET", "/v1/jobs/J-1", token=token)
    spec = {"medium": "air", "instruments": [{"name": "pm-7", "quantity": "pressure"}]}
    path = "/v1/jobs/J-1/tests/indoor_hold"
    assert house.send("PUT", path, spec, token).status == 428
    assert house.send("PUT", path, spec, token, If_Match='"1"').status == 412
    added = house.send("PUT", path, spec, token, If_Match=shown.headers["ETag"])
    assert added.status == 200, added.body
    assert "张小明" not in json.dumps(shown.body, ensure_ascii=False)

    why = {"by": "T-7", "reason": "moved", "safe": True}
    ended = house.send("POST", "/v1/jobs/J-1/cancel", why, token)
    assert ended.body["ended"] == "given_up", ended.body
    bundle = house.send("GET", "/v1/evidence/J-1", token=token)
    assert ZipFile(BytesIO(bundle.body)).testzip() is None
    listed = house.send("GET", "/v1/jobs?kind=residential_purge", token=token).body["items"]
    assert "J-1" in [one["job"] for one in listed]
    staff = house.send("GET", "/v1/staff", token=token).body["items"]
    assert "T-7" in [one["id"] for one in staff]


@pytest.mark.parametrize(
    "members",
    [
        '"range_pa": 1e999', '"range_pa": 1, "range_pa": 20000', '"range_pa": "１０"',
        '"range_pa": "1_000"', '"range_pa": NaN', '"range_pa": "NaN"', '"range_pa": "1e999"',
        '"range_pa": true', '"certificate": "A\\nB"', '"certificate": "A\\u202e"',
        '"calibrated_until": "２０２６-１２-３１"', '"serial": " 7"',
    ],
)  # fmt: skip
def test_an_instrument_is_known_by_what_reads_in_one_way(house: House, members: str) -> None:
    body = f'{{"quantity": "pressure", "unit": "Pa", {members}}}'.encode()
    said = house.send("PUT", "/v1/instruments/pm-9", body, house.token())
    assert (said.status, said.problem) == (422, "unusable")
    named = house.send("PUT", "/v1/instruments/a%0Ab", b'{"quantity": "pressure"}', house.token())
    assert named.status == 422
    good = b'{"quantity": "pressure", "range_pa": 20000, "resolution_pa": 0.10}'
    assert house.send("PUT", "/v1/instruments/pm-8", good, house.token()).body[
        "resolution_pa"] == "0.10"  # fmt: skip


def test_what_the_regulations_refuse_is_a_409_with_every_clause(house: House) -> None:
    job = {**purge_order("R-1"), "user_class": "commercial"}
    said = house.send("POST", "/v1/jobs", job, house.token())

    assert (said.status, said.problem) == (409, "refused")
    assert {"clause", "key", "text"} <= set(said.body["refusals"][0])


def test_the_customers_data_need_a_scope_of_their_own(house: House) -> None:
    token = house.token()
    house.send("POST", "/v1/jobs", {**purge_order("P-1"), "tests": {}}, token)
    plain = house.token(["evidence:read"])

    assert house.send("GET", "/v1/evidence/P-1?for=court", token=plain).problem == "forbidden"
    less = house.send("GET", "/v1/evidence/P-1", token=plain).body
    whole = house.send("GET", "/v1/evidence/P-1?for=court", token=token).body
    assert [b"13812345678" in everything(one) for one in (less, whole)] == [False, True]


def everything(bundle: bytes) -> bytes:
    with ZipFile(BytesIO(bundle)) as opened:
        return b"".join(opened.read(name) for name in opened.namelist())


# -- deliveries


FOLDER_SINK = """
import json
from pathlib import Path
from hub import Delivery, SinkKind, SinkSettings, hookimpl

class Into(SinkSettings):
    folder: str

class Sink:
    def __init__(self, name, settings, site):
        self.folder = Path(settings.folder)
    def open(self): pass
    def close(self): pass
    def deliver(self, parcels, batch):
        for parcel in parcels:
            with (self.folder / f"{parcel.key}.json").open("ab") as file:
                file.write(parcel.body + b"\\n")
        return Delivery(taken={parcel.id: "r" for parcel in parcels})

@hookimpl
def register_sinks():
    return [SinkKind("into", Into, Sink)]
"""
"""A plugin of our own, so that a delivery is a file."""


def sink(folder: Path, name: str, *more: str) -> str:
    (folder / name).mkdir()
    lines = (f'name = "{name}"', 'kind = "into"', f'folder = "{folder}/{name}"', *more)
    return "\n".join(("[[sink]]", *lines, ""))


def test_a_trial_is_delivered_to_the_test_channel_alone_and_anything_again(tmp_path: Path) -> None:
    """From the order over a verdict to two filing folders; then once more, with the same key."""
    sinks = sink(tmp_path, "city") + sink(tmp_path, "try", "trial = true")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("")
    (tmp_path / "mine" / "into.py").write_text(FOLDER_SINK)
    with House(tmp_path, '"mine.into"', sinks) as own:
        token = own.token()
        for number, trial in (("D-1", False), ("D-2", True)):
            own.send("POST", "/v1/orders", order(number, trial=trial), token)
            own.ask("order.open", number=number)
            own.send("POST", f"/v1/orders/{number}/cancel", {}, token)

        def delivered(query: str = "state=taken") -> list[Any]:
            items: list[Any] = own.send("GET", f"/v1/deliveries?{query}", token=token).body["items"]
            return items

        wait_until(lambda: len(delivered()) == 2)
        assert {(one["order"], one["sink"]) for one in delivered()} == {
            ("D-1", "city"), ("D-2", "try")
        }  # fmt: skip
        assert "D-2" not in everything_in(tmp_path / "city")
        assert "D-2" in everything_in(tmp_path / "try")

        (first,) = delivered("order=D-1")
        path = f"/v1/deliveries/{first['id']}"
        shown = own.send("GET", path, token=token).body
        assert (shown["body"]["subject"], len(shown["log"])) == ("D-1", 1)
        for _ in range(2):
            said = own.send("POST", f"{path}/redeliver", None, token, Idempotency_Key="again")
            assert said.body == {"parcels": 1}
        wait_until(lambda: delivered("order=D-1&state=taken") != [])
        wait_until(lambda: len(own.send("GET", path, token=token).body["log"]) == 3)
        log = own.send("GET", path, token=token).body["log"]
        (file,) = (tmp_path / "city").iterdir()
        assert len(set(file.read_text().splitlines())) == 1, "the same bytes"
        assert [one["outcome"] for one in log] == ["taken", "replayed", "taken"]
        (verdict,) = own.send("GET", "/v1/verdicts?order=D-2", token=token).body["items"]
        assert verdict["trial"] is True
        other = own.token(sites=["east"])
        assert own.send("GET", path, token=other).status == 404
        assert own.send("GET", "/v1/deliveries", token=other).body["items"] == []


def everything_in(folder: Path) -> str:
    return " ".join(path.read_text("utf-8", "replace") for path in folder.rglob("*.json"))


# -- pages


def test_pages_join_without_a_gap_or_an_overlap(house: House) -> None:
    """Also while orders come in between: each is in exactly one page."""
    token = house.token(sites=["paged"])
    wanted = [f"PG-{at:02}" for at in range(12)]
    for number in wanted[:8]:
        house.send("POST", "/v1/orders", order(number, site="paged"), token)
    seen, cursor = [], ""
    while True:
        body = house.send("GET", f"/v1/orders?limit=3&cursor={cursor}", token=token).body
        seen += [one["number"] for one in body["items"]]
        if len(seen) == 3:
            for number in wanted[8:]:
                house.send("POST", "/v1/orders", order(number, site="paged"), token)
        if body["next"] is None:
            break
        cursor = body["next"]
    assert seen == wanted


@pytest.mark.parametrize("query", ["cursor=x", "limit=0", "limit=201", "limit=a", "cursor=-1~x"])
def test_a_wrong_page_is_refused(house: House, query: str) -> None:
    assert house.send("GET", f"/v1/orders?{query}", token=house.token()).status == 422


# -- limits


def test_too_many_requests_are_told_when_to_come_again(tmp_path: Path) -> None:
    """Of one token; another one is not kept waiting. So is guessing of tokens."""
    with House(tmp_path, burst=5, requests_per_minute=6) as own:
        one, other = own.token(), own.token()
        said = [own.send("GET", "/v1/orders", token=one) for _ in range(6)]
        assert [each.status for each in said] == [200] * 5 + [429]
        assert 1 <= int(said[-1].headers["Retry-After"]) <= 11
        assert own.send("GET", "/v1/orders", token=other).status == 200
        guesses = [own.send("GET", "/v1/orders", token=f"gashub_{at:012}_x") for at in range(7)]
        assert [each.status for each in guesses][-1] == 429
        assert own.send("GET", "/v1/orders", token=other).status == 200


def test_a_body_that_is_too_large_is_refused_unread(house: House) -> None:
    said = house.send("POST", "/v1/orders", b" " * 700_001, house.token())
    assert (said.status, said.problem) == (413, "too_large")


def test_a_body_that_is_too_large_for_the_hub_is_refused_as_such(house: House) -> None:
    """700 kB of line ends are twice as many on the way to the hub."""
    text = json.dumps(order("BIG-1"))[:-1].encode() + b"\n" * 650_000 + b"}"
    said = house.send("POST", "/v1/orders", text, house.token())
    assert (said.status, said.problem) == (413, "too_large")


def test_a_body_without_a_length_is_counted(house: House) -> None:
    """Chunked: it ends where the limit is."""
    answer = urllib3.PoolManager(retries=False).request(
        "POST", f"http://127.0.0.1:{house.port}/v1/orders", body=iter([b" " * 100_000] * 8),
        headers={"Authorization": f"Bearer {house.token()}", "Idempotency-Key": "c"}, chunked=True,
    )  # fmt: skip
    assert answer.status == 413


def test_a_body_that_stops_coming_is_given_up(tmp_path: Path) -> None:
    with House(tmp_path, body_within_s=0.5) as own:
        head = (
            f"POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {own.token()}\r\n"
            "Idempotency-Key: s\r\nContent-Length: 100\r\n\r\n{"
        )
        with socket.create_connection(("127.0.0.1", own.port), 20) as slow:
            slow.sendall(head.encode())
            assert b" 408 " in slow.recv(4096)
        with socket.create_connection(("127.0.0.1", own.port), 20) as slower:
            slower.sendall(b"GET /v1/hea")
            assert slower.recv(4096) == b"", "a head that does not come is hung up on"
        assert own.send("GET", "/v1/health").status == 200


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("POST /v1/orders/X/cancel", b"too_slow"),
        ("POST /v1/orders", b"unauthorized"),
        ("GET /v1/health", b"up"),
    ],
)
def test_a_body_that_drips_is_given_up_without_a_token(
    tmp_path: Path, line: str, problem: bytes
) -> None:
    """A byte now and then keeps no connection, whether anybody reads the body or not."""
    with House(tmp_path, body_within_s=1.0) as own:
        head = f"{line} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        heard, began_s = b"", time.monotonic()
        with socket.create_connection(("127.0.0.1", own.port)) as one:
            one.settimeout(0.2)
            one.sendall(f"{head}Content-Length: 5000\r\n\r\n{{".encode())
            while time.monotonic() - began_s < 20:
                try:
                    one.sendall(b" ")
                    if not (data := one.recv(4096)):
                        break
                    heard += data
                except TimeoutError:
                    pass
                except OSError:
                    break
        assert time.monotonic() - began_s < 8
        assert problem in heard


def test_public_paths_have_their_limit(tmp_path: Path) -> None:
    with House(tmp_path, burst=5, requests_per_minute=6) as own:
        said = [own.send("GET", "/v1/openapi.json").status for _ in range(6)]
        assert said == [200] * 5 + [429]
        assert own.send("GET", "/v1/health").problem == "too_many"
        assert own.send("GET", "/v1/orders", token=own.token()).status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"[" * 100_000,
                                  b'{"number": "B-1"}', b'{"number": 1e999}'])  # fmt: skip
def test_a_body_of_no_use_is_refused_and_says_why(house: House, body: bytes) -> None:
    said = house.send("POST", "/v1/orders", body, house.token())
    assert (said.status, said.problem) == (422, "unusable"), said.body
    assert said.body["detail"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"\xff\xfe", "unusable"),
        (b"[" * 100_000, "unusable"),
        ([b'{"reason": "', *[b"x" * 100_000] * 8], "too_large"),
    ],
)
def test_a_body_that_the_framework_reads_has_the_same_problems(
    house: House, body: Any, problem: str
) -> None:
    answer = urllib3.PoolManager(retries=False).request(
        "POST", f"http://127.0.0.1:{house.port}/v1/orders/X/cancel",
        body=iter(body) if isinstance(body, list) else body, chunked=isinstance(body, list),
        headers={"Authorization": f"Bearer {house.token()}", "Idempotency-Key": "c",
                 "Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.json()["type"].endswith(f":{problem}")


def test_a_problem_is_told_in_the_callers_language(house: House) -> None:
    zh = house.send("GET", "/v1/orders", Accept_Language="zh-CN,en;q=0.5")
    en = house.send("GET", "/v1/orders", Accept_Language="fr, en")

    assert (zh.body["title"], en.body["title"]) == ("没有有效的令牌", "No valid token")
    assert zh.headers["Content-Type"] == "application/problem+json"


# -- the process


def test_tls_asks_for_the_callers_certificate(tmp_path: Path) -> None:
    """With client_ca nobody comes in without one, whatever token they have."""
    ca, stranger = trustme.CA(), trustme.CA()
    server = ca.issue_cert("127.0.0.1")
    server.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    server.private_key_pem.write_to_path(tmp_path / "server.key")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    files = {"certificate": "server.pem", "private_key": "server.key", "client_ca": "ca.pem"}
    with House(tmp_path, **{key: str(tmp_path / name) for key, name in files.items()}) as own:
        token = own.token()
        for issuer, may in ((ca, True), (stranger, False), (None, False)):
            known: dict[str, Any] = {}
            if issuer is not None:
                issuer.issue_cert("erp.example").private_key_and_cert_chain_pem.write_to_path(
                    tmp_path / "mine.pem"
                )
                known["cert_file"] = str(tmp_path / "mine.pem")
            own.http = urllib3.PoolManager(
                ca_certs=str(tmp_path / "ca.pem"), retries=False, **known
            )
            if may:
                assert own.send("GET", "/v1/orders", token=token).status == 200
            else:
                with pytest.raises(urllib3.exceptions.HTTPError):
                    own.send("GET", "/v1/orders", token=token)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('host = "0.0.0.0"', "read by anybody"),
        ('certificate = "x.pem"', "belong together"),
        ('certificate = "x.pem"\nprivate_key = "x.key"', "cannot be used"),
        ("port = {taken}", "cannot listen"),
    ],
)
def test_a_wrong_setting_is_exit_2_and_says_what_to_do(
    tmp_path: Path, lines: str, says: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        text = lines.replace("{taken}", str(other.getsockname()[1]))
        if "port" not in text:
            text += f"\nport = {free_port()}"
        config = tmp_path / "gateway.toml"
        state = f'gateway = "gw"\nstate_dir = "{tmp_path}"\nplugins = []'
        config.write_text(f"[hub]\n{state}\n[api]\n{text}\n")
        said = subprocess.run(
            [sys.executable, "-m", "hub", "api", config], capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
    assert (said.returncode, says in said.stderr) == (2, True), said.stderr
    assert "Traceback" not in said.stderr


def test_a_running_hub_loads_nothing_of_the_api() -> None:
    """A gateway without the extra stays small."""
    program = (
        "import sys, hub.app, hub.standalone; print([m for m in sys.modules if m.split('.')[0] in "
        "('fastapi', 'starlette', 'uvicorn', 'anyio', 'openpyxl') or m.startswith('hub.api.')])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


def test_it_stops_when_told(own: House) -> None:
    assert own.stop("api") == 0
