"""Gas detectors that report over MQTT: one message per second of hub time, QoS 1, numbered.

Two dialects. Plain JSON on a topic of its own:
`{"device": "k1", "serial": "...", "seq": 7, "at": "2026-...Z", "status": "ok", "gas": 12.4,
"unit": "%LEL"}`. And the ThingsBoard gateway's `v1/gateway/telemetry`:
`{"k2": [{"ts": MILLISECONDS, "values": {"gas": 93.1, ...}}]}`; a climate station is two devices
behind one gateway, NAME-t and NAME-b.
The next message goes out only after the broker's PUBACK for the one before.
"""

import json
import threading
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from hub.clock import iso
from hub.simulate.conventions import Message
from hub.simulate.faults import Faults
from hub.simulate.plume import Mix, MixFacts, climate
from hub.simulate.script import Action
from hub.simulate.stand import Stand

_EVERY_US = 1_000_000
_ACK_S = 0.05
_MOST_QUEUED = 1000
_GATEWAY_TOPIC = "v1/gateway/telemetry"

FAULTS = ("silence", "garbage", "frozen", "over_range")
_UNITS = {"pct_lel": "%LEL", "pct_vol": "%vol", "climate": ""}


@dataclass(frozen=True, slots=True)
class DetectorFacts:
    """A detector: its names on the wire, what it shows and how it says so.

    show     pct_lel, pct_vol, or climate (gas temperature in degC and barometer in hPa)
    dialect  plain or thingsboard; climate is always thingsboard
    topic    for the plain dialect
    """

    name: str = "det-1"
    serial: str = "GD-0001"
    show: str = "pct_lel"
    dialect: str = "plain"
    topic: str = "gas/det-1"
    lel_pct_vol: float = 4.4
    full_scale: float = 100.0


class Detector:
    """What the device would publish now, faults included."""

    def __init__(self, facts: DetectorFacts, mix: MixFacts, now_us: int) -> None:
        if facts.show not in _UNITS:
            raise ValueError(f"show {facts.show!r}: one of {', '.join(_UNITS)}")
        if facts.dialect not in ("plain", "thingsboard"):
            raise ValueError(f"dialect {facts.dialect!r}: plain or thingsboard")
        if facts.show == "climate" and facts.dialect == "plain":
            raise ValueError("show=climate: it needs dialect=thingsboard")
        self.facts = facts
        self._mix = Mix(mix, now_us)
        self._faults = Faults(FAULTS)
        self._frozen_pct_vol = 0.0
        self._seq = 0

    def perform(self, action: Action, at_us: int) -> None:
        """`settle PCT_VOL` drifts there, `jump PCT_VOL` is there at once (the probe is moved)."""
        self._mix.advance(at_us)
        if self._faults.take(action):
            if action.verb == "frozen":
                self._frozen_pct_vol = self._mix.shown_pct_vol()
        elif action.verb in ("settle", "jump") and action.number is not None:
            move = self._mix.settle if action.verb == "settle" else self._mix.jump
            move(action.number)
        else:
            raise ValueError("known here: settle PCT_VOL, jump PCT_VOL, the faults, unplug, plug")

    def message(self, at_us: int) -> tuple[str, bytes] | None:
        """(topic, payload) of the next message, None in silence. Each call takes a number."""
        if "silence" in self._faults:
            return None
        self._mix.advance(at_us)
        self._seq += 1
        topic = self.facts.topic if self.facts.dialect == "plain" else _GATEWAY_TOPIC
        if "garbage" in self._faults:
            return topic, b'{"device": "' + self.facts.name.encode() + b'", "gas": NaN'
        facts = self.facts
        if facts.show == "climate":
            return topic, _gateway(at_us, self._climate(at_us), self._seq)
        over = "over_range" in self._faults
        gas = facts.full_scale if over else self._gas()
        status = "over_range" if over else "ok"
        if facts.dialect == "thingsboard":
            return topic, _gateway(at_us, {facts.name: {"gas": gas, "status": status}}, self._seq)
        body = {
            "device": facts.name, "serial": facts.serial, "seq": self._seq, "at": iso(at_us),
            "status": status, "gas": gas, "unit": _UNITS[facts.show],
        }  # fmt: skip
        return topic, json.dumps(body).encode()

    def _gas(self) -> float:
        facts = self.facts
        pct_vol = self._frozen_pct_vol if "frozen" in self._faults else self._mix.shown_pct_vol()
        if facts.show == "pct_vol":
            return round(pct_vol, 2)
        return round(min(facts.full_scale, pct_vol / facts.lel_pct_vol * 100), 1)

    def _climate(self, at_us: int) -> dict[str, dict[str, Any]]:
        gas_degc, barometer_pa = climate(at_us)
        return {
            f"{self.facts.name}-t": {"gas_temperature": round(gas_degc, 3)},
            f"{self.facts.name}-b": {"barometer": round(barometer_pa / 100, 3)},
        }


def _gateway(at_us: int, devices: dict[str, dict[str, Any]], seq: int) -> bytes:
    return json.dumps(
        {
            name: [{"ts": at_us // 1000, "values": {**values, "seq": seq}}]
            for name, values in devices.items()
        }
    ).encode()


class Publisher:
    """A client that sends one message at a time and knows when the broker has it.

    will      what the broker says when it is gone without a goodbye
    commands  topic that is listened to; "" for none
    """

    def __init__(
        self, host: str, port: int, name: str, will: Message | None = None, commands: str = ""
    ) -> None:
        self._address = (host, port)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"simulated-{name}")
        self._client.max_queued_messages_set(_MOST_QUEUED)
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        self._commands = commands
        self._connected = threading.Event()
        self._client.on_connect = lambda *_: self._greet()
        self._client.on_message = lambda *_: self._greet()
        self._running = False
        self.greetings_due = 0
        """Counts connections, and commands: whoever has an introduction to make makes it then."""

    def _greet(self) -> None:
        if self._commands and not self._connected.is_set():
            self._client.subscribe(self._commands, qos=1)
        self.greetings_due += 1
        self._connected.set()

    def plug(self, stop: threading.Event) -> None:
        """Connect, and stay connected: paho's own thread comes back by itself."""
        if self._running:
            return
        self._connected.clear()
        self._client.connect_async(*self._address)
        self._client.loop_start()
        self._running = True
        while not self._connected.wait(_ACK_S) and not stop.is_set():
            continue

    def unplug(self) -> None:
        """Gone without a word to the broker, as when power fails. Safe twice."""
        if self._running:
            self._client.loop_stop()
            sock = self._client.socket()
            if sock is not None:
                sock.close()
            self._running = False

    def send(self, topic: str, payload: bytes, stop: threading.Event, retain: bool = False) -> None:
        """Publish, and wait for the PUBACK; with the broker away the message stays queued."""
        sent = self._client.publish(topic, payload, qos=1, retain=retain)
        while not sent.is_published() and self._client.is_connected() and not stop.is_set():
            sent.wait_for_publish(_ACK_S)

    def close(self) -> None:
        """Say goodbye properly."""
        if self._running:
            self._client.disconnect()
            self._client.loop_stop()
            self._running = False


def run(broker: tuple[str, int], facts: DetectorFacts, mix: MixFacts, stand: Stand) -> None:
    """Publish until the stand is stopped."""
    clock = stand.clock
    detector = Detector(facts, mix, clock.now_us())
    publisher = Publisher(*broker, facts.name)
    plugged = True

    def perform(action: Action, at_us: int) -> None:
        nonlocal plugged
        if action.verb == "unplug":
            publisher.unplug()
            plugged = False
        elif action.verb == "plug":
            publisher.plug(stand.stop)
            plugged = True
        else:
            detector.perform(action, at_us)

    publisher.plug(stand.stop)
    stand.ready(broker="{}:{}".format(*broker))
    next_us = clock.now_us()
    try:
        while not stand.stop.is_set():
            stand.turn(perform)
            if clock.now_us() < next_us:
                stand.rest((next_us - clock.now_us()) / 1e6)
                continue
            message = detector.message(next_us) if plugged else None
            if message is not None:
                publisher.send(*message, stand.stop)
            next_us += _EVERY_US
    finally:
        publisher.close()
