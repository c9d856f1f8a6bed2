"""A start on a store that cannot take entries: a state to be in, not a reason to restart.

The hub stays up, feeds the watchdog, answers `gashub status` with what is wrong and what to do,
and goes on by itself once the store recovers. A damaged file is kept as it is and waits for a
person: nothing is measured meanwhile, because nothing could be proved.
"""

import os
import threading
from collections.abc import Mapping
from typing import Any

import structlog

from hub.clock import Clock, iso
from hub.config import Config
from hub.control import ControlSocket
from hub.crew import Crew
from hub.errors import ConfigError
from hub.ledger import Ledger
from hub.watchdog import Watchdog

log = structlog.get_logger()

LOOK_S = 2.0


def ready_store(
    config: Config, ledger: Ledger, watchdog: Watchdog, clock: Clock, stop: threading.Event
) -> bool:
    """Wait until the ledger takes entries. False when *stop* was set before that."""
    if ledger.try_recover():
        return True
    log.error("store_refuses", state=ledger.state.value, error=str(ledger.fault))

    def status() -> Mapping[str, Any]:
        return {
            "gateway": config.hub.gateway,
            "pid": os.getpid(),
            "at": iso(clock.now_us()),
            "store": f"{ledger.state.value}: {ledger.fault}",
        }

    try:
        control = ControlSocket(config.socket, {"status": lambda _: status()}, config.hub.admin_gid)
    except (
        ConfigError,
        OSError,
    ):  # a read-only folder takes no socket either; the log and systemd still speak
        return _wait(ledger, watchdog, clock, stop)
    with Crew(stop).running("control", control.serve):
        return _wait(ledger, watchdog, clock, stop)


def _wait(ledger: Ledger, watchdog: Watchdog, clock: Clock, stop: threading.Event) -> bool:
    watchdog.ready(f"not measuring: {ledger.fault}")
    while not stop.is_set():
        watchdog.progress()
        clock.wait(stop, LOOK_S)
        if ledger.try_recover():
            log.info("store_recovered")
            return True
        watchdog.status(f"not measuring: {ledger.fault}")
    return False
