"""A real Tryton server on the loopback, for tests and benches: other people's program, in a folder
and a process of its own (`make strangers`).

Its database is prepared once per machine, under build/tryton/: modules, one company (party code
GAS), task numbers that begin with WO-, and the validated key of a REST application.
"""

import base64
import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

from hub.simulate.mosquitto import free_port

ROOT: Final = Path(__file__).parents[2]
HOME: Final = ROOT / "build" / "strangers" / "tryton"
PREPARED: Final = ROOT / "build" / "tryton"
DATABASE: Final = "gas"
MODULES: Final = ("party", "company", "project", "project_plan", "quality")
PASSWORD: Final = "only-on-the-loopback"  # noqa: S105 - of a server that lives for one test
READY_WITHIN_S: Final = 60.0
_LOOK_S: Final = 0.05


class TrytonServer:
    """One server process on one database. Leave the `with` block and it is gone.

    folder    for its database, config and log
    database  address of a database server, with a prepared database `gas`; absent: SQLite, a copy
              of the prepared file
    key       of a database that was not prepared by `prepared()`
    """

    def __init__(self, folder: Path, database: str = "", key: str = "") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/{DATABASE}"
        self.log = folder / "tryton.log"
        self.config = folder / "trytond.conf"
        folder.mkdir(parents=True, exist_ok=True)
        if not database:
            shutil.copy(prepared(), folder / f"{DATABASE}.sqlite")
            key = (PREPARED / "key").read_text()
        self.key = key
        write_config(self.config, self.port, database or "sqlite://")
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers. raises AssertionError with its last words"""
        self.process = serve(self.config, self.log)
        _wait_ready(self.process, self.port, self.log)

    def kill(self) -> None:
        """End it by kill -9."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # -- what a person at Tryton does, and sees

    def find(self, model: str, *fields: str, domain: Sequence[Any] = ()) -> list[dict[str, Any]]:
        packed = base64.urlsafe_b64encode(json.dumps(list(domain)).encode()).decode()
        asked = "&".join(f"f={quote(field)}" for field in fields)
        found: list[dict[str, Any]] = self.ask("GET", f"{model}?d={packed}&{asked}")
        return found

    def create(self, model: str, **values: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.ask("POST", model, values)
        return made

    def ask(self, method: str, target: str, values: Mapping[str, Any] | None = None) -> Any:
        head = {"authorization": f"Bearer {self.key}"}
        return call(method, f"{self.url}/rest/model/{target}", values, head)


def environment() -> dict[str, str]:
    """Of a process that finds Tryton's folder before our libraries.

    raises  AssertionError when the folder is not there
    """
    assert (HOME / ".ready").exists(), f"{HOME} is not there: `make strangers` makes it"
    return {**os.environ, "PYTHONPATH": str(HOME)}


def write_config(file: Path, port: int, uri: str) -> None:
    file.write_text(
        f"[database]\nuri = {uri}\npath = {file.parent}\n[web]\nlisten = 127.0.0.1:{port}\n"
    )


def serve(config: Path, log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(HOME / "bin" / "trytond"), "-c", str(config), "-d", DATABASE]
    with log.open("ab") as out:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment()
        )


def call(method: str, url: str, given: Any = None, headers: Mapping[str, str] | None = None) -> Any:
    """One JSON request. raises urllib.error.HTTPError"""
    request = urllib.request.Request(  # noqa: S310 - our own server on the loopback
        url,
        method=method,
        data=None if given is None else json.dumps(given).encode(),
        headers={"content-type": "application/json", **(headers or {})},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - see above
        text = answer.read()
    return json.loads(text) if text else None


def prepared() -> Path:
    """The prepared SQLite file; its key lies beside it. Made by whoever comes first."""
    environment()
    PREPARED.mkdir(parents=True, exist_ok=True)
    ready = PREPARED / "ready.sqlite"
    with _alone(PREPARED / "lock"):
        if not ready.exists():
            database = PREPARED / f"{DATABASE}.sqlite"
            for part in PREPARED.glob(f"{DATABASE}.sqlite*"):
                part.unlink()
            database.touch()
            prepare(PREPARED, "sqlite://")
            part = PREPARED / "part.sqlite"
            part.unlink(missing_ok=True)
            with contextlib.closing(sqlite3.connect(database)) as sql:
                sql.execute("VACUUM INTO ?", (str(part),))  # what lies in its log, too
            part.rename(ready)
    return ready


def prepare(folder: Path, uri: str) -> str:
    """Fill an empty database; returns the REST key, which is also in *folder*/key."""
    config, log, port = folder / "trytond.conf", folder / "prepare.log", free_port()
    write_config(config, port, uri)
    password = folder / "password"
    password.write_text(PASSWORD)
    admin = [
        *(sys.executable, str(HOME / "bin" / "trytond-admin"), "-c", str(config)),
        *("-d", DATABASE, "--email", "root@localhost", "--activate-dependencies", "-u", *MODULES),
    ]
    env = {**environment(), "TRYTONPASSFILE": str(password)}
    with log.open("ab") as out:
        subprocess.run(admin, check=True, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env)
    process = serve(config, log)
    try:
        _wait_ready(process, port, log)
        key = _furnish(f"http://127.0.0.1:{port}/{DATABASE}")
    finally:
        process.terminate()
        process.wait(20)
    (folder / "key").write_text(key)
    return key


def _furnish(url: str) -> str:
    """What an administrator does once, in this order; returns the key."""
    login = call(
        "POST", f"{url}/rpc/",
        {"id": 0, "method": "common.db.login", "params": ["admin", {"password": PASSWORD}]},
    )["result"]  # fmt: skip
    session = base64.b64encode(f"admin:{login[0]}:{login[1]}".encode()).decode()

    def rpc(method: str, *params: Any) -> Any:
        asked = {"id": 1, "method": method, "params": [*params, {}]}
        answer = call("POST", f"{url}/rpc/", asked, {"authorization": f"Session {session}"})
        assert "error" not in answer, answer["error"]
        return answer["result"]

    (currency,) = rpc(
        "model.currency.currency.create", [{"name": "Yuan", "code": "CNY", "symbol": "¥"}]
    )
    (party,) = rpc("model.party.party.create", [{"name": "Example City Gas", "code": "GAS"}])
    (company,) = rpc("model.company.company.create", [{"party": party, "currency": currency}])
    rpc("model.res.user.write", [login[0]], {"companies": [["add", [company]]], "company": company})
    sequence = rpc("model.ir.sequence.search", [["name", "=", "Work Effort"]], 0, 1, None)
    assert sequence, "no sequence for the numbers of tasks"
    rpc("model.ir.sequence.write", sequence, {"prefix": "WO-"})
    key: str = call("POST", f"{url}/r/user/application/", {"user": "admin", "application": "rest"})
    (application,) = rpc("model.res.user.application.search", [["key", "=", key]], 0, 1, None)
    rpc("model.res.user.application.validate_", [application])
    return key


def _wait_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    never = threading.Event()
    for _ in range(round(READY_WITHIN_S / _LOOK_S)):
        if process.poll() is not None:
            break
        try:
            call("POST", f"http://127.0.0.1:{port}/{DATABASE}/rpc/", {})
        except urllib.error.HTTPError:
            return  # it answers, and refuses
        except OSError:
            never.wait(_LOOK_S)
        else:
            return
    process.kill()
    process.wait()
    raise AssertionError(f"Tryton did not start: {log.read_text(errors='replace')[-2000:]}")


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One process of the machine at a time."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
