"""One connection to an MQTT broker, run by the thread that uses it. For plugins that speak MQTT.

The client is paho-mqtt, driven through its documented external loop (`loop_read`, `loop_write`,
`loop_misc`) instead of its own thread: the connection has one owner, and a message costs no
hand-over between threads. Bytes go through a buffer on either side (`hub.mqtt.wire`), because paho
by itself makes three system calls for every message it receives.
"""

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from hub.dialling import AddressRefused
from hub.model import LinkState, Site
from hub.mqtt.reasons import (
    PASSING,
    REMEDIES,
    TAKEN_OVER,
    UNSUPPORTED_PROTOCOL,
    in_words,
    remedy,
    same_name,
)
from hub.mqtt.settings import BrokerSettings
from hub.mqtt.standing import Standing
from hub.mqtt.wire import Arrival, BufferedClient

UNANSWERED_MOST = 2
"""Connections that end before any answer, after which the other protocol version is tried."""
MESSAGES_PER_TURN = 500

NO_RECEIVE_MAXIMUM = 65535
PROTOCOL_ERROR = 0x82
UNREADABLE = "its answer to our CONNECT cannot be read, or refuses this version of MQTT"
CLOSED = "the connection was closed or broke"
BROKEN = {
    PROTOCOL_ERROR: "it sent what is no MQTT, and we closed the connection",
    0x8D: "it did not answer our pings, and we closed the connection",
}
"""Ends without a word from the broker, by the reason that paho gives."""


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
        self._unanswered = 0
        self._answered = False
        self._asked_s = 0.0
        self._silence = ""
        self._refusal: tuple[ReasonCode, Properties | None] | None = None
        self._fell = False
        self.client_id = settings.client_id or f"gashub-{site.gateway}-{name}"
        self._standing = Standing(
            self.address, self.client_id, settings.retry_at_most_s, site.clock.now_us
        )
        self.news = self._standing.news
        """What changed, oldest first; whoever reads it takes it off."""
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
    def state(self) -> LinkState:
        """How the link stands; any thread may look."""
        return self._standing.state

    @property
    def address(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    @property
    def client(self) -> BufferedClient:
        assert self._client is not None, "open the link first"
        return self._client

    def open(self) -> None:
        """Get ready. The first `turn` connects, unless the pause after a lost connection lasts.

        raises  ConfigError for unusable TLS or secret
        """
        self.close()
        self.refused = False
        self._build()
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        self._standing.opened()

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
        now_s = time.monotonic()
        if self.connected:
            self._standing.lasts(now_s - self.connected_s)
        elif client.socket() and now_s - self._asked_s > self._settings.connect_within_s:
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
        if self.connected:
            self._standing.closed()
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
            clean_session=None if five else settings.session_expiry_s == 0,
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
        except AddressRefused as refusal:
            self._lost(str(refusal), refused=True)
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
            self._refusal = (reason, properties)
            return
        self.connected, self.connected_s, self.why, self.refused = True, time.monotonic(), "", False
        self._unanswered = 0
        self.send_at_most = int(getattr(properties, "ReceiveMaximum", NO_RECEIVE_MAXIMUM))
        if self._version == mqtt.MQTTv311 and self._settings.protocol == "auto" and not self._fell:
            self._fell = True
            self._standing.say("protocol_311", f"{self.address} speaks MQTT 3.1.1 only")
        self.resumed = flags.session_present
        self._standing.connected(session_present=flags.session_present)
        if not self._topics:
            return
        self._standing.session(present=flags.session_present)
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
                self._standing.say("subscription_refused", detail)

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _data: Any,
        flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self._refusal is not None:
            self._turned_away(*self._refusal)
            return
        if not self._answered:
            self._unanswered += 1
            if self._unanswered >= UNANSWERED_MOST and self._settings.protocol == "auto":
                self._unanswered = 0
                self._switch()
            silence = UNREADABLE if reason.value == PROTOCOL_ERROR else self._silence
            self._lost(f"{self.address}: {silence}", refused=False)
            return
        if not flags.is_disconnect_packet_from_server:
            self._lost(f"{self.address}: {BROKEN.get(reason.value, CLOSED)}", refused=False)
            return
        code, words = reason.value, in_words(reason, properties)
        to_do = same_name(self.client_id) if code == TAKEN_OVER else remedy(code)
        why = f"{self.address}: the broker ended the connection: {words}"
        self._lost(
            f"{why}; {to_do}" if to_do else why,
            refused=code in REMEDIES,
            taken_over=code == TAKEN_OVER,
        )

    def _turned_away(self, reason: ReasonCode, properties: Properties | None) -> None:
        newer_refused = reason.value == UNSUPPORTED_PROTOCOL and self._version == mqtt.MQTTv5
        if newer_refused and self._settings.protocol == "auto":
            self._switch()
            self._due_s = 0.0
            return
        to_do = remedy(reason.value) or "ask the broker's owner"
        why = f"{self.address} refuses us: {in_words(reason, properties)}; {to_do}"
        self._lost(why, refused=reason.value not in PASSING)

    def _switch(self) -> None:
        # paho cannot change its version in place, and this runs inside one of its callbacks; the
        # old client has closed its socket already and is dropped.
        five = self._version == mqtt.MQTTv5
        self._version = mqtt.MQTTv311 if five else mqtt.MQTTv5
        self._build()

    def _lost(self, why: str, *, refused: bool, taken_over: bool = False) -> None:
        age_s = time.monotonic() - self.connected_s if self.connected else None
        self.connected, self.refused = False, refused
        self.epoch += 1
        self.why, pause_s = self._standing.lost(
            why, age_s=age_s, refused=refused, taken_over=taken_over
        )
        self._due_s = time.monotonic() + pause_s

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
