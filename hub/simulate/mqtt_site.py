"""Devices of several MQTT conventions on one broker: each a client of its own, a message a second.

An action's target is a device's number, from 1; without one all are meant.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hub.simulate.conventions import TALKERS, Message, Talker
from hub.simulate.facts import facts_from
from hub.simulate.faults import Faults
from hub.simulate.mqtt_gas import Publisher
from hub.simulate.script import Action
from hub.simulate.sensing import SURROUNDINGS, Surroundings
from hub.simulate.stand import Stand

_EVERY_US = 1_000_000
FAULTS = ("silence", "garbage", "frozen")


@dataclass(frozen=True, slots=True)
class MqttFacts:
    """name of the device in its messages; the convention's own when absent."""

    convention: str = "plain_json"
    name: str = ""


class MqttDevice:
    """One device, what it stands in, and its connection. One thread uses it.

    raises  ValueError for a convention that is not known
    """

    def __init__(self, facts: MqttFacts, broker: tuple[str, int], now_us: int) -> None:
        talker = TALKERS.get(facts.convention)
        if talker is None:
            raise ValueError(f"convention {facts.convention!r}: one of {', '.join(TALKERS)}")
        self.talker: Talker = talker(facts.name or facts.convention.replace("_", "-"))
        around = SURROUNDINGS[talker.sense]
        (quiet,) = facts_from("", around.Facts)
        self._around: Surroundings = around(quiet, now_us)
        self._faults = Faults(FAULTS)
        self._frozen = self._around.sensed(now_us)
        self._broker = broker
        self._publisher: Publisher | None = None
        self._greeted = 0

    def plug(self, stop: threading.Event) -> None:
        """Connect; safe when connected."""
        if self._publisher is None:
            talker = self.talker
            will = talker.will
            self._publisher = Publisher(*self._broker, talker.name, will, talker.commands)
            self._greeted = 0
            self._publisher.plug(stop)

    def unplug(self) -> None:
        """Gone without a word, as when power fails: the broker says the last will."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.unplug()

    def close(self) -> None:
        """Say goodbye properly."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.close()

    def perform(self, action: Action, at_us: int, stop: threading.Event) -> None:
        """Raises ValueError, with everything that is known here, for a strange action."""
        if action.verb == "unplug":
            self.unplug()
        elif action.verb == "plug":
            self.plug(stop)
        elif self._faults.take(action):
            if action.verb == "frozen":
                self._frozen = self._around.sensed(at_us)
        elif not self._around.perform(action, at_us):
            known = ("set", *self._around.actions, *FAULTS, "clear", "unplug", "plug")
            raise ValueError(f"known here: {', '.join(known)}")

    def turn(self, at_us: int, stop: threading.Event) -> None:
        """Say what is due at *at_us*."""
        publisher = self._publisher
        if publisher is None or "silence" in self._faults:
            return
        if (asked := publisher.greetings_due) != self._greeted:
            self._greeted = asked
            for message in self.talker.greet(at_us):
                publisher.send(message.topic, message.payload, stop, message.retain)
        message = self._spoilt(self.talker.say(self._sensed(at_us), at_us))
        publisher.send(message.topic, message.payload, stop, message.retain)

    def _sensed(self, at_us: int) -> Decimal:
        return self._frozen if "frozen" in self._faults else self._around.sensed(at_us)

    def _spoilt(self, message: Message) -> Message:
        if "garbage" not in self._faults:
            return message
        return message._replace(payload=message.payload[: len(message.payload) // 2] + b"\xff")


def devices_from(
    texts: Sequence[str], broker: tuple[str, int], now_us: int
) -> Sequence[MqttDevice]:
    """One for each of *texts* (`"convention=tasmota name=det-3"`); of every convention if none.

    raises  ValueError for facts that do not fit, or two devices of one name
    """
    given = texts or [f"convention={name}" for name in TALKERS]
    facts = [facts_from(text, MqttFacts)[0] for text in given]
    devices = [MqttDevice(each, broker, now_us) for each in facts]
    names = [device.talker.name for device in devices]
    if len(set(names)) < len(names):
        raise ValueError(f"names {', '.join(names)} are not all different")
    return devices


def run(devices: Sequence[MqttDevice], stand: Stand) -> None:
    """Publish until the stand is stopped."""
    clock, stop = stand.clock, stand.stop

    def perform(action: Action, at_us: int) -> None:
        numbers = {str(at): device for at, device in enumerate(devices, 1)}
        if action.target and action.target not in numbers:
            there = ", ".join(f"@{number}" for number in numbers)
            raise ValueError(f"no device @{action.target} here; there are {there}")
        for device in [numbers[action.target]] if action.target else devices:
            device.perform(action, at_us, stop)

    try:
        for device in devices:
            device.plug(stop)
        stand.ready(devices=", ".join(device.talker.name for device in devices))
        next_us = clock.now_us()
        while not stop.is_set():
            stand.turn(perform)
            if clock.now_us() < next_us:
                stand.rest((next_us - clock.now_us()) / 1e6)
                continue
            for device in devices:
                device.turn(next_us, stop)
            next_us += _EVERY_US
    finally:
        for device in devices:
            device.close()
