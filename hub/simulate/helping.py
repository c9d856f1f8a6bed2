"""The help of `gashub simulate`, made from the devices themselves, so that it is true."""

import dataclasses
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from hub.simulate import mqtt_gas as gas
from hub.simulate import mqtt_site
from hub.simulate.conventions import TALKERS
from hub.simulate.device import Device
from hub.simulate.facts import names
from hub.simulate.faults import WIRE_FAULTS
from hub.simulate.finding import simulators
from hub.simulate.plume import MixFacts
from hub.simulate.sensing import SURROUNDINGS

_WIDTH = 98
_HEAD = """\
usage: gashub simulate PLUGIN --port-link PATH [--instrument 'key=value ...'] ...
       gashub simulate mqtt|mqtt-gas --broker HOST:PORT ...

Instruments on the wire: real frames on a pty under the name PATH, or over MQTT. PLUGIN is named
as in hub.plugins. `gashub simulate PLUGIN --help` shows its options and facts.

Actions come by --at SECONDS:ACTION, from a --script file (a line each, SECONDS ACTION) and on
stdin (without the time): VERB [NUMBER] [@INSTRUMENT], the instrument's number on the line from 1.
"""


def overview() -> str:
    """What `gashub simulate --help` prints."""
    parts = [
        _HEAD,
        _list("What an instrument stands in", _senses()),
        _list("Faults of the wire, for every instrument", _wire()),
        _list("Instruments: what they sense, and faults of their own", _instruments()),
    ]
    return "\n".join(parts)


def instrument(simulator: type[Device]) -> str:
    """The end of `gashub simulate PLUGIN --help`."""
    around = SURROUNDINGS[simulator.sense]
    own = ", ".join(simulator.own_faults) or "none"
    return "\n".join(
        [
            _list("facts of the instrument", _facts(simulator.Facts)),
            _list(f"facts of what it stands in ({simulator.sense})", _facts(around.Facts)),
            _list(
                "actions",
                [
                    ("to what it stands in", _usages(around.actions)),
                    ("to the wire", ", ".join((*WIRE_FAULTS, "unplug", "plug"))),
                    ("by its own words", own),
                    ("to mend", "clear, or a fault with the number 0"),
                ],
            ),
        ]
    )


def mqtt_gas() -> str:
    """The end of `gashub simulate mqtt-gas --help`."""
    return "\n".join(
        [
            _list("facts of the detector", _facts(gas.DetectorFacts)),
            _list("facts of what it stands in (mix)", _facts(MixFacts)),
            _list(
                "actions",
                [("all", ", ".join(("settle PCT_VOL", "jump PCT_VOL", *gas.FAULTS, "clear",
                                    "unplug", "plug")))],
            ),
        ]
    )  # fmt: skip


def mqtt() -> str:
    """The end of `gashub simulate mqtt --help`."""
    around = [SURROUNDINGS[each.sense].actions for each in TALKERS.values()]
    moves = {verb: wants for actions in around for verb, wants in actions.items()}
    return "\n".join(
        [
            _list("conventions, and what each measures", _conventions()),
            _list(
                "actions",
                [
                    ("to what it stands in", _usages(moves)),
                    ("to the messages", ", ".join((*mqtt_site.FAULTS, "clear"))),
                    ("to the connection", "unplug (the broker says the last will), plug"),
                ],
            ),
        ]
    )


def _conventions() -> Iterable[tuple[str, str]]:
    for name, talker in TALKERS.items():
        yield name, talker.sense


def _senses() -> Iterable[tuple[str, str]]:
    for sense, around in SURROUNDINGS.items():
        yield f"{sense} ({around.unit})", _usages(around.actions)


def _wire() -> Iterable[tuple[str, str]]:
    yield from WIRE_FAULTS.items()
    yield "unplug, plug", "the cable is pulled; a new line under the old name"
    yield "clear", "mends everything; FAULT 0 mends one"


def _instruments() -> Iterable[tuple[str, str]]:
    for name, simulator in simulators().items():
        if isinstance(simulator, str):
            yield name, simulator
            continue
        own = ", ".join(simulator.own_faults) or "none"
        yield name, f"{simulator.sense}; {own}"
    yield "mqtt", f"{', '.join(TALKERS)}; {', '.join(mqtt_site.FAULTS)}"
    yield "mqtt-gas", f"gas, over MQTT; {', '.join(gas.FAULTS)}"


def _usages(actions: Mapping[str, str]) -> str:
    return ", ".join(
        f"{verb} {wants}".strip() for verb, wants in {**actions, "set": "VALUE"}.items()
    )


def _facts(kind: type[Any]) -> Iterable[tuple[str, str]]:
    defaults = kind()
    types = {field.name: field.type for field in dataclasses.fields(kind)}
    for name in names(kind):
        written = getattr(types[name], "__name__", str(types[name]))
        value = getattr(defaults, name)
        yield f"{name}={value}", written


def _list(title: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"{title}:"]
    for left, right in rows:
        lines += textwrap.wrap(
            right,
            _WIDTH,
            initial_indent=f"  {left:<24} ",
            subsequent_indent=" " * 27,
        ) or [f"  {left}"]
    return "\n".join(lines) + "\n"
