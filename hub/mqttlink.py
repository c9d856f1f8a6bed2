"""One connection to an MQTT broker, run by the thread that uses it. For plugins that speak MQTT.

The client is paho-mqtt, driven through its documented external loop (`loop_read`, `loop_write`,
`loop_misc`) instead of its own thread: the connection has one owner, and a message costs no
hand-over between threads. Bytes go through a buffer on either side (`hub.mqttwire`), because paho
by itself makes three system calls for every message it receives.
"""

import contextlib
import random
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from hub.model import Site
from hub.mqttsettings import BrokerSettings
from hub.mqttwire import Arrival, BufferedClient

FIRST_PAUSE_S = 0.25
UNANSWERED_MOST = 2
"""Connections that end before any answer, after which the other protocol version is tried."""
MESSAGES_PER_TURN = 500

# CONNACK and DISCONNECT reasons (MQTT 5, table 2-6) that an operator must act on, and how.
REMEDIES = {
    0x85: "give this link another client_id",
    0x86: "check `user` and the secret named by `password_secret`",
    0x87: "check `user`, the secret named by `password_secret`, and the broker's access list",
    0x8A: "the broker's owner has banned this client; ask there",
    0x8E: "another client uses the same client_id; give each gateway its own",
}
UNSUPPORTED_PROTOCOL = 0x84
NO_RECEIVE_MAXIMUM = 65535


class News(NamedTuple):
    """A change of the link's state.

    what  link_lost, link_refused, link_back, session_new, session_lost, subscription_refused or
          protocol_311
    """

    what: str
    detail: str


class BrokerLink:
    """One broker connection. Every method is for the thread that runs it, but `wake`.

    on_message  called in `turn` with each message; must only put it aside
    on_answer   called in `turn` with (packet id, reason) of each message the broker has taken
    topics      filters to subscribe to at QoS 1
    """

    def __init__(
        self,
        name: str,
        settings: BrokerSettings,
        site: Site,
        *,
        topics: Sequence[str] = (),
        receive_at_most: int = 1000,
        largest_packet: int | None = None,
        on_message: Callable[[Arrival], None] | None = None,
        on_answer: Callable[[int, ReasonCode], None] | None = None,
    ) -> None:
        self._settings = settings
        self._site = site
        self._topics = topics
        self._receive_at_most = receive_at_most
        self._largest_packet = largest_packet
        self._on_message = on_message
        self._on_answer = on_answer
        self._version = mqtt.MQTTv311 if settings.protocol == "3.1.1" else mqtt.MQTTv5
        self._client: BufferedClient | None = None
        self._bell, self._ear = _no_sockets()
        self._due_s = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._unanswered = 0
        self._answered = False
        self._asked_s = 0.0
        self._silence = ""
        self._refusal: ReasonCode | None = None
        self._said: set[str] = set()
        self._ever = False
        self._fell = False
        self.client_id = settings.client_id or f"gashub-{site.gateway}-{name}"
        self.news: deque[News] = deque()
        self.connected = False
        self.connected_s = 0.0
        """`time.monotonic` of the last connection."""
        self.resumed = False
        """Whether the broker still had our session then, and perhaps messages in it."""
        self.send_at_most = NO_RECEIVE_MAXIMUM
        """Messages the broker takes from us before it has acknowledged the first (MQTT 5)."""
        self.epoch = 0
        """Goes up with every lost connection; a packet id means nothing in another epoch."""
        self.why = "not connected yet"
        """Why there is no connection, in a sentence; "" while there is one."""
        self.refused = False
        """Whether the broker refuses us, so that trying again alone will not help."""

    @property
    def address(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    @property
    def client(self) -> BufferedClient:
        assert self._client is not None, "open the link first"
        return self._client

    def open(self) -> None:
        """Get ready; the first `turn` connects. raises ConfigError for unusable TLS or secret"""
        self.close()
        self._build()
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        self._due_s = 0.0

    def turn(self, within_s: float) -> None:
        """Connect if it is time to, wait at most *within_s* for anything, read and write it."""
        client = self.client
        if client.socket() is None:
            wait_s = self._due_s - time.monotonic()
            if wait_s > 0:
                self._listen(min(within_s, wait_s), None)
                return
            self._connect()
            client = self.client
        sock = client.socket()
        if sock is not None:
            client.loop_write()
            client.flush()
            self._listen(0.0 if client.pending() else within_s, sock)
        for _ in range(MESSAGES_PER_TURN):
            if client.socket() is None:
                break
            client.loop_read()
            if not client.pending():
                break
        if client.socket() is not None:
            client.loop_write()
            client.flush()
            client.loop_misc()
        silent_s = time.monotonic() - self._asked_s
        if not self.connected and silent_s > self._settings.connect_within_s:
            self._give_up(client)

    def wake(self) -> None:
        """End a waiting `turn` early. Any thread may call it."""
        with contextlib.suppress(OSError):  # full: it is awake already; closed: nobody waits
            self._bell.send(b"!")

    def close(self) -> None:
        """Say goodbye and let go; the session stays at the broker. Safe twice and before `open`."""
        client, self._client = self._client, None
        if client is not None:
            client.on_disconnect = None
            client.disconnect()
            if client.socket() is not None:
                client.loop_write()
            client.hang_up()
            self.epoch += 1
        self.connected = False
        self._bell.close()
        self._ear.close()

    # -- connecting

    def _build(self) -> None:
        settings = self._settings
        five = self._version == mqtt.MQTTv5
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=self.client_id,
            clean_session=None if five else False,
            protocol=self._version,
            manual_ack=True,
            reconnect_on_failure=False,
            on_arrival=self._on_message,
        )
        if settings.user:
            named = settings.password_secret
            client.username_pw_set(settings.user, self._site.secret(named) if named else None)
        context = settings.tls_context()
        if context is not None:
            client.tls_set_context(context)
        client.connect_timeout = settings.connect_within_s
        client.max_inflight_messages_set(0)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        if self._on_answer is not None:
            answer = self._on_answer
            client.on_publish = lambda _client, _data, mid, reason, _properties: answer(mid, reason)
        if five:
            client.connect_async(
                settings.host,
                settings.port,
                settings.keepalive_s,
                clean_start=False,
                properties=self._connect_properties(),
            )
        else:
            client.connect_async(settings.host, settings.port, settings.keepalive_s)
        self._client = client

    def _connect_properties(self) -> Properties:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._settings.session_expiry_s
        properties.ReceiveMaximum = self._receive_at_most
        if self._largest_packet is not None:
            properties.MaximumPacketSize = self._largest_packet
        return properties

    def _connect(self) -> None:
        self._answered, self._refusal = False, None
        self._asked_s = time.monotonic()
        self._silence = "it closed the connection before it answered"
        try:
            self.client.reconnect()
        except ssl.SSLCertVerificationError as fault:
            self._lost(
                f"{self.address}: its certificate is not trusted ({fault.verify_message}); "
                "give the broker's CA as ca_file and the host name that stands in its certificate",
                refused=True,
            )
        except ssl.SSLError as fault:
            self._lost(f"{self.address}: no TLS: {fault.reason or fault}", refused=True)
        except OSError as fault:
            self._lost(f"{self.address}: {fault.strerror or fault}", refused=False)

    def _give_up(self, client: BufferedClient) -> None:
        """The socket is open and the broker says nothing; some do so when they do not know 5."""
        self._unanswered = UNANSWERED_MOST
        self._silence = f"it did not answer within {self._settings.connect_within_s:g} s"
        client.hang_up()
        client.loop_read()

    def _on_connect(
        self,
        client: mqtt.Client,
        _data: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._answered = True
        if reason.is_failure:
            self._refusal = reason
            return
        self.connected, self.connected_s, self.why, self.refused = True, time.monotonic(), "", False
        self._pause_s, self._unanswered = FIRST_PAUSE_S, 0
        self.send_at_most = int(getattr(properties, "ReceiveMaximum", NO_RECEIVE_MAXIMUM))
        if self._version == mqtt.MQTTv311 and self._settings.protocol == "auto" and not self._fell:
            self._fell = True
            self.news.append(News("protocol_311", f"{self.address} speaks MQTT 3.1.1 only"))
        if self._said:
            self.news.append(News("link_back", f"{self.address} answers again"))
        self._said.clear()
        self.resumed = flags.session_present
        if not self._topics:
            return
        if not flags.session_present:
            what = "session_lost" if self._ever else "session_new"
            detail = (
                f"the broker holds no session for {self.client_id}: what was published while we "
                "were away, and not yet taken by us, is not coming"
            )
            self.news.append(News(what, detail))
        self._ever = True
        if self._version == mqtt.MQTTv5:
            # Retained messages once, when the subscription is new, and not at each reconnect.
            options = SubscribeOptions(
                qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
            )
            client.subscribe([(topic, options) for topic in self._topics])
        else:
            client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: Any, _properties: Any
    ) -> None:
        for topic, reason in zip(self._topics, reasons, strict=False):
            if reason.is_failure:
                detail = f"{topic}: {reason}; let {self.client_id} read it in the broker's list"
                self.news.append(News("subscription_refused", detail))

    def _on_disconnect(
        self, _client: mqtt.Client, _data: Any, flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if self._refusal is not None:
            self._turned_away(self._refusal)
            return
        if not self._answered:
            self._unanswered += 1
            if self._unanswered >= UNANSWERED_MOST and self._settings.protocol == "auto":
                self._unanswered = 0
                self._switch()
            self._lost(f"{self.address}: {self._silence}", refused=False)
            return
        if flags.is_disconnect_packet_from_server:
            remedy = REMEDIES.get(reason.value)
            text = f"the broker ended the connection: {reason}" + (f"; {remedy}" if remedy else "")
            self._lost(f"{self.address}: {text}", refused=remedy is not None)
        else:
            self._lost(f"{self.address}: the connection broke", refused=False)

    def _turned_away(self, reason: ReasonCode) -> None:
        newer_refused = reason.value == UNSUPPORTED_PROTOCOL and self._version == mqtt.MQTTv5
        if newer_refused and self._settings.protocol == "auto":
            self._switch()
            self._due_s = 0.0
            return
        remedy = REMEDIES.get(reason.value, "ask the broker's owner")
        self._lost(f"{self.address} refuses us: {reason}; {remedy}", refused=True)

    def _switch(self) -> None:
        # paho cannot change its version in place, and this runs inside one of its callbacks; the
        # old client has closed its socket already and is dropped.
        five = self._version == mqtt.MQTTv5
        self._version = mqtt.MQTTv311 if five else mqtt.MQTTv5
        self._build()

    def _lost(self, why: str, refused: bool) -> None:
        self.connected, self.why, self.refused = False, why, refused
        self.epoch += 1
        what = "link_refused" if refused else "link_lost"
        if what not in self._said:
            self._said.add(what)
            self.news.append(News(what, why))
        spread = random.uniform(0.8, 1.2)
        self._due_s = time.monotonic() + self._pause_s * spread
        self._pause_s = min(self._settings.retry_at_most_s, self._pause_s * 2)

    def _listen(self, within_s: float, sock: Any) -> None:
        poll = select.poll()
        poll.register(self._ear, select.POLLIN)
        if sock is not None:
            writes = self.client.want_write() or self.client.unsent()
            poll.register(sock, select.POLLIN | (select.POLLOUT if writes else 0))
        poll.poll(max(0.0, within_s) * 1000)
        with contextlib.suppress(BlockingIOError):
            self._ear.recv(4096)


def _no_sockets() -> tuple[socket.socket, socket.socket]:
    """A closed pair, so that `wake` and `close` are safe before `open`."""
    bell, ear = socket.socketpair()
    bell.close()
    ear.close()
    return bell, ear
