"""The outbox: nothing lost, nothing out of order, the same bytes and key every time."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hub.errors import CommandRefused, SinkPaused, SinkUnavailable
from hub.ledger import LedgerReader, Transaction
from hub.model import Delivery, Parcel
from hub.outbox import Consignee, Outbox, Terms, listing, pages
from hub.simulate.scribe import Scribe
from hub.testing import wait_until
from tests.outbox_rig import ObedientSink, Rig, take


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "state") as made:
        yield made


def test_every_sink_gets_every_kind_it_takes(rig: Rig) -> None:
    """One parcel per sink, with one body and a key of its own."""
    crm, gov, bells = ObedientSink(), ObedientSink(), ObedientSink()
    outbox = rig.build(
        {"crm": (crm, Terms()), "gov": (gov, Terms()), "bells": (bells, Terms(events=("alarm",)))}
    )
    (event,) = rig.scribe.announce(outbox, "A")
    outbox.start()
    rig.until(taken=2)

    (_, (at_crm,)), (_, (at_gov,)) = crm.seen[0], gov.seen[0]
    assert (at_crm.key, at_gov.key) == (f"{event}-crm", f"{event}-gov")
    assert at_crm.body == at_gov.body
    assert bells.seen == []


def test_a_parcel_is_durable_with_its_verdict_or_not_at_all(rig: Rig) -> None:
    """A transaction that fails leaves neither."""
    outbox = rig.build({"crm": (ObedientSink(), Terms())})

    def act(tx: Transaction) -> None:
        rig.scribe.verdict(tx, outbox, "A")
        raise CommandRefused("no")

    with Scribe(rig.scribe.state_dir.parent / "other", rig.clock) as other:
        with pytest.raises(CommandRefused):
            other.alone(act)
        with LedgerReader(other.state_dir) as reader:
            assert reader.sql.execute("SELECT COUNT(*) FROM parcels").fetchone() == (0,)
            assert reader.size() == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE parcels SET body = x'00'", "never change"),
        ("UPDATE parcels SET key = 'x'", "never change"),
        ("UPDATE parcels SET sink = 'x'", "never change"),
        ("UPDATE parcels SET order_number = 'x'", "never change"),
        ("UPDATE parcels SET seq = 9", "never change"),
        ("DELETE FROM parcels", "only a taken parcel"),
    ],
)
def test_a_parcel_is_sealed(rig: Rig, change: str, why: str) -> None:
    """The file itself refuses to change what was addressed, or to drop what still waits."""
    outbox = rig.build({"crm": (ObedientSink(), Terms())})
    rig.scribe.announce(outbox, "A")

    with pytest.raises(sqlite3.IntegrityError, match=why):
        rig.scribe.alone(lambda tx: tx.sql.execute(change))


def test_order_is_kept_per_work_order_and_others_go_on(rig: Rig) -> None:
    """A parcel that waits holds up its own order and nobody else's."""
    ill = threading.Event()

    def answer(parcels: Sequence[Parcel], batch: str) -> Delivery:
        (parcel,) = parcels
        if parcel.order == "A" and not ill.is_set():
            return Delivery(waiting={parcel.id: "busy"})
        return take(parcels, batch)

    crm = ObedientSink(answer)
    outbox = rig.build({"crm": (crm, Terms(retry_first_s=5))})
    first, *_ = rig.scribe.announce(outbox, "A", "A", "B", "B", "A", "B")
    outbox.start()
    rig.until(waiting=3, taken=3)

    assert {p.key for _, (p,) in crm.seen if p.order == "A"} == {f"{first}-crm"}

    ill.set()
    rig.shown(crm, len(crm.seen) + 3)
    rig.until(taken=6)
    accepted = [p for n, (_, (p,)) in enumerate(crm.seen) if p.order == "A"][-3:]
    assert [p.created_us for p in accepted] == sorted(p.created_us for p in accepted)
    with LedgerReader(rig.scribe.state_dir) as reader:
        in_order = [row.id for row in listing.rows(reader.sql, order="A")]
    assert [p.id for p in accepted] == in_order


def test_retries_bring_the_same_bytes_and_key(rig: Rig) -> None:
    """Whatever the number of attempts, only the attempt count changes."""
    crm = ObedientSink(lambda parcels, _: Delivery(waiting={p.id: "500" for p in parcels}))
    outbox = rig.build({"crm": (crm, Terms())})
    rig.scribe.announce(outbox, "A")
    outbox.start()
    rig.shown(crm, 6)

    sent = [parcel for _, (parcel,) in crm.seen]
    assert len({(p.key, p.body, p.id) for p in sent}) == 1
    assert [p.attempts for p in sent] == list(range(len(sent)))


def test_an_attempt_that_had_an_answer_is_in_the_log(rig: Rig) -> None:
    """Who asks later sees each try, when, and what was said."""
    answers = iter(["waiting", "taken"])
    crm = ObedientSink(
        lambda ps, _: (
            Delivery(waiting={ps[0].id: "500"})
            if next(answers) == "waiting"
            else Delivery(taken={ps[0].id: "CRM-1"})
        )
    )
    outbox = rig.build({"crm": (crm, Terms())})
    (event,) = rig.scribe.announce(outbox, "A")
    outbox.start()
    rig.until(waiting=1)
    rig.shown(crm, 2)
    rig.until(taken=1)

    with LedgerReader(rig.scribe.state_dir) as reader:
        file = listing.show(reader.sql, f"{event}-crm")
    assert [(a.attempt, a.outcome, a.detail) for a in file.log] == [
        (1, "waiting", "500"),
        (2, "taken", "CRM-1"),
    ]
    assert (file.row.attempts, file.row.receipt) == (2, "CRM-1")


def test_a_taken_parcel_leaves_a_delivery_in_the_ledger(rig: Rig) -> None:
    """The record itself proves what left, with which receipt and under which head."""
    outbox = rig.build({"crm": (ObedientSink(), Terms())})
    (event,) = rig.scribe.announce(outbox, "A")
    outbox.start()
    rig.until(taken=1)

    with LedgerReader(rig.scribe.state_dir) as reader:
        (entry,) = reader.entries(kinds=("delivery",))
        file = listing.show(reader.sql, f"{event}-crm")
    body = json.loads(entry.body or b"")
    head = json.loads(file.body)["data"]["ledger"]
    assert body["key"] == f"{event}-crm"
    assert body["receipt"] == f"r-{event}-crm"
    assert (body["size"], body["root"]) == (head["size"], head["root"])


def test_a_refused_parcel_lets_the_next_pass(rig: Rig) -> None:
    """A refusal is final, said with its reason, and blocks nothing."""

    def answer(parcels: Sequence[Parcel], batch: str) -> Delivery:
        if len(crm.seen) == 1:
            return Delivery(refused={parcels[0].id: "422 unknown order"})
        return take(parcels, batch)

    crm = ObedientSink(answer)
    outbox = rig.build({"crm": (crm, Terms())})
    rig.scribe.announce(outbox, "A", "A")
    outbox.start()
    rig.until(refused=1, taken=1)

    with LedgerReader(rig.scribe.state_dir) as reader:
        (row,) = listing.rows(reader.sql, state="refused")
    assert row.reason == "422 unknown order"
    assert ("crm", "parcel_refused") in rig.notices()


def test_what_the_sink_cannot_digest_becomes_a_dead_letter(rig: Rig) -> None:
    """After enough failures beside others' successes the next of the order passes."""
    poison: list[str] = []

    def answer(parcels: Sequence[Parcel], batch: str) -> Delivery:
        (parcel,) = parcels
        poison.extend([parcel.id] if not poison else [])
        if parcel.id == poison[0]:
            return Delivery(waiting={parcel.id: "500 on this one"})
        return take(parcels, batch)

    crm = ObedientSink(answer)
    outbox = rig.build({"crm": (crm, Terms(dead_after=3, retry_most_s=2))})
    rig.scribe.announce(outbox, "A", "A")
    outbox.start()
    for n in range(1, 4):
        rig.shown(crm, 2 * n)
        rig.scribe.announce(outbox, f"B{n}")
    rig.shown(crm, 8)
    wait_until(lambda: rig.states().get("dead") == 1 and "waiting" not in rig.states())

    with LedgerReader(rig.scribe.state_dir) as reader:
        (row,) = listing.rows(reader.sql, state="dead")
    assert row.attempts >= 3
    assert row.reason == "500 on this one"
    assert ("crm", "parcel_dead") in rig.notices()


def test_nothing_dies_while_the_sink_takes_nothing(rig: Rig) -> None:
    """A sink that answers 500 to everybody is down, and no parcel pays for it."""
    crm = ObedientSink(lambda ps, _: Delivery(waiting={p.id: "500" for p in ps}))
    outbox = rig.build({"crm": (crm, Terms(dead_after=2, retry_most_s=2))})
    rig.scribe.announce(outbox, "A", "B", "C", "D", "E")
    outbox.start()
    rig.shown(crm, 30)

    assert rig.states() == {"waiting": 5}
    assert ("crm", "sink_lost") in rig.notices()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(SinkUnavailable("refused"), "sink_lost", id="unavailable"),
        pytest.param(OSError("no route"), "sink_lost", id="os error"),
        pytest.param(SinkPaused("401"), "sink_paused", id="paused"),
        pytest.param(ZeroDivisionError("bug"), "sink_failed", id="a bug in the sink"),
    ],
)
def test_trouble_with_a_sink_burns_no_parcel(rig: Rig, error: Exception, said: str) -> None:
    """All are kept, it is said once, and the channel comes back by itself."""
    well = threading.Event()

    def answer(parcels: Sequence[Parcel], batch: str) -> Delivery:
        if not well.is_set():
            raise error
        return take(parcels, batch)

    crm, other = ObedientSink(answer), ObedientSink()
    outbox = rig.build({"crm": (crm, Terms()), "other": (other, Terms())})
    rig.scribe.announce(outbox, "A", "B", "B")
    outbox.start()
    rig.shown(crm, 4)
    rig.until(waiting=3, taken=3)
    well.set()
    rig.shown(crm, len(crm.seen) + 3)
    rig.until(taken=6)

    assert [what for subject, what in rig.notices() if subject == "crm"] == [said, "sink_back"]
    assert {p.attempts for _, ps in crm.seen for p in ps} == {0}
    assert rig.sql("SELECT DISTINCT attempts FROM parcels") == [(1,)]


def test_a_parcel_on_which_a_sink_breaks_holds_up_no_other_order(rig: Rig) -> None:
    """It is tried again, ever more rarely, with no mark against it; the others go out."""
    poison: list[str] = []
    well = threading.Event()

    def answer(parcels: Sequence[Parcel], batch: str) -> Delivery:
        if parcels[0].order == "A" and not well.is_set():
            poison.append(parcels[0].id)
            raise ZeroDivisionError("bug")
        return take(parcels, batch)

    crm = ObedientSink(answer)
    outbox = rig.build({"crm": (crm, Terms())})
    rig.scribe.announce(outbox, "A", "A", "B", "C", "D", "E", "F")
    outbox.start()
    rig.shown(crm, 8)
    rig.until(waiting=2, taken=5)
    assert len(set(poison)) == 1
    assert rig.sql("SELECT attempts FROM parcels WHERE state = 'waiting'") == [(0,), (0,)]
    assert ("ZeroDivisionError: bug",) in rig.sql("SELECT reason FROM parcels")
    well.set()
    rig.shown(crm, len(crm.seen) + 2)
    rig.until(taken=7)


def test_a_rest_that_was_asked_for_is_kept(rig: Rig) -> None:
    """Retry-After is the least wait, whatever the back-off says and whatever is addressed."""
    asked_us: list[int] = []

    def answer(parcels: Sequence[Parcel], batch: str) -> Delivery:
        asked_us.append(rig.clock.now_us())
        if len(asked_us) == 1:
            raise SinkUnavailable("429", 100.0)
        return take(parcels, batch)

    crm = ObedientSink(answer)
    outbox = rig.build({"crm": (crm, Terms(retry_most_s=1))})
    rig.scribe.announce(outbox, "A")
    outbox.start()
    wait_until(lambda: ("crm", "sink_lost") in rig.notices())
    for order in "BCDEF":
        rig.clock.move(15)
        rig.scribe.announce(outbox, order)
    rig.shown(crm, 7)
    rig.until(taken=6)

    assert asked_us[1] - asked_us[0] >= 100_000_000


def test_outcomes_wait_for_a_store_that_is_full(rig: Rig) -> None:
    """An answer that could not be recorded is recorded later, without a second delivery."""
    crm = ObedientSink()
    outbox = rig.build({"crm": (crm, Terms())})
    rig.scribe.announce(outbox, "A", "B")
    rig.scribe.refuses = "disk full"
    outbox.start()
    wait_until(lambda: len(crm.seen) == 2)
    assert rig.states() == {"waiting": 2}

    rig.scribe.refuses = ""
    rig.until(taken=2)
    assert len(crm.seen) == 2


def test_a_ledger_that_cannot_be_read_now_is_read_later(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing disk is no reason to give a channel up, nor to end the hub."""
    failures = iter([sqlite3.OperationalError("disk I/O error")] * 3)
    read = pages.due_alone

    def due(*given: Any) -> list[Parcel]:
        for failure in failures:
            raise failure
        return read(*given)

    monkeypatch.setattr(pages, "due_alone", due)
    crm = ObedientSink()
    outbox = rig.build({"crm": (crm, Terms())})
    rig.scribe.announce(outbox, "A")
    outbox.start()
    rig.shown(crm, 1)
    rig.until(taken=1)


def test_a_bug_of_ours_ends_the_hub_and_names_the_thread(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel never dies in silence while the rest runs on."""

    def due(*_: object) -> list[Parcel]:
        raise ZeroDivisionError

    monkeypatch.setattr(pages, "due_alone", due)
    failed: list[str] = []
    crm = Consignee("crm", ObedientSink(), Terms())
    outbox = Outbox([crm], rig.scribe.state_dir, rig.scribe.submit, rig.clock, failed.append)
    outbox.start()
    wait_until(lambda: failed == ["sink:crm"])
    assert outbox.stop(10) == []


def test_a_restart_goes_on_where_it_stopped(rig: Rig) -> None:
    """Parcels outlive the process; what was not answered goes out again with the same key."""
    outbox = rig.build({"crm": (ObedientSink(lambda *_: Delivery()), Terms())})
    events = rig.scribe.announce(outbox, "A", "A", "B")
    outbox.start()
    rig.stop()

    crm = ObedientSink()
    rig.build({"crm": (crm, Terms())}).start()
    rig.shown(crm, 3)
    rig.until(taken=3)
    assert sorted(p.key for _, (p,) in crm.seen) == sorted(f"{event}-crm" for event in events)
    assert [p.key for _, (p,) in crm.seen if p.order == "A"] == [f"{e}-crm" for e in events[:2]]
