"""A receiver of gashub events that is complete, and small enough to be carried over.

    python3 receiver.py PORT SECRET FILE

SECRET is `whsec_` and base64, as agreed with the gateway's operator. PORT 0 takes a free one; the
first line on stdout is the address. Events are kept in FILE, an SQLite database. Needs nothing but
Python 3.9 or newer.
"""

import base64
import hashlib
import hmac
import json
import re
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE_S = 300
LARGEST_BODY_BYTES = 1_048_576
NUMBER = re.compile("[0-9]{1,15}")


def key_of(secret: str) -> bytes:
    """The key that a secret stands for; empty where it is no secret."""
    if not secret.startswith("whsec_"):
        return b""
    try:
        return base64.b64decode(secret[len("whsec_") :], validate=True)
    except ValueError:
        return b""


def verify(headers: Any, body: bytes, secret: str, now_s: float) -> bool:
    """Whether one of the signatures is ours, over these very bytes and this idempotency-key, and
    not too old or early.

    headers  with `get`; names in lower case
    body     the raw bytes, before anything has parsed them
    """
    sent_at = headers.get("webhook-timestamp") or ""
    # No more digits than a time has: thousands of them are no number in Python, but a ValueError.
    if not NUMBER.fullmatch(sent_at) or abs(now_s - int(sent_at)) > TOLERANCE_S:
        return False
    id_ = headers.get("webhook-id") or ""
    # Only webhook-id is signed: under another key an old event would be a new one.
    if headers.get("idempotency-key") != id_:
        return False
    key = key_of(secret)
    signed = f"{id_}.{sent_at}.".encode() + body
    expected = hmac.new(key, signed, hashlib.sha256).digest()
    for one in (headers.get("webhook-signature") or "").split():
        version, _, text = one.partition(",")
        try:
            given = base64.b64decode(text, validate=True)
        except ValueError:
            continue
        if version == "v1" and hmac.compare_digest(given, expected):
            return True
    return False


class Store:
    """Events by their key. What `take` has returned is on the disk."""

    def __init__(self, file: str) -> None:
        self._lock = threading.Lock()
        self._sql = sqlite3.connect(file, check_same_thread=False)
        self._sql.execute("PRAGMA journal_mode = WAL")
        self._sql.execute("PRAGMA synchronous = FULL")
        self._sql.execute(
            "CREATE TABLE IF NOT EXISTS events (n INTEGER PRIMARY KEY, key TEXT UNIQUE, body BLOB)"
        )

    def take(self, key: str, body: bytes) -> str:
        """Store an event, unless its key is known; returns the receipt, the same each time.

        Your own work comes later, from what is stored here: so a fault of it loses no event.
        """
        with self._lock, self._sql:
            self._sql.execute("INSERT OR IGNORE INTO events (key, body) VALUES (?,?)", (key, body))
            (number,) = self._sql.execute("SELECT n FROM events WHERE key=?", (key,)).fetchone()
        return f"R-{number:06d}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    secret = ""
    store: Store

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not NUMBER.fullmatch(length) or int(length) > LARGEST_BODY_BYTES:
            self.close_connection = True
            self.answer(413, {"code": "too_large"})
            return
        body = self.rfile.read(int(length))
        key = self.headers.get("webhook-id", "")
        if not verify(self.headers, body, self.secret, time.time()):
            self.answer(401, {"code": "signature"})
            return
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            event = None
        if not key or not isinstance(event, dict):
            self.answer(400, {"code": "not_an_event"})
            return
        # Unknown fields and unknown types are taken as well: that is how the contract grows.
        self.answer(200, {"receipt": self.store.take(key, body), "key": key})

    def answer(self, status: int, said: dict[str, str]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    if len(sys.argv) != 4 or not sys.argv[1].isdecimal() or not key_of(sys.argv[2]):
        sys.stderr.write(str(__doc__))
        sys.exit(2)
    port, Handler.secret, file = sys.argv[1:]
    try:
        Handler.store = Store(file)
        server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    except (OSError, OverflowError, sqlite3.Error) as fault:
        sys.stderr.write(f"cannot start at port {port} with {file}: {fault}\n")
        sys.exit(2)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}/\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
