"""The MQTT link against a real broker: nothing lost, nothing twice, nothing unaccounted for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import Reading
from hub.simulate.mosquitto import Mosquitto
from tests.mqtt_rig import PLAIN, LinkRig, Speaker, body

POISON = {
    "nan": b'{"instrument":"g-1","quantity":"gas","value":NaN,"unit":"%LEL"}',
    "infinite": b'{"instrument":"g-1","quantity":"gas","value":1e999,"unit":"%LEL"}',
    "doubled_key": b'{"instrument":"g-1","quantity":"gas","value":1,"value":2,"unit":"%LEL"}',
    "nested": b"[" * 100_000,
    "not_utf8": b'{"instrument":"g-\xff1"}',
    "half_surrogate": b'{"instrument":"\\ud800","quantity":"gas","value":1,"unit":"%LEL"}',
    "no_reading": b"[]",
    "no_unit": b'{"instrument":"g-1","quantity":"gas","value":1}',
    "unit_of_another": b'{"instrument":"g-1","quantity":"gas","value":1,"unit":"Pa"}',
    "empty": b"",
    "huge": b'{"instrument":"' + b"x" * 10_000_000 + b'"}',
}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as started:
        yield started


@pytest.fixture
def durable_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path, durable=True) as started:
        yield started


def test_a_message_becomes_a_reading_with_its_bytes(broker: Mosquitto) -> None:
    """Name, number as sent, unit, sequence; the source names link and topic."""
    with LinkRig(broker.port).subscribed() as link, Speaker(broker.port) as speaker:
        speaker.say(body(7, "12.50"))
        link.run_until(lambda: bool(link.intakes))

    (intake,) = link.intakes
    (reading,) = intake.readings
    assert intake.source == "field gas/g-1"
    assert intake.frame == body(7, "12.50")
    assert (reading.instrument, reading.value, reading.unit, reading.seq) == (
        "g-1",
        "12.50",
        "%LEL",
        "7",
    )


def test_every_poison_is_a_dead_letter_then_acknowledged_and_input_goes_on(
    broker: Mosquitto,
) -> None:
    """One dead letter each, a good reading after each; a new session gets none of them again."""
    with LinkRig(broker.port).subscribed() as link, Speaker(broker.port) as speaker:
        for seq, payload in enumerate(POISON.values(), 1):
            speaker.say(payload)
            speaker.say(body(seq))
        link.run_until(lambda: len(link.readings) == len(POISON))
        link.run_quiet()
    with LinkRig(broker.port) as again:
        again.run_quiet(40)

    assert len(link.dead) == len(POISON)
    assert all(link.dead)
    assert link.seqs == list(range(1, len(POISON) + 1))
    assert again.intakes == []


def test_a_dead_letter_of_ten_megabytes_keeps_its_bytes(broker: Mosquitto) -> None:
    """The ledger decides how much of them it keeps; the reason names the setting."""
    with LinkRig(broker.port).subscribed() as link, Speaker(broker.port) as speaker:
        speaker.say(POISON["huge"])
        link.run_until(lambda: bool(link.dead))

    assert link.intakes[0].frame == POISON["huge"]
    assert "largest_message" in link.dead[0]


def test_what_is_not_durable_comes_again(broker: Mosquitto) -> None:
    """A hub that dies before its commit has acknowledged nothing."""
    with LinkRig(broker.port, settle=False).subscribed() as link, Speaker(broker.port) as speaker:
        speaker.say(*map(body, range(1, 6)))
        link.run_until(lambda: link.seqs == [1, 2, 3, 4, 5])
    with LinkRig(broker.port) as again:
        again.run_until(lambda: again.seqs == [1, 2, 3, 4, 5])
        again.run_quiet()
    with LinkRig(broker.port) as third:
        third.run_quiet(40)

    assert third.intakes == []


def test_killed_between_commit_and_acknowledgement_nothing_is_recorded_twice(
    broker: Mosquitto,
) -> None:
    """The driver is shown the record at start and drops what it finds there, by name."""
    with LinkRig(broker.port, settle=False).subscribed() as link, Speaker(broker.port) as speaker:
        speaker.say(*map(body, range(1, 6)))
        link.run_until(lambda: len(link.readings) == 5)
    recorded = link.readings[:3]  # the last two were not committed when it died
    again = LinkRig(broker.port)
    again.driver.prime(recorded)
    with again:
        again.run_until(lambda: again.seqs == [4, 5])
        again.run_quiet()
    with LinkRig(broker.port) as third:
        third.run_quiet(40)

    assert again.dropped == ["duplicate"] * 3
    assert third.intakes == []


def test_a_connection_that_breaks_before_the_acknowledgement_brings_no_duplicate(
    durable_broker: Mosquitto,
) -> None:
    """The broker sends again what it was not acknowledged; the link knows it, and acknowledges."""
    broker = durable_broker
    with LinkRig(broker.port, settle=False).subscribed() as link:
        with Speaker(broker.port) as speaker:
            speaker.say(*map(body, range(1, 21)))
        link.run_until(lambda: len(link.readings) == 20)
        broker.stop()
        link.run_until(lambda: link.said("link_lost"))
        link.settle_all()
        broker.start()
        link.run_until(lambda: len(link.dropped) == 20)
        link.settle_all()
        link.run_quiet()
    with LinkRig(broker.port) as again:
        again.run_quiet(40)

    assert link.seqs == list(range(1, 21))
    assert again.intakes == []


def test_a_receipt_of_a_lost_connection_acknowledges_nothing(broker: Mosquitto) -> None:
    """The broker has forgotten us and counts packet ids anew: an old receipt fits a new message."""
    with LinkRig(broker.port, settle=False).subscribed() as link:
        with Speaker(broker.port) as speaker:
            speaker.say(body(1))
        link.run_until(lambda: link.seqs == [1])
        broker.kill()
        link.run_until(lambda: link.said("link_lost"))
        broker.start()
        link.run_until(lambda: link.said("session_lost"))
        link.run_quiet()
        with Speaker(broker.port) as speaker:
            speaker.say(body(2))
        link.run_until(lambda: link.seqs == [1, 2])
        link.driver.settle([link.intakes[0].receipt])
        link.run_quiet()
    with LinkRig(broker.port) as again:
        again.run_until(lambda: again.seqs == [2])


def test_a_broker_killed_and_started_again_is_lost_once_and_back_once(
    durable_broker: Mosquitto,
) -> None:
    """The session is still there, so it is not reported lost; readings flow on."""
    broker = durable_broker
    with LinkRig(broker.port).subscribed() as link:
        with Speaker(broker.port) as speaker:
            speaker.say(body(1))
        link.run_until(lambda: link.seqs == [1])
        broker.stop()
        link.run_until(lambda: link.said("link_lost"))
        link.run_quiet(60)
        broker.start()
        link.run_until(lambda: link.said("link_back"))
        with Speaker(broker.port) as speaker:
            speaker.say(body(2))
        link.run_until(lambda: link.seqs == [1, 2])

    whats = [notice.what for notice in link.notices]
    assert whats == ["session_new", "link_lost", "link_back"]


def test_a_session_the_broker_has_lost_is_reported(broker: Mosquitto) -> None:
    """Killed without a database: what was published meanwhile is not coming, and that is said."""
    with LinkRig(broker.port).subscribed() as link:
        broker.kill()
        link.run_until(lambda: link.said("link_lost"))
        broker.start()
        link.run_until(lambda: link.said("session_lost"))

    assert "gashub-gw-test-field" in link.detail("session_lost")


def test_a_hole_in_the_numbering_is_reported_with_both_ends(broker: Mosquitto) -> None:
    """17 then 21: three readings are missing, and the record says between which two."""
    with LinkRig(broker.port).subscribed() as link, Speaker(broker.port) as speaker:
        speaker.say(body(16), body(17), body(21), body(22))
        link.run_until(lambda: len(link.readings) == 4)

    assert [n.detail for n in link.notices if n.what == "seq_gap"] == ["g-1: 17 -> 21"]


def test_a_hole_over_a_restart_is_reported(broker: Mosquitto) -> None:
    """The record ends at 5, the first message after the start is 9."""
    with LinkRig(broker.port).subscribed() as link, Speaker(broker.port) as speaker:
        speaker.say(body(5))
        link.run_until(lambda: link.seqs == [5])
        again = LinkRig(broker.port, client_id="another")
        again.driver.prime(link.readings)
        with again.subscribed():
            speaker.say(body(9))
            again.run_until(lambda: again.seqs == [9])

    assert again.detail("seq_gap") == "g-1: 5 -> 9"


def test_numbers_that_never_count_by_one_are_reported_once_and_then_left_alone(
    broker: Mosquitto,
) -> None:
    """A device whose instruments share one counter must not flood the record."""
    with LinkRig(broker.port).subscribed() as link, Speaker(broker.port) as speaker:
        speaker.say(*(body(50 * n) for n in range(1, 101)))
        link.run_until(lambda: len(link.readings) == 100)

    assert [n.what for n in link.notices][1:] == ["seq_gap"] * 4 + ["seq_irregular"]


def test_a_retained_message_never_counts_as_fresh(broker: Mosquitto) -> None:
    """It is a named drop, acknowledged, also when the subscription is made again and again."""
    with Speaker(broker.port) as speaker:
        speaker.say(body(1), retain=True)
        for n in range(5):
            with LinkRig(broker.port, client_id=f"fresh-{n}").subscribed() as link:
                link.run_until(lambda link=link: bool(link.intakes))
            assert link.dropped == ["retained"]
            assert link.readings == []


def test_the_same_reading_sent_twice_by_its_device_is_recorded_once(broker: Mosquitto) -> None:
    """The device did not hear the broker's answer and sent again: same number, same content."""
    with LinkRig(broker.port).subscribed() as link, Speaker(broker.port) as speaker:
        speaker.say(body(1), body(1), body(2))
        link.run_until(lambda: link.seqs == [1, 2])

    assert link.dropped == ["duplicate"]


def test_the_same_number_with_another_content_is_kept(broker: Mosquitto) -> None:
    """It is a conflict, and judging conflicts is the rules' business, not the driver's."""
    with LinkRig(broker.port).subscribed() as link, Speaker(broker.port) as speaker:
        speaker.say(body(1, "12.5"), body(1, "12.6"))
        link.run_until(lambda: len(link.readings) == 2)

    assert [reading.value for reading in link.readings] == ["12.5", "12.6"]


def test_a_device_that_starts_counting_anew_loses_nothing(broker: Mosquitto) -> None:
    """Same number and same value, an hour later and not redelivered: another reading."""
    recorded = Reading(
        "g-1", "", "gas", "12.5", "%LEL", None, "%LEL", 1_000_000, "good", "1", "", ""
    )
    link = LinkRig(broker.port)
    link.driver.prime([recorded])
    with link.subscribed(), Speaker(broker.port) as speaker:
        speaker.say(body(1))
        link.run_until(lambda: link.seqs == [1])

    assert link.dropped == []


def test_equal_messages_without_number_or_time_are_all_kept(broker: Mosquitto) -> None:
    """A steady value published three times is three readings."""
    bare = b'{"instrument":"g-1","quantity":"gas","value":12.5,"unit":"%LEL"}'
    with LinkRig(broker.port).subscribed() as link, Speaker(broker.port) as speaker:
        speaker.say(bare, bare, bare)
        link.run_until(lambda: len(link.readings) == 3)


def test_a_redelivered_message_without_number_or_time_is_recognised(
    durable_broker: Mosquitto,
) -> None:
    """Packet id, topic, payload and DUP together say that it is the same message."""
    bare = b'{"instrument":"g-1","quantity":"gas","value":12.5,"unit":"%LEL"}'
    broker = durable_broker
    with LinkRig(broker.port, settle=False).subscribed() as link:
        with Speaker(broker.port) as speaker:
            speaker.say(bare, bare)
        link.run_until(lambda: len(link.readings) == 2)
        broker.stop()
        link.run_until(lambda: link.said("link_lost"))
        broker.start()
        link.run_until(lambda: len(link.dropped) == 2)

    assert link.dropped == ["duplicate", "duplicate"]
    assert len(link.readings) == 2


def test_what_waited_in_the_broker_is_late_not_fresh(broker: Mosquitto) -> None:
    """Its age is unknown where the device sends no time; what comes afterwards is good."""
    LinkRig(broker.port).subscribed().driver.close()
    with Speaker(broker.port) as speaker:
        speaker.say(body(1))
        with LinkRig(broker.port) as link:
            link.run_until(lambda: link.seqs == [1])
            link.run_past_backlog()
            speaker.say(body(2))
            link.run_until(lambda: link.seqs == [1, 2])

    assert [reading.quality for reading in link.readings] == ["late", "good"]
    assert link.readings[0].canonical is None


def test_a_device_time_tells_late_from_fresh(broker: Mosquitto) -> None:
    """Milliseconds since 1970 by a synchronised clock; a clock that is not set says nothing."""
    free = {**PLAIN, "filter": "free/+", "device_clock": "free"}
    with LinkRig(broker.port, topics=[PLAIN, free]).subscribed() as link:
        now_ms = link.notices[0].at_us // 1000
        with Speaker(broker.port) as speaker:
            speaker.say(body(1, ts=str(now_ms)), body(2, ts=str(now_ms - 60_000)))
            speaker.say(body(1, instrument="g-2", ts=str(now_ms - 60_000)), topic="free/g-2")
        link.run_until(lambda: len(link.readings) == 3)

    assert [reading.quality for reading in link.readings] == ["good", "late", "good"]


def test_a_message_in_part_readable_gives_both_a_reading_and_a_dead_letter(
    broker: Mosquitto,
) -> None:
    """Acknowledged once, when both are durable."""
    both = b"[" + body(1) + b"," + POISON["no_unit"] + b"]"
    with LinkRig(broker.port).subscribed() as link, Speaker(broker.port) as speaker:
        speaker.say(both)
        link.run_until(lambda: len(link.intakes) == 2)

    read, dead = link.intakes
    assert [reading.seq for reading in read.readings] == ["1"]
    assert read.receipt is None
    assert "no unit" in dead.dead
    assert dead.receipt is not None


def test_a_subscription_of_an_older_config_is_a_dead_letter_that_says_so(
    broker: Mosquitto,
) -> None:
    """The session outlives the config; what it still brings is neither read nor lost."""
    with LinkRig(broker.port).subscribed():
        pass
    newer = {"filter": "pressure/+", "decoder": "plain_json"}
    with LinkRig(broker.port, topics=[newer]) as link, Speaker(broker.port) as speaker:
        speaker.say(body(1))
        link.run_until(lambda: bool(link.dead))

    assert "gas/g-1" in link.dead[0]
    assert "older subscription" in link.dead[0]


def test_the_broker_holds_back_what_is_beyond_the_receive_maximum(broker: Mosquitto) -> None:
    """Memory is bounded by the broker's window: 50 unacknowledged, the rest waits there."""
    link = LinkRig(broker.port, settle=False, receive_maximum=50)
    with link.subscribed(), Speaker(broker.port) as speaker:
        speaker.say(*map(body, range(1, 201)))
        link.run_quiet(30)
        held = len(link.readings)
        link.settle_all()
        link.run_until(lambda: len(link.readings) > held)

    assert held == 50
