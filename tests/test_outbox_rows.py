"""Rows of the fault table for what leaves the hub, each by its number and with its figure.

O1 CRM down 7 days · O2 timeout after accept · O3 every answer · O4 slow and huge answers ·
O5 poison · O6 replay. O4 and O10 on the wire are in test_egress.py, O2 with kills and 10^4 in
bench/outage.py, O7 and O8 (filings) in test_filing_sent.py, O9 (trials) in test_trials.py.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from hub.ledger import LedgerReader, Transaction
from hub.outbox.again import replay
from hub.simulate.receiver import Receiver, stored
from hub.testing import wait_until
from tests.outbox_rig import SECRET, Rig, crm

HOUR_S = 3600
REPLAYS = int(os.environ.get("GASHUB_REPLAYS", "300"))
"""The table's row asks for 10^4, which takes some minutes."""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "state") as made:
        yield made


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "crm.jsonl") as made:
        yield made


def drain(rig: Rig, step_s: float = 30, **states: int) -> None:
    """Let time pass until every parcel stands as expected."""

    def done() -> bool:
        rig.clock.move(step_s)
        return rig.states() == states

    wait_until(done, f"{states}, got {rig.states()}")


def test_O1_a_crm_that_is_down_for_seven_days_gets_all_in_order(rig: Rig, tmp_path: Path) -> None:
    """A verdict an hour, ten orders: lost 0, out of order per order 0, no attempt burnt."""
    away = Receiver(tmp_path / "crm.jsonl").start()
    away.stop()
    outbox = rig.build({"crm": crm(away.url)})
    outbox.start()
    events: dict[str, list[str]] = defaultdict(list)
    for hour in range(7 * 24):
        order = f"O{hour % 10}"
        events[order] += rig.scribe.announce(outbox, order)
        rig.clock.move(HOUR_S)
    assert rig.states() == {"waiting": 168}
    with away:
        drain(rig, taken=168)

    came: dict[str, list[str]] = defaultdict(list)
    for request in stored(away.file):
        came[request.order].append(request.key)
    assert came == {order: [f"{one}-crm" for one in ids] for order, ids in events.items()}
    assert rig.sql("SELECT DISTINCT attempts FROM parcels") == [(1,)]
    assert rig.notices().count(("crm", "sink_lost")) == 1


def test_O2_a_reply_lost_after_acceptance_makes_no_duplicate(rig: Rig, receiver: Receiver) -> None:
    """Every second reply of 200 is dropped after the commit: records 200, duplicates 0."""
    receiver.faults.cut = 0.5
    outbox = rig.build({"crm": crm(receiver.url, retry_most_s=1)})
    events = rig.scribe.announce(outbox, *(f"O{n % 40}" for n in range(200)))
    outbox.start()
    drain(rig, 1, taken=200)

    requests = list(stored(receiver.file))
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for request in requests:
        bodies[request.key].add(request.body)
    accepted = {request.key for request in requests if request.accepted}
    assert accepted == {f"{one}-crm" for one in events}, "one key for each event, and all of them"
    assert len(requests) > 250, "many came twice"
    assert {len(each) for each in bodies.values()} == {1}


@pytest.mark.parametrize(
    ("status", "headers", "ends"),
    [
        (400, {}, "refused"),
        (404, {}, "refused"),
        (405, {}, "refused"),
        (410, {}, "refused"),
        (412, {}, "refused"),
        (413, {}, "refused"),
        (422, {}, "refused"),
        (401, {}, "paused"),
        (403, {}, "paused"),
        (407, {}, "paused"),
        (301, {"location": "http://10.0.0.1/"}, "paused"),
        (302, {"location": "/login"}, "paused"),
        (308, {"location": "https://elsewhere.example/"}, "paused"),
        (408, {}, "again"),
        (409, {}, "again"),
        (425, {}, "again"),
        (429, {"retry-after": "7"}, "again"),
        (500, {}, "again"),
        (502, {}, "again"),
        (503, {"retry-after": "7"}, "again"),
        (504, {}, "again"),
    ],
)
def test_O3_every_answer_has_its_class_and_none_discards_an_event(
    rig: Rig, receiver: Receiver, status: int, headers: dict[str, str], ends: str
) -> None:
    """Refused: kept with its reason, the next of the order passes. Paused: the channel waits and
    no event is used up. Again: taken at the next try. Events discarded: 0.
    """
    receiver.faults.answers = [status]
    receiver.faults.headers = headers
    outbox = rig.build({"crm": crm(receiver.url, retry_most_s=1, probe_paused_s=60)})
    first, second = rig.scribe.announce(outbox, "A", "A")
    outbox.start()
    if ends == "refused":
        rig.until(refused=1, taken=1)
        ((reason,),) = rig.sql("SELECT reason FROM parcels WHERE state='refused'")
        assert str(status) in str(reason)
    else:
        if ends == "paused":
            wait_until(lambda: ("crm", "sink_paused") in rig.notices())
            assert rig.states() == {"waiting": 2}
            assert rig.sql("SELECT DISTINCT attempts FROM parcels") == [(0,)]
        drain(rig, 10, taken=2)

    came = [request.key for request in stored(receiver.file)]
    assert came[0] == f"{first}-crm"
    assert came[-1] == f"{second}-crm"


@pytest.mark.parametrize(("status", "ends"), [(404, "refused"), (403, "paused"), (502, "again")])
def test_O3_an_error_page_says_no_more_than_its_status(
    rig: Rig, receiver: Receiver, status: int, ends: str
) -> None:
    """HTML from a proxy or a web server on the way; nothing of the page is kept."""
    receiver.faults.answers, receiver.faults.page = [status], "<html><h1>张小明</h1>"
    outbox = rig.build({"crm": crm(receiver.url, retry_most_s=1, probe_paused_s=60)})
    rig.scribe.announce(outbox, "A")
    outbox.start()
    wait_until(lambda: list(stored(receiver.file)) and not receiver.faults.answers)
    receiver.faults.page = ""
    if ends == "refused":
        rig.until(refused=1)
    elif ends == "paused":
        wait_until(lambda: ("crm", "sink_paused") in rig.notices())
    drain(rig, 10, **{"refused" if ends == "refused" else "taken": 1})
    assert "张小明" not in str(rig.sql("SELECT * FROM parcel_log, parcels, sink_state"))


@pytest.mark.parametrize("slow", ["drip", "delay"])
def test_O4_a_channel_that_is_held_up_holds_up_no_other(
    rig: Rig, receiver: Receiver, tmp_path: Path, slow: str
) -> None:
    """A far side that drips, or says nothing: the other channel delivers meanwhile, and the worker
    is free again after the limit. Nothing is lost.
    """
    limit_s = 0.4
    receiver.faults.drip, receiver.faults.delay_s = slow == "drip", 20 * (slow == "delay")
    with Receiver(tmp_path / "well.jsonl") as well:
        outbox = rig.build(
            {"ill": crm(receiver.url, answer_within_s=limit_s), "well": crm(well.url)}
        )
        began_s = time.monotonic()
        rig.scribe.announce(outbox, *(f"O{n}" for n in range(20)))
        outbox.start()
        wait_until(lambda: len(list(stored(well.file))) == 20)
        others_s = time.monotonic() - began_s
        assert others_s < 5
        assert outbox.stop(20 * (limit_s + 0.5)) == [], "the worker ends after its attempt"
        rig.outbox = rig.scribe.outbox = None
    assert list(rig.sql("SELECT DISTINCT state FROM parcels WHERE sink='ill'")) == [("waiting",)]


def taken(rig: Rig) -> int:
    return rig.states().get("taken", 0)


def test_O5_a_poison_event_delays_no_other_order(rig: Rig, receiver: Receiver) -> None:
    """One order is answered 422, another 500 until it is dead: head-of-line delay of the others
    under a second, and the poison is kept with its reason.
    """
    receiver.faults.answer_orders = {"never": 422, "chokes": 500}
    outbox = rig.build({"crm": crm(receiver.url, dead_after=4, retry_most_s=1)})
    outbox.start()
    longest_s = 0.0
    for n in range(12):
        began_s = time.monotonic()
        rig.scribe.announce(outbox, "never", "chokes", f"well-{n}")
        wait_until(lambda n=n: taken(rig) == n + 1)  # type: ignore[misc]  # a plain default
        longest_s = max(longest_s, time.monotonic() - began_s)
        rig.clock.move(2)

    def ended() -> bool:
        rig.clock.move(2)
        rig.scribe.announce(outbox, "more")
        return rig.sql("SELECT COUNT(*) FROM parcels WHERE state='dead'") == [(12,)]

    wait_until(ended)
    assert longest_s < 1.0
    reasons = rig.sql("SELECT DISTINCT reason FROM parcels WHERE state IN ('refused', 'dead')")
    assert len(reasons) == 2
    assert all("422" in str(one) or "500" in str(one) for (one,) in reasons)
    wait_until(lambda: rig.states().keys() == {"taken", "refused", "dead"})


@pytest.mark.timeout(900)
def test_O6_a_replay_sends_the_same_bytes_under_a_new_signature(
    rig: Rig, receiver: Receiver
) -> None:
    """REPLAYS events again: body differs 0, key differs 0, each signed anew and logged as an
    attempt of its own.
    """
    outbox = rig.build({"crm": crm(receiver.url)})
    for _ in range(REPLAYS // 100):
        rig.scribe.announce(outbox, *(f"O{n % 30}" for n in range(100)))
    outbox.start()
    whole = {"taken": REPLAYS}
    wait_until(lambda: rig.states() == whole, "all taken", within_s=400)
    first = {request.key: request for request in stored(receiver.file)}

    def act(tx: Transaction) -> int:
        return replay(tx, who="op", at_us=rig.clock.now_us(), sink="crm")

    rig.clock.move(3600)
    assert rig.scribe.do(act) == REPLAYS
    outbox.hurry("crm")
    wait_until(lambda: rig.states() == whole, "all taken again", within_s=400)
    again = [request for n, request in enumerate(stored(receiver.file)) if n >= REPLAYS]

    assert len(again) == REPLAYS
    assert sum(one.body != first[one.key].body for one in again) == 0
    assert {one.key for one in again} == set(first)
    for one in again:
        Webhook(SECRET).verify(one.body, dict(one.headers), json_parse=False)
    assert len(rig.sql("SELECT 1 FROM parcel_log WHERE outcome='replayed'")) == REPLAYS
    assert set(rig.sql("SELECT attempts FROM parcels")) == {(2,)}
    with LedgerReader(rig.scribe.state_dir) as reader:
        assert sum(1 for _ in reader.entries(kinds=("delivery",))) == 2 * REPLAYS
