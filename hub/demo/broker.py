"""A broker for the demo: mosquitto where it is installed, else amqtt in a process of its own."""

import socket
import sys
import threading
from pathlib import Path

from hub.demo.processes import DemoFailed, Fleet, wait_until
from hub.simulate.mosquitto import free_port, program


def start_broker(
    fleet: Fleet, folder: Path, stop: threading.Event, embedded: bool = False
) -> tuple[str, int]:
    """Start a broker on the loopback and wait until it answers; returns (its name, its port).

    embedded  take amqtt even where mosquitto is installed
    raises    DemoFailed when there is neither
    """
    port = free_port()
    mosquitto = None if embedded else program()
    if mosquitto is not None:
        settings = folder / "mosquitto.conf"
        settings.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "set_tcp_nodelay true\nmax_queued_messages 10000\n"
        )
        fleet.start("broker", [mosquitto, "-c", str(settings)])
        kind = "mosquitto"
    else:
        fleet.start("broker", [sys.executable, "-m", "hub.demo.embedded_broker", str(port)])
        kind = "amqtt"
    try:
        wait_until("the broker", lambda: listens(port), fleet, stop)
    except DemoFailed as failed:
        raise DemoFailed(
            f"{failed}; install mosquitto, or the demo's own broker with `pip install gashub[demo]`"
        ) from failed
    return kind, port


def listens(port: int) -> bool:
    """Whether something accepts connections on the loopback at *port*."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
