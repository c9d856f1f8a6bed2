"""For links by which a person hands in: entries and files, on the way that real ones take.

There is no wire, so there is no simulator; what is handed in is bent instead. A case of such a
link differs from an instrument's in its exchange: `{"entry": {"key": "text"}}` for each reading
that is typed in, or `{"file": "hold.csv", "payload_text": "..."}` (`"payload": "hex"`); and in
`at`, hub time as ISO text. `refused` must stand in the sentence that the last item is refused with.
"""

import random
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Self, cast

from hub.attempt import Attempt
from hub.clock import HandClock
from hub.conformance.again import read_again
from hub.conformance.frames import sound_cases
from hub.conformance.subject import NotAsked, Subject, Unmet
from hub.desk import Desk
from hub.entering import TakesEntries, enter
from hub.errors import BadFrame, CommandRefused
from hub.golden import NAME, Case, differences
from hub.ledger import Ledger, Transaction
from hub.model import Intake, Reading, way_of
from hub.registry import Registry
from hub.rulepack import load_pack
from hub.units import UNITS

_ORDER = "T-1"
_ODD = ("", " ", "-", "NaN", "1e999", "0x10", "12,5", "51O", "\0", "a" * 300, "{}", "\ud800")
_RANDOM = 200
_AT_US = 1_790_000_000_000_000
_KNOWN_FOR_US = 30 * 86_400_000_000
"""The order is so much older than what is handed in: nothing may be older than its order."""

Given = Mapping[str, str]


def no_wire(_: Subject) -> None:
    """Simulator and faults of the wire: not applicable, a person has no wire."""
    raise NotAsked("no wire simulator: a person hands in; what is handed in is bent instead")


def rubbish_entries(subject: Subject) -> None:
    """Entries that mean nothing: each is refused with a sentence, and none raises else."""
    dice = random.Random(9)
    known = [key for case in _cases(subject) for item in case["exchange"] for key in _given(item)]
    keys = [*dict.fromkeys(known), "quality", "x"]
    for _ in range(_RANDOM):
        picked = dice.sample(keys, dice.randrange(len(keys)))
        given = {key: dice.choice(_ODD) for key in picked}
        if isinstance(intake := _tried(subject, {}, given, _AT_US), Intake):
            raise Unmet(f"rubbish became a reading: {given}: {intake.readings}")


def golden_entered(subject: Subject) -> None:
    """golden.json has entries to take and to refuse, and each comes out as it says, by an order."""
    for case in sound_cases(subject):
        with _Counter(subject, case) as counter:
            _entered(counter, case)


def entries_read_again(subject: Subject) -> None:
    """Each golden entry gives the same readings again from the record alone (`read_again`)."""
    for case in sound_cases(subject):
        if "readings" in case["expect"]:
            given, named = case.get("settings", {}), f"golden case {case['id']}"
            tried = [_tried(subject, given, _given(i), _at_us(case)) for i in case["exchange"]]
            read_again(subject, given, [one for one in tried if isinstance(one, Intake)], named)


def bent_entries(subject: Subject) -> None:
    """Cut anywhere, a key gone, odd words: refused, or no other number than the whole one gives."""
    for case in sound_cases(subject):
        if "refused" in case["expect"]:
            continue
        settings, at_us = case.get("settings", {}), _at_us(case)
        for item in case["exchange"]:
            given = _given(item)
            whole = _tried(subject, settings, given, at_us)
            if not isinstance(whole, Intake):
                raise Unmet(f"golden case {case['id']} is refused by itself: {whole}")
            true = {_fact(reading) for reading in whole.readings}
            for bent in _bent(item):
                intake = _tried(subject, settings, bent, at_us)
                if not isinstance(intake, Intake):
                    continue
                if false := [r for r in intake.readings if _fact(r) not in true]:
                    raise Unmet(
                        f"golden case {case['id']}, bent to {str(bent)[-80:]!r}, still reads as "
                        f"{false[0].value!r} {false[0].unit}; refuse what may be cut off or slipped"
                    )


class _Counter:
    """An order that waits for entries, on a ledger of its own. A context."""

    def __init__(self, subject: Subject, case: Case) -> None:
        self._at_us = _at_us(case)
        self._driver = cast("TakesEntries", subject.build(**case.get("settings", {})))
        wanted = case["expect"].get("readings", ())
        declared = {r["instrument"]: r["quantity"] for r in wanted if "instrument" in r}
        self._declared = {**declared, **case.get("instruments", {})} or {"u-1": "pressure"}
        self._folder = tempfile.TemporaryDirectory(prefix="gashub-conformance-")
        self._desk = Desk(Registry([]), load_pack(), {})

    def __enter__(self) -> Self:
        clock = HandClock(self._at_us)
        self._ledger = Ledger.open(Path(self._folder.name), clock, "conformance", 0)
        order = {
            "number": _ORDER,
            "procedure": "indoor_hold",
            "p_design_pa": 5000,
            "source": self._driver.enters,
            "instruments": [
                {"name": name, "quantity": quantity, "unit": next(iter(UNITS[quantity]))}
                for name, quantity in self._declared.items()
            ],
        }
        known_us = self._at_us - _KNOWN_FOR_US
        self._do(lambda tx: self._desk.add_order(tx, order, known_us))
        self._do(lambda tx: self._desk.open_attempt(tx, _ORDER, "", self._at_us))
        return self

    def __exit__(self, *_: object) -> None:
        with closing(self._ledger):
            self._folder.cleanup()

    def hand_in(self, given: Given) -> str:
        """Why it is refused; "" when it is taken and in the record."""
        links, request = {NAME: self._driver}, {**given, "number": _ORDER}
        before = len(self._attempt.rows)
        try:
            told = enter(self._desk, links, self._driver.enters, request, self._at_us, self._do)
        except CommandRefused as refused:
            return str(refused)
        if len(self._attempt.rows) - before != told["readings"]:
            raise Unmet(f"{told['readings']} reading(s) are said to be taken, and the order has "
                        f"{len(self._attempt.rows) - before} more")  # fmt: skip
        return ""

    def intake(self, given: Given) -> Intake:
        """What the driver makes of it; asked twice, since it is to remember nothing."""
        first, again = (self._driver.enter(given, self._at_us) for _ in range(2))
        if first != again:
            raise Unmet("the same entry given twice came out in two ways; `enter` must be pure")
        if way_of(first.source) != self._driver.enters:
            raise Unmet(f"{first.source!r} does not say that it was handed in; use `entered_by`")
        return first

    @property
    def _attempt(self) -> Attempt:
        return self._desk.attempt(_ORDER)

    def _do(self, act: Callable[[Transaction], Any]) -> Any:
        with self._ledger.transaction() as tx:
            return act(tx)


def _entered(counter: _Counter, case: Case) -> None:
    named, readings = f"golden case {case['id']}", list[Reading]()
    *before, last = case["exchange"]
    for item in before:
        if why := counter.hand_in(_given(item)):
            raise Unmet(f"{named}: refused before its last item: {why}")
        readings += counter.intake(_given(item)).readings
    why, expect = counter.hand_in(_given(last)), case["expect"]
    if "refused" in expect:
        if expect["refused"] not in why:
            raise Unmet(f"{named} is to be refused ({expect['refused']}), it says {why!r}")
        return
    if why:
        raise Unmet(f"{named} is refused: {why}")
    readings += counter.intake(_given(last)).readings
    if len(readings) != len(expect["readings"]):
        raise Unmet(f"{named}: expected {len(expect['readings'])} reading(s), got {readings}")
    for got, wanted in zip(readings, expect["readings"], strict=True):
        if differs := differences(got._replace(instrument=f"{NAME}{got.instrument}"), wanted):
            raise Unmet(f"{named}: {'; '.join(differs)}")


def _tried(subject: Subject, settings: Mapping[str, Any], given: Given, at_us: int) -> Intake | str:
    """Its intake, or why it is refused. raises Unmet for an exception that is no BadFrame"""
    try:
        intake: Intake = subject.build(**settings).enter(given, at_us)
    except BadFrame as refused:
        return str(refused)
    except Exception as bug:
        raise Unmet(f"{str(given)[:80]} made it raise {type(bug).__name__}: {bug}") from bug
    return intake


def _bent(item: Mapping[str, Any]) -> Iterator[Given]:
    if "file" in item:
        data = _payload(item)
        for end in range(len(data)):
            yield _handed(item["file"], data[:end])
        return
    given = _given(item)
    for key in given:
        yield {name: text for name, text in given.items() if name != key}
        for odd in _ODD:
            if key == "value" or not odd.strip():
                yield {**given, key: odd}


def _given(item: Mapping[str, Any]) -> Given:
    return _handed(item["file"], _payload(item)) if "file" in item else dict(item["entry"])


def _handed(name: str, data: bytes) -> Given:
    return {"file": name, "base64": b64encode(data).decode()}


def _payload(item: Mapping[str, Any]) -> bytes:
    text = item.get("payload_text")
    return bytes.fromhex(item["payload"]) if text is None else str(text).encode()


def _fact(reading: Reading) -> tuple[str, str, object, int, str]:
    return reading[0], reading.quantity, reading.canonical, reading.at_us, reading.quality


def _at_us(case: Case) -> int:
    return round(datetime.fromisoformat(case["at"]).timestamp() * 1e6) if "at" in case else _AT_US


def _cases(subject: Subject) -> Sequence[Case]:
    """Those there are; at bronze there may be none yet."""
    try:
        return sound_cases(subject)
    except Unmet:
        return ()
