"""What `gashub status` says of a link: connected or not, since when, why, and what came over it."""

import json
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hub import Fault, Intake, Notice
from hub.clock import HubClock
from hub.linking import Link
from hub.model import LinkState
from hub.simulate.mosquitto import Mosquitto
from hub.testing import wait_until
from tests.mqtt_rig import Speaker, body
from tests.test_app import Hub

CONFIG = """
[[link]]
name = "field"
kind = "mqtt"
host = "127.0.0.1"
port = {port}
retry_at_most_s = 1

[[link.topics]]
decoder = "plain_json"
filter = "gas/+"
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path, durable=True) as started:
        yield started


@pytest.fixture
def hub(tmp_path: Path, broker: Mosquitto) -> Iterator[Hub]:
    made = Hub(tmp_path, '"mqtt"', CONFIG.format(port=broker.port))
    made.start()
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()


def field(hub: Hub) -> dict[str, Any]:
    link = hub.status()["link_states"]["field"]
    assert isinstance(link, dict)
    return link


def taken(hub: Hub) -> int:
    """How many messages have come to an end, whatever it was."""
    link = field(hub)
    return int(link["readings"] + link["dead"] + link["dropped"])


def test_a_link_is_shown_with_state_since_broker_reason_and_counts(
    hub: Hub, broker: Mosquitto
) -> None:
    """Through an outage: connected, down with the reason, connected with the session kept."""
    wait_until(lambda: field(hub)["state"] == "connected", "the first connection")
    with Speaker(broker.port) as speaker:
        speaker.say(body(1), body(2), b"no JSON")
        speaker.say(body(3), topic="gas/g-2", retain=True)
        speaker.say(body(2))
    wait_until(lambda: taken(hub) == 5, "the messages")
    first = field(hub)
    broker.stop()
    wait_until(lambda: field(hub)["state"] == "down", "the loss")
    down = field(hub)
    broker.start()
    wait_until(lambda: field(hub)["state"] == "connected", "the return")
    back = field(hub)
    shown = json.loads(hub.cli("status", "--json").stdout)
    assert hub.stop() == 0

    assert first == {
        "state": "connected",
        "since": first["since"],
        "why": "",
        "broker": f"127.0.0.1:{broker.port}",
        "client_id": "gashub-gw-test-field",
        "session_present": False,
        "messages": 5,
        "readings": 3,
        "dead": 1,
        "dropped": 1,
    }
    assert f"127.0.0.1:{broker.port}" in down["why"]
    assert (down["session_present"], back["session_present"]) == (False, True)
    times = [datetime.fromisoformat(one["since"]) for one in (first, down, back)]
    assert times == sorted(times)
    assert len(set(times)) == 3
    assert back["why"] == ""
    assert shown["links"] == ["field"]
    assert shown["link_states"]["field"]["broker"] == first["broker"]


class Quiet:
    """A driver that tells nothing of its state, and raises what it is told to."""

    def __init__(self, *faults: Exception | None) -> None:
        self.faults = list(faults)
        self.turned = threading.Event()

    def open(self) -> None: ...

    def read(self, within_s: float) -> Sequence[Intake | Notice]:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.turned.set()
        return [Intake("quiet", b"x", 1, dead="no such thing")] if not self.faults else []

    def settle(self, receipts: Sequence[object]) -> None: ...

    def close(self) -> None: ...


class Proud(Quiet):
    """One that tells."""

    def link_state(self) -> LinkState:
        return LinkState("connected", 7, broker="b:1", session_present=True, messages=3)


class Clumsy(Quiet):
    def link_state(self) -> LinkState:
        raise ZeroDivisionError("a stranger's bug")


class Running:
    """A link's thread on a driver, until the block is left."""

    def __init__(self, driver: Quiet) -> None:
        self.link = Link("quiet", driver, lambda *_: True, HubClock())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.link.run, args=(self._stop,), name="link:quiet")

    def __enter__(self) -> Link:
        self._thread.start()
        return self.link

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def test_a_driver_that_tells_nothing_is_connected_while_it_does_not_raise() -> None:
    """What only it could know is left open, not made up."""
    driver = Quiet()
    with Running(driver) as link:
        wait_until(lambda: link.status()["dead"] >= 1)
        now = link.status()

    assert (now["state"], now["why"], now["broker"]) == ("connected", "", "")
    assert (now["session_present"], now["messages"]) == (None, None)


@pytest.mark.parametrize(
    ("fault", "why"),
    [(Fault("ca.pem cannot be read"), "ca.pem cannot be read"), (OSError("gone"), "gone")],
)
def test_a_driver_that_raises_is_down_whatever_it_thinks_of_itself(
    fault: Exception, why: str
) -> None:
    """Its broker is still named; a bug of its own names its author as the one to turn to."""
    for driver, broker in ((Quiet(None, fault), ""), (Proud(None, fault), "b:1")):
        with Running(driver) as link:
            wait_until(lambda link=link: link.status()["state"] == "down")
            now = link.status()
        assert (now["why"], now["broker"]) == (why, broker)


def test_a_bug_in_a_driver_is_shown_as_the_reason_and_a_bug_in_its_telling_does_no_harm() -> None:
    with Running(Proud(ZeroDivisionError("oh"))) as link:
        wait_until(lambda: link.status()["state"] == "down")
        assert "tell its author" in link.status()["why"]
    with Running(Clumsy()) as link:
        wait_until(lambda: link.status()["state"] == "connected")
        assert "a stranger's bug" in link.status()["why"]


def test_a_link_that_has_not_tried_yet_is_connecting() -> None:
    link = Link("quiet", Quiet(), lambda *_: True, HubClock())

    assert (link.status()["state"], link.status()["why"]) == ("connecting", "")
