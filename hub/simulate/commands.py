"""The command line of the simulators: `gashub simulate modbus --port-link /tmp/riser --at ...`.

Any plugin with a `simulator.py` can be put on a pty. What publishes over MQTT is `mqtt`, a device
of each convention; `mqtt-gas` is gas detectors alone, with more to set.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hub.clock import Clock
from hub.errors import ConfigError
from hub.simulate import helping, mqtt_gas, mqtt_site
from hub.simulate.facts import facts_from
from hub.simulate.finding import simulator_of
from hub.simulate.instrument import instrument_from
from hub.simulate.line import Line
from hub.simulate.plume import MixFacts
from hub.simulate.script import Cue, parse_cue, parse_script
from hub.simulate.shared_clock import ENV, chosen_clock
from hub.simulate.stand import Stand

MQTT, MQTT_GAS = "mqtt", "mqtt-gas"
_LEAST_BAUD, _MOST_BAUD = 50, 4_000_000


Serve = Callable[[Stand], None]
Prepare = Callable[[argparse.Namespace, Clock], tuple[str, Serve]]
"""Arguments to (name of the instrument, what serves it); ValueError when they do not fit."""


def main(argv: Sequence[str]) -> int:
    """Run one simulator until SIGTERM, SIGINT or the end of stdin. 2 for unusable arguments."""
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(helping.overview())
        return 0 if argv else 2
    kind, *rest = argv
    try:
        own = {MQTT: _mqtt_parser, MQTT_GAS: _mqtt_gas_parser}
        parser, prepare = own[kind]() if kind in own else _line_parser(kind)
    except (ValueError, ConfigError) as wrong:
        return _refuse(kind, wrong)
    options = parser.parse_args(rest)
    try:
        clock = _clock(options)
        name, serve = prepare(options, clock)
        cues = _cues(options)
    except (ValueError, OSError) as wrong:
        return _refuse(kind, wrong)
    stand = Stand(name, clock, cues, attended=options.attended)
    stand.obey_signals()
    with stand:
        serve(stand)
    return 0


def _line_parser(plugin: str) -> tuple[argparse.ArgumentParser, Prepare]:
    simulator = simulator_of(plugin)
    parser = _parser(plugin, helping.instrument(simulator))
    parser.add_argument("--port-link", type=Path, required=True, help="name of the port to make")
    parser.add_argument(
        "--instrument",
        action="append",
        metavar="'key=value ...'",
        help="one per instrument on the line: facts of it and of what it stands in, see below",
    )
    parser.add_argument("--baud", type=int, help="pace the bytes as a line of this speed would")

    def prepare(options: argparse.Namespace, clock: Clock) -> tuple[str, Serve]:
        baud: int | None = options.baud
        if baud is not None and not _LEAST_BAUD <= baud <= _MOST_BAUD:
            raise ValueError(f"--baud {baud}: from {_LEAST_BAUD} to {_MOST_BAUD}")
        texts = options.instrument or [""]
        instruments = [instrument_from(simulator, text, clock.now_us()) for text in texts]
        line = Line(options.port_link, instruments, clock, baud)
        return f"simulated:{options.port_link.name}", line.serve

    return parser, prepare


def _mqtt_gas_parser() -> tuple[argparse.ArgumentParser, Prepare]:
    parser = _parser(MQTT_GAS, helping.mqtt_gas())
    parser.add_argument("--broker", default="127.0.0.1:1883", metavar="HOST:PORT")
    parser.add_argument("--detector", default="", metavar="'name=det-1 show=pct_lel ...'")
    parser.add_argument("--mix", default="", metavar="'start_pct_vol=1.5 change_s=60 ...'")

    def prepare(options: argparse.Namespace, _: Clock) -> tuple[str, Serve]:
        (facts,) = facts_from(options.detector, mqtt_gas.DetectorFacts)
        (mix,) = facts_from(options.mix, MixFacts)
        address = _address(options.broker)
        return f"simulated:{facts.name}", lambda stand: mqtt_gas.run(address, facts, mix, stand)

    return parser, prepare


def _mqtt_parser() -> tuple[argparse.ArgumentParser, Prepare]:
    parser = _parser(MQTT, helping.mqtt())
    parser.add_argument("--broker", default="127.0.0.1:1883", metavar="HOST:PORT")
    parser.add_argument(
        "--instrument",
        action="append",
        default=[],
        metavar="'convention=tasmota name=det-1'",
        help="one per device; absent: one of each convention",
    )

    def prepare(options: argparse.Namespace, clock: Clock) -> tuple[str, Serve]:
        address = _address(options.broker)
        devices = mqtt_site.devices_from(options.instrument, address, clock.now_us())
        return "simulated:mqtt", lambda stand: mqtt_site.run(devices, stand)

    return parser, prepare


def _address(broker: str) -> tuple[str, int]:
    host, _colon, port = broker.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"--broker {broker!r}: write HOST:PORT")
    return host, int(port)


def _parser(kind: str, epilog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"gashub simulate {kind}",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--clock", type=Path, help=f"shared clock's file (or {ENV}); else real time"
    )
    parser.add_argument("--at", action="append", default=[], metavar="SECONDS:ACTION")
    parser.add_argument("--script", type=Path, help="file of lines SECONDS ACTION")
    parser.add_argument("--attended", action="store_true", help="end when stdin ends")
    return parser


def _cues(options: argparse.Namespace) -> list[Cue]:
    cues = [parse_cue(text) for text in options.at]
    if options.script is not None:
        cues += parse_script(options.script.read_text(encoding="utf-8").splitlines())
    return cues


def _clock(options: argparse.Namespace) -> Clock:
    if options.clock is not None:
        return chosen_clock({ENV: str(options.clock)})
    return chosen_clock(os.environ)


def _refuse(kind: str, wrong: Exception) -> int:
    sys.stderr.write(f"gashub simulate {kind}: {wrong}\n")
    return 2
