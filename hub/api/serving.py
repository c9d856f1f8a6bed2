"""The API as a process: one config, one port, systemd told when it listens."""

import signal
import socket
import ssl
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn

from hub.api.application import application
from hub.api.house import House
from hub.api.patience import patient
from hub.api_settings import ApiSettings
from hub.config import load_config
from hub.errors import ConfigError
from hub.logs import set_up_log
from hub.timekeeping import record_clock
from hub.watchdog import Watchdog

log = structlog.get_logger()

MOST_CONNECTIONS: Final = 256
LARGEST_HEAD_BYTES: Final = 16 << 10
STOP_WITHIN_S: Final = 20
IDLE_S: Final = 10


def run(path: Path) -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit code. raises ConfigError"""
    config = load_config(path)
    set_up_log(config.log)
    settings = config.api
    listener = _listen(settings)
    served = uvicorn.Config(
        application(House(config, record_clock(config.hub.state_dir))),
        http=patient(settings.body_within_s),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        **_tls(settings),
    )
    try:
        served.load()
    except (OSError, ssl.SSLError) as wrong:
        raise ConfigError(
            f"{path}: api: certificate, private_key or client_ca cannot be used ({wrong}); give "
            "PEM files that belong together and that this user may read"
        ) from wrong
    where = f"{settings.host}:{listener.getsockname()[1]}"
    server = _Server(served, where)
    for asked in (signal.SIGTERM, signal.SIGINT):  # the server raises it once more when it is done
        signal.signal(asked, lambda *_: None)
    with listener:
        server.run(sockets=[listener])
    log.info("api_stopped")
    return 0


class _Server(uvicorn.Server):
    """Tells systemd and the log when it listens."""

    def __init__(self, config: uvicorn.Config, where: str) -> None:
        super().__init__(config)
        self._where = where

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            log.info("api_listening", at=self._where)
            Watchdog().ready(f"listening at {self._where}")


def _listen(settings: ApiSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
        # What it accepts has it, too: else the end of an answer waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as fault:
        raise ConfigError(
            f"api: cannot listen at {settings.host}:{settings.port} ({fault.strerror}); another "
            "process has the port, or the address is not this machine's"
        ) from fault


def _tls(settings: ApiSettings) -> dict[str, Any]:
    if not settings.certificate:
        return {}
    needed = ssl.CERT_REQUIRED if settings.client_ca else ssl.CERT_NONE
    return {
        "ssl_certfile": settings.certificate,
        "ssl_keyfile": settings.private_key,
        "ssl_ca_certs": settings.client_ca or None,
        "ssl_cert_reqs": needed,
    }
