"""A topic of a broker on which orders are published.

A message is acknowledged to the broker when the hub has answered for every order in it and the
broker has taken the reply: a kill before that brings the message again, which changes nothing.
"""

from collections import deque
from threading import Event
from typing import Final

import structlog
from paho.mqtt.reasoncodes import ReasonCode

from hub.clock import Clock
from hub.inbox import json_rows
from hub.inbox.desk import Ask, HubAway, hand_over, reply
from hub.inbox.row import Row, Unreadable
from hub.inbox_settings import TopicSettings
from hub.model import Site
from hub.mqtt.link import BrokerLink
from hub.mqtt.wire import Arrival

log = structlog.get_logger()

TURN_S: Final = 0.2
REST_S: Final = 2.0
MOST_UNSURE: Final = 1000
"""Messages at QoS 0 that may wait for their refusal; more of them are passed over."""
MOST_AT_ONCE: Final = 20
"""Messages that the broker sends before the first is acknowledged."""


class TopicInbox:
    """One topic; the body of a thread."""

    def __init__(
        self, name: str, settings: TopicSettings, site: Site, ask: Ask, clock: Clock
    ) -> None:
        self._name = name
        self._settings = settings
        self._ask = ask
        self._clock = clock
        # Bounded by what the broker may send unacknowledged; of QoS 0 see `_put_aside`.
        self._arrived: deque[tuple[int, Arrival]] = deque()
        self._replied: dict[int, tuple[int, Arrival]] = {}
        """Packet id of a reply -> the message that it answers, and the epoch of both."""
        self._link = BrokerLink(
            f"inbox-{name}",
            settings,
            site,
            topics=[settings.topic],
            receive_at_most=MOST_AT_ONCE,
            on_message=self._put_aside,
            on_answer=self._answered,
        )

    def run(self, stop: Event) -> None:
        """Take messages until *stop* is set. raises ConfigError for unusable TLS or secret"""
        self._link.open()
        waits = False
        try:
            while not stop.is_set():
                self._link.turn(TURN_S)
                for note in self._link.news:
                    log.info("inbox_link", inbox=self._name, what=note.what, detail=note.detail)
                self._link.news.clear()
                try:
                    while self._arrived:
                        self._take(*self._arrived[0])
                        self._arrived.popleft()
                except HubAway as away:
                    if not waits:
                        log.warning("inbox_waits", inbox=self._name, why=str(away))
                    waits = True
                    self._clock.wait(stop, REST_S)
                    continue
                if waits:
                    log.info("inbox_back", inbox=self._name)
                waits = False
        finally:
            self._link.close()

    def _take(self, epoch: int, message: Arrival) -> None:
        if epoch != self._link.epoch or not self._link.connected:
            return  # the broker will send it again
        fault, outcomes = "", []
        try:
            outcomes = hand_over(self._ask, self._name, self._rows(message))
        except Unreadable as wrong:
            fault = str(wrong)
        except HubAway:
            raise
        except Exception as bug:  # of this message alone: the others have their turn
            log.exception("inbox_message_failed", inbox=self._name)
            fault = f"it cannot be read ({type(bug).__name__}); see the log of gashub-inbox"
        topic = message.topic.decode("utf-8", "replace")
        text = reply(topic, message.payload, outcomes, fault)
        sent = self._link.client.publish(self._settings.reply_topic, text, qos=1)
        self._replied[sent.mid] = (epoch, message)

    def _rows(self, message: Arrival) -> list[Row]:
        if not message.qos:
            raise Unreadable("it came at QoS 0, where a kill would lose it; publish at QoS 1")
        if len(message.payload) > self._settings.largest_bytes:
            raise Unreadable(f"larger than {self._settings.largest_bytes} bytes; send less at once")
        return json_rows.rows(message.payload)

    def _put_aside(self, message: Arrival) -> None:
        if message.qos or len(self._arrived) < MOST_UNSURE:
            self._arrived.append((self._link.epoch, message))

    def _answered(self, packet: int, reason: ReasonCode) -> None:
        """The broker has taken a reply, or will not: either way the orders are answered for."""
        epoch, message = self._replied.pop(packet, (-1, None))
        if message is None or epoch != self._link.epoch:
            return
        if reason.is_failure:
            log.warning("inbox_reply_refused", inbox=self._name, why=str(reason))
        if message.qos:
            self._link.client.ack(message.packet, message.qos)
