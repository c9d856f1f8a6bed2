"""An instrument that was swapped in mid hold never continues it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hub.measuring import measure
from hub.model import Intake
from hub.testing import HandClock, ScriptedPort, site
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


def serials(intakes: Sequence[Any]) -> set[str]:
    return {reading.serial for intake in intakes for reading in intake.readings}
