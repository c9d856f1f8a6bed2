"""A small authority: takes signed filings by HTTP, looks at them later, and can misbehave.

For tests and for whoever connects a gateway to a city. What it has taken is one line of a JSONL
file each, synced before it is answered, so that it knows it after a restart. Written from
docs/filing.md, and not from the plugin that speaks to it.

    python -m hub.simulate.authority --file authority.jsonl --public gateway.pub
"""

import argparse
import base64
import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Literal, Self

from hub.signing import (
    Scheme,
    SigningKey,
    VerifyingKey,
    digest_of,
    open_sealed,
    signing_key,
    verifying_key,
)
from hub.signing.envelope import Mode, SealBroken

LARGEST_BODY_BYTES: Final = 64 << 20
CLOCK_WITHIN_S: Final = 300
_IDLE_S: Final = 30.0
_LOOK_S: Final = 0.05
Cut = Literal["before_take", "after_take", "in_answer"]
"""Where a connection is cut: the filing not taken; taken and not answered; answered in half."""


@dataclass
class Faults:
    """Switches, changed at any time.

    cut_posts, cut_gets  where the next connections are cut; used up in order
    answers              status codes for the next requests, with a web page; used up in order
    reject               reasons, for every filing that is looked at from now on
    duplicate_of         another filing, for every filing that is sent from now on
    duplicate_status     with which it says so
    look_after           questions about a filing after which its result is there
    sign_wrongly         answers carry a signature of something else
    """

    cut_posts: list[Cut] = field(default_factory=list)
    cut_gets: list[Cut] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    reject: list[str] = field(default_factory=list)
    duplicate_of: str = ""
    duplicate_status: int = 200
    look_after: int = 1
    sign_wrongly: bool = False


class Authority:
    """The server and its file. Stop it and start it again: it knows what it has taken.

    public    the gateway's public key; "" takes unsigned filings
    private   its own key, for signed answers; "" for none
    envelope  mode and key of the bodies
    """

    def __init__(
        self,
        file: Path,
        *,
        port: int = 0,
        scheme: Scheme | None = None,
        public: str = "",
        private: str = "",
        envelope: tuple[Mode, bytes] | None = None,
        digest: Literal["sm3", "sha256"] = "sm3",
    ) -> None:
        self.file = file
        self.port = port
        self.faults = Faults()
        self.digest: Literal["sm3", "sha256"] = digest
        scheme = scheme or Scheme()
        self._public: VerifyingKey | None = verifying_key(scheme, public) if public else None
        self._private: SigningKey | None = signing_key(scheme, private) if private else None
        self._envelope = envelope
        self._lock = threading.RLock()
        self._nonces: set[str] = set()
        self.posts: Counter[str] = Counter()
        """Filing -> how often it was sent here with a good signature, cut ones included."""
        self.refused: Counter[str] = Counter()
        """Why requests were not listened to."""
        self.filings: dict[str, dict[str, Any]] = {}
        if file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                found = json.loads(line)
                self.filings[found["filing"]] = found
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Listen on loopback. After `stop` it listens on the same port again."""
        self._server = _Server(("127.0.0.1", self.port), self)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOK_S,), name="authority"
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Refuse connections. Safe twice."""
        server, self._server = self._server, None
        if server is None or self._thread is None:
            return
        server.shutdown()
        self._thread.join()
        server.server_close()

    # -- what the handler asks

    def believe(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
        """Why a request is not listened to; "" when it is."""
        digest = f"{self.digest}:{digest_of(self.digest, body)}"
        at_s, nonce = headers.get("x-timestamp", ""), headers.get("x-nonce", "")
        if headers.get("x-digest") != digest:
            return "digest"
        if not at_s.isdecimal() or abs(int(at_s) - time.time()) > CLOCK_WITHIN_S:
            return "timestamp"
        if self._public is not None:
            signed = f"{method}\n{target}\n{at_s}\n{nonce}\n{digest}".encode()
            try:
                signature = base64.b64decode(headers.get("x-signature", ""), validate=True)
            except ValueError:
                return "signature"
            if not self._public.verify(signed, signature):
                return "signature"
        with self._lock:
            if not nonce or nonce in self._nonces:
                return "nonce"
            self._nonces.add(nonce)
        return ""

    def take(self, filing: str, body: bytes) -> dict[str, Any]:
        """Take a filing that was sent: at most once."""
        with self._lock:
            self.posts[filing] += 1
            known = self.filings.get(filing)
            if known is not None:
                return {"filing": filing, "status": "duplicate", "duplicate_of": filing}
            if self.faults.duplicate_of:
                return self._keep(filing, body, "duplicate", duplicate_of=self.faults.duplicate_of)
            return self._keep(filing, body, "received")

    def result(self, filing: str) -> dict[str, Any]:
        """What has become of a filing; asking often enough has it looked at."""
        with self._lock:
            known = self.filings.get(filing)
            if known is None:
                return {"filing": filing, "status": "not_found"}
            known["asked"] += 1
            if known["status"] == "received" and known["asked"] >= self.faults.look_after:
                known["status"] = "rejected" if self.faults.reject else "accepted"
                known["reasons"] = list(self.faults.reject)
                known["receipt"] = f"BA-{sorted(self.filings).index(filing) + 1:06d}"
            shown = ("filing", "status", "receipt", "reasons", "duplicate_of")
            return {name: known[name] for name in shown if known.get(name)}

    def opened(self, body: bytes) -> bytes:
        """A body out of its envelope. raises SealBroken"""
        return body if self._envelope is None else open_sealed(*self._envelope, body)

    def signature(self, status: int, nonce: str, body: bytes) -> str:
        """Of an answer, in base64; "" without a key."""
        if self._private is None:
            return ""
        nonce = "another" if self.faults.sign_wrongly else nonce
        digest = f"{self.digest}:{digest_of(self.digest, body)}"
        return base64.b64encode(
            self._private.sign(f"{status}\n{nonce}\n{digest}".encode())
        ).decode()

    def next_of(self, faults: list[Any]) -> Any:
        """The next fault of a list, used up; None when there is none."""
        with self._lock:
            return faults.pop(0) if faults else None

    def _keep(self, filing: str, body: bytes, status: str, **more: str) -> dict[str, Any]:
        document = json.loads(body)
        kept = {"filing": filing, "status": status, "asked": 0, "document": document, **more}
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(kept, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.filings[filing] = kept
        return {name: kept[name] for name in ("filing", "status", *more)}


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, address: tuple[str, int], authority: Authority) -> None:
        self.authority = authority
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    server: _Server

    def do_POST(self) -> None:
        self._serve("POST", self.server.authority.faults.cut_posts)

    def do_GET(self) -> None:
        self._serve("GET", self.server.authority.faults.cut_gets)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """The file has it all."""

    def _serve(self, method: str, cuts: list[Any]) -> None:
        authority = self.server.authority
        self.close_connection = True  # a kept one would outlive `stop`
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        cut: Cut | None = authority.next_of(cuts)
        if cut == "before_take":
            self._cut()
            return
        status = authority.next_of(authority.faults.answers)
        if status is not None:
            self._answer(status, b"<html>gateway</html>", "text/html", headers, cut)
            return
        why = authority.believe(method, self.path, headers, body)
        filing = headers.get("x-filing", "")
        if why:
            authority.refused[why] += 1
            answer, status = {"code": why}, 401
        elif method == "POST":
            try:
                answer, status = authority.take(filing, authority.opened(body)), 200
                if answer["status"] == "duplicate":
                    status = authority.faults.duplicate_status
            except (SealBroken, ValueError):
                authority.refused["body"] += 1
                answer, status = {"code": "body"}, 400
        else:
            answer = authority.result(filing)
            status = 404 if answer["status"] == "not_found" else 200
        if cut == "after_take":
            self._cut()
            return
        told = json.dumps(answer, ensure_ascii=False).encode()
        self._answer(status, told, "application/json", headers, cut)

    def _cut(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(
        self, status: int, body: bytes, kind: str, headers: Mapping[str, str], cut: Cut | None
    ) -> None:
        authority = self.server.authority
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        signature = authority.signature(status, headers.get("x-nonce", ""), body)
        if signature:
            self.send_header("x-signature", signature)
        self.end_headers()
        if cut == "in_answer":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self._cut()
        else:
            self.wfile.write(body)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a process until SIGTERM; the first line on stdout is the address."""
    parser = argparse.ArgumentParser(prog="authority", description="A small authority for tests.")
    parser.add_argument("--file", type=Path, required=True, help="where every filing is kept")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--public", type=Path, help="the gateway's public key, for SM2 with SM3")
    parser.add_argument("--look-after", type=int, default=1, help="questions until the result")
    given = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    public = given.public.read_text(encoding="ascii") if given.public else ""
    with Authority(given.file, port=given.port, public=public) as authority:
        authority.faults.look_after = given.look_after
        sys.stdout.write(json.dumps({"url": authority.url, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
