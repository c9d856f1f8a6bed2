"""A paho client made fit for a busy broker: bytes buffered both ways, and PUBLISH read directly.

paho reads a packet in three `recv` calls and writes each packet by itself. The socket it is
given here reads ahead and gathers what is written until `flush`. paho already knows sockets that
hold bytes back (`pending`, as TLS sockets have it), so nothing else changes.

For every MQTT 5 PUBLISH paho builds tables of all properties there are, which takes longer than
everything else the hub does with a reading. Its fixed part is read here instead.

The address is dialled by `hub.dialling`, as for every far side.

These replace private methods of paho (`_create_socket`, `_create_socket_connection`,
`_ssl_wrap_socket`, `_handle_publish`). A paho that no longer calls them works as before, only
slower, and dials by itself: the tests named after O10 would show it.
"""

import contextlib
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode

from hub.dialling import dial

READ_AHEAD = 65536
GATHER_AT_MOST = 1 << 20


class Arrival(NamedTuple):
    """One PUBLISH as it came; `packet` is its id (0 with QoS 0). Properties are not kept."""

    topic: bytes
    payload: bytes
    packet: int
    qos: int
    retain: bool
    dup: bool


class BufferedSocket:
    """What paho needs of a socket (`SocketLike` there), over a plain or a TLS one."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._read = b""
        self._at = 0
        self._write = bytearray()

    def recv(self, size: int) -> bytes:
        at = self._at
        if at >= len(self._read):
            if size >= READ_AHEAD:
                received: bytes = self._sock.recv(size)
                return received
            self._read = self._sock.recv(READ_AHEAD)
            at = 0
        taken = self._read[at : at + size]
        self._at = at + len(taken)
        return taken

    def pending(self) -> int:
        """Bytes that are here already, so that waiting for the socket would be wrong."""
        below = self._sock.pending() if hasattr(self._sock, "pending") else 0
        return len(self._read) - self._at + int(below)

    def send(self, data: bytes | bytearray) -> int:
        if len(self._write) >= GATHER_AT_MOST:
            self.flush()
            if len(self._write) >= GATHER_AT_MOST:
                raise BlockingIOError
        self._write += data
        return len(data)

    def flush(self) -> None:
        """Send what has been gathered, as far as the socket takes it now."""
        while self._write:
            sent = self._sock.send(self._write)
            del self._write[:sent]

    def unsent(self) -> int:
        return len(self._write)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # a goodbye is courtesy; the line may be gone
            self.flush()
        self._sock.close()

    def fileno(self) -> int:
        return int(self._sock.fileno())

    def setblocking(self, flag: bool) -> None:
        self._sock.setblocking(flag)


class BufferedClient(mqtt.Client):
    """paho's client over a `BufferedSocket`; for one thread, through `loop_read` and the rest."""

    def __init__(
        self, *args: Any, on_arrival: Callable[[Arrival], None] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._wire: BufferedSocket | None = None
        self._five = self.protocol == mqtt.MQTTv5
        self._on_arrival = on_arrival
        if on_arrival is not None:
            self.on_message = lambda _client, _data, message: on_arrival(_arrival(message))
        # With this set paho leaves the writing to `loop_write`, once for many packets.
        self.on_socket_register_write = lambda *_: None

    def _create_socket(self) -> Any:
        # `dial` has seen to it that the kernel does not hold back what we flush.
        sock: Any = super()._create_socket()
        self._wire = BufferedSocket(sock)
        return self._wire

    def _create_socket_connection(self) -> socket.socket:
        # No proxy, and no address that cannot be a broker. raises AddressRefused, OSError
        return dial(self.host, self.port, self.connect_timeout, None)

    def _ssl_wrap_socket(self, tcp_sock: Any) -> Any:
        # As paho has it, but a socket whose handshake failed is closed at once, not by chance.
        assert self._ssl_context is not None, "TLS without a context"
        sock = self._ssl_context.wrap_socket(
            tcp_sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        sock.settimeout(self.connect_timeout)
        try:
            sock.do_handshake()
        except OSError:
            sock.close()
            raise
        return sock

    def _handle_publish(self) -> MQTTErrorCode:
        command: int = self._in_packet["command"]
        body = bytes(self._in_packet["packet"])
        qos, packet, topic = command >> 1 & 3, 0, b""
        try:
            at = 2 + (body[0] << 8 | body[1])
            topic = body[2:at]
            if qos:
                packet = body[at] << 8 | body[at + 1]
                at += 2
            if self._five:
                at = _after_properties(body, at)
        except IndexError:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        if at > len(body):
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        if self._on_arrival is None or qos > 1:
            return super()._handle_publish()
        retain, dup = bool(command & 1), bool(command & 8)
        self._on_arrival(Arrival(topic, body[at:], packet, qos, retain, dup))
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def pending(self) -> int:
        """Bytes received and not yet looked at."""
        return self._wire.pending() if self._wire is not None and self.socket() else 0

    def unsent(self) -> int:
        return self._wire.unsent() if self._wire is not None and self.socket() else 0

    def flush(self) -> None:
        """Send what paho has written. A broken socket shows at the next read."""
        if self._wire is not None and self.socket() is not None:
            with contextlib.suppress(OSError):
                self._wire.flush()

    def hang_up(self) -> None:
        """Close the socket whatever state the connection is in."""
        if self._wire is not None:
            self._wire.close()


def _after_properties(body: bytes, at: int) -> int:
    """Where the payload begins: behind a length in up to four bytes (MQTT 5, 1.5.5) and so many."""
    length = shift = 0
    for place in range(at, at + 4):
        length |= (body[place] & 127) << shift
        if body[place] < 128:
            return place + 1 + length
        shift += 7
    raise IndexError


def _arrival(message: mqtt.MQTTMessage) -> Arrival:
    topic, payload = message.topic.encode(), bytes(message.payload)
    return Arrival(topic, payload, message.mid, message.qos, message.retain, message.dup)
