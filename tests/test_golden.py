"""Golden cases that do not fit say which item it is, and what the driver made of those before."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.golden import golden_cases, replay_golden
from hub.registry import Registry
from hub.samples import PLUGINS
from plugins.fluke_val import driver as fluke

ANSWER = "5.830000E01,PSI\r\n"
FLUKE = {
    "id": "one",
    "source": "plugins/fluke_val/golden.json",
    "provenance": "published",
    "settings": {"quantity": "pressure", "ask_serial": False},
    "exchange": [{"hub_text": "VAL?\r"}, {"device_text": ANSWER}] * 2,
    "expect": {"readings": [{"quantity": "pressure", "unit": "psi"}]},
}


def kind(name: str) -> Any:
    return Registry([name]).drivers[name]


def said_of(*exchange: Mapping[str, str], **more: Any) -> str:
    """Why a Fluke's driver does not do what such a case says."""
    with pytest.raises(AssertionError) as wrong:
        replay_golden(kind("fluke_val"), {**FLUKE, "exchange": exchange, **more})
    return str(wrong.value)


def asked(answer: str) -> tuple[Mapping[str, str], ...]:
    return {"hub_text": "VAL?\r"}, {"device_text": answer}


def test_the_case_that_the_others_vary_is_sound() -> None:
    assert len(replay_golden(kind("fluke_val"), FLUKE)) == 2


def test_a_misspelt_key_of_a_reading_is_named_before_anything_is_played(tmp_path: Path) -> None:
    misspelt = {**FLUKE, "expect": {"readings": [{"units": "psi"}]}}
    (tmp_path / "golden.json").write_text(json.dumps([misspelt]))
    with pytest.raises(
        ValueError, match=r'case one: .*no \'units\', but .*; did you mean "unit"\?'
    ):
        golden_cases(tmp_path)


def test_a_request_too_many_is_told_with_the_item_where_the_exchange_ends() -> None:
    """One look too few: nothing was refused yet, so the second look is all there is to say."""
    assert said_of(*asked(ANSWER)) == (
        "one: item 2 is the last of the exchange, and 'VAL?\\r' was sent; it asks again: a value "
        "in doubt needs a second look (Confirm, Gauge)"
    )


def test_a_request_too_many_after_a_refused_frame_tells_the_refusal() -> None:
    """The cause, and not only its consequence."""
    said = said_of(*asked("58,3 PSI\r\n"), *asked(ANSWER))
    assert said.startswith("one: item 4 is the last of the exchange, and 'VAL?\\r' was sent; ")
    assert "before: BadFrame: expected value,unit for each display, got b'58,3 PSI\\r'" in said


def test_another_request_than_the_exchange_has_is_told_with_its_item() -> None:
    said = said_of(*asked(ANSWER), settings={"quantity": "pressure"})
    assert said == "one: item 1 of the exchange is 'VAL?\\r', and '*IDN?\\r' was sent"


def test_a_case_in_hex_is_told_in_hex() -> None:
    (case,) = (one for one in golden_cases(PLUGINS / "keller") if one["id"] == "keller-f73-resp1")
    first, *others = case["exchange"]
    with pytest.raises(AssertionError) as wrong:
        replay_golden(kind("keller"), {**case, "exchange": [{"hub": "00 FF"}, *others]})
    assert f"is 00 ff, and {bytes.fromhex(first['hub']).hex(' ')} was sent" in str(wrong.value)


def test_what_was_never_sent_is_told_with_its_item() -> None:
    """A laser streams, and asks for nothing."""
    first, *_ = golden_cases(PLUGINS / "boreal")
    exchange = [*first["exchange"], {"hub_text": "?"}]
    with pytest.raises(
        AssertionError, match=f"item {len(exchange)} of the exchange was never sent"
    ):
        replay_golden(kind("boreal"), {**first, "exchange": exchange})


def test_other_readings_than_expected_are_listed() -> None:
    said = said_of(*asked(ANSWER) * 4)
    assert said == (
        "one: expected 1 reading(s), got pressure 5.830000E01 psi good, "
        "pressure 5.830000E01 psi good, pressure 5.830000E01 psi good; dropped as unconfirmed"
    )


def test_a_dead_letter_is_called_one() -> None:
    said = said_of(*asked("5.830000E01,INHG\r\n"))
    assert said == (
        "one: expected 1 reading(s), got none; "
        "dead letter: unit 'INHG' is none of PSI, BAR, MBAR, KPA, MPA"
    )


def test_what_is_wrong_with_every_look_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of units that has a word which the hub refuses: BadFrame, whenever it is read."""
    monkeypatch.setitem(fluke.UNITS, "PSI", "inHg")
    said = said_of(*asked(ANSWER), *asked(ANSWER))
    assert said.startswith("one: expected 1 reading(s), got none; BadFrame: unit 'inHg' is not a")
    assert said.count("inHg") == 1
    assert "\\'" not in said
