"""The decoders: what is written is read exactly, and what is not written is not made up."""

import contextlib
import json
import re
import tomllib
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from hub import BadFrame, Reading
from plugins.mqtt import register_drivers
from plugins.mqtt.facts import device_us
from plugins.mqtt.plain_json import PlainJsonDecoder
from plugins.mqtt.recent import Numbering, Recent
from plugins.mqtt.settings import MqttSettings, PlainJson, ThingsBoardGateway
from plugins.mqtt.strict_json import loads
from plugins.mqtt.thingsboard import ThingsBoardDecoder

AT_US = 1_790_000_000_000_000
DEFAULT = {"filter": "i/+/reading", "decoder": "plain_json"}
PLATFORM = {
    "decoder": "thingsboard_gateway",
    "values": [
        {"key": "gas", "quantity": "gas", "unit": "%LEL"},
        {"key": "p", "quantity": "pressure", "unit": "kPa"},
    ],
}


def plain(payload: str, topic: str = "i/pm-1/reading", **mapping: Any) -> list[Reading]:
    decoder = PlainJsonDecoder(PlainJson.model_validate({**DEFAULT, **mapping}))
    readings, faults = decoder.decode(topic, payload.encode(), AT_US)
    if faults:
        raise BadFrame("; ".join(faults))
    return readings


def platform(payload: str, **mapping: Any) -> tuple[list[Reading], list[str]]:
    decoder = ThingsBoardDecoder(ThingsBoardGateway.model_validate({**PLATFORM, **mapping}))
    return decoder.decode("v1/gateway/telemetry", payload.encode(), AT_US)


def message(**more: str) -> str:
    members = {
        "instrument": '"pm-1"', "quantity": '"pressure"', "value": "5000.10", "unit": '"Pa"',
        **more,
    }  # fmt: skip
    return "{" + ", ".join(f'"{key}": {text}' for key, text in members.items() if text) + "}"


def test_the_plugin_brings_one_kind() -> None:
    (kind,) = register_drivers()
    assert kind.name == "mqtt"
    assert kind.settings is MqttSettings


def test_every_fact_of_a_message_is_in_the_reading() -> None:
    """The number as sent, the canonical one beside it, the device's time kept apart."""
    (reading,) = plain(
        message(
            value="5.0010", unit='"kPa"', ts='"2026-11-23T18:00:00Z"', seq="17", serial='"A-1"',
            quality='"good"',
        )
    )  # fmt: skip
    assert reading == Reading(
        instrument="pm-1",
        serial="A-1",
        quantity="pressure",
        value="5.0010",
        unit="kPa",
        canonical=Decimal("5001.0000"),
        canonical_unit="Pa",
        at_us=AT_US,
        quality="good",
        seq="17",
        device_time="2026-11-23T18:00:00Z",
    )


def test_facts_come_from_key_topic_or_settings() -> None:
    """The same message read by another mapping."""
    (reading,) = plain(
        '{"v": 12.5, "n": 3}',
        topic="site/det-9/gas",
        instrument="topic:2",
        quantity="const:gas",
        unit="const:%LEL",
        value="key:v",
        seq="key:n",
        lel_basis_pct_vol=Decimal("4.4"),
    )
    assert (reading.instrument, reading.quantity, reading.unit, reading.value, reading.seq) == (
        "det-9", "gas", "%LEL", "12.5", "3",
    )  # fmt: skip
    assert reading.lel_basis_pct_vol == "4.4"


def test_names_and_words_of_quality_are_translated() -> None:
    (reading,) = plain(
        message(quality='"ok"'), instruments={"pm-1": "gauge-7"}, qualities={"ok": "good"}
    )
    assert (reading.instrument, reading.quality) == ("gauge-7", "good")


def test_a_message_may_carry_several_numbers() -> None:
    """One reading for each key that is there, each with its own quantity and unit."""
    values = [
        {"key": "t", "quantity": "gas_temperature", "unit": "degC"},
        {"key": "b", "quantity": "barometer", "unit": "hPa"},
        {"key": "absent", "quantity": "gas", "unit": "%LEL"},
    ]
    readings = plain('{"instrument": "sky", "t": 21.5, "b": 1013.25, "seq": 4}', values=values)

    assert [(r.quantity, r.value, r.unit, r.seq) for r in readings] == [
        ("gas_temperature", "21.5", "degC", "4"),
        ("barometer", "1013.25", "hPa", "4"),
    ]


def test_a_list_of_objects_is_several_readings() -> None:
    assert [r.seq for r in plain(f"[{message(seq='1')}, {message(seq='2')}]")] == ["1", "2"]


def test_another_quality_than_good_carries_no_number() -> None:
    """What stood in its place is kept as text; null is allowed there."""
    (over,) = plain(message(quality='"over_range"', value="99999"))
    (fault,) = plain(message(quality='"fault"', value="null"))

    assert (over.value, over.canonical) == ("99999", None)
    assert (fault.value, fault.canonical) == ("", None)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "no reading"),
        ("{}", "which instrument"),
        ("7", "expected a JSON object"),
        ("[7]", "expected a JSON object"),
        ('"text"', "expected a JSON object"),
        (message(instrument=""), "which instrument"),
        (message(instrument='""'), "which instrument"),
        (message(instrument="true"), "instrument 'True' is no text"),
        (message(instrument='["a"]'), "instrument"),
        (message(instrument='"a\\nb"'), "instrument"),
        (message(instrument='"' + "x" * 65 + '"'), "at most 64"),
        (message(quantity=""), "what was measured"),
        (message(quantity='"weight"'), "'weight' is unknown"),
        (message(unit=""), "no unit"),
        (message(unit="null"), "no unit"),
        (message(unit='"%LEL"'), "not a unit of pressure"),
        (message(unit='"furlong"'), "not a unit"),
        (message(value=""), "no number"),
        (message(value="null"), "no number"),
        (message(value="true"), "no number"),
        (message(value='"11,74"'), "no number"),
        (message(value='"1_000"'), "no number"),
        (message(value='" 1 "'), "no number"),
        (message(value='"NaN"'), "no number"),
        (message(value='"\\u0661\\u0662"'), "no number"),
        (message(value="[1]"), "no number"),
        (message(value="NaN"), "NaN is no number"),
        (message(value="-Infinity"), "-Infinity is no number"),
        (message(value="1e999"), "not a finite number"),
        (message(value="0x10"), "not JSON"),
        (message(value="01"), "not JSON"),
        (message(value=".5"), "not JSON"),
        (message(value="1" * 41), "not a finite number"),
        (message(seq="1.5"), "no whole number"),
        (message(seq="-1"), "no whole number"),
        (message(seq="true"), "sequence"),
        (message(quality='"fine"'), "'fine' is not one of"),
        (message(ts="{}"), "time"),
        ('{"instrument": "a", "instrument": "b"}', "stands twice"),
        ('{"x": {"y": 1, "y": 1}}', "stands twice"),
        ('{"x": ' * 100_000, "nested too deep"),
        ('{"x": "\\ud83d"}', "surrogate"),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_refused(payload: str, reason: str) -> None:
    """Never a reading, never a guess; the text says what is wrong."""
    with pytest.raises(BadFrame, match=reason):
        plain(payload)


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    with pytest.raises(BadFrame, match="not UTF-8 at byte 2"):
        loads(b'{"\xff": 1}')


def test_a_thingsboard_message_is_read_device_by_device() -> None:
    """Several devices, several times, mapped keys only; names translated."""
    readings, faults = platform(
        '{"Device A": [{"ts": 1483228800000, "values": {"gas": 12.50, "rssi": -70, "seq": 4}},'
        ' {"ts": 1483228801000, "values": {"gas": 12.75, "seq": 5}}],'
        ' "B": [{"values": {"p": 2.5}}, {"p": 2.6}]}',
        instruments={"Device A": "det-1"},
    )
    assert faults == []
    assert [
        (r.instrument, r.quantity, r.value, r.unit, r.seq, r.device_time) for r in readings
    ] == [
        ("det-1", "gas", "12.50", "%LEL", "4", "1483228800000"),
        ("det-1", "gas", "12.75", "%LEL", "5", "1483228801000"),
        ("B", "pressure", "2.5", "kPa", "", ""),
        ("B", "pressure", "2.6", "kPa", "", ""),
    ]  # fmt: skip


def test_one_bad_device_does_not_silence_the_others() -> None:
    """Each complaint names its device."""
    readings, faults = platform(
        '{"A": [{"values": {"gas": "x"}}], "B": 7, "C": [{"values": {"gas": 1}}], "D": [[]]}'
    )
    assert [r.instrument for r in readings] == ["C"]
    assert [fault[:3] for fault in faults] == ["'A'", "'B'", "'D'"]


@pytest.mark.parametrize("payload", ["[]", "{}", '{"A": []}', '{"A": [{"values": {"rssi": 1}}]}'])
def test_a_thingsboard_message_without_a_reading_is_refused(payload: str) -> None:
    with pytest.raises(BadFrame, match=r"no reading|expected"):
        platform(payload)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9))
def test_no_digit_is_lost_between_the_wire_and_the_reading(number: Decimal) -> None:
    """The text is what was sent; no binary float comes between."""
    text = format(number, "f")[:40].rstrip(".")
    (reading,) = plain(message(value=text))
    assert reading.value == text
    assert reading.canonical == Decimal(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(JSON)
def test_sound_json_is_read_as_pythons_reader_reads_it(value: Any) -> None:
    """Numbers apart, which stay text."""
    written = json.dumps(value)
    assert json.loads(written, parse_float=str, parse_int=str) == loads(written.encode())


@given(st.binary())
def test_no_bytes_at_all_break_a_decoder(payload: bytes) -> None:
    """Readings, complaints or BadFrame: nothing else comes out."""
    for decoder in (
        PlainJsonDecoder(PlainJson.model_validate(DEFAULT)),
        ThingsBoardDecoder(ThingsBoardGateway.model_validate(PLATFORM)),
    ):
        with contextlib.suppress(BadFrame):
            decoder.decode("i/x/reading", payload, AT_US)


@given(JSON)
def test_no_sound_json_at_all_breaks_a_decoder(value: Any) -> None:
    payload = json.dumps({"instrument": "a", "quantity": "gas", "value": value}).encode()
    with contextlib.suppress(BadFrame):
        PlainJsonDecoder(PlainJson.model_validate(DEFAULT)).decode("t", payload, AT_US)


@pytest.mark.parametrize(
    ("sent", "unit", "us"),
    [
        ("1483228800000", "ms", 1_483_228_800_000_000),
        ("1483228800", "s", 1_483_228_800_000_000),
        ("2017-01-01T08:00:00+08:00", "ms", 1_483_228_800_000_000),
        ("2017-01-01T00:00:00.5Z", "ms", 1_483_228_800_500_000),
        ("2017-01-01T00:00:00", "ms", None),
        ("yesterday", "ms", None),
        ("", "ms", None),
    ],
)
def test_a_device_time_without_a_zone_is_unknown(sent: str, unit: str, us: int | None) -> None:
    """Some local time is no time."""
    assert device_us(sent, unit) == us


@given(st.text(max_size=64), st.sampled_from(["s", "ms", "us"]))
def test_no_text_at_all_breaks_the_reading_of_a_device_time(sent: str, unit: str) -> None:
    assert isinstance(device_us(sent, unit), int | None)


@given(st.datetimes(timezones=st.timezones()))
def test_every_time_with_a_zone_is_understood(at: datetime) -> None:
    assert device_us(at.isoformat(), "ms") == round(at.timestamp() * 1e6)


def test_recent_forgets_the_oldest_and_keeps_what_it_promises() -> None:
    """At least the last 100 of 100; memory does not grow."""
    recent = Recent(100)
    readings = [
        Reading("a", "", "gas", "1", "%LEL", None, "", AT_US, seq=str(n)) for n in range(1000)
    ]
    assert [reading for reading in readings if recent.seen(reading, redelivered=False)] == []
    assert all(recent.seen(reading, redelivered=True) for reading in readings[-100:])
    assert not recent.seen(readings[0], redelivered=True)


def test_a_number_that_goes_back_is_reported() -> None:
    """The device started again, or messages came out of order."""
    numbering = Numbering()
    assert numbering.check("a", "500", 1) is None
    assert numbering.check("a", "1", 1) == ("seq_back", "a: 500 -> 1")
    assert numbering.check("a", "2", 1) is None
    assert numbering.check("b", "7", 1) is None
    assert numbering.check("a", "not-a-number", 1) is None


def test_gaps_are_reported_again_after_a_step() -> None:
    numbering = Numbering()
    said = [numbering.check("a", str(n), 1) for n in (1, 10, 20, 30, 40, 50, 60, 61, 70)]
    assert [notice[0] if notice else None for notice in said] == [
        None, "seq_gap", "seq_gap", "seq_gap", "seq_gap", "seq_irregular", None, None, "seq_gap",
    ]  # fmt: skip


README = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"```toml\n(.*?)```.*?`([\w/-]+)`[^`]*```json\n(.*?)```\n\n((?:\|[^\n]*\n)+)", README, re.DOTALL
)


@pytest.mark.parametrize(
    ("settings", "topic", "payload", "table"),
    EXAMPLES,
    ids=["plain", "several_numbers", "thingsboard"],
)
def test_the_worked_examples_of_the_readme_are_true(
    settings: str, topic: str, payload: str, table: str
) -> None:
    """Each message, read by the settings above it, becomes just the readings below it."""
    (link,) = tomllib.loads("[[link]]\n" + settings)["link"]
    (mapping,) = MqttSettings.model_validate({"host": "b", **link}).topics
    decoder = (
        PlainJsonDecoder(mapping) if isinstance(mapping, PlainJson) else ThingsBoardDecoder(mapping)
    )
    readings, faults = decoder.decode(topic, payload.encode(), AT_US)
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]

    assert topic_matches_sub(mapping.filter, topic)
    assert faults == []
    assert rows == [
        [
            *(r.instrument, r.serial, r.quantity, r.value, r.unit),
            *(f"{r.canonical} {r.canonical_unit}", r.quality, r.seq, r.device_time),
        ]
        for r in readings
    ]
