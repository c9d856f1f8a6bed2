"""A process that answers as OData V4 says, with ETags, for one entity set kept in SQLite.

    python -m tests.stub_odata FILE [--cut SHARE] [--race N]

Prints its port. A cut answer is lost after the work was committed. Just before each of the first N
changes somebody else changes the entity. It wants If-Match (428 without, 412 when it is stale).
"""

import argparse
import json
import random
import re
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "good-token"
KNOWN = {"Text", "Code", "RequiredEnd", "Type", "ExternalReference", "Items"}


class Handler(BaseHTTPRequestHandler):
    file: str
    cut: float
    dice: random.Random
    races: list[int]

    def do_GET(self) -> None:
        if not self.admitted():
            return
        asked = parse_qs(urlsplit(self.path).query)["$filter"][0]
        found = re.fullmatch(r"ExternalReference eq '(.*)'", asked)
        assert found is not None, asked
        with self.open() as sql:
            rows = sql.execute(
                "SELECT id, version, body FROM entities WHERE reference = ?",
                (found[1].replace("''", "'"),),
            ).fetchall()
        self.answer(200, {"value": [shown(*row) for row in rows]})

    def do_POST(self) -> None:
        given = self.given()
        if not self.admitted():
            return
        if strange := given.keys() - KNOWN:
            self.answer(400, {"error": {"code": "UNKNOWN_PROPERTY", "message": min(strange)}})
            return
        with self.open() as sql:
            sql.execute(
                "INSERT INTO entities (reference, body) VALUES (?, ?)",
                (given["ExternalReference"], json.dumps(given)),
            )
        self.answer(201, given)

    def do_PATCH(self) -> None:
        given = self.given()
        if not self.admitted():
            return
        (id,) = re.findall(r"Notifications\((\d+)\)$", unquote(self.path))
        status = self.changed(id, given, self.headers["if-match"])
        said = {"error": {"code": str(status), "message": ""}}
        self.answer(status, given if status == 200 else said)

    def changed(self, id: str, given: dict[str, Any], match: str | None) -> int:
        """The status; it is told after the commit, so that whoever hears it finds it so."""
        with self.open() as sql:
            if self.races:
                self.races.pop()
                sql.execute("UPDATE entities SET version = version + 1 WHERE id = ?", (id,))
            row = sql.execute("SELECT version, body FROM entities WHERE id = ?", (id,)).fetchone()
            if match is None:
                return 428
            if match != f'W/"{row[0]}"':
                return 412
            body = json.dumps({**json.loads(row[1]), **given})
            sql.execute(
                "UPDATE entities SET version = version + 1, body = ? WHERE id = ?", (body, id)
            )
            return 200

    def open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.file, timeout=30)

    def given(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
        return read

    def admitted(self) -> bool:
        if not self.path.startswith("/maintenance/Notifications"):
            self.answer(404, {"error": {"code": "404", "message": ""}})
        elif self.headers["authorization"] != f"Bearer {TOKEN}":
            self.answer(401, {"error": {"code": "401", "message": ""}})
        else:
            return True
        return False

    def answer(self, status: int, told: object) -> None:
        if self.dice.random() < self.cut:
            self.close_connection = True
            return
        raw = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json;odata.metadata=minimal")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        """Quiet."""


def shown(id: int, version: int, body: str) -> dict[str, Any]:
    where = {"@odata.id": f"Notifications({id})", "@odata.etag": f'W/"{version}"'}
    return {**where, **json.loads(body)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--cut", type=float, default=0)
    parser.add_argument("--race", type=int, default=0)
    asked = parser.parse_args()
    with sqlite3.connect(asked.file) as sql:
        sql.execute(
            "CREATE TABLE IF NOT EXISTS entities (id INTEGER PRIMARY KEY, reference, version"
            " DEFAULT 1, body)"
        )
    given = {
        "file": asked.file,
        "cut": asked.cut,
        "dice": random.Random(3),
        "races": [0] * asked.race,
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Stub", (Handler,), given))
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
