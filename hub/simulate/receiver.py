"""A small CRM: takes signed events by HTTP, keeps every request, and can be made to misbehave.

It stands in for the company's system in the demo, the tests and the bench. Every request is one
line of a JSONL file, synced before it is answered: what was accepted is counted from that file
and from nothing else. An event is acted on once per Idempotency-Key; a repeat gets the first
answer's receipt.

    python3 mock_receiver.py --file crm.jsonl --port 8800

(of the kit; in a checkout `python -m hub.simulate.receiver` with the same words). POST /faults with
some switches of `Faults` as JSON sets those; it answers 200 with all of them as they stand, or 400
and changes nothing. It stands alone, and needs Python 3.9 or newer.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import re
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing import Self

LARGEST_BODY_BYTES = 1_048_576
IDLE_CONNECTION_S = 30.0
DRIP_EVERY_S = 0.05
LOOK_S = 0.05
LONGEST_DELAY_S = 3600.0


@dataclass
class Faults:
    """Switches, changed at any time. `cut` and `answers` act on events, one by one.

    answers        status codes for the next events; used up in order, then normal again
    answer_orders  status code for every event of an order
    headers        added to every answer that is not a 2xx
    page           body of every answer, sent as text/html; for large and senseless answers
    cut            share of accepted events whose reply is cut off
    delay_s        time before an event is looked at
    drip           answers come byte by byte and never end
    conflict_on_repeat  an event that is there already gets a 409 that names its key
    """

    answers: list[int] = field(default_factory=list)
    answer_orders: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    page: str = ""
    cut: float = 0.0
    delay_s: float = 0.0
    drip: bool = False
    conflict_on_repeat: bool = False


def _is_number(value: Any, most: float) -> bool:
    # A bool is an int in Python, and no number in JSON. NaN is in no range.
    return type(value) in (int, float) and 0 <= value <= most


def _is_status(value: Any) -> bool:
    return type(value) is int and 100 <= value <= 599


def _is_header(name: str, value: Any) -> bool:
    fits = isinstance(value, str) and value.isascii() and value.isprintable()
    return fits and bool(re.fullmatch("[A-Za-z0-9-]+", name))


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "answers": lambda value: isinstance(value, list) and all(map(_is_status, value)),
    "answer_orders": lambda value: isinstance(value, dict) and all(map(_is_status, value.values())),
    "headers": lambda value: (
        isinstance(value, dict) and all(_is_header(*one) for one in value.items())
    ),
    "page": lambda value: isinstance(value, str),
    "cut": lambda value: _is_number(value, 1),
    "delay_s": lambda value: _is_number(value, LONGEST_DELAY_S),
    "drip": lambda value: isinstance(value, bool),
    "conflict_on_repeat": lambda value: isinstance(value, bool),
}
"""Switch -> whether a value is one that it can have."""


class Request(NamedTuple):
    """One stored request. `accepted` says that its effect was made durable, answered or not."""

    key: str
    order: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    accepted: bool
    cut: bool


class Receiver:
    """The server and its file. Stop it and start it again: it knows what it has accepted.

    port  0 takes a free one at the first start and keeps it
    tls   the server's side of TLS; None for plain HTTP
    """

    def __init__(
        self, file: Path, port: int = 0, tls: ssl.SSLContext | None = None, seed: int = 0
    ) -> None:
        self.file = file
        self.port = port
        self.faults = Faults()
        self._tls = tls
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._receipts: dict[str, str] = {}
        self._arrived = threading.Condition()
        self._count = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        for request in stored(file):
            self._count += 1
            if request.accepted:
                self._receipts.setdefault(request.key, self._next_receipt())

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}/events"

    def start(self) -> Self:
        """Listen on loopback. After `stop` it listens on the same port again."""
        self._server = _Server(self, self.port, self._tls)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(LOOK_S,), name="receiver"
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Refuse connections and drop those that are open. Safe twice."""
        server, self._server = self._server, None
        if server is None or self._thread is None:
            return
        server.shutdown()
        self._thread.join()
        server.drop()
        server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_for(self, requests: int, within_s: float = 60.0) -> None:
        """Return once this many requests have been stored.

        raises  TimeoutError saying how many there are
        """
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._count >= requests, within_s):
                raise TimeoutError(f"{self._count} requests of {requests} in {within_s} s")

    def receipt_for(self, key: str) -> str | None:
        """The receipt of an event that was accepted before."""
        return self._receipts.get(key)

    def fault(self, order: str) -> int:
        """Status that a switch demands for this event; 0 for none."""
        with self._lock:
            if order in self.faults.answer_orders:
                return self.faults.answer_orders[order]
            return self.faults.answers.pop(0) if self.faults.answers else 0

    def cuts(self) -> bool:
        with self._lock:
            return self._chance.random() < self.faults.cut

    def store(self, request: Request) -> str:
        """Make one request durable; returns the receipt when it is accepted."""
        line = {
            **request._asdict(),
            "headers": dict(request.headers),
            "body": base64.b64encode(request.body).decode(),
        }
        with self._lock:
            if request.accepted:
                self._receipts.setdefault(request.key, self._next_receipt())
            with self.file.open("ab") as file:
                file.write(json.dumps(line).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        with self._arrived:
            self._count += 1
            self._arrived.notify_all()
        return self._receipts.get(request.key, "")

    def _next_receipt(self) -> str:
        return f"CRM-{len(self._receipts) + 1:06d}"


def stored(file: Path) -> Iterator[Request]:
    """The requests in a receiver's file, in the order they came. A torn last line is left out."""
    if not file.exists():
        return
    with file.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return  # while it is being written: the rest of it would come as the next line
            found = json.loads(line)
            yield Request(**{**found, "body": base64.b64decode(found["body"])})


def heads(file: Path) -> list[str]:
    """The signed heads of the ledger in a receiver's file: one came with each event."""
    return [json.loads(one.body)["data"]["ledger"]["checkpoint"] for one in stored(file)]


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, receiver: Receiver, port: int, tls: ssl.SSLContext | None) -> None:
        self.receiver = receiver
        self.stopping = threading.Event()
        self._tls = tls
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # The handshake belongs to the connection's thread: a silent client must hold up no other.
        self._open.add(request)
        try:
            if self._tls is not None:
                request.settimeout(IDLE_CONNECTION_S)
                plain, request = request, self._tls.wrap_socket(request, server_side=True)
                self._open.discard(plain)
                self._open.add(request)
            super().process_request_thread(request, client_address)
        except OSError:
            request.close()
        finally:
            self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what this server is for."""

    def drop(self) -> None:
        self.stopping.set()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_CONNECTION_S
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        receiver, faults = self.server.receiver, self.server.receiver.faults
        length = self.headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,15}", length) or int(length) > LARGEST_BODY_BYTES:
            self.close_connection = True
            self._answer(413, {"code": "too_large"})
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path == "/faults":
            self._switch(body)
            return
        key = headers.get("idempotency-key", "")
        order = _order(body)
        self.server.stopping.wait(faults.delay_s)
        known = receiver.receipt_for(key)
        status = receiver.fault(order) or (409 if known and faults.conflict_on_repeat else 200)
        accepted = 200 <= status < 300 or bool(known and status == 409)
        cut = accepted and receiver.cuts()
        receipt = receiver.store(Request(key, order, headers, body, status, accepted, cut))
        if cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif accepted:
            self._answer(status, {"receipt": receipt, "key": key})
        else:
            self._answer(status, {"code": f"fault_{status}"}, faults.headers)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """The file has it all."""

    def _switch(self, body: bytes) -> None:
        faults = self.server.receiver.faults
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            self._plain(400, {"code": "not_an_object"})
            return
        for name, value in given.items():
            if name not in _FITS:
                self._plain(400, {"code": "unknown_fault", "name": name})
                return
            if not _FITS[name](value):
                self._plain(400, {"code": "wrong_value", "name": name})
                return
        for name, value in given.items():
            setattr(faults, name, value)
        self._plain(200, asdict(faults))

    def _plain(self, status: int, answer: Mapping[str, Any]) -> None:
        """An answer that no fault acts on."""
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(
        self, status: int, answer: Mapping[str, str], more: Mapping[str, str] | None = None
    ) -> None:
        faults = self.server.receiver.faults
        body = (faults.page or json.dumps(answer)).encode()
        self.send_response(status)
        kind = "text/html" if faults.page else "application/json"
        for name, value in {"content-type": kind, **(more or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        if not faults.drip:
            self.end_headers()
            self.wfile.write(body)
            return
        for byte in b"x-drip: " + b"." * 4096:
            if self.server.stopping.wait(DRIP_EVERY_S):
                break
            self.wfile.write(bytes([byte]))


def _order(body: bytes) -> str:
    try:
        event = json.loads(body)
    except ValueError:
        return ""
    return str(event.get("subject", "")) if isinstance(event, dict) else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a process until SIGTERM; the first line on stdout is the address."""
    parser = argparse.ArgumentParser(prog="receiver", description="A small CRM for demo and tests.")
    parser.add_argument("--file", type=Path, required=True, help="where every request is kept")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--cut", type=float, default=0.0, help="share of replies cut off")
    parser.add_argument("--seed", type=int, default=0, help="of what is decided by chance")
    given = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Receiver(given.file, given.port, seed=given.seed) as receiver:
        receiver.faults.cut = given.cut
        sys.stdout.write(json.dumps({"url": receiver.url, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
