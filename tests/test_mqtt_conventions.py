"""Conventions against a real broker: what is retained there, and what is asked of a node."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.simulate.mosquitto import Mosquitto
from plugins.mqtt import sparkplug_wire as wire
from tests.mqtt_rig import LinkRig, Listener, Speaker

WIREN = {
    "decoder": "wirenboard",
    "values": [{"key": "P", "quantity": "pressure", "unit": "Pa"}],
}
SPARKPLUG = {
    "decoder": "sparkplug_b",
    "values": [{"key": "p", "quantity": "pressure", "unit": "Pa"}],
}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as started:
        yield started


def test_an_error_that_the_broker_retains_survives_a_restart_of_the_hub(broker: Mosquitto) -> None:
    """The session is taken up again, so the broker must be asked for its retained states."""
    with Speaker(broker.port) as speaker:
        with LinkRig(broker.port, [WIREN]).subscribed() as link:
            speaker.say(b"r", topic="/devices/d/controls/P/meta/error", retain=True)
            link.run_until(lambda: bool(link.intakes))
        with LinkRig(broker.port, [WIREN]) as again:
            again.run_past_backlog()
            speaker.say(b"5", topic="/devices/d/controls/P")
            again.run_until(lambda: bool(again.readings))

    assert [reading.quality for reading in again.readings] == ["stale"]


def test_a_hole_in_a_nodes_count_asks_it_for_its_birth(broker: Mosquitto) -> None:
    """The command reaches the node's topic; notices and the dead letter are in the record."""
    with (
        Speaker(broker.port) as speaker,
        Listener(broker.port, "spBv1.0/+/NCMD/#") as node,
        LinkRig(broker.port, [SPARKPLUG]).subscribed() as link,
    ):
        speaker.say(payload(0, name="bdSeq", long_value=1), topic="spBv1.0/g/NBIRTH/e")
        birth = payload(1, name="p", alias=1, datatype=9, float_value=1.0)
        speaker.say(birth, topic="spBv1.0/g/DBIRTH/e/d")
        for seq in (2, 4):
            speaker.say(payload(seq, alias=1, float_value=2.5), topic="spBv1.0/g/DDATA/e/d")
        link.run_until(lambda: bool(node.heard))

    assert [(r.value, r.quality) for r in link.readings] == [("1", "late"), ("2.5", "good")]
    assert [notice.what for notice in link.notices] == ["session_new", "seq_gap", "rebirth_asked"]
    assert link.dead == ["g/e: DDATA with sequence 4, not 3"]
    assert len(node.heard) == 1


def payload(seq: int, **metric: Any) -> bytes:
    """A Sparkplug payload with one metric."""
    message = wire.messages()["Payload"]()
    message.seq = seq
    sent = message.metrics.add()
    for field, value in metric.items():
        setattr(sent, field, value)
    return bytes(message.SerializeToString())
