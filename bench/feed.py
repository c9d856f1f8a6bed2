"""A publisher that costs little: QoS 1 over raw sockets, paced, with the time of every send.

    python bench/feed.py --port 1883 --count 50000 [--rate 1000] [--spike-every 51] [--times FILE]

Readings are numbered through all instruments and go round them: reading k is of instrument
k % INSTRUMENTS. With --spike-every N the quantity is gas and every N-th reading is over the work
limit. --times FILE gets the CLOCK_MONOTONIC nanoseconds of each send, as 64-bit words.
"""

import argparse
import array
import select
import socket
import struct
import sys
import time
from pathlib import Path

CONNECTIONS = 4
WINDOW = 250
"""Unanswered messages per connection, at most."""
CHUNK = 64


def connect(port: int, client_id: str, *, clean: bool = True) -> socket.socket:
    """An MQTT 3.1.1 connection on the loopback."""
    sock = socket.create_connection(("127.0.0.1", port), 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = b"\x00\x04MQTT\x04" + bytes([2 if clean else 0]) + b"\x00\x00" + text(client_id.encode())
    sock.sendall(b"\x10" + length(len(body)) + body)
    answer = sock.recv(4)
    if len(answer) != 4 or answer[3]:
        raise SystemExit(f"the broker refuses: {answer!r}")
    return sock


def keep_session(port: int, client_id: str, topic: str) -> None:
    """Leave a subscription at the broker, so that it keeps messages for *client_id*."""
    sock = connect(port, client_id, clean=False)
    body = b"\x00\x01" + text(topic.encode()) + b"\x01"
    sock.sendall(b"\x82" + length(len(body)) + body)
    answer = sock.recv(5)
    if answer[:1] != b"\x90":
        raise SystemExit(f"no answer to the subscription: {answer!r}")
    sock.sendall(b"\xe0\x00")
    sock.close()


class Feed:
    """Some connections, each with its own window; instruments are spread over them."""

    def __init__(self, port: int, instruments: int, spike_every: int) -> None:
        self._lines = [connect(port, f"feed-{n}") for n in range(CONNECTIONS)]
        self._waiting = [0] * CONNECTIONS
        self._packets = [0] * CONNECTIONS
        self._rest = [b""] * CONNECTIONS
        self._names = [f"pm-{n:04d}" for n in range(instruments)]
        self._topics = [text(f"instruments/{name}/reading".encode()) for name in self._names]
        self._spike_every = spike_every

    def run(self, count: int, rate: float) -> "array.array[int]":
        """Publish *count* readings; returns when the broker has answered for all of them."""
        sent = array.array("q", bytes(8 * count))
        begin_s = time.perf_counter()
        k = 0
        while k < count:
            passed_s = time.perf_counter() - begin_s
            due = count if rate <= 0 else min(count, int(passed_s * rate) + 1)
            if due <= k:
                self._answers(max(0.0, min(0.02, k / rate - passed_s)))
                continue
            upto = min(due, k + CHUNK)
            now_ns = time.monotonic_ns()
            self._send(range(k, upto))
            for place in range(k, upto):
                sent[place] = now_ns
            k = upto
            self._answers(0)
            while max(self._waiting) >= WINDOW:
                self._answers(1)
        while any(self._waiting):
            self._answers(1)
        for line in self._lines:
            line.sendall(b"\xe0\x00")
            line.close()
        return sent

    def _send(self, numbers: range) -> None:
        out = [bytearray() for _ in self._lines]
        now_ns = time.time_ns()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ns // 10**9))
        stamp += f".{now_ns // 10**6 % 1000:03d}Z"
        for k in numbers:
            which = k % len(self._names)
            line = which % CONNECTIONS
            self._packets[line] = self._packets[line] % 65535 + 1
            body = self._topics[which] + struct.pack("!H", self._packets[line])
            body += self._payload(k, self._names[which], stamp)
            out[line] += b"\x32" + length(len(body)) + body
            self._waiting[line] += 1
        for line, data in zip(self._lines, out, strict=True):
            if data:
                line.sendall(data)

    def _payload(self, k: int, name: str, stamp: str) -> bytes:
        if self._spike_every:
            value = 25.0 if k % self._spike_every == self._spike_every - 1 else 1.0
            what = f'"gas","value":{value},"unit":"%LEL"'
        else:
            what = f'"pressure","value":{5000 + k % 1000 / 10:.1f},"unit":"Pa"'
        return f'{{"instrument":"{name}","quantity":{what},"ts":"{stamp}","seq":{k}}}'.encode()

    def _answers(self, within_s: float) -> None:
        ready, _, _ = select.select(self._lines, [], [], within_s)
        for sock in ready:
            line = self._lines.index(sock)
            data = sock.recv(65536)
            if not data:
                raise SystemExit("the broker closed the publisher's connection")
            data = self._rest[line] + data
            whole = len(data) // 4 * 4  # a PUBACK of MQTT 3.1.1 is four bytes
            self._waiting[line] -= whole // 4
            self._rest[line] = data[whole:]


def text(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data


def length(count: int) -> bytes:
    out = bytearray()
    while True:
        count, byte = divmod(count, 128)
        out.append(byte | 128 if count else byte)
        if not count:
            return bytes(out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0, help="a second; 0: as fast as it goes")
    parser.add_argument("--instruments", type=int, default=50)
    parser.add_argument("--spike-every", type=int, default=0)
    parser.add_argument("--times", type=Path)
    options = parser.parse_args()
    feed = Feed(options.port, options.instruments, options.spike_every)
    sent = feed.run(options.count, options.rate)
    if options.times is not None:
        options.times.write_bytes(sent.tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
