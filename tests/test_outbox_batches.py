"""Batches: who belongs to one is durable before any sink sees it, and never changes."""

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from ulid import ULID

from hub.errors import SinkUnavailable
from hub.ledger import LedgerReader
from hub.model import Delivery, Parcel
from hub.outbox import Terms, replay, retry
from hub.testing import wait_until
from tests.outbox_rig import ObedientSink, Rig, take

BATCHES = Terms(batch_max=3)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "state") as made:
        yield made


def groups(sink: ObedientSink) -> list[tuple[str, tuple[str, ...]]]:
    return [(batch, tuple(p.order for p in parcels)) for batch, parcels in sink.seen]


def test_parcels_go_out_in_order_and_no_more_than_the_batch_holds(rig: Rig) -> None:
    """Five parcels at three to a batch are two batches, each with an id of its own."""
    gov = ObedientSink()
    outbox = rig.build({"gov": (gov, BATCHES)})
    rig.scribe.announce(outbox, "A", "B", "A", "C", "A")
    outbox.start()
    rig.until(taken=5)

    assert [orders for _, orders in groups(gov)] == [("A", "B", "A"), ("C", "A")]
    assert len({batch for batch, _ in gov.seen}) == 2


def test_a_batch_waits_for_others_no_longer_than_it_may(rig: Rig) -> None:
    """It closes when it is full, or when its oldest parcel has waited long enough."""
    gov = ObedientSink()
    outbox = rig.build({"gov": (gov, Terms(batch_max=3, batch_linger_s=60))})
    outbox.start()
    rig.scribe.announce(outbox, "A")
    rig.clock.move(59)
    rig.scribe.announce(outbox, "B")
    assert gov.seen == []
    rig.shown(gov, 1)
    rig.until(taken=2)
    rig.scribe.announce(outbox, "C", "D", "E")
    rig.until(taken=5)

    assert [orders for _, orders in groups(gov)] == [("A", "B"), ("C", "D", "E")]


def test_membership_is_durable_before_the_sink_sees_it(rig: Rig) -> None:
    """What the sink is shown is what a crash would find in the file."""
    found: list[list[tuple[object, ...]]] = []

    def answer(parcels: Sequence[Parcel], batch: str) -> Delivery:
        found.append(rig.sql(f"SELECT id FROM parcels WHERE batch = '{batch}' ORDER BY seq"))  # noqa: S608 - a ULID of ours
        return take(parcels, batch)

    gov = ObedientSink(answer)
    outbox = rig.build({"gov": (gov, BATCHES)})
    rig.scribe.announce(outbox, "A", "B")
    outbox.start()
    rig.until(taken=2)

    assert found == [[(p.id,) for p in gov.seen[0][1]]]


def test_a_retry_brings_the_same_group_under_the_same_id(rig: Rig) -> None:
    """Also after a restart, and whatever has been addressed in between."""
    gov = ObedientSink(lambda *_: (_ for _ in ()).throw(SinkUnavailable("folder full")))
    outbox = rig.build({"gov": (gov, BATCHES)})
    rig.scribe.announce(outbox, "A", "B")
    outbox.start()
    rig.shown(gov, 2)
    rig.scribe.announce(outbox, "C")
    rig.stop()

    later = ObedientSink()
    rig.build({"gov": (later, BATCHES)}).start()
    rig.until(taken=3)
    first, second = groups(later)
    assert {first} == set(groups(gov))
    assert second[1] == ("C",)


def test_a_batch_in_doubt_is_settled_before_the_next_is_formed(rig: Rig) -> None:
    """An answer that never came keeps its group; nobody is filed twice under two ids."""
    asked = threading.Event()

    def answer(parcels: Sequence[Parcel], batch: str) -> Delivery:
        if not asked.is_set():
            asked.set()
            return Delivery(waiting={p.id: "no answer" for p in parcels})
        return take(parcels, batch)

    gov = ObedientSink(answer)
    outbox = rig.build({"gov": (gov, BATCHES)})
    rig.scribe.announce(outbox, "A", "B")
    outbox.start()
    wait_until(asked.is_set)
    rig.scribe.announce(outbox, "C")
    rig.shown(gov, 3)
    rig.until(taken=3)

    assert groups(gov)[0] == groups(gov)[1]
    assert [orders for _, orders in groups(gov)] == [("A", "B"), ("A", "B"), ("C",)]


def test_an_answer_that_splits_a_batch_ends_it(rig: Rig) -> None:
    """What was neither taken nor refused is another group, so it gets another id."""

    def answer(parcels: Sequence[Parcel], batch: str) -> Delivery:
        if len(gov.seen) > 1:
            return take(parcels, batch)
        one, two, three = parcels
        return Delivery(
            taken={one.id: "R"}, refused={two.id: "unknown code"}, waiting={three.id: "later"}
        )

    gov = ObedientSink(answer)
    outbox = rig.build({"gov": (gov, BATCHES)})
    rig.scribe.announce(outbox, "A", "B", "C")
    outbox.start()
    rig.shown(gov, 2)
    rig.until(taken=2, refused=1)

    (first, _), (second, orders) = groups(gov)
    assert orders == ("C",)
    assert first != second


def test_a_filed_batch_is_one_entry_in_the_ledger(rig: Rig) -> None:
    """With its id, its members, the receipt, and the newest head that went out with it."""
    gov = ObedientSink(lambda ps, _: Delivery(taken={p.id: "file-1" for p in ps}))
    outbox = rig.build({"gov": (gov, BATCHES)})
    events = rig.scribe.announce(outbox, "A", "B")
    outbox.start()
    rig.until(taken=2)

    with LedgerReader(rig.scribe.state_dir) as reader:
        (entry,) = reader.entries(kinds=("filing",))
        assert list(reader.entries(kinds=("delivery",))) == []
    body = json.loads(entry.body or b"")
    (batch, parcels) = gov.seen[0]
    assert body["batch"] == batch
    assert body["keys"] == [f"{event}-gov" for event in events]
    assert body["receipt"] == "file-1"
    assert body["size"] == json.loads(parcels[-1].body)["data"]["ledger"]["size"]


def test_a_filed_batch_is_told_to_those_who_take_events_one_by_one(rig: Rig) -> None:
    """Over the filing's own entry. A sink that files filings would tell of them without end."""
    crm = ObedientSink()
    told, filed = Terms(events=("filing",)), Terms(batch_max=3, events=("verdict", "filing"))
    outbox = rig.build({"gov": (ObedientSink(), filed), "crm": (crm, told)})
    rig.scribe.announce(outbox, "A", "B")
    outbox.start()
    rig.until(taken=3)

    ((_, (parcel,)),) = crm.seen
    event = json.loads(parcel.body)
    with LedgerReader(rig.scribe.state_dir) as reader:
        (entry,) = reader.entries(kinds=("filing",))
    assert event["type"] == "gashub.filing.v1"
    assert event["data"]["ledger"]["entry"] == entry.index
    assert event["data"]["filing"] == entry.record()["batch"]
    assert (event["data"]["state"], event["data"]["records"]) == ("submitted", 2)


def test_a_batch_carries_the_hub_time_of_its_claim(rig: Rig) -> None:
    """The filing's own time is in its id, so that writing it later changes nothing."""
    gov = ObedientSink()
    outbox = rig.build({"gov": (gov, BATCHES)})
    rig.scribe.announce(outbox, "A")
    outbox.start()
    rig.until(taken=1)

    claimed_s = ULID.from_str(gov.seen[0][0]).timestamp
    assert claimed_s == pytest.approx(rig.clock.now_us() / 1e6, abs=0.01)


def test_replaying_one_of_a_batch_brings_the_whole_batch(rig: Rig) -> None:
    """The far side sees the group it knows, under the id it knows."""
    gov = ObedientSink()
    outbox = rig.build({"gov": (gov, BATCHES)})
    rig.scribe.announce(outbox, "A", "B", "C", "D")
    outbox.start()
    rig.until(taken=4)

    count = rig.scribe.do(lambda tx: replay(tx, who="wang", at_us=1, order="B"))
    outbox.hurry("gov")
    wait_until(lambda: len(gov.seen) == 3)
    rig.until(taken=4)
    assert count == 3
    assert groups(gov)[2] == groups(gov)[0]


def test_a_refused_parcel_that_is_retried_joins_a_new_batch(rig: Rig) -> None:
    """Its old group was filed without it, so it cannot go out under that id."""

    def answer(parcels: Sequence[Parcel], batch: str) -> Delivery:
        if len(gov.seen) > 1:
            return take(parcels, batch)
        return Delivery(taken={parcels[0].id: "R"}, refused={parcels[1].id: "no"})

    gov = ObedientSink(answer)
    outbox = rig.build({"gov": (gov, BATCHES)})
    rig.scribe.announce(outbox, "A", "B")
    outbox.start()
    rig.until(taken=1, refused=1)

    rig.scribe.do(lambda tx: retry(tx, who="wang", at_us=1, sink="gov"))
    outbox.hurry("gov")
    rig.until(taken=2)
    (first, _), (second, orders) = groups(gov)
    assert orders == ("B",)
    assert first != second
