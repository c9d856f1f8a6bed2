"""What `gashub probe` says of what it found: for people, for programs, and to paste."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hub.adapter import device_of
from hub.errors import PortGone
from hub.probe.search import Outcome, Try
from hub.samples import shown_value

STABLE_NAMES: Final = Path("/dev/serial/by-id")


def report(port: str, outcomes: Sequence[Outcome], skipped: Mapping[str, str]) -> dict[str, Any]:
    """What was found, in JSON's types."""
    found = [outcome for outcome in outcomes if outcome.readings]
    spoke = [one for one in outcomes if one.understood and not one.readings]
    unknown = {one.tried.speed: one for one in outcomes if one.heard and not one.understood}
    return {
        "port": stable_name(port),
        "found": [_found(port, outcome) for outcome in found],
        "spoke": [
            {**_tried(outcome), "said": dict(outcome.words), "heard": outcome.heard.hex(" ")}
            for outcome in spoke
        ],
        "not_understood": []
        if found or spoke
        else [{"line": one.tried.line, "heard": one.heard.hex(" ")} for one in unknown.values()],
        "tried": [_tried(outcome) for outcome in outcomes],
        "skipped": dict(skipped),
    }


def _tried(outcome: Outcome) -> dict[str, Any]:
    one = outcome.tried
    return {
        "kind": one.kind.name,
        "line": one.line,
        "settings": {name: str(value) for name, value in one.probe.settings.items()},
        "sent": [sent.hex(" ") for sent in outcome.sent],
    }


def _found(port: str, outcome: Outcome) -> dict[str, Any]:
    one = outcome.tried
    newest = {(reading.instrument, reading.quantity): reading for reading in outcome.readings}
    return {
        **_tried(outcome),
        "plugin": one.plugin,
        "unproved": list(one.probe.unproved),
        "serial": next((reading.serial for reading in newest.values() if reading.serial), ""),
        "readings": [
            {
                "quantity": reading.quantity,
                "value": reading.value,
                "unit": reading.unit,
                "quality": reading.quality,
            }
            for reading in newest.values()
        ],
        "config": config_block(port, one),
    }


def config_block(port: str, one: Try) -> str:
    """What to paste. A setting that no answer proves is there, but must be taken in by hand."""
    line = {"name": "line-a", "port": stable_name(port), **one.line}
    plain = {"parity": "N", "stop_bits": 1}
    rows = [f'# hub.plugins must name "{one.plugin}"', "[[line]]"]
    rows += [
        f"{key} = {shown_value(value)}" for key, value in line.items() if plain.get(key) != value
    ]
    rows += ["", "[[line.instrument]]", f'name = "{one.kind.name}-1"', f'kind = "{one.kind.name}"']
    for key, value in one.probe.settings.items():
        if key in one.probe.unproved:
            purpose = one.kind.settings.model_fields[key].description or ""
            rows.append(f"# Not proved by its answers; look at the instrument. {purpose}")
            rows.append(f"# {key} = {shown_value(value)}")
        else:
            rows.append(f"{key} = {shown_value(value)}")
    return "\n".join(rows) + "\n"


def stable_name(port: str) -> str:
    """The name of *port* that survives replugging, where udev made one; else *port* itself."""
    if port.startswith(str(STABLE_NAMES)) or not STABLE_NAMES.is_dir():
        return port
    try:
        device = device_of(port)
    except PortGone:
        return port
    links = (link for link in sorted(STABLE_NAMES.iterdir()) if device_of(str(link)) == device)
    return next((str(link) for link in links), port)


def lines_of(told: Mapping[str, Any]) -> Iterator[str]:
    """The report for people."""
    for found in told["found"]:
        serial = f", serial {found['serial']}" if found["serial"] else ""
        yield f"{told['port']}: {found['kind']} answers at {_speed(found)}{serial}"
        doubt = f" (if {', '.join(found['unproved'])} below is right)" if found["unproved"] else ""
        for reading in found["readings"]:
            number = f"{reading['value']} {reading['unit']}".strip()
            yield f"  {reading['quantity']} {number} {reading['quality']}{doubt}"
        yield ""
        yield found["config"]
    for spoke in told["spoke"] if not told["found"] else ():
        said = ", ".join(spoke["said"])
        yield f"{told['port']}: somebody speaks {spoke['kind']} at {_speed(spoke)}, but: {said}"
    for heard in told["not_understood"]:
        yield f"{told['port']}: bytes that no driver reads at {_speed(heard)}: {heard['heard']}"
    for plugin, why in told["skipped"].items():
        yield f"not tried: plugin {plugin}: {why}"
    if not told["found"] and not told["spoke"]:
        yield (
            f"{told['port']}: nobody answers. Look at power and wiring (RS-485: swap A and B), "
            "try other speeds with --baud, listen longer with --seconds; an instrument whose "
            "address was changed answers nothing else"
        )


def _speed(told: Mapping[str, Any]) -> str:
    line = told["line"]
    return f"{line['baud']} 8{line['parity']}{line['stop_bits']}"
