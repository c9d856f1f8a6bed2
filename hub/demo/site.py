"""The demo's site: which simulators stand on which wires, and the gateway's config for them."""

import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from hub.demo.processes import Fleet, Simulator

_TEMPLATE = Path(__file__).with_name("demo.toml")

# Slow enough pumping that little heat is left; the seeds differ, so no two gauges look alike.
PIPE: Final = "cooling_s=15 pump_pa_s=80 noise_pa=0.6"
LASER: Final = ("boreal", ["--instrument", "serial=CH4-1047 distance_m=30 sweep_s=7"])
MIXED: Final = "start_pct_vol=0.5 towards_pct_vol=0.5 change_s=60 noise_pct_vol=0.05"
DETECTOR: Final = (
    "name=detector-1 serial=GD-0001 topic=gas/detector-1 show=pct_lel",
    "start_pct_vol=0 change_s=40",
)
SKY: Final = ("name=sky dialect=thingsboard show=climate", "")
Serial = Mapping[str, tuple[str, list[str]]]
"""Line -> kind of the simulator, and what stands on it."""
Mqtt = Mapping[str, tuple[str, str]]
"""Name -> what publishes, and the gas that it senses."""
_SERIAL: Final[Serial] = {
    "rs485-a": (
        "modbus",
        [
            *("--instrument", f"address=1 volume_l=30 seed=1 {PIPE}"),
            *("--instrument", f"address=2 volume_l=2 leak_l_h=0.04 seed=2 {PIPE}"),
        ],
    ),
    "rs485-b": ("modbus", ["--instrument", f"address=1 volume_l=30 seed=3 {PIPE}"]),
    "laser": LASER,
}
_MQTT: Final[Mqtt] = {
    "detector-1": DETECTOR,
    "analyser-1": ("name=analyser-1 dialect=thingsboard show=pct_vol", MIXED),
    "sky": SKY,
}


def start_instruments(
    fleet: Fleet, folder: Path, broker: int, serial: Serial = _SERIAL, mqtt: Mqtt = _MQTT
) -> Mapping[str, Simulator]:
    """Start every simulator, and return them by name once all of them can be used."""
    (folder / "dev").mkdir(exist_ok=True)
    program = [sys.executable, "-m", "hub.simulate"]
    started = {}
    for name, (kind, facts) in serial.items():
        argv = [*program, kind, "--attended", "--port-link", str(folder / "dev" / name)]
        started[name] = fleet.simulate(name, [*argv, *facts])
    for name, (detector, mix) in mqtt.items():
        argv = [*program, "mqtt-gas", "--attended", "--broker", f"127.0.0.1:{broker}"]
        started[name] = fleet.simulate(name, [*argv, "--detector", detector, "--mix", mix])
    for simulator in started.values():
        simulator.ready()
    return started


def write_config(
    folder: Path,
    broker: int,
    crm: int,
    lang: str,
    protocol: str = "auto",
    template: Path = _TEMPLATE,
) -> Path:
    """Write the gateway's config into *folder*, from a shipped one.

    broker, crm  their ports
    protocol     of MQTT, as in the broker's settings
    """
    text = template.read_text(encoding="utf-8")
    next_year = datetime.now(UTC) + timedelta(days=365)
    for old, new in (
        ("demo-out", str(folder)),
        ("18831", str(broker)),
        ("18832", str(crm)),
        ('language = "zh"', f'language = "{lang}"'),
        ('protocol = "auto"', f'protocol = "{protocol}"'),
    ):
        text = text.replace(old, new)
    text = re.sub(r"(?<=calibrated_until = )[\d-]+", next_year.date().isoformat(), text)
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return path
