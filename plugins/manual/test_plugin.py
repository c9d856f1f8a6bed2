"""Readings by eye: what is one, and that everything else is refused."""

import json
from decimal import Decimal

import pytest

from hub import BadFrame
from hub.testing import HandClock, site
from plugins.manual import register_drivers
from plugins.manual.driver import ManualDriver
from plugins.manual.settings import ManualSettings

SHA = "ab" * 32
ENTRY = {
    "instrument": "u-1",
    "value": "512",
    "unit": "mmH2O",
    "operator": "Li Lei",
    "photo": "a.jpg",
    "photo_sha256": SHA,
}


def driver(**settings: object) -> ManualDriver:
    return ManualDriver("hand", ManualSettings.model_validate(settings), site(HandClock()))


def test_it_registers_one_kind() -> None:
    """Under the name of its folder."""
    assert [kind.name for kind in register_drivers()] == ["manual"]


def test_an_entry_is_one_marked_reading_with_all_its_evidence() -> None:
    """512 mm of water; the message in the record names operator and hash, and no file."""
    intake = driver().enter(ENTRY, 1_000_000)
    (reading,) = intake.readings
    assert intake.source == "hand #manual"
    assert json.loads(intake.frame) == {key: ENTRY[key] for key in ENTRY if key != "photo"}
    assert (reading.value, reading.unit, reading.quantity) == ("512", "mmH2O", "pressure")
    assert reading.canonical == Decimal("5021.0048")
    assert reading.seq == f"photo-{SHA}"
    assert reading.at_us == 1_000_000


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"value": "51O"}, "not a number"),
        ({"value": ""}, '"value" is empty'),
        ({"value": "nan"}, "not a number"),
        ({"value": "5120"}, "outside"),
        ({"value": "-60"}, "outside"),
        ({"unit": "mbar"}, "not on a scale"),
        ({"unit": ""}, '"unit" is empty'),
        ({"operator": "  "}, '"operator" is empty'),
        ({"photo_sha256": ""}, "photo of the scale is required"),
        ({"photo_sha256": SHA.upper()}, "no SHA-256"),
        ({"instrument": "u-2"}, "not read by eye here"),
        ({"operator": "x" * 201}, "at most 200"),
        ({"quality": "good"}, "unknown key"),
    ],
)
def test_a_slip_is_refused_with_its_reason(change: dict[str, str], why: str) -> None:
    """Nothing of it becomes a reading."""
    with pytest.raises(BadFrame, match=why):
        driver(instruments=["u-1"]).enter({**ENTRY, **change}, 1)


def test_without_a_photo_it_is_taken_where_the_settings_say_so() -> None:
    """It then has no number of its own."""
    entry = {key: text for key, text in ENTRY.items() if not key.startswith("photo")}
    (reading,) = driver(photo="optional").enter(entry, 1).readings
    assert reading.seq == ""


def test_nothing_comes_by_itself_and_it_closes_twice() -> None:
    """It is a link like any other, for the hub."""
    clock = HandClock()
    quiet = ManualDriver("hand", ManualSettings(), site(clock))
    quiet.close()
    quiet.open()
    assert quiet.read(0) == ()
    quiet.close()
    quiet.close()
    assert quiet.link_state().state == "connected"
