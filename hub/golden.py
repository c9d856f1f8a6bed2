"""Golden cases: recorded or documented exchanges, replayed through a real driver without a port.

A plugin's `golden.json` is a list of

    {"id": "...", "source": "document and page, or repository",
     "provenance": "published|published-corrected|public-driver|constructed|capture",
     "settings": {...},
     "exchange": [{"hub": "hex"}, {"device": "hex"}, ...],
     "expect": {"readings": [{"quantity", "value", "unit", "quality", ...}]} or {"refused": "why"}}

`exchange` is in the order of time; `hub_text` and `device_text` are for ASCII. What stands under
"hub" must be sent, byte for byte; what stands under "device" comes back, one read each. An
instrument that is asked may be noisy before the first "hub", and needs at least one. Items of a
capture also have "at_s", which is not looked at here. `refused`: no good reading may come out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from hub.clock import HandClock
from hub.errors import Fault
from hub.model import Intake, LineDriver, LineDriverKind, Reading, Site
from hub.near import guess
from hub.scripted import ScriptedPort, Unscripted

PROVENANCES = ("published", "published-corrected", "public-driver", "constructed", "capture")
NAME = "golden"
"""What the driver is called; `instrument` in a case is what stands behind it."""
_MOST_READS = 10_000

Case = Mapping[str, Any]


def golden_cases(folder: Path) -> list[Case]:
    """The cases of a plugin's folder; each has an `id` of its own.

    raises  ValueError naming the case and what is wrong with its form
    """
    path = folder / "golden.json"
    cases: list[Case] = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    seen: set[str] = set()
    for at, case in enumerate(cases):
        name = str(case.get("id", ""))
        if not name or name in seen:
            raise ValueError(f"{path}: case {at + 1} needs an id of its own, not {name!r}")
        seen.add(name)
        if fault := _misshapen(case):
            raise ValueError(f"{path}: case {name}: {fault}")
    return cases


def _misshapen(case: Case) -> str:
    if case.get("provenance") not in PROVENANCES:
        return f"provenance is {case.get('provenance')!r}, not one of {', '.join(PROVENANCES)}"
    if not case.get("source"):
        return "no source"
    expect = case.get("expect")
    if not isinstance(expect, Mapping) or len({"readings", "refused"} & set(expect)) != 1:
        return "expect has neither `readings` nor `refused`, or both"
    for key in (key for wanted in expect.get("readings", ()) for key in wanted):
        if key not in Reading._fields:
            known = ", ".join(Reading._fields)
            return f"a reading has no {key!r}, but {known}{guess(key, Reading._fields)}"
    if not expect.get("readings", True):
        return "expect.readings is empty; what must not become a reading is `refused`"
    if not case.get("exchange"):
        return "no exchange"
    try:
        # Messages of a broker and what a person hands in: see hub.conformance.broker, .entering.
        if not {"topic", "entry", "file"} & set(case["exchange"][0]):
            _scripted(case)
    except ValueError as wrong:
        return str(wrong)
    return ""


def replay_golden(kind: LineDriverKind[Any], case: Case) -> list[Intake]:
    """Play *case* through a fresh driver of *kind*; returns what the driver made of it.

    raises  AssertionError when the driver sends something else, leaves a part unplayed, makes
            other readings than expected, or a good one of what is to be refused
    """
    name = case["id"]
    settings = kind.settings.model_validate(case.get("settings", {}))
    driver = kind.build(NAME, settings, Site("test-gateway", HandClock(), _no_secret))
    port = _scripted(case)
    # One that only answers would ask at its first read: nothing at all would be played, and a
    # case to be refused would be met by silence.
    assert port.unasked or driver.poll_every_s is None, (
        f"{name}: {kind.name} speaks only when it is asked, and nothing in the exchange is from "
        'the hub; write what it sends ("hub") before what comes back ("device")'
    )
    made = _Made()
    try:
        _play(driver, port, made)
    except Unscripted as strange:
        raise AssertionError(f"{name}: {_astray(case, port, strange, made)}") from strange
    if port.unasked:
        at = _asked_at(case)[-port.unasked]
        raise AssertionError(f"{name}: item {at} of the exchange was never sent; {made}")
    good = [reading for reading in made.readings if reading.quality == "good"]
    if "refused" in case["expect"]:
        why = case["expect"]["refused"]
        assert not good, f"{name} is to be refused ({why}), got {_listed(good)}"
        return made.intakes
    expected = case["expect"]["readings"]
    if len(made.readings) != len(expected):
        got = f"got {_listed(made.readings)}; {made}"
        raise AssertionError(f"{name}: expected {len(expected)} reading(s), {got}")
    for reading, wanted in zip(made.readings, expected, strict=True):
        if differs := differences(reading, wanted):
            raise AssertionError(f"{name}: {'; '.join(differs)}")
    return made.intakes


@dataclass
class _Made:
    """What the driver has made of the exchange so far; as text, of what gave no reading."""

    intakes: list[Intake] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def readings(self) -> list[Reading]:
        return [reading for intake in self.intakes for reading in intake.readings]

    def turn(self, intakes: Sequence[Intake]) -> None:
        self.intakes += intakes
        self.refused += [f"dead letter: {one.dead}" for one in intakes if one.dead]
        self.refused += [f"dropped as {one.dropped}" for one in intakes if one.dropped]

    def failed(self, fault: Fault) -> None:
        """The name of the instrument, with which most begin, is no news here."""
        self.refused.append(f"{type(fault).__name__}: {str(fault).removeprefix(f'{NAME}: ')}")

    def __str__(self) -> str:
        return "; ".join(dict.fromkeys(self.refused)) or "nothing was refused"


def _play(driver: LineDriver, port: ScriptedPort, made: _Made) -> None:
    """Read until the whole script is played, or nothing of it moves any more.

    What one that only answers has not read of its last answer is not played: it would ask again.
    raises  Unscripted
    """
    streams = driver.poll_every_s is None
    for _ in range(_MOST_READS):
        left = port.unasked, port.unread if streams else 0
        if left == (0, 0):
            break
        try:
            made.turn(driver.read(port))
        except Fault as fault:
            made.failed(fault)
        if left == (port.unasked, port.unread if streams else 0):
            break


def _astray(case: Case, port: ScriptedPort, strange: Unscripted, made: _Made) -> str:
    """Where the driver left the exchange, and what it had made of it: that is mostly the cause."""
    asked_at, at = _asked_at(case), len(port.sent)
    sent = _shown(case, strange.sent)
    if strange.expected is None:
        text = f"item {len(case['exchange'])} is the last of the exchange, and {sent} was sent"
    else:
        due = _shown(case, strange.expected)
        text = f"item {asked_at[at - 1]} of the exchange is {due}, and {sent} was sent"
    if made.intakes or made.refused:
        return f"{text}; before: {made}"
    if strange.sent in port.sent[:-1]:
        text += "; it asks again: a value in doubt needs a second look (Confirm, Gauge)"
    return text


def _asked_at(case: Case) -> list[int]:
    """Which items of the exchange are the hub's, counted from 1."""
    return [at for at, item in enumerate(case["exchange"], 1) if {"hub", "hub_text"} & set(item)]


def _shown(case: Case, data: bytes) -> str:
    """As the case writes it: ASCII or hex."""
    text = any(key.endswith("_text") for item in case["exchange"] for key in item)
    return repr(data.decode("latin-1")) if text else data.hex(" ")


def _listed(readings: Sequence[Reading]) -> str:
    told = [f"{one.quantity} {one.value or '-'} {one.unit} {one.quality}" for one in readings]
    return ", ".join(told) or "none"


def differences(got: Reading, wanted: Mapping[str, Any]) -> list[str]:
    """What of a reading is not as *wanted*, in words; keys that are not wanted do not count."""
    found = []
    for key, value in wanted.items():
        have = getattr(got, key)
        if key == "instrument":  # what stands behind the name in the configuration
            have = have.removeprefix(NAME)
        same = _same_number(have, value) if key in ("value", "canonical") else have == value
        if not same:
            found.append(f"{key} is {have!r}, expected {value!r}")
    return found


def _same_number(have: object, wanted: object) -> bool:
    if str(have) == str(wanted):
        return True
    try:
        return Decimal(str(have)) == Decimal(str(wanted))
    except InvalidOperation:
        return False


def _scripted(case: Case) -> ScriptedPort:
    """Before the first request all is stream; then each request has what follows as its answer."""
    script: list[tuple[bytes, list[bytes]]] = []
    stream: list[bytes] = []
    for item in case["exchange"]:
        ((who, text),) = ((key, value) for key, value in item.items() if key != "at_s")
        data = text.encode("latin-1") if who.endswith("_text") else bytes.fromhex(text)
        match who.removesuffix("_text"):
            case "hub":
                script.append((data, []))
            case "device":
                (script[-1][1] if script else stream).append(data)
            case _:
                raise ValueError(f"exchange has {who!r}; write hub, device, hub_text, device_text")
    return ScriptedPort(script, stream)


def _no_secret(name: str) -> str:
    raise KeyError(name)
