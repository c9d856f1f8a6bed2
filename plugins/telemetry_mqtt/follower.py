"""Publish recorded blocks in their order, and say so only when the broker has all of them.

QoS 1. A connection that breaks in between is mended here and unanswered messages go again, in
order, with DUP set. What stays unanswered too long is left to the hub, which comes back with the
same blocks; the messages of those that were answered are then not sent a second time.
"""

import time
from collections.abc import Sequence

import structlog
from paho.mqtt.reasoncodes import ReasonCode

from hub import BrokerLink, Recorded, SinkPaused, SinkUnavailable, Site
from plugins.telemetry_mqtt.message import messages
from plugins.telemetry_mqtt.settings import TelemetrySettings

log = structlog.get_logger()

TURN_S = 0.2
NOTHING = (-1, -1)


class TelemetryFollower:
    """One data platform. All of it runs on its follower's thread."""

    def __init__(self, name: str, settings: TelemetrySettings, site: Site) -> None:
        self._name = name
        self._settings = settings
        self._gateway = site.gateway
        self._topic = settings.topic.replace("{gateway}", site.gateway)
        self._link = BrokerLink(name, settings, site, on_answer=self._answered)
        self._under_way: dict[int, tuple[int, int]] = {}
        self._refusal = ""
        self._taken = NOTHING
        """(entry, part) up to which the broker has everything of an unfinished `forward`."""

    def open(self) -> None:
        """Raises SinkUnavailable or SinkPaused while there is no connection."""
        self._link.open()
        self._connect()

    def forward(self, blocks: Sequence[Recorded]) -> None:
        """Return when the broker has acknowledged every reading in *blocks*.

        raises  SinkUnavailable when it does not within ack_within_s of the last sign of progress;
                SinkPaused when it refuses us
        """
        link = self._link
        self._turn(0.0)
        self._connect()
        for index, readings in blocks:
            for part, payload in messages(self._gateway, index, readings, self._settings.batch_max):
                if (index, part) <= self._taken:
                    continue
                self._drain(min(self._settings.window, link.send_at_most) - 1)
                info = link.client.publish(self._topic, payload, qos=1)
                self._under_way[info.mid] = (index, part)
        self._drain(0)
        self._taken = NOTHING

    def close(self) -> None:
        self._link.close()
        self._under_way.clear()

    def _connect(self) -> None:
        link, until_s = self._link, time.monotonic() + self._settings.ack_within_s
        while not link.connected:
            if link.refused:
                raise SinkPaused(link.why)
            if time.monotonic() > until_s:
                raise SinkUnavailable(f"{link.why}; the readings wait in the ledger")
            self._turn(TURN_S)

    def _turn(self, within_s: float) -> None:
        """Serve the connection, and name what is wrong with it though it is mended every time."""
        link = self._link
        link.turn(within_s)
        while link.news:
            what, detail = link.news.popleft()
            if what == "link_unstable" or (what == "link_refused" and not link.refused):
                log.warning(what, follower=self._name, detail=detail)

    def _drain(self, at_most: int) -> None:
        """Serve the connection until no more than *at_most* messages are unanswered."""
        link = self._link
        quiet_since_s = time.monotonic()
        while len(self._under_way) > at_most:
            before = len(self._under_way)
            self._turn(TURN_S)
            if self._refusal:
                refusal, self._refusal = self._refusal, ""
                raise SinkPaused(f"{link.address} does not take {self._topic}: {refusal}")
            if link.refused:
                raise SinkPaused(link.why)
            now_s = time.monotonic()
            if len(self._under_way) < before:
                quiet_since_s = now_s
            elif now_s - quiet_since_s > self._settings.ack_within_s:
                why = link.why or f"{link.address} does not acknowledge"
                raise SinkUnavailable(f"{why}; {before} messages go again later")

    def _answered(self, packet: int, reason: ReasonCode) -> None:
        sent = self._under_way.pop(packet, None)
        if reason.is_failure:
            self._refusal = str(reason)
        elif sent is not None and not self._refusal:
            # Acknowledgements come in the order of the messages (MQTT 5, section 4.6).
            self._taken = max(self._taken, sent)
