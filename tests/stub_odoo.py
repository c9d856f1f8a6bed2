"""A process that answers as Odoo's documentation says, and keeps what it was given in SQLite.

    python -m tests.stub_odoo FILE [--cut SHARE] [--seed N]

Prints its port. It is no Odoo: it knows `load`, `authenticate`, and two models. A cut answer is
lost after the work was committed.
"""

import argparse
import json
import random
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "good-key"
DATABASE = "gas"
FIELDS = {
    "maintenance.request": {
        *("name", "description", "kanban_state", "priority", "schedule_date"),
    },
    "ir.attachment": {"name", "datas", "mimetype", "res_model", "res_id"},
}


class Failed(Exception):
    """Answered as an exception of Odoo's: status and class."""

    def __init__(self, status: int, name: str) -> None:
        super().__init__(name)
        self.status = status
        self.name = name


class Handler(BaseHTTPRequestHandler):
    file: str
    cut: float
    dice: random.Random

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["content-length"])))
        rpc = self.path == "/jsonrpc"
        try:
            value = self.rpc(given["params"]) if rpc else self.json2(given)
            status, told = 200, {"jsonrpc": "2.0", "id": 1, "result": value} if rpc else value
        except Failed as failed:
            error = {"name": failed.name, "message": "张三 13800000000", "arguments": []}
            body = {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "data": error}}
            status, told = (200, body) if rpc else (failed.status, error)
        if self.dice.random() < self.cut:
            self.close_connection = True
            return
        raw = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def json2(self, given: dict[str, Any]) -> Any:
        if self.headers["authorization"] != f"bearer {KEY}":
            raise Failed(401, "werkzeug.exceptions.Unauthorized")
        if self.headers["x-odoo-database"] != DATABASE:
            raise Failed(404, "werkzeug.exceptions.NotFound")
        _, _, _, model, method = self.path.split("/")
        return self.do(model, method, given)

    def rpc(self, params: dict[str, Any]) -> Any:
        if params["service"] == "common":
            return 7 if params["args"][:3] == [DATABASE, "bot", KEY] else False
        database, user, key, model, method, _, given = params["args"]
        if (database, user, key) != (DATABASE, 7, KEY):
            raise Failed(200, "odoo.exceptions.AccessDenied")
        return self.do(model, method, given)

    def do(self, model: str, method: str, given: dict[str, Any]) -> Any:
        if method != "load" or model not in FIELDS:
            raise Failed(404, "werkzeug.exceptions.NotFound")
        (row,) = given["data"]
        record = dict(zip(given["fields"], row, strict=True))
        external = record.pop("id")
        if "raise" in str(record["name"]):
            raise Failed(422, f"odoo.exceptions.{record['name'].split()[0].split('-')[1]}")
        if strange := record.keys() - FIELDS[model]:
            return {"ids": False, "messages": [{"type": "error", "field": min(strange)}]}
        with sqlite3.connect(self.file, timeout=30) as sql:
            sql.execute(
                "INSERT INTO records (model, external, body) VALUES (?, ?, ?) ON CONFLICT"
                " (external) DO UPDATE SET body = excluded.body, writes = writes + 1",
                (model, external, json.dumps(record)),
            )
            (id,) = sql.execute("SELECT id FROM records WHERE external = ?", (external,)).fetchone()
        return {"ids": [id], "messages": [], "nextrow": 0}

    def log_message(self, *args: object) -> None:
        """Quiet."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--cut", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with sqlite3.connect(asked.file) as sql:
        sql.execute(
            "CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, model, external UNIQUE,"
            " body, writes DEFAULT 1)"
        )
    given = {"file": asked.file, "cut": asked.cut, "dice": random.Random(asked.seed)}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Stub", (Handler,), given))
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
