"""The HTTP API for ERP and CRM: a process of its own beside the hub.

It reads the record by `LedgerReader` and has everything else done by the hub, over the command
socket. Nothing here is loaded by a running hub. Needs the extra `api`.
"""

from importlib.util import find_spec
from pathlib import Path

from hub.errors import ConfigError


def serve(config: Path) -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit code.

    raises  ConfigError: the configuration, a missing extra, a port that is taken
    """
    if find_spec("fastapi") is None:
        raise ConfigError(
            "gashub api: its parts are not installed; install requirements/api.txt into the "
            "gateway's environment (systemd/README.md)"
        )
    from hub.api.serving import run  # noqa: PLC0415  only here are the parts needed

    return run(config)
