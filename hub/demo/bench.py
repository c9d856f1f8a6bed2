"""Where the specimens stand: the hub's config for them, and the simulators that play them."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hub.demo.processes import Fleet, Simulator
from hub.demo.specimens import Assembly
from hub.samples import shown_value

GATEWAY = "demo-instruments"
LIVE = {"pressure": "pump 3000", "gas": "settle 0.6", "gas_path": "aim 180"}
"""What makes each quantity move, so that there is something to see."""


def write_config(
    folder: Path, assembly: Assembly, broker: int, lang: str, protocol: str = "auto"
) -> Path:
    """Write `gateway.toml` for *assembly* into *folder*, its ports under `dev/`.

    broker    its port
    protocol  of MQTT, as in the broker's settings
    """
    path = folder / "gateway.toml"
    path.write_text("\n".join(_config(folder, assembly, broker, lang, protocol)), encoding="utf-8")
    return path


def _config(
    folder: Path, assembly: Assembly, broker: int, lang: str, protocol: str
) -> Iterator[str]:
    hub = {
        "gateway": GATEWAY,
        "state_dir": folder / "state",
        "plugins": assembly.plugins,
        "language": lang,
    }
    yield from _table("[hub]", hub)
    for line in assembly.lines:
        baud, parity, stop_bits = line.speed
        port = {"name": line.name, "port": folder / "dev" / line.name}
        speed = {"baud": baud, "parity": parity, "stop_bits": stop_bits}
        yield from _table("[[line]]", {**port, **speed})
        for specimen in line.specimens:
            named = {"name": specimen.name, "kind": line.kind}
            yield from _table("[[line.instrument]]", {**named, **specimen.settings})
    for link in assembly.links:
        by = {} if link.enters else {"host": "127.0.0.1", "port": broker, "protocol": protocol}
        yield from _table("[[link]]", {"name": link.name, "kind": link.kind, **by, **link.settings})


def _table(head: str, keys: Mapping[str, Any]) -> Iterator[str]:
    yield head
    yield from (f"{key} = {shown_value(value)}" for key, value in keys.items())
    yield ""


def start_simulators(
    fleet: Fleet, folder: Path, assembly: Assembly, broker: int
) -> Mapping[str, Simulator]:
    """Start what plays every line and every link by a broker, and return it by that name.

    Lines are paced at their baud, as a pty has none.
    """
    (folder / "dev").mkdir()
    program = [sys.executable, "-m", "hub.simulate"]
    started = {}
    for line in assembly.lines:
        argv = [*program, line.plugin, "--attended", "--baud", str(line.speed[0])]
        argv += ["--port-link", str(folder / "dev" / line.name)]
        started[line.name] = fleet.simulate(line.name, argv + _facts(line.specimens))
    for link in assembly.links:
        if link.enters is None:
            argv = [*program, link.kind, "--attended", "--broker", f"127.0.0.1:{broker}"]
            started[link.name] = fleet.simulate(link.name, argv + _facts(link.specimens))
    for simulator in started.values():
        simulator.ready()
    return started


def _facts(specimens: Any) -> list[str]:
    return [word for one in specimens for word in ("--instrument", one.facts)]


def enliven(assembly: Assembly, simulators: Mapping[str, Simulator]) -> None:
    """Let every quantity move."""
    for specimen in assembly.specimens():
        if simulator := simulators.get(specimen.where):
            simulator.tell(f"{LIVE[specimen.quantity]} @{specimen.target}")
