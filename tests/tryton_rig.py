"""What the tests with a real Tryton share: parcels, a sink, and a proxy that loses answers."""

import contextlib
import json
import socket
import socketserver
import threading
from collections.abc import Callable
from operator import itemgetter
from typing import Any, Self
from urllib.parse import urlsplit

from ulid import ULID

from hub.clock import HandClock
from hub.events import verdict_event
from hub.happenings import news_event
from hub.model import Delivery, Parcel, Site
from hub.simulate.scribe import GATEWAY, sample_record
from hub.simulate.tryton import TrytonServer
from plugins.tryton.settings import TrytonSettings
from plugins.tryton.sink import Tryton

CHECKPOINT = "gashub/gw-test\n1\n" + "A" * 43 + "=\n\n— gashub/gw-test " + "A" * 92 + "\n"
AFTER = HandClock().now_us() + 1
"""When parcels are made: after the sink, so that they need not wait for what was before it."""


def tryton(server: TrytonServer, gateway: str = "gw-test", **given: Any) -> Tryton:
    """A sink towards *server*, opened; it waits for nothing unless the test says so."""
    plain = {"url": server.url, "key": "k", "company": "GAS", "allow_plain_http": True,
             "lan": ("127.0.0.0/8",)}  # fmt: skip
    settings = TrytonSettings.model_validate({**plain, "settle_s": 0, **given})
    sink = Tryton("tryton", settings, Site(gateway, HandClock(), lambda _: server.key))
    sink.open()
    return sink


def number() -> str:
    """An order that no other test knows."""
    return f"T-{ULID()}"


def verdict(order: str, word: str = "PASS", **changed: Any) -> Parcel:
    record = sample_record(order, AFTER, verdict=word, **changed)
    event = verdict_event(GATEWAY, {**record, "entry": 0}, CHECKPOINT)
    return Parcel(str(ULID()), "tryton", f"{event.id}-tryton", order, "verdict", event.body, AFTER)


def step(order: str, kind: str = "hazard", what: str = "opened", **more: Any) -> Parcel:
    body = {
        "order": order,
        "kind": kind,
        "what": what,
        "phase": "open",
        "user_class": "residential",
        "at": "2026-11-30T08:00:00Z",
        **({"code": "L2-3", "level": "2"} if kind == "hazard" else {}),
        **more,
    }
    event = news_event(GATEWAY, body, 0, CHECKPOINT)
    return Parcel(str(ULID()), "tryton", f"{event.id}-tryton", order, event.kind, event.body, AFTER)


def put(sink: Tryton, parcel: Parcel) -> str:
    """The receipt. raises AssertionError when it was not taken"""
    delivery = sink.deliver([parcel], parcel.id)
    assert parcel.id in delivery.taken, delivery
    return delivery.taken[parcel.id]


def untaken(delivery: Delivery) -> str:
    """Why the one parcel was not taken."""
    (why,) = [*delivery.refused.values(), *delivery.waiting.values()]
    return why


def inspections(server: TrytonServer, order: str) -> list[dict[str, Any]]:
    return server.find(
        "quality.inspection", "reference", "state", "points", "number",
        domain=[["reference", "like", f"{order} %"]],
    )  # fmt: skip


def notes(server: TrytonServer, order: str) -> list[str]:
    """The notes on the task of an order, oldest first."""
    tasks = server.find("project.work", "id", domain=[["name", "=", order]])
    assert len(tasks) == 1, tasks
    found = server.find(
        "ir.note", "id", "message", domain=[["resource", "=", f"project.work,{tasks[0]['id']}"]]
    )
    return [str(one["message"]) for one in sorted(found, key=itemgetter("id"))]


class Proxy:
    """Between sink and server: asks *mishap* about each request, by its number and its head.

    A mishap is "" (none), "cut" (the server has acted, its answer is lost), or "hold" (the client
    hears nothing; the request reaches the server when `let_go` is set).
    """

    def __init__(self, server: TrytonServer, mishap: Callable[[int, str], str]) -> None:
        self.let_go = threading.Event()
        self.held = threading.Event()
        """A held request has reached the server and was answered."""
        self.seen: list[str] = []
        self._to = urlsplit(server.url)
        self._mishap = mishap
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    proxy.pass_on(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{self._to.path}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def pass_on(self, client: socket.socket) -> None:
        head, request = whole(client)
        self.seen.append(head)
        mishap = self._mishap(len(self.seen), head)
        if mishap == "hold":
            client.close()
            assert self.let_go.wait(60)
        with socket.create_connection((self._to.hostname, self._to.port)) as server:
            server.sendall(request)
            answer = b"".join(iter(lambda: server.recv(65536), b""))
        if mishap == "hold":
            self.held.set()
        elif not mishap:
            client.sendall(answer)


def whole(client: socket.socket) -> tuple[str, bytes]:
    """The first line and all bytes of one request, told not to keep the connection."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += client.recv(65536) or b"\r\n\r\n"
    head, _, body = read.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    size = next((int(x.split(":")[1]) for x in lines if x.lower().startswith("content-length")), 0)
    while len(body) < size:
        body += client.recv(65536)
    lines = [x for x in lines if not x.lower().startswith("connection:")]
    head = "\r\n".join([*lines, "Connection: close"]).encode("latin-1")
    return lines[0], head + b"\r\n\r\n" + body


def order_file() -> bytes:
    """What somebody at Tryton attaches to a task."""
    return json.dumps(
        {
            "number": "whatever",
            "procedure": "indoor_hold",
            "instruments": [{"name": "pm-1", "quantity": "pressure"}],
        }
    ).encode()
