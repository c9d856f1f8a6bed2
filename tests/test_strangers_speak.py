"""A running hub reads devices made of other people's programs: nothing here knows our decoders.

pymodbus' own simulator on a pseudo-terminal, ThingsBoard's own clients and the edge node of
pysparkplug on mosquitto.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hub.ledger import LedgerReader
from hub.simulate.mosquitto import Mosquitto
from hub.testing import PtyPair, wait_until
from tests.line_rig import Site

ROOT = Path(__file__).parents[1]
BROKER = """
[[link]]
name = "field"
kind = "mqtt"
host = "127.0.0.1"
port = {port}
"""
THINGSBOARD = """
[[link.topics]]
decoder = "thingsboard_gateway"
filter = "v1/gateway/telemetry"
[[link.topics.values]]
key = "ch4"
quantity = "gas"
unit = "%LEL"

[[link.topics]]
decoder = "thingsboard_device"
filter = "v1/devices/me/telemetry"
instrument = "const:riser"
[[link.topics.values]]
key = "pressure"
quantity = "pressure"
unit = "Pa"
"""
SPARKPLUG = """
[[link.topics]]
decoder = "sparkplug_b"
filter = "spBv1.0/#"
instruments = {{ "city/node/gauge" = "pm-sp" }}
[[link.topics.values]]
key = "Pressure/Pa"
quantity = "pressure"
unit = "Pa"
"""

LINE = """
[[line]]
name = "riser-line"
port = "{port}"

[[line.instrument]]
name = "riser"
kind = "modbus"
address = 1
profile = "delta_ohm_hd402st"
answer_within_s = 0.5
"""

TB_DEVICE = """
import sys
from tb_device_mqtt import TBDeviceMqttClient
client = TBDeviceMqttClient("127.0.0.1", int(sys.argv[1]), username="token")
client.connect(keepalive=30)
for line in sys.stdin:
    client.send_telemetry({"pressure": float(line)})
client.disconnect()
client.stop()
"""
TB_GATEWAY = """
import sys, time
from tb_gateway_mqtt import TBGatewayMqttClient
client = TBGatewayMqttClient("127.0.0.1", int(sys.argv[1]), username="token")
client.connect(keepalive=30)
for line in sys.stdin:
    sample = {"ts": int(time.time() * 1000), "values": {"ch4": float(line)}}
    client.gw_send_telemetry("kitchen", [sample])
client.disconnect()
client.stop()
"""
EDGE_NODE = """
import sys, threading
from pysparkplug import DataType, Device, EdgeNode, Metric, get_current_timestamp

def gauge(pascal, **more):
    return Metric(timestamp=get_current_timestamp(), name="Pressure/Pa",
                  datatype=DataType.FLOAT, value=pascal, alias=4, **more)

def commanded(node, message):
    if any(metric.name == "Node Control/Rebirth" and metric.value is True
           for metric in message.payload.metrics):
        print("asked", flush=True)
        asked.set()

def answer():
    asked.wait()  # the library is born when it connects, and at no other time
    node.disconnect()
    node.connect("127.0.0.1", port=int(sys.argv[1]))

asked = threading.Event()
threading.Thread(target=answer, daemon=True).start()
node = EdgeNode("city", "node", metrics=(), cmd_callback=commanded)
node.register(Device("gauge", metrics=(gauge(1.0),)))
node.connect("127.0.0.1", port=int(sys.argv[1]))
for line in sys.stdin:
    match line.split():
        case ["skip"]:
            node._seq
        case ["null"]:
            node.update_device("gauge", (gauge(None, is_null=True),))
        case ["old", pascal]:
            node.update_device("gauge", (gauge(float(pascal), is_historical=True),))
        case [pascal]:
            node.update_device("gauge", (gauge(float(pascal)),))
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as started:
        yield started


@contextmanager
def stranger(home: str, program: str, port: int) -> Iterator["subprocess.Popen[str]"]:
    """A program of another library, that publishes each line it is given."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(port)], env=environment(home),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def environment(home: str) -> dict[str, str]:
    """Of a process that finds the stranger's own folder before our libraries."""
    folder = ROOT / "build" / "strangers" / home
    assert (folder / ".ready").exists(), f"{folder} is not there: `make strangers` makes it"
    return {**os.environ, "PYTHONPATH": str(folder)}


def say(process: "subprocess.Popen[str]", *lines: object) -> None:
    assert process.stdin is not None
    process.stdin.writelines(f"{line}\n" for line in lines)
    process.stdin.flush()


def newest(site: Site, instrument: str) -> str:
    """Value, unit and quality of its newest recorded reading; "" without one."""
    told: str = site.status()["instruments"].get(instrument, "")
    return told.partition(" at ")[0]


def wait_for(site: Site, instrument: str, reading: str) -> None:
    what = f"{instrument} shows {reading}"
    try:
        wait_until(lambda: newest(site, instrument) == reading, what)
    except AssertionError:
        raise AssertionError(f"{what}, not {newest(site, instrument)}; {site.log()}") from None


def recorded(site: Site, instrument: str) -> list[tuple[str, str]]:
    """Value and quality of all its readings in the ledger, in their order."""
    with LedgerReader(site.state) as ledger:
        readings = [one for _, block in ledger.blocks(-1, 10**6) for one in block.readings]
    return [(one.value, one.quality) for one in readings if one.instrument == instrument]


def noticed(site: Site) -> list[str]:
    with LedgerReader(site.state) as ledger:
        return [str(entry.record()["what"]) for entry in ledger.entries(kinds={"notice"})]


def test_thingsboards_own_clients_are_read(tmp_path: Path, broker: Mosquitto) -> None:
    """A gateway's and a device's telemetry, each in its unit, with the number as sent."""
    with Site(tmp_path, ["mqtt"], BROKER.format(port=broker.port) + THINGSBOARD) as site:
        site.start()
        with (
            stranger("thingsboard", TB_GATEWAY, broker.port) as gateway,
            stranger("thingsboard", TB_DEVICE, broker.port) as dev,
        ):
            say(gateway, 12.5)
            say(dev, 5012.5)
            wait_for(site, "kitchen", "12.5 %LEL good")
            wait_for(site, "riser", "5012.5 Pa good")
            say(dev, 5000.25)
            wait_for(site, "riser", "5000.25 Pa good")


def test_a_foreign_edge_node_is_read_asked_and_declared_dead(
    tmp_path: Path, broker: Mosquitto
) -> None:
    """Only data after a birth is a number; a hole is asked about and answered; a death is told."""
    with Site(tmp_path, ["mqtt"], BROKER.format(port=broker.port) + SPARKPLUG.format()) as site:
        site.start()
        with stranger("sparkplug", EDGE_NODE, broker.port) as node:
            wait_for(site, "pm-sp", "1 Pa late")  # a birth repeats what may be old
            say(node, 5012.5)
            wait_for(site, "pm-sp", "5012.5 Pa good")
            say(node, "old 4000.5")
            wait_for(site, "pm-sp", "4000.5 Pa late")
            say(node, "null")
            wait_for(site, "pm-sp", " Pa bad")
            say(node, 5010.25, "skip", 7000.0)
            assert node.stdout is not None
            assert node.stdout.readline() == "asked\n"
            wait_for(site, "pm-sp", "7000 Pa late")  # its answer, a birth
            say(node, 7100.5)
            wait_for(site, "pm-sp", "7100.5 Pa good")
        # Killed, not taken leave of: the broker tells its death.
        wait_for(site, "pm-sp", "7100.5 Pa stale")
    assert recorded(site, "pm-sp") == [
        ("1", "late"), ("5012.5", "good"), ("4000.5", "late"), ("", "bad"), ("5010.25", "good"),
        ("5010.25", "stale"), ("7000", "late"), ("7100.5", "good"), ("7100.5", "stale"),
    ]  # fmt: skip
    told = noticed(site)
    assert told.index("seq_gap") < told.index("rebirth_asked") < told.index("device_online")
    assert told[-1] == "device_offline"


def test_a_foreign_edge_node_that_was_there_first_is_asked_for_its_birth(
    tmp_path: Path, broker: Mosquitto
) -> None:
    """Its birth was never heard, so no number of its is read until it has answered."""
    with (
        Site(tmp_path, ["mqtt"], BROKER.format(port=broker.port) + SPARKPLUG.format()) as site,
        stranger("sparkplug", EDGE_NODE, broker.port) as node,
    ):
        say(node, 5000.5)
        site.start()

        def asked() -> bool:
            """Not oftener than a node would: thousands a second break the stranger's own client."""
            say(node, 5000.5)
            threading.Event().wait(0.2)
            return "rebirth_asked" in site.log()

        wait_until(asked, "the hub asks for a birth")
        assert node.stdout is not None
        assert node.stdout.readline() == "asked\n"
        wait_until(lambda: newest(site, "pm-sp") != "", "the birth that was asked for")
        say(node, 5012.5)
        wait_for(site, "pm-sp", "5012.5 Pa good")
    assert recorded(site, "pm-sp")[0] == ("5000.5", "late")


def test_pymodbus_own_simulator_is_read(tmp_path: Path) -> None:
    """Its program, told by its own kind of file to be a pressure transmitter on a terminal."""
    with PtyPair() as ours, PtyPair() as theirs, wired(ours, theirs):
        setup = tmp_path / "setup.json"
        setup.write_text(json.dumps(transmitter(theirs.path, pressure=2000)))
        with Site(tmp_path, ["modbus"], LINE.format(port=ours.path)) as site, simulator(setup):
            site.start()
            wait_for(site, "riser", "2000 Pa good")


def transmitter(port: str, pressure: int) -> dict[str, Any]:
    """A Delta OHM HD402ST as pymodbus' simulator wants it written down: registers 4 to 26."""
    serial = {
        "comm": "serial",
        "port": port,
        "baudrate": 19200,
        "parity": "N",
        "stopbits": 1,
        "bytesize": 8,
        "timeout": 3,
        "reconnect_delay": 2,
        "framer": "rtu",
        "identity": {},
    }
    kinds = ("bits", "uint16", "uint32", "float32", "float64")
    sizes = {f"{kind} size": 100 for kind in ("co", "di", "hr", "ir")}
    setup = {
        **sizes,
        "shared blocks": True,
        "type exception": False,
        "defaults": {
            "value": {**dict.fromkeys(kinds, 0), "string": " "},
            "action": {**dict.fromkeys(kinds), "string": None},
        },
    }
    registers = [{"addr": [5, 26], "value": 0}, {"addr": 4, "value": pressure}]
    others: dict[str, list[Any]] = {
        "invalid": [],
        "write": [],
        "bits": [],
        "uint32": [],
        "float32": [],
        "float64": [],
        "string": [],
        "repeat": [],
    }
    device = {"setup": setup, **others, "uint16": registers}
    return {"server_list": {"server": serial}, "device_list": {"device": device}}


@contextmanager
def simulator(setup: Path) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pymodbus.server.simulator.main",
         "--json_file", str(setup), "--http_host", "127.0.0.1", "--http_port", str(free_port()),
         "--log_file", str(setup.with_suffix(".log"))],
        env=environment("modbus"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def wired(ours: PtyPair, theirs: PtyPair) -> Iterator[None]:
    """A wire between two terminals, as each program opens the far end of its own."""
    stop = threading.Event()

    def carry(source: PtyPair, target: PtyPair) -> None:
        while not stop.is_set():
            if heard := source.hear(0.02):
                target.send(heard)
            else:
                stop.wait(0.005)

    ways = [threading.Thread(target=carry, args=way) for way in ((ours, theirs), (theirs, ours))]
    for way in ways:
        way.start()
    try:
        yield
    finally:
        stop.set()
        for way in ways:
            way.join()
