"""A PostgreSQL of our own on the loopback, for tests. Debian's, which `.ci/need` installs.

It refuses to run as root: there it runs as the user that the package made, in a folder of that
user's, since a test's own folder is closed to it.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from hub.simulate.mosquitto import free_port

_PACKAGES_USER: Final = "postgres"
_WITHIN_S: Final = 60


def programs() -> Path:
    """The folder of the newest installed version's programs.

    raises  AssertionError when there is none
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert found, "PostgreSQL is not here: apt-get install postgresql"
    return found[-1].parent


class Postgres:
    """One server with an empty database. Leave the `with` block and both are gone."""

    def __init__(self, database: str) -> None:
        self.port = free_port()
        self.url = f"postgresql://{_PACKAGES_USER}@127.0.0.1:{self.port}/"
        self._database = database
        self._bin = programs()
        self._house = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as house:
            folder = Path(house.enter_context(tempfile.TemporaryDirectory(prefix="gashub-pg-")))
            if os.geteuid() == 0:
                shutil.chown(folder, _PACKAGES_USER, _PACKAGES_USER)
            data = str(folder / "data")
            self._run(
                "initdb", "--pgdata", data, "--username", _PACKAGES_USER, "--auth", "trust",
                "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync",
            )  # fmt: skip
            serving = f"-p {self.port} -h 127.0.0.1 -k {folder}"
            log = str(folder / "log")
            self._run("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", serving)
            house.callback(self._run, "pg_ctl", "stop", "-w", "-D", data, "-m", "fast")
            where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", _PACKAGES_USER)
            self._run("createdb", *where, self._database)
            self._house = house.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._house.close()

    def _run(self, program: str, *words: str) -> None:
        argv: Sequence[str] = [str(self._bin / program), *words]
        user = _PACKAGES_USER if os.geteuid() == 0 else None
        ended = subprocess.run(
            argv, user=user, cwd="/", timeout=_WITHIN_S, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert ended.returncode == 0, f"{program}: {ended.stderr.decode(errors='replace')}"
