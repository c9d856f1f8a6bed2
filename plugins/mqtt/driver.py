"""Read instruments that publish to an MQTT broker.

QoS 1, a persistent session under a stable client id, and acknowledgement by hand: the broker is
told that a message is taken only after the ledger has it. Every message ends as readings, as a
dead letter or as a named drop, and each of the three is acknowledged.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import structlog
from paho.mqtt.client import topic_matches_sub
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from hub import (
    MESSAGES_PER_TURN,
    Arrival,
    BadFrame,
    BrokerLink,
    Intake,
    Kept,
    LinkState,
    NeedsEarlier,
    Notice,
    Reading,
    Site,
)
from plugins.mqtt.backlog import Backlog
from plugins.mqtt.convention import Convention
from plugins.mqtt.facts import device_us
from plugins.mqtt.recent import Numbering, Recent
from plugins.mqtt.routes import OneByOne, Route, clocking_of, decoder_of
from plugins.mqtt.settings import MqttSettings

log = structlog.get_logger()

ROUTES_MOST = 10_000
LONGEST_REASON = 500
PACKET_BITS = 16
WARNINGS = frozenset(
    {
        *("link_lost", "link_refused", "link_unstable", "session_lost", "subscription_refused"),
        *("device_offline", "rebirth_asked", "seq_gap"),
    }
)


class MqttDriver:
    """One broker. `settle` may come from another thread; all else is the link thread's."""

    by_memory = frozenset({"late"})

    def __init__(self, name: str, settings: MqttSettings, site: Site) -> None:
        self._name = name
        self._settings = settings
        self._now_us: Callable[[], int] = site.clock.now_us
        self._late_us = round(settings.late_after_s * 1e6)
        self._link = BrokerLink(
            name,
            settings,
            site,
            topics=[topic.filter for topic in settings.topics],
            receive_at_most=settings.receive_maximum,
            largest_packet=settings.largest_packet,
            on_message=self._put_aside,
        )
        self._read_by = [(topic, decoder_of(topic)) for topic in settings.topics]
        self._conventions = [
            (topic.filter, reader)
            for topic, reader in self._read_by
            if not isinstance(reader, OneByOne)
        ]
        self._asked_s = 0.0
        self._routes: dict[bytes, Route] = {}
        # Bounded by one turn of the link: `read` empties it before the next.
        self._arrived: list[tuple[int, int, Arrival]] = []
        # Bounded by what the bus holds: each receipt was an intake on it.
        self._settled: deque[Sequence[object]] = deque()
        self._recent = Recent(settings.remember)
        self._numbering = Numbering()
        self._backlog = Backlog()
        self._messages = 0

    def open(self) -> None:
        self._arrived.clear()
        self._backlog.begin()
        self._link.open()

    def prime(self, recent: Iterable[Reading]) -> None:
        """Take note of the newest readings in the record: what is redelivered is among them."""
        for reading in recent:
            self._recent.prime(reading)
            self._numbering.prime((reading,))

    def read(self, within_s: float) -> Sequence[Intake | Notice]:
        link = self._link
        self._acknowledge()
        epoch = link.epoch
        link.turn(within_s)
        taken: list[Intake | Notice] = []
        while link.news:
            taken.append(self._notice(*link.news.popleft()))
        if link.epoch != epoch or not link.connected:
            self._backlog.begin()
        if self._conventions:
            self._keep_states(epoch)
        arrived, self._arrived = self._arrived, []
        self._messages += len(arrived)
        self._backlog.arrived(sum(1 for _, _, message in arrived if message.qos))
        if link.connected:
            emptied = len(arrived) < MESSAGES_PER_TURN
            self._backlog.look(emptied, time.monotonic() - link.connected_s)
        for at_us, of_epoch, message in arrived:
            receipt = of_epoch << PACKET_BITS | message.packet if message.qos else None
            self._take(at_us, message, receipt, taken)
        return taken

    def settle(self, receipts: Sequence[object]) -> None:
        self._settled.append(receipts)
        self._link.wake()

    def link_state(self) -> LinkState:
        return self._link.state._replace(messages=self._messages)

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """What a recorded message says; its topic stands in its source."""
        topic = kept.source.removeprefix(f"{self._name} ")
        route = self._find(topic)
        if route.decoder is not None:
            return route.decoder.decode(topic, kept.frame, kept.at_us)[0]
        if route.convention is None:
            raise BadFrame(f"no topic in the settings fits {topic!r}")
        if not route.convention.stands_alone:
            raise NeedsEarlier(f"{topic}: what its names and values mean, earlier messages told")
        return route.convention.hear(topic, kept.frame, kept.at_us, retained=False).readings

    def settings_to_keep(self) -> MqttSettings:
        """Without broker, account and files: nothing of them decides what a message means."""
        kept = {"topics", "largest_message", "late_after_s", "remember"}
        return MqttSettings(host="-", **self._settings.model_dump(include=kept))

    def instruments(self) -> tuple[frozenset[str], bool]:
        each = [topic.names() for topic in self._settings.topics]
        return frozenset().union(*(names for names, _ in each)), any(more for _, more in each)

    def close(self) -> None:
        self._link.close()

    def _put_aside(self, message: Arrival) -> None:
        self._arrived.append((self._now_us(), self._link.epoch, message))

    def _keep_states(self, epoch: int) -> None:
        """Forget what may have changed unseen, and ask the broker for the states it retains."""
        link = self._link
        if link.epoch != epoch:
            for _, convention in self._conventions:
                convention.forget()
        if not link.connected or link.connected_s == self._asked_s:
            return
        self._asked_s = link.connected_s
        # Elsewhere the subscription itself has brought them: see BrokerLink.
        if link.resumed and link.client.protocol == MQTTProtocolVersion.MQTTv5:
            options = SubscribeOptions(qos=1)
            wanted = [(name, options) for name, each in self._conventions if each.wants_retained]
            if wanted:
                link.client.subscribe(wanted)

    def _acknowledge(self) -> None:
        """Tell the broker what is durable. Receipts of a lost connection are void: it resends."""
        link = self._link
        while self._settled:
            for receipt in self._settled.popleft():
                assert isinstance(receipt, int), "a receipt of ours"
                if link.connected and receipt >> PACKET_BITS == link.epoch:
                    link.client.ack(receipt & 0xFFFF, 1)
                    self._backlog.acknowledged(1)

    def _take(
        self, at_us: int, message: Arrival, receipt: int | None, taken: list[Intake | Notice]
    ) -> None:
        """One message -> one intake; two when only part of it could be read."""
        payload = message.payload
        try:
            route = self._route(message.topic)
        except UnicodeDecodeError:
            reason = "its topic is not UTF-8"
            taken.append(Intake(self._name, payload, at_us, dead=reason, receipt=receipt))
            return
        source = route.source
        if route.convention is not None:
            self._hear(at_us, route, route.convention, message, receipt, taken)
            return
        if message.retain:
            taken.append(Intake(source, payload, at_us, dropped="retained", receipt=receipt))
            return
        try:
            readings, faults = self._decode(route, payload, at_us)
        except BadFrame as bad:
            taken.append(Intake(source, payload, at_us, dead=str(bad), receipt=receipt))
            return
        self._end(at_us, route, message, receipt, readings, faults, taken)

    def _hear(
        self,
        at_us: int,
        route: Route,
        convention: Convention,
        message: Arrival,
        receipt: int | None,
        taken: list[Intake | Notice],
    ) -> None:
        """One message of a convention, which may be news without being a reading."""
        source, payload = route.source, message.payload
        try:
            self._check_size(payload)
            heard = convention.hear(route.topic, payload, at_us, retained=message.retain)
        except BadFrame as bad:
            taken.append(Intake(source, payload, at_us, dead=str(bad), receipt=receipt))
            return
        except Exception as bug:  # as in _decode
            log.exception("decoder_failed", link=self._name, topic=route.topic)
            reason = f"the decoder failed on it: {bug!r}"
            taken.append(Intake(source, payload, at_us, dead=reason, receipt=receipt))
            return
        taken.extend(self._notice(*news) for news in heard.news)
        for topic, command in heard.commands:
            self._link.client.publish(topic, command)
        if heard.readings or heard.faults:
            self._end(at_us, route, message, receipt, heard.readings, heard.faults, taken)
        else:
            dropped = heard.dropped
            taken.append(Intake(source, payload, at_us, dropped=dropped, receipt=receipt))

    def _end(
        self,
        at_us: int,
        route: Route,
        message: Arrival,
        receipt: int | None,
        readings: Sequence[Reading],
        faults: Sequence[str],
        taken: list[Intake | Notice],
    ) -> None:
        source, payload = route.source, message.payload
        fresh = self._fresh(route, message, payload, readings, at_us, taken)
        if faults:
            # The part that could be read goes first and without the receipt, so that the message
            # is acknowledged only when both parts are durable.
            if fresh:
                taken.append(Intake(source, payload, at_us, fresh))
            reason = "; ".join(faults)[:LONGEST_REASON]
            taken.append(Intake(source, payload, at_us, dead=reason, receipt=receipt))
        elif fresh:
            taken.append(Intake(source, payload, at_us, fresh, receipt=receipt))
        else:
            taken.append(Intake(source, payload, at_us, dropped="duplicate", receipt=receipt))

    def _decode(self, route: Route, payload: bytes, at_us: int) -> tuple[list[Reading], list[str]]:
        if route.decoder is None:
            raise BadFrame(
                f"no topic in the settings fits {route.topic!r}: an older subscription of "
                f"{self._link.client_id} is still in the broker's session"
            )
        self._check_size(payload)
        try:
            return route.decoder.decode(route.topic, payload, at_us)
        except BadFrame:
            raise
        except Exception as bug:  # else one message that a decoder trips over stops all input
            log.exception("decoder_failed", link=self._name, topic=route.topic)
            raise BadFrame(f"the decoder failed on it: {bug!r}") from bug

    def _check_size(self, payload: bytes) -> None:
        if len(payload) > self._settings.largest_message:
            raise BadFrame(
                f"{len(payload)} bytes; largest_message allows {self._settings.largest_message}"
            )

    def _fresh(
        self,
        route: Route,
        message: Arrival,
        payload: bytes,
        readings: Iterable[Reading],
        at_us: int,
        taken: list[Intake | Notice],
    ) -> tuple[Reading, ...]:
        """Leave out what has come before, mark what is late, report holes in the numbering."""
        recent, redelivered = self._recent, message.dup
        step, synchronised, ts_unit, zone = route.clocking
        fresh: list[Reading] = []
        bare = False
        for reading in readings:
            seq, sent = reading[9], reading[10]
            if not seq and not sent and not bare:
                bare = True
                if recent.seen_bare(message.packet, route.topic, payload, redelivered):
                    return tuple(fresh)
            elif recent.seen(reading, redelivered):
                continue
            if step and seq:
                jump = self._numbering.check(reading[0], seq, step)
                if jump is not None:
                    taken.append(self._notice(*jump))
            if reading[8] == "good":
                shown_us = device_us(sent, ts_unit, zone) if synchronised and sent else None
                late = (
                    self._backlog.waiting and self._link.resumed
                    if shown_us is None
                    else abs(at_us - shown_us) > self._late_us
                )
                if late:
                    fresh.append(_late(reading))
                    continue
            fresh.append(reading)
        return tuple(fresh)

    def _route(self, topic: bytes) -> Route:
        """Raises UnicodeDecodeError for a topic that is no text."""
        route = self._routes.get(topic)
        if route is None:
            if len(self._routes) >= ROUTES_MOST:
                self._routes.clear()
            route = self._routes[topic] = self._find(topic.decode())
        return route

    def _find(self, topic: str) -> Route:
        source = f"{self._name} {topic}"
        for mapping, reader in self._read_by:
            if topic_matches_sub(mapping.filter, topic):
                clocking = clocking_of(mapping)
                if isinstance(reader, OneByOne):
                    return Route(source, topic, clocking, decoder=reader)
                return Route(source, topic, clocking, convention=reader)
        return Route(source, topic)

    def _notice(self, what: str, detail: str) -> Notice:
        say = log.warning if what in WARNINGS else log.info
        say(what, link=self._name, detail=detail)
        return Notice(self._now_us(), self._name, what, detail)


def _late(reading: Reading) -> Reading:
    return reading._replace(quality="late", canonical=None, canonical_unit="")
