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

_FAULTS = """\
  unplug, plug                take the port or the connection away, and bring it back
  silence, garbage, frozen, over_range
                              faults, until `clear` mends all of them, or FAULT 0 that one
"""
_WHEN = """\
Actions are given as --at SECONDS:ACTION (since the start), as lines SECONDS ACTION of a --script
file, or as lines ACTION on stdin, where they happen at once:
"""
_ACTIONS = {
    "modbus": """\
  pump PASCAL, pump_off       pump up to PASCAL; take the pump off
  vent                        let the pressure off
  leak LITRE_PER_HOUR         the pipe leaks from now on
  ACTION @UNIT                for one slave only, e.g. `vent @2`
""",
    "boreal": """\
  aim PPM_M                   sweep an opening whose plume is so thick
  aim                         back to clean air
""",
    "mqtt-gas": """\
  settle PCT_VOL              the concentration drifts there
  jump PCT_VOL                the probe is somewhere else: it is so at once
""",
}
_EXAMPLES = {
    "modbus": "--port-link /tmp/riser --slave 'unit=1 volume_l=30' --at '10:pump 5200' "
    "--at 40:pump_off",
    "boreal": "--port-link /tmp/laser --at '20:aim 300' --at 40:aim",
    "mqtt-gas": "--broker 127.0.0.1:1883 --detector 'name=det-1 topic=gas/det-1' --at '30:jump 1'",
}
_MEANING = {
    "unit": "Modbus address",
    "model": "1 to 5: which registers this HD402ST has",
    "range_pa": "full scale, Pa",
    "volume_l": "volume of the pipe, litres",
    "leak_l_h": "leak at 5 kPa, litres an hour",
    "pump_pa_s": "how fast the pump fills, Pa a second",
    "cooling_s": "time constant of the cooling after pumping, s",
    "gas_degc": "temperature at the start, degC",
    "warming_k_h": "warming of the surroundings, K an hour",
    "barometer_pa": "barometer at the start, Pa",
    "barometer_pa_h": "its change, Pa an hour",
    "noise_pa": "noise of the gauge, Pa",
    "zero_pa": "what it shows without pressure, Pa",
    "resolution_pa": "its step, Pa",
    "seed": "another number, another noise",
    "distance_m": "distance to the target, m",
    "air_ppm": "methane in clean air, ppm",
    "noise_ppm_m": "noise of the laser, ppm.m",
    "sweep_s": "time of one sweep across an opening, s",
    "start_pct_vol": "concentration at the start, %vol",
    "towards_pct_vol": "where it settles, %vol",
    "change_s": "time constant of getting there, s",
    "noise_pct_vol": "noise, %vol",
    "name": "name of the detector in its messages",
    "serial": "its serial number",
    "show": "pct_lel, pct_vol, or climate (temperature and barometer)",
    "dialect": "plain or thingsboard; climate is always thingsboard",
    "topic": "where the plain dialect publishes",
    "lel_pct_vol": "%vol that it calls 100 %LEL",
    "full_scale": "end of its range, in what it shows",
}


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
    reader = parser()
    if not argv:
        reader.print_help()
        return 2
    options = reader.parse_args(argv)
    try:
        serve: Callable[[Stand], None] = options.prepare(options)
        cues = _cues(options)
        clock = _clock(options)
    except (ValueError, OSError) as wrong:
        reader.exit(2, f"gashub simulate {options.kind}: {wrong}\n")
    stand = Stand(options.name, clock, cues, attended=options.attended)
    stand.obey_signals()
    with stand:
        serve(stand)
    return 0


def parser() -> argparse.ArgumentParser:
    """All kinds with their options; each kind's help has its facts, actions and an example."""
    reader = argparse.ArgumentParser(
        prog="gashub simulate",
        description="Instruments on the wire: real frames on a pty or over MQTT.",
        epilog="`gashub simulate KIND --help` has the facts and actions of a kind. For example:\n"
        + "".join(f"  gashub simulate {kind} {words}\n" for kind, words in _EXAMPLES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--clock", type=Path, help=f"shared clock's file (or {ENV}); else real time"
    )
    common.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="SECONDS:ACTION",
        help="do ACTION so long after the start; repeatable",
    )
    common.add_argument("--script", type=Path, help="file of lines SECONDS ACTION")
    common.add_argument("--attended", action="store_true", help="end when stdin ends")
    line = argparse.ArgumentParser(add_help=False)
    line.add_argument(
        "--port-link",
        type=Path,
        required=True,
        metavar="PATH",
        help="where the port appears: give this path as `port` of a [[line]]",
    )
    kinds = reader.add_subparsers(dest="kind", required=True, metavar="KIND")

    def kind(name: str, what: str, parts: list[argparse.ArgumentParser], *facts: type[Any]) -> Any:
        return kinds.add_parser(
            name,
            parents=parts,
            help=what,
            description=f"{what}.",
            epilog=_epilog(name, *facts),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    pressure = kind(
        "modbus", "Delta OHM HD402ST slaves", [common, line], modbus.SlaveFacts, PipeFacts
    )
    pressure.add_argument(
        "--slave",
        action="append",
        metavar="'KEY=VALUE ...'",
        help="facts of one transmitter and its pipe; repeat it for more on the same line",
    )
    pressure.set_defaults(prepare=_modbus)
    laser = kind("boreal", "Boreal GasFinder laser", [common, line], PathFacts)
    laser.add_argument("--path", default="", metavar="'KEY=VALUE ...'", help="facts of the beam")
    laser.add_argument("--serial", default="CH4-1047", help="its serial number (CH4-1047)")
    laser.set_defaults(prepare=_boreal)
    gas = kind("mqtt-gas", "gas detector over MQTT", [common], mqtt_gas.DetectorFacts, MixFacts)
    gas.add_argument(
        "--broker", default="127.0.0.1:1883", metavar="HOST:PORT", help="(127.0.0.1:1883)"
    )
    gas.add_argument(
        "--detector", default="", metavar="'KEY=VALUE ...'", help="facts of the detector"
    )
    gas.add_argument("--mix", default="", metavar="'KEY=VALUE ...'", help="facts of the air at it")
    gas.set_defaults(prepare=_mqtt_gas)
    return reader


def _epilog(name: str, *facts: type[Any]) -> str:
    """Every fact with its default, every action, and an example."""
    keys = [
        f"  {f'{field.name}={field.default}':<28}{_MEANING[field.name]}\n"
        for one in facts
        for field in dataclasses.fields(one)
    ]
    return (
        f"Facts, as KEY=VALUE with their defaults:\n{''.join(keys)}\n"
        f"{_WHEN}{_ACTIONS[name]}{_FAULTS}\n"
        f"For example:\n  gashub simulate {name} {_EXAMPLES[name]}"
    )


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
