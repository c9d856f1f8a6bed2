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
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from hub.clock import HandClock
from hub.errors import Fault, PortGone
from hub.model import Intake, LineDriver, LineDriverKind, Reading, Site
from hub.port import Port, PortSettings

PROVENANCES = ("published", "published-corrected", "public-driver", "constructed", "capture")
NAME = "golden"
"""What the driver is called; `instrument` in a case is what stands behind it."""
_MOST_READS = 10_000

Case = Mapping[str, Any]


class ScriptedPort(Port):
    r"""A port that plays a script and never waits.

    script  for each request the parts of its answer: ((b"P?", (b"P=", b"5\r\n")), ...); a
            request that differs is an AssertionError, and an answer of () is silence
    stream  what comes without asking, one element per read; PortGone may stand in it
    """

    def __init__(
        self,
        script: Sequence[tuple[bytes, Sequence[bytes]]] = (),
        stream: Sequence[bytes | PortGone] = (),
    ) -> None:
        super().__init__(PortSettings(port="scripted"))
        self._script = list(script)
        self._coming: list[bytes | PortGone] = list(stream)
        self.sent: list[bytes] = []

    @property
    def unasked(self) -> int:
        """Requests of the script that have not been sent yet."""
        return len(self._script)

    @property
    def unread(self) -> int:
        """Parts that have come and were not read yet."""
        return len(self._coming)

    def open(self) -> None:
        return

    def close(self) -> None:
        return

    def write(self, sent: bytes) -> None:
        self.sent.append(sent)
        assert self._script, f"nothing was to be sent any more, but {sent.hex(' ')} was"
        expected, answer = self._script.pop(0)
        assert sent == expected, f"sent {sent.hex(' ')}, expected {expected.hex(' ')}"
        self._coming += answer

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        if not self._coming:
            return b""
        part = self._coming.pop(0)
        if isinstance(part, PortGone):
            raise part
        if part[at_most:]:
            self._coming.insert(0, part[at_most:])
        return part[:at_most]

    def discard(self) -> int:
        count = sum(len(part) for part in self._coming if isinstance(part, bytes))
        self._coming.clear()
        return count


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
    intakes, faults = _played(driver, port)
    assert not port.unasked, f"{name}: {port.unasked} request(s) of the exchange were never sent"
    readings = [reading for intake in intakes for reading in intake.readings]
    if "refused" in case["expect"]:
        good = [reading for reading in readings if reading.quality == "good"]
        assert not good, f"{name} is to be refused ({case['expect']['refused']}), got {good}"
        return intakes
    expected = case["expect"]["readings"]
    assert len(readings) == len(expected), (
        f"{name}: expected {len(expected)} reading(s), got {readings}; "
        f"dropped {[i.dropped or i.dead for i in intakes if not i.readings]}, faults {faults}"
    )
    for got, wanted in zip(readings, expected, strict=True):
        if differs := differences(got, wanted):
            raise AssertionError(f"{name}: {'; '.join(differs)}")
    return intakes


def _played(driver: LineDriver, port: ScriptedPort) -> tuple[list[Intake], list[str]]:
    """Read until the whole script is played, or nothing of it moves any more.

    What one that only answers has not read of its last answer is not played: it would ask again.
    """
    streams = driver.poll_every_s is None
    intakes: list[Intake] = []
    faults: list[str] = []
    for _ in range(_MOST_READS):
        left = port.unasked, port.unread if streams else 0
        if left == (0, 0):
            break
        try:
            intakes += driver.read(port)
        except Fault as fault:
            faults.append(str(fault))
        if left == (port.unasked, port.unread if streams else 0):
            break
    return intakes, faults


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
