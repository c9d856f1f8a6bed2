"""A real sshd on loopback, with a key of its own and one user: whoever runs the tests."""

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Self

from hub.simulate.mosquitto import free_port
from hub.testing import wait_until

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


class Sshd:
    """Serves *folder* by SFTP. `host_key` is its public key, `client_key` our private one."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "served"
        for place in ("incoming", "receipts"):
            (self.folder / place).mkdir(parents=True)
        for name in ("host", "client"):
            self._shell("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / name))
        shutil.copyfile(home / "client.pub", home / "authorized")
        self.host_key = (home / "host.pub").read_text().rsplit(" ", 1)[0]
        self.client_key = (home / "client").read_text()
        self.user = getpass.getuser()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # Where Debian's sshd keeps what it drops its privileges into; only a start makes it.
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        config = self.home / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.home}/host\n"
            f"AuthorizedKeysFile {self.home}/authorized\nStrictModes no\nPidFile none\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\n"
            f"ForceCommand internal-sftp -d {self.folder}\n"
        )
        program = shutil.which("sshd", path=PATH)
        assert program, "sshd is not here; see .ci/run"
        log = (self.home / "log").open("wb")
        self._process = subprocess.Popen([program, "-D", "-e", "-f", config], stderr=log)
        log.close()
        wait_until(self._listens, f"sshd on port {self.port}")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)

    def put(self, name: str, text: str) -> None:
        """What the authority puts there."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def names(self, place: str = "incoming") -> list[str]:
        return sorted(path.name for path in (self.folder / place).iterdir())

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @staticmethod
    def _shell(*argv: str) -> None:
        subprocess.run(argv, check=True, capture_output=True)
