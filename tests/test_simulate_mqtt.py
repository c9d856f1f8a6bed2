"""The simulated gas detectors report to a real broker, one numbered message a hub second."""

import json
import queue
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from hub.simulate.mosquitto import Mosquitto
from hub.simulate.mqtt_gas import Detector, DetectorFacts
from hub.simulate.plume import MixFacts
from hub.simulate.script import Action
from hub.simulate.shared_clock import Pacer, SharedClock

START_US = 1_790_000_000_000_000
LONG_S = 20.0
"""Real seconds after which a test gives up."""

Message = tuple[str, bytes, bool]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """Port of a mosquitto of our own on the loopback."""
    with Mosquitto(tmp_path) as running:
        yield running.port


@pytest.fixture
def heard(broker: int) -> Iterator["queue.Queue[Message]"]:
    """What a subscriber to everything has received, oldest first."""
    messages: queue.Queue[Message] = queue.Queue(10_000)
    subscribed = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="listener")
    client.on_message = lambda _c, _u, m: messages.put((m.topic, bytes(m.payload), m.retain))
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", broker)
    client.loop_start()
    client.subscribe("#", qos=1)
    assert subscribed.wait(LONG_S)
    yield messages
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[SharedClock]:
    made = SharedClock.create(tmp_path / "clock", START_US, factor=50)
    pacer = Pacer(made)
    pacer.start()
    yield made
    pacer.stop()
    made.close()


Told = Callable[[str], dict[str, Any]]


@pytest.fixture
def start(clock: SharedClock, broker: int) -> Iterator[Callable[..., Told]]:
    """Start a detector; what it returns tells it a command and gives its answer."""
    started: list[subprocess.Popen[str]] = []

    def begin(*argv: str) -> Told:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub.simulate", "mqtt-gas", "--attended", *argv,
             "--broker", f"127.0.0.1:{broker}", "--clock", str(clock.path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        started.append(process)

        def says() -> dict[str, Any]:
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], LONG_S)[0], "the simulator is silent"
            answer = json.loads(process.stdout.readline())
            assert isinstance(answer, dict)
            return answer

        def told(command: str) -> dict[str, Any]:
            assert process.stdin is not None
            process.stdin.write(command + "\n")
            return says()

        assert "ready" in says()
        return told

    yield begin
    for process in started:
        with process:
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(LONG_S) == 0


def bodies(heard: "queue.Queue[Message]", count: int) -> list[dict[str, Any]]:
    return [json.loads(heard.get(timeout=LONG_S)[1]) for _ in range(count)]


def test_plain_messages_are_numbered_and_a_hub_second_apart(
    start: Callable[..., Told], heard: "queue.Queue[Message]"
) -> None:
    """Ten messages: seq 1 to 10, the device's own times one second apart, not retained."""
    start("--detector", "name=k1 topic=gas/k1 serial=GD-7", "--mix", "start_pct_vol=0.44")
    first_topic, first_payload, retained = heard.get(timeout=LONG_S)
    assert (first_topic, retained) == ("gas/k1", False)
    rest = bodies(heard, 9)
    first = json.loads(first_payload)
    assert first["device"] == "k1"
    assert first["serial"] == "GD-7"
    assert first["unit"] == "%LEL"
    assert [body["seq"] for body in rest] == list(range(2, 11))
    seconds = [int(body["at"][17:19]) for body in [first, *rest]]
    assert (seconds[-1] - seconds[0]) % 60 == 9


def test_the_gateway_dialect_is_thingsboards(
    start: Callable[..., Told], heard: "queue.Queue[Message]"
) -> None:
    """Device name to a list of {ts in milliseconds, values}, on the gateway's topic."""
    start(
        "--detector", "name=k2 dialect=thingsboard show=pct_vol",
        "--mix", "start_pct_vol=93 towards_pct_vol=93",
    )  # fmt: skip
    topic, payload, _ = heard.get(timeout=LONG_S)
    assert topic == "v1/gateway/telemetry"
    (sample,) = json.loads(payload)["k2"]
    assert sample["ts"] >= START_US // 1000
    assert sample["values"]["gas"] == pytest.approx(93, abs=0.1)
    assert sample["values"]["seq"] == 1


def test_a_climate_station_sends_temperature_and_barometer(
    start: Callable[..., Told], heard: "queue.Queue[Message]"
) -> None:
    """Two devices behind one gateway, both in one message."""
    start("--detector", "name=sky dialect=thingsboard show=climate")
    _, payload, _ = heard.get(timeout=LONG_S)
    sent = json.loads(payload)
    assert sent["sky-t"][0]["values"]["gas_temperature"] == pytest.approx(20, abs=0.05)
    assert sent["sky-b"][0]["values"]["barometer"] == pytest.approx(1013.25, abs=0.2)


def test_ventilation_brings_the_reading_down(
    start: Callable[..., Told], heard: "queue.Queue[Message]"
) -> None:
    """34 % LEL, a window opened, and the display falls with every message."""
    told = start("--mix", "start_pct_vol=1.5 towards_pct_vol=1.5 change_s=5 noise_pct_vol=0")
    assert bodies(heard, 1)[0]["gas"] == pytest.approx(34.1, abs=0.05)
    told("settle 0.1")
    falling = [body["gas"] for body in bodies(heard, 40)]
    assert falling[-1] < 3
    assert sorted(falling, reverse=True) == falling


def test_silence_ends_the_messages_and_clear_brings_them_back(
    start: Callable[..., Told], heard: "queue.Queue[Message]", clock: SharedClock
) -> None:
    """What came before the silence is numbered on without a hole: nothing was made up."""
    told = start()
    told("silence")
    clock.wait(threading.Event(), 20)
    told("clear")
    numbers: list[int] = []
    while len(numbers) < 5 or numbers[-1] < 6:
        numbers.append(bodies(heard, 1)[0]["seq"])
    assert numbers == list(range(1, len(numbers) + 1))


def test_an_unplugged_detector_comes_back_as_the_same_one(
    start: Callable[..., Told], heard: "queue.Queue[Message]", clock: SharedClock
) -> None:
    """Power away and back: the numbers go on, no message is sent while away."""
    told = start()
    bodies(heard, 2)
    told("unplug")
    clock.wait(threading.Event(), 5)
    while not heard.empty():
        heard.get()
    assert not threading.Event().wait(0.3)
    assert heard.empty()
    told("plug")
    assert bodies(heard, 1)[0]["seq"] >= 3


def test_garbage_is_no_json() -> None:
    """A payload cut in the middle, with a NaN before the cut."""
    detector = Detector(DetectorFacts(), MixFacts(), START_US)
    detector.perform(Action("garbage"), START_US)
    message = detector.message(START_US)
    assert message is not None
    with pytest.raises(json.JSONDecodeError):
        json.loads(message[1])


def test_over_range_is_a_status_beside_the_full_scale() -> None:
    """The number is the end of the scale and the status says what it is worth."""
    detector = Detector(DetectorFacts(), MixFacts(), START_US)
    detector.perform(Action("over_range"), START_US)
    message = detector.message(START_US)
    assert message is not None
    body = json.loads(message[1])
    assert body["gas"] == 100
    assert body["status"] == "over_range"


def test_a_frozen_detector_repeats_itself() -> None:
    """The room clears; the display does not."""
    detector = Detector(DetectorFacts(), MixFacts(start_pct_vol=2, change_s=5), START_US)
    detector.perform(Action("frozen"), START_US)
    shown = set()
    for s in range(30):
        message = detector.message(START_US + s * 1_000_000)
        assert message is not None
        shown.add(json.loads(message[1])["gas"])
    assert len(shown) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        DetectorFacts(show="ppm"),
        DetectorFacts(dialect="xml"),
        DetectorFacts(show="climate", dialect="plain"),
    ],
)
def test_an_unknown_kind_of_detector_is_refused(wrong: DetectorFacts) -> None:
    """The message names the value and what there is."""
    with pytest.raises(ValueError, match=r"pct_lel|thingsboard"):
        Detector(wrong, MixFacts(), START_US)
