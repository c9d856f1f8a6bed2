"""A hub and the API beside it, as processes on free loopback ports, and a caller."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import urllib3

from hub.control import call
from hub.ledger import LedgerReader
from hub.testing import wait_until
from hub.tokens import SCOPES, make
from tests.foreman_rig import GAUGE

GASHUB: Final = (sys.executable, "-m", "hub")
CONFIG: Final = """
[hub]
gateway = "gw-test"
state_dir = "{state}"
plugins = [{plugins}]
language = "en"
reserve_mib = 0
rule_pack = "{pack}"
[api]
port = {port}
{more}
"""
PACK: Final = Path(__file__).parent.parent / "config" / "rulepacks" / "example_city"
HOLD: Final = {
    "procedure": "indoor_hold",
    "medium": "air",
    "instruments": [dict(GAUGE)],
}


class Said(NamedTuple):
    """An answer, with its headers and its body, decoded where it is JSON."""

    status: int
    headers: Any
    body: Any

    @property
    def problem(self) -> str:
        return str(self.body["type"]).rpartition(":")[2]


def order(number: str = "WO-1", *steps: str, **more: Any) -> dict[str, Any]:
    tests = [{"step": step, "tests": [HOLD]} for step in steps or ("first", "second")]
    return {"number": number, "steps": tests, **more}


class House:
    """Both processes on one state folder; a test stops, kills and starts each as it likes."""

    def __init__(self, folder: Path, plugins: str = "", more: str = "", **api: Any) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.port = free_port()
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in api.items())
        self.config = folder / "gateway.toml"
        self.config.write_text(
            CONFIG.format(
                state=self.state,
                plugins=plugins,
                pack=PACK,
                port=self.port,
                more=f"{lines}\n{more}",
            )
        )
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.scheme = "https" if "certificate" in api else "http"
        self.http = urllib3.PoolManager(retries=False, timeout=30)
        self.count = 0
        self._starts = 0

    def __enter__(self) -> Self:
        self.start("run")
        self.start("api")
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("api", "run"):
            self.stop(name)
        self.http.clear()

    def start(self, name: str) -> None:
        """Start `run` (the hub), `api` or `inbox`, and wait until it answers."""
        self._starts += name == "api"
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [*GASHUB, name, str(self.config)],
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(self.folder)},
            )
        wait_until(lambda: self._answers(name), f"no {name}", within_s=60)

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> int:
        process = self._running.pop(name, None)
        if process is None:
            return 0
        process.send_signal(how)
        return process.wait(40)

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def _answers(self, name: str) -> bool:
        code = self._running[name].poll()
        assert code is None, (self.folder / f"{name}.log").read_text()
        if name == "run":
            try:
                return bool(self.ask("status"))
            except ConnectionError:
                return False
        if name == "api":
            listening = (self.folder / "api.log").read_text().count('"api_listening"')
            return listening == self._starts
        return "inbox_open" in (self.folder / f"{name}.log").read_text()

    def ask(self, do: str, /, **arguments: Any) -> Any:
        return call(self.state / "hub.sock", do, **arguments)

    def token(
        self, scopes: Sequence[str] = SCOPES, sites: Sequence[str] = (), client: str = "erp"
    ) -> str:
        """A new token; with sites it lacks the scopes that such a token cannot have."""
        new = make()
        if sites:
            scopes = [one for one in scopes if one not in ("staff:write", "instruments:write")]
        self.ask(
            "token.add", id=new.id, sha256=new.sha256, client=client, scopes=list(scopes),
            sites=list(sites), expires_us="4000000000000000", by="test",
        )  # fmt: skip
        return new.text

    def send(
        self, method: str, path: str, body: Any = None, token: str = "", **headers: str
    ) -> Said:
        """One request; a POST without `Idempotency_Key` gets a new one. `key=""`: none."""
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        if token:
            given["Authorization"] = f"Bearer {token}"
        if method == "POST" and "Idempotency-Key" not in given:
            self.count += 1
            given["Idempotency-Key"] = f"k-{self.count}"
        if given.get("Idempotency-Key") == "":
            del given["Idempotency-Key"]
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
        if isinstance(data, str):
            given.setdefault("Content-Type", "application/json")
        url = f"{self.scheme}://127.0.0.1:{self.port}{path}"
        answer = self.http.request(method, url, body=data, headers=given)
        is_json = "json" in answer.headers.get("content-type", "")
        return Said(answer.status, answer.headers, answer.json() if is_json else answer.data)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with LedgerReader(self.state) as reader:
            return reader.rows(query, values)

    def recorded(self, kind: str) -> int:
        """How many entries of a kind the log has."""
        with LedgerReader(self.state) as reader:
            return sum(1 for _ in reader.entries(kinds=(kind,)))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
