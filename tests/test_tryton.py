"""Verdicts and jobs in a real Tryton: each once, with its word, through every lost answer."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.clock import HandClock
from hub.errors import ConfigError, SinkPaused, SinkUnavailable
from hub.model import Site
from hub.simulate.tryton import TrytonServer
from hub.testing import wait_until
from plugins.tryton import build, find_work_order
from plugins.tryton.answers import Ailing, Overtaken, Rejected
from plugins.tryton.rest import Rest, binary, data_of
from plugins.tryton.settings import TrytonSettings
from plugins.tryton.sink import Tryton
from tests.tryton_rig import (
    Proxy,
    inspections,
    notes,
    number,
    order_file,
    put,
    step,
    tryton,
    untaken,
    verdict,
)

pytestmark = pytest.mark.timeout(600)  # the first one prepares the database


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrytonServer]:
    with TrytonServer(tmp_path_factory.mktemp("tryton")) as made:
        yield made


@pytest.fixture
def sink(server: TrytonServer) -> Iterator[Tryton]:
    made = tryton(server)
    yield made
    made.close()


# -- verdicts


@pytest.mark.parametrize(
    ("word", "state", "point"),
    [
        ("PASS", "passed", 1),
        ("FAIL", "failed", 2),
        ("INCONCLUSIVE", "pending", 3),
        ("ABORTED", "pending", 4),
    ],
)
def test_each_verdict_has_a_state_and_a_point_of_its_own(
    server: TrytonServer, sink: Tryton, word: str, state: str, point: int
) -> None:
    """Only PASS passes; what concludes nothing stays pending, and says which it is."""
    order = number()
    parcel = verdict(order, word)
    receipt = put(sink, parcel)

    (one,) = inspections(server, order)
    assert one["reference"] == f"{order} {parcel.key}"
    assert (one["state"], one["points"]) == (state, {"gashub_verdict": point})
    assert receipt == f"inspection {one['number']}"
    assert notes(server, order)[0].startswith(f"[{parcel.key}] {order} riser_hold: {word}\n")


@pytest.mark.parametrize("word", ["FAIL", "INCONCLUSIVE", "ABORTED"])
def test_nobody_at_tryton_can_process_it_into_a_success(
    server: TrytonServer, sink: Tryton, word: str
) -> None:
    """The point's tolerance decides, for whoever presses the button."""
    order = number()
    put(sink, verdict(order, word))
    (one,) = inspections(server, order)
    if one["state"] == "failed":
        server.ask("POST", f"quality.inspection/{one['id']}/pending", {})
    server.ask("POST", f"quality.inspection/{one['id']}/process", {})

    assert inspections(server, order)[0]["state"] == "failed"


def test_the_event_and_a_page_for_people_are_attached(server: TrytonServer, sink: Tryton) -> None:
    """The event's own bytes, and both sentences with the figures."""
    order = number()
    parcel = verdict(order, figures={"drop_raw_pa": "7.5"}, reasons=["<b>"])
    put(sink, parcel)

    (one,) = inspections(server, order)
    domain = [["resource", "=", f"quality.inspection,{one['id']}"]]
    files = {
        found["name"]: data_of(found["data"])
        for found in server.find("ir.attachment", "name", "data", domain=domain)
    }
    assert files[f"{parcel.key}.json"] == parcel.body
    page = files[f"{parcel.key}.html"].decode()
    for told in ("压降在允许范围内。", "The drop is within its limit.", "7.5", "&lt;b&gt;"):
        assert told in page


def test_a_failed_inspection_opens_one_alert_that_says_what_it_is_about(
    server: TrytonServer, sink: Tryton
) -> None:
    """Tryton opens it; the hub names it, and leaves a name that somebody gave it."""
    order = number()
    parcel = verdict(order, "FAIL")
    put(sink, parcel)
    put(sink, parcel)

    (one,) = inspections(server, order)
    domain = [["origin", "=", f"quality.inspection,{one['id']}"]]
    (alert,) = server.find("quality.alert", "title", "description", domain=domain)
    assert alert["title"] == f"{order} riser_hold: FAIL"
    assert "压降" in alert["description"]


def test_a_status_in_tryton_changes_no_verdict_and_is_not_changed_back(
    server: TrytonServer, sink: Tryton
) -> None:
    """What people decide there stays theirs; a replay touches it not."""
    order = number()
    parcel = verdict(order)
    put(sink, parcel)
    (one,) = inspections(server, order)
    server.ask("POST", f"quality.inspection/{one['id']}/fail", {})
    put(sink, parcel)

    (one,) = inspections(server, order)
    assert one["state"] == "failed"
    assert json.loads(parcel.body)["data"]["verdict"]["verdict"] == "PASS"


def test_a_control_that_was_changed_in_tryton_is_named(server: TrytonServer) -> None:
    """A PASS that Tryton would fail is no receipt: it is refused, with the remedy."""
    sink, order = tryton(server), number()
    put(sink, verdict(order, procedure="bent_hold"))
    (point,) = server.find(
        "quality.control.point", "id", domain=[["control.name", "=", "gashub bent_hold"]]
    )
    server.ask("PUT", f"quality.control.point/{point['id']}", {"tolerance_upper": 0})
    delivery = sink.deliver([verdict(order, procedure="bent_hold")], "b")
    sink.close()

    assert "became failed, expected passed" in untaken(delivery)
    assert delivery.refused


# -- once


def test_a_replay_makes_nothing_new(server: TrytonServer, sink: Tryton) -> None:
    """The same receipt, one inspection, two files, one note."""
    order = number()
    parcel = verdict(order)
    receipts = {put(sink, parcel) for _ in range(3)}

    assert len(receipts) == 1
    (one,) = inspections(server, order)
    domain = [["resource", "=", f"quality.inspection,{one['id']}"]]
    assert len(server.find("ir.attachment", "name", domain=domain)) == 2
    assert len(notes(server, order)) == 1


@pytest.mark.parametrize("word", ["PASS", "FAIL", "INCONCLUSIVE"])
def test_every_answer_may_be_lost_once(server: TrytonServer, word: str) -> None:
    """Each request is acted on and its answer cut, one after the other: still one of each."""
    lost: set[str] = set()

    def once(_: int, head: str) -> str:
        if head in lost or head.startswith("GET"):
            return ""
        lost.add(head)
        return "cut"

    order = number()
    parcel = verdict(order, word)
    with Proxy(server, once) as proxy:
        sink = tryton(server, url=proxy.url)
        whys = []
        while not (delivery := sink.deliver([parcel], "b")).taken:
            whys.append(untaken(delivery))
        sink.close()

    assert len(whys) == len(lost) >= 3
    assert all(why.startswith("no whole answer") for why in whys)
    (one,) = inspections(server, order)
    domain = [["resource", "=", f"quality.inspection,{one['id']}"]]
    assert len(server.find("ir.attachment", "name", domain=domain)) == 2
    assert len(notes(server, order)) == 1


@pytest.mark.parametrize(("settle_s", "made"), [(3600, 1), (0, 2)])
def test_a_request_that_comes_late_is_waited_for(
    server: TrytonServer, settle_s: float, made: int
) -> None:
    """It reaches the server after we have looked. The fence waits for it; without one, planted
    here as 0 seconds, there would be two.
    """
    waiting = iter(["hold"])

    def first(_: int, head: str) -> str:
        return next(waiting, "") if head.startswith("POST") and "inspection?" in head else ""

    order = number()
    parcel = verdict(order)
    with Proxy(server, first) as proxy:
        sink = tryton(server, url=proxy.url, settle_s=settle_s)
        assert untaken(sink.deliver([parcel], "b")).startswith("no whole answer")
        if settle_s:
            with pytest.raises(SinkUnavailable, match="nothing is written for another") as told:
                sink.deliver([parcel], "b")
            assert 3500 < told.value.retry_after_s <= 3600
        else:
            put(sink, parcel)
        proxy.let_go.set()
        assert proxy.held.wait(30)
        wait_until(lambda: len(inspections(server, order)) == made, f"{made} inspection(s)")
        sink.close()


def test_after_a_start_only_what_is_older_waits(server: TrytonServer) -> None:
    """A hub that was killed while it waited for an answer must not write it again at once."""
    sink, order = tryton(server, settle_s=3600), number()
    with pytest.raises(SinkUnavailable, match="before a start"):
        sink.deliver([verdict(order)._replace(created_us=0)], "b")
    put(sink, verdict(order))
    sink.close()


def test_four_gateways_that_need_one_customer_make_one(server: TrytonServer) -> None:
    """Tryton's code is unique: who comes later finds the first's, by another look."""
    code, at_once = f"C-{number()}", 4
    sinks = [tryton(server, f"gw-{code}-{at}", customer=code) for at in range(at_once)]
    gate = threading.Barrier(at_once)
    orders = [number() for _ in range(at_once)]

    def write(sink: Tryton, order: str) -> None:
        gate.wait(30)
        parcel = verdict(order)

        def taken() -> bool:
            return bool(sink.deliver([parcel], "b").taken)

        wait_until(taken, "taken")

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(write, sinks, orders))
    for sink in sinks:
        sink.close()
    assert len(server.find("party.party", "id", domain=[["code", "=", code]])) == 1
    assert [len(inspections(server, order)) for order in orders] == [1] * at_once


# -- jobs, hazards, orders


def test_a_hazard_is_a_task_with_its_deadline(server: TrytonServer, sink: Tryton) -> None:
    """Below the task of the job that found it; the deadline goes when it does."""
    parent, hazard = number(), number()
    put(sink, step(parent, kind="repair", what="step", step="arrive"))
    put(sink, step(hazard, parent=parent, next_due_at="2026-12-07T08:00:00Z"))
    (task,) = server.find(
        "project.work", "parent.name", "constraint_finish_time", "comment",
        domain=[["name", "=", hazard]],
    )  # fmt: skip
    assert task["parent"]["name"] == parent
    assert task["comment"] == "hazard (residential)"
    due = task["constraint_finish_time"]
    assert (due["year"], due["month"], due["day"], due["hour"]) == (2026, 12, 7, 8)

    put(sink, step(hazard, what="step", step="closed", ended="closed", clause="4.6.2"))
    (task,) = server.find("project.work", "constraint_finish_time", domain=[["name", "=", hazard]])
    assert task["constraint_finish_time"] is None
    assert notes(server, hazard)[-1].endswith("hazard, step, closed, ended: closed, 4.6.2")


def test_an_older_event_brings_no_deadline_back(server: TrytonServer, sink: Tryton) -> None:
    """A replay of the opening, after the end: its note is there, so nothing is touched."""
    hazard = number()
    opened = step(hazard, next_due_at="2026-12-07T08:00:00Z")
    put(sink, opened)
    put(sink, step(hazard, what="step", step="closed", ended="closed"))
    put(sink, opened)

    (task,) = server.find("project.work", "constraint_finish_time", domain=[["name", "=", hazard]])
    assert task["constraint_finish_time"] is None
    assert len(notes(server, hazard)) == 2


def test_an_order_is_read_from_tryton_and_reported_on_its_own_task(
    server: TrytonServer, sink: Tryton
) -> None:
    """By the task's number; the attached file says what to test."""
    task = server.create("project.work?f=number", name="Riser of 7-2", company=1, type="task")
    assert sink.find_order(task["number"]) is None  # no file yet: not ours
    resource = f"project.work,{task['id']}"
    data = binary(order_file())
    server.create("ir.attachment", name="gashub.json", resource=resource, data=data)

    found = sink.find_order(task["number"])
    assert found is not None
    assert (found["number"], found["procedure"]) == (task["number"], "indoor_hold")
    assert sink.find_order("WO-999999") is None

    put(sink, verdict(task["number"]))
    domain = [["resource", "=", resource]]
    (note,) = server.find("ir.note", "message", domain=domain)
    assert f"{task['number']} riser_hold: PASS" in note["message"]


def test_an_order_file_that_is_none_is_named(server: TrytonServer, sink: Tryton) -> None:
    """With the task, the file and the form."""
    task = server.create("project.work?f=number", name="Riser", company=1, type="task")
    resource = f"project.work,{task['id']}"
    server.create("ir.attachment", name="gashub.json", resource=resource, data=binary(b"[1]"))

    with pytest.raises(ConfigError, match=rf"task {task['number']}: its file gashub\.json"):
        sink.find_order(task["number"])


def test_the_hook_asks_the_configured_server(server: TrytonServer) -> None:
    """Nothing else knows the server's address."""
    settings = TrytonSettings(
        url=server.url, key="k", company="GAS", allow_plain_http=True, lan=("127.0.0.0/8",)
    )
    build("hooked", settings, Site("gw", HandClock(), lambda _: server.key))
    task = server.create("project.work?f=number", name="Riser", company=1, type="task")
    resource = f"project.work,{task['id']}"
    data = binary(order_file())
    server.create("ir.attachment", name="gashub.json", resource=resource, data=data)
    found = find_work_order(task["number"])
    assert found is not None
    assert found["number"] == task["number"]


# -- what Tryton's odd answers are called


def test_a_key_that_is_not_valid_pauses_the_channel(server: TrytonServer) -> None:
    """Expired, revoked, never validated: Tryton says 401 to all of them."""
    sink = tryton(server)
    sink._rest = Rest(sink._settings, "0" * 128)
    sink._places = sink._at(sink._rest)
    with pytest.raises(SinkPaused, match="expired, is revoked"):
        sink.deliver([verdict(number())], "b")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"company": "NOBODY"}, "no company whose party has the code 'NOBODY'"),
        ({"url": "/nodb"}, "no such database"),
    ],
)
def test_a_wrong_setting_pauses_the_channel(
    server: TrytonServer, given: dict[str, str], why: str
) -> None:
    """No parcel is burnt for it, and the text says what to correct."""
    if "url" in given:
        given = {"url": f"http://127.0.0.1:{server.port}/nodb"}
    sink = tryton(server, **given)
    with pytest.raises(SinkPaused, match=why):
        sink.deliver([verdict(number())], "b")
    sink.close()


def test_a_redirect_as_that_of_a_key_request_is_not_followed(server: TrytonServer) -> None:
    """Tryton answers 308 where its path has moved; an operator names the new one."""
    wire = tryton(server)._connection()
    wire._base = "/gas/user/application"
    with pytest.raises(SinkPaused, match="308, a redirect"):
        wire.create("/", {"user": "admin", "application": "rest"})


def test_an_unknown_field_is_named_and_waits(server: TrytonServer) -> None:
    """Tryton says 500 with a web page; the field stands in it."""
    rest = tryton(server)._connection()
    with pytest.raises(Ailing, match="500, it has no 'nmae'"):
        rest.create("party.party", {"nmae": "x"})
    rest.close()


def test_user_errors_are_told_apart(server: TrytonServer) -> None:
    """A code twice: look again. A rule broken: the channel pauses. Else: refused."""
    rest = tryton(server)._connection()
    with pytest.raises(Overtaken, match="unique"):
        rest.create("party.party", {"name": "x", "code": "GAS"})
    with pytest.raises(Rejected, match="missing"):
        rest.create("project.work", {"type": "task", "company": 1})
    with pytest.raises(SinkPaused, match="rights"):
        rest.create("project.work", {"name": "x", "company": 1, "number": "mine"})
    rest.close()


def test_an_event_that_is_none_is_refused(sink: Tryton) -> None:
    """It would never become one."""
    delivery = sink.deliver([verdict(number())._replace(body=b"{}")], "b")
    assert "no event of the contract" in untaken(delivery)
    assert delivery.refused


def test_a_server_that_is_away_burns_no_parcel(tmp_path: Path) -> None:
    """Nobody listens: the channel rests. Back again: taken."""
    with TrytonServer(tmp_path) as own:
        sink, parcel = tryton(own), verdict(number())
        own.kill()
        with pytest.raises(SinkUnavailable):
            sink.deliver([parcel], "b")
        own.start()
        put(sink, parcel)
        sink.close()
