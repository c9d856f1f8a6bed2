"""An instrument that was swapped in mid hold never continues it, and no swap goes unnoticed."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hub.conformance import Options
from hub.conformance.subject import subjects
from hub.measuring import measure
from hub.model import Intake, LineDriver
from hub.port import Port
from hub.presence import SWAP_S
from hub.testing import HandClock, ScriptedPort, on_the_wire, site
from plugins.const_additel.driver import build as build_const
from plugins.const_additel.settings import ConstAdditelSettings
from tests.test_entering import GAUGE, Desktop


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Desktop]:
    made = Desktop(tmp_path, HandClock())
    with closing(made.ledger):
        yield made


def hold(house: Desktop, *told: str, value: str = "5200", quality: str = "good") -> list[str]:
    """Readings with these serials, after the first event; the events that came of them."""
    order = {
        "number": "WO-1", "procedure": "indoor_hold", "p_design_pa": 5000,
        "instruments": [GAUGE],
    }  # fmt: skip
    house.do("order.add", text=json.dumps(order))
    house.do("order.open", number="WO-1")
    house.do("order.event", number="WO-1", word="zeroed", instrument="u-1")
    say(house, *told, value=value, quality=quality)
    rows = house.desk.attempt("WO-1").rows
    return [row.value for row in rows if row.quantity == "event"][1:]


def say(house: Desktop, *told: str, value: str = "5200", quality: str = "good") -> None:
    for serial in told:
        house.clock.move(1)
        at_us = house.clock.now_us()
        reading = measure(
            instrument="u-1", quantity="pressure", value=value, unit="Pa", at_us=at_us,
            serial=serial, quality=quality,
        )  # fmt: skip
        house.desk.observe([Intake("u-1", b"", at_us, (reading,))])


@pytest.mark.parametrize("told", [("A", "A", "B"), ("A", ""), ("", "B"), ("A", "", "A")])
def test_who_tells_another_serial_or_none_is_another(house: Desktop, told: Sequence[str]) -> None:
    """Also where one of the two cannot tell: that it is the same cannot be shown."""
    assert hold(house, *told)[:1] == ["instrument_fault"]


@pytest.mark.parametrize("told", [("A", "A"), ("", "")])
def test_who_always_tells_the_same_is_the_same(house: Desktop, told: Sequence[str]) -> None:
    """Also who never tells."""
    assert hold(house, *told) == []


def test_a_warm_up_without_serial_changes_nobody(house: Desktop) -> None:
    """It has no number, so nothing is continued by it."""
    hold(house, "A")
    say(house, "", value="", quality="warming_up")
    say(house, "A")
    rows = [row for row in house.desk.attempt("WO-1").rows if row.quantity != "event"]
    assert [row.quality for row in rows] == ["good", "warming_up", "good"]


def test_a_plate_no_longer_speaks_for_a_gauge_that_has_told_its_serial() -> None:
    """Another one, that cannot tell, came on its line: the serial of the settings is not its."""
    const = build_const(
        "pm-1", ConstAdditelSettings(quantity="pressure", serial="AD1"), site(HandClock())
    )
    asked, look = b"255:R:OTYPE:1\r\n", b"255:R:MRMD:1\r\n"
    shown: list[tuple[bytes, Sequence[bytes]]] = [(look, (b"255:F:MRMD: 5.2: kPa\r\n",))] * 2
    tells: list[tuple[bytes, Sequence[bytes]]] = [(asked, (b"255:F:OTYPE:AD1\r\n",))] * 2
    cannot: list[tuple[bytes, Sequence[bytes]]] = [(asked, (b"255:E:OTYPE:1018\r\n",))] * 2
    assert serials(const.read(ScriptedPort([*cannot, *shown]))) == {"AD1"}
    const.reset()
    assert serials(const.read(ScriptedPort([*tells, *shown]))) == {"AD1"}
    const.reset()
    assert serials(const.read(ScriptedPort([*cannot, *shown]))) == {""}


TELL = (
    "axetris_lgd", "boreal", "const_additel", "crystal_xp2i", "fluke_val", "keller", "mipex",
    "modbus",
)  # fmt: skip
"""Plugins with an instrument that can tell its serial number."""


@pytest.mark.parametrize("plugin", TELL)
def test_one_swapped_between_two_polls_far_apart_reads_under_its_own_serial(plugin: str) -> None:
    """No poll was missed; not one reading of the second goes out as the first's."""
    (subject,) = subjects(plugin, Options())
    tell = 0
    asks = "ask_serial" in subject.kind.settings.model_fields
    for facts, fitting in subject.simulator.fitting.items():
        settings = {**fitting, "ask_serial": True} if asks else fitting
        clock = HandClock()
        driver = subject.kind.build("pm-1", subject.settings(**settings), site(clock))
        with on_the_wire(subject.simulator, facts, hurry=20) as wire, wire.port() as port:
            first = first_serial(driver, port)
            if "identity" not in wire.instruments[0].device.own_faults:
                continue  # it cannot be told from another by what it says
            wire.do("identity")
            port.discard()
            clock.move(SWAP_S + 0.1)
            second = first_serial(driver, port)
            assert "" != first != second != "", facts
            tell += 1
    assert tell


def first_serial(driver: LineDriver, port: Port) -> str:
    """Of its next good reading; a stream needs a while, a MIPEX a turn for each question."""
    for _ in range(200):
        for intake in driver.read(port):
            for reading in intake.readings:
                if reading.quality == "good":
                    return reading.serial
    raise AssertionError("no good reading")


def test_one_that_answers_all_the_time_is_asked_once_who_it_is() -> None:
    """So 32 slaves asked once a second pay nothing: two hundred polls, one question each."""
    clock = HandClock()
    const = build_const("pm-1", ConstAdditelSettings(quantity="pressure"), site(clock))
    asked, look = b"255:R:OTYPE:1\r\n", b"255:R:MRMD:1\r\n"
    who: list[tuple[bytes, Sequence[bytes]]] = [(asked, (b"255:F:OTYPE:AD1\r\n",))] * 2
    shown: list[tuple[bytes, Sequence[bytes]]] = [(look, (b"255:F:MRMD: 5.2: kPa\r\n",))] * 201
    port = ScriptedPort([*who, *shown])
    for _ in range(200):
        const.read(port)
        clock.move(SWAP_S)
    assert port.unasked == 0


def serials(intakes: Sequence[Any]) -> set[str]:
    return {reading.serial for intake in intakes for reading in intake.readings}
