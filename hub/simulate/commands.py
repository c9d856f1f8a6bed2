"""The command line of the simulators: `gashub simulate modbus --port-link /tmp/riser --at ...`."""

import argparse
import dataclasses
import difflib
import os
from collections.abc import Callable, Sequence
from decimal import InvalidOperation
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from hub.clock import Clock
from hub.simulate import boreal, modbus, mqtt_gas
from hub.simulate.pipe import PipeFacts
from hub.simulate.plume import MixFacts, PathFacts
from hub.simulate.script import Cue, parse_cue, parse_script
from hub.simulate.shared_clock import ENV, chosen_clock
from hub.simulate.stand import Stand

F = TypeVar("F")

_EPILOG = """\
Actions, in --at SECONDS:ACTION, in a --script file (one a line) and on stdin (without the time):
  modbus    pump PASCAL, pump_off, vent, leak LITRE_PER_HOUR; @UNIT picks one slave
  boreal    aim PPM_M (sweep an opening with such a plume), aim (clean air)
  mqtt-gas  settle PCT_VOL (drift there), jump PCT_VOL (be there)
  all       unplug, plug, silence, garbage, frozen, over_range, clear (mends; FAULT 0 mends one)
"""


def facts_from(text: str, *kinds: type[Any]) -> tuple[Any, ...]:
    """Read `key=value key=value` into one instance of each of *kinds* (dataclasses).

    raises  ValueError naming the key that none of them has, or the value that does not fit
    """
    wanted: list[dict[str, Any]] = [{} for _ in kinds]
    hints = [get_type_hints(kind) for kind in kinds]
    known = [name for kind in kinds for name in (f.name for f in dataclasses.fields(kind))]
    for word in text.split():
        key, _, value = word.partition("=")
        for given, types in zip(wanted, hints, strict=True):
            if key in types:
                try:
                    given[key] = types[key](value)
                except (ValueError, InvalidOperation):
                    raise ValueError(f"{key}={value}: not a {types[key].__name__}") from None
                break
        else:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise ValueError(f"{key}: no such fact; {hint}")
    return tuple(kind(**given) for kind, given in zip(kinds, wanted, strict=True))


def main(argv: Sequence[str]) -> int:
    """Run one simulator until SIGTERM, SIGINT or `--for` seconds. 2 for unusable arguments."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        serve: Callable[[Stand], None] = options.prepare(options)
        cues = _cues(options)
        clock = _clock(options)
    except (ValueError, OSError) as wrong:
        parser.exit(2, f"gashub simulate {options.kind}: {wrong}\n")
    stand = Stand(options.name, clock, cues, attended=options.attended)
    stand.obey_signals()
    with stand:
        serve(stand)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gashub simulate",
        description="Instruments on the wire: real frames on a pty or over MQTT.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--clock", type=Path, help=f"shared clock's file (or {ENV}); else real time"
    )
    common.add_argument("--at", action="append", default=[], metavar="SECONDS:ACTION")
    common.add_argument("--script", type=Path, help="file of lines SECONDS ACTION")
    common.add_argument("--attended", action="store_true", help="end when stdin ends")
    line = argparse.ArgumentParser(add_help=False)
    line.add_argument("--port-link", type=Path, required=True, help="name of the port to make")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")

    pressure = kinds.add_parser("modbus", parents=[common, line], help="Delta OHM HD402ST slaves")
    pressure.add_argument(
        "--slave",
        action="append",
        metavar="'unit=1 volume_l=30 leak_l_h=0 ...'",
        help="one per transmitter; facts of the transmitter and of its pipe",
    )
    pressure.set_defaults(prepare=_modbus)
    laser = kinds.add_parser("boreal", parents=[common, line], help="Boreal GasFinder laser")
    laser.add_argument("--path", default="", metavar="'distance_m=30 ...'")
    laser.add_argument("--serial", default="CH4-1047")
    laser.set_defaults(prepare=_boreal)
    gas = kinds.add_parser("mqtt-gas", parents=[common], help="gas detector over MQTT")
    gas.add_argument("--broker", default="127.0.0.1:1883", metavar="HOST:PORT")
    gas.add_argument("--detector", default="", metavar="'name=det-1 show=pct_lel ...'")
    gas.add_argument("--mix", default="", metavar="'start_pct_vol=1.5 change_s=60 ...'")
    gas.set_defaults(prepare=_mqtt_gas)
    return parser


def _modbus(options: argparse.Namespace) -> Callable[[Stand], None]:
    texts = options.slave or ["unit=1"]
    slaves = [facts_from(text, modbus.SlaveFacts, PipeFacts) for text in texts]
    units = [slave.unit for slave, _ in slaves]
    if len(set(units)) < len(units):
        raise ValueError(f"--slave: units {units} are not all different")
    options.name = f"simulated:{options.port_link.name}"
    return lambda stand: modbus.run(options.port_link, slaves, stand)


def _boreal(options: argparse.Namespace) -> Callable[[Stand], None]:
    (path,) = facts_from(options.path, PathFacts)
    options.name = f"simulated:{options.port_link.name}"
    return lambda stand: boreal.run(options.port_link, path, options.serial, stand)


def _mqtt_gas(options: argparse.Namespace) -> Callable[[Stand], None]:
    (facts,) = facts_from(options.detector, mqtt_gas.DetectorFacts)
    (mix,) = facts_from(options.mix, MixFacts)
    host, _, port = options.broker.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"--broker {options.broker!r}: write HOST:PORT")
    options.name = f"simulated:{facts.name}"
    return lambda stand: mqtt_gas.run((host, int(port)), facts, mix, stand)


def _cues(options: argparse.Namespace) -> list[Cue]:
    cues = [parse_cue(text) for text in options.at]
    if options.script is not None:
        cues += parse_script(options.script.read_text(encoding="utf-8").splitlines())
    return cues


def _clock(options: argparse.Namespace) -> Clock:
    if options.clock is not None:
        return chosen_clock({ENV: str(options.clock)})
    return chosen_clock(os.environ)
