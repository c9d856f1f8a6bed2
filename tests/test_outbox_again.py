"""What an operator can do about parcels: retry and replay, by parcel, order or sink."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.errors import CommandRefused, SinkPaused
from hub.model import Delivery
from hub.outbox import Terms, replay, retry
from hub.testing import wait_until
from tests.outbox_rig import ObedientSink, Rig, take


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path / "state") as made:
        yield made


def test_retry_resumes_a_paused_channel_at_once(rig: Rig) -> None:
    """The operator who has mended the key does not wait for the next probe."""
    crm = ObedientSink()
    crm.answer = lambda *_: (_ for _ in ()).throw(SinkPaused("401"))
    outbox = rig.build({"crm": (crm, Terms())})
    rig.scribe.announce(outbox, "A")
    outbox.start()
    wait_until(lambda: ("crm", "sink_paused") in rig.notices())
    crm.answer = take

    rig.scribe.do(lambda tx: retry(tx, who="wang", at_us=rig.clock.now_us(), sink="crm"))
    outbox.hurry("crm")
    rig.until(taken=1)
    assert ("crm", "outbox_retry") in rig.notices()


def test_retry_gives_a_refused_parcel_another_go(rig: Rig) -> None:
    """By parcel, by order or by sink, with the name of who asked in the log."""
    crm = ObedientSink(lambda ps, _: Delivery(refused={p.id: "422" for p in ps}))
    outbox = rig.build({"crm": (crm, Terms())})
    rig.scribe.announce(outbox, "A", "A", "B")
    outbox.start()
    rig.until(refused=3)
    crm.answer = take

    count = rig.scribe.do(lambda tx: retry(tx, who="wang", at_us=1, order="A"))
    outbox.hurry()
    rig.until(refused=1, taken=2)
    assert count == 2
    assert rig.sql("SELECT DISTINCT detail FROM parcel_log WHERE outcome = 'retried'") == [
        ("by wang",)
    ]


def test_replay_sends_the_stored_bytes_with_the_same_key(rig: Rig) -> None:
    """A new attempt, the same event, and nobody else's parcels."""
    crm = ObedientSink()
    outbox = rig.build({"crm": (crm, Terms())})
    rig.scribe.announce(outbox, "A", "A", "B")
    outbox.start()
    rig.until(taken=3)
    first = [p for _, (p,) in crm.seen if p.order == "A"]

    rig.scribe.do(lambda tx: replay(tx, who="wang", at_us=2, order="A"))
    outbox.hurry()
    wait_until(lambda: len(crm.seen) == 5)
    rig.until(taken=3)
    again = [p for _, (p,) in crm.seen[3:]]
    assert [(p.id, p.key, p.body) for p in again] == [(p.id, p.key, p.body) for p in first]
    assert {p.attempts for p in again} == {1}
    assert ("outbox", "outbox_replay") in rig.notices()


@pytest.mark.parametrize("again", [retry, replay])
def test_a_command_that_names_nothing_is_refused(rig: Rig, again: Callable[..., int]) -> None:
    """It says so instead of reporting zero."""
    rig.build({"crm": (ObedientSink(), Terms())})
    with pytest.raises(CommandRefused, match="2026-9"):
        rig.scribe.alone(lambda tx: again(tx, who="w", at_us=1, order="2026-9"))
    with pytest.raises(CommandRefused, match="name a parcel"):
        rig.scribe.alone(lambda tx: again(tx, who="w", at_us=1))
