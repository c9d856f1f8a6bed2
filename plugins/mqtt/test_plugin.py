"""The decoders: what is written is read exactly, and what is not written is not made up."""

import contextlib
import json
import os
import random
import re
import sys
import tomllib
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from hub import BadFrame, ConfigError, Reading
from plugins.mqtt import register_drivers
from plugins.mqtt import sparkplug_wire as wire
from plugins.mqtt.convention import Convention, Heard
from plugins.mqtt.facts import device_us
from plugins.mqtt.plain_json import PlainJsonDecoder
from plugins.mqtt.recent import Numbering, Recent
from plugins.mqtt.routes import OneByOne, decoder_of
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


def hear(topic: str, payload: bytes | str, retained: bool = False, **mapping: Any) -> Heard:
    """One message to a new decoder of *mapping*."""
    return convention(**mapping).hear(topic, _bytes(payload), AT_US, retained=retained)


def convention(**mapping: Any) -> Convention:
    (topic,) = MqttSettings.model_validate({"host": "b", "topics": [mapping]}).topics
    reader = decoder_of(topic)
    assert not isinstance(reader, OneByOne)
    return reader


def _bytes(payload: bytes | str) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload


TASMOTA: dict[str, Any] = {
    "decoder": "tasmota",
    "values": [{"key": "S.Pressure", "quantity": "barometer"}],
}
ZIGBEE: dict[str, Any] = {
    "decoder": "zigbee2mqtt",
    "values": [{"key": "t", "quantity": "gas_temperature", "unit": "degC"}],
}
WIREN: dict[str, Any] = {
    "decoder": "wirenboard",
    "values": [{"key": "P", "quantity": "pressure", "unit": "Pa"}],
}
SPARKPLUG: dict[str, Any] = {
    "decoder": "sparkplug_b",
    "values": [{"key": "Pressure/Pa", "quantity": "pressure", "unit": "Pa"}],
}


def test_a_device_that_goes_is_told_once_and_its_return_too() -> None:
    """The retained word at the start counts; an online one there is no news."""
    for topic, mapping in (("tele/d/LWT", TASMOTA), ("zigbee2mqtt/d/availability", ZIGBEE)):
        reader = convention(**mapping)
        said = [
            reader.hear(topic, word, AT_US, retained=False).news
            for word in (b"Online", b"Offline", b'{"state": "offline"}', b"online")
        ]
        assert said == [(), [("device_offline", "d")], (), [("device_online", "d")]]


def test_a_retained_number_is_never_a_reading() -> None:
    assert hear("tele/d/SENSOR", '{"S": {"Pressure": 1}}', True, **TASMOTA).dropped == "retained"
    assert hear("zigbee2mqtt/d", '{"t": 1}', True, **ZIGBEE).dropped == "retained"
    assert hear("/devices/d/controls/P", "1", True, **WIREN).dropped == "retained"


def test_tasmotas_unit_must_agree_with_the_settings() -> None:
    values = [{"key": "S.Pressure", "quantity": "barometer", "unit": "hPa"}]
    body = '{"S": {"Pressure": 760}, "PressureUnit": "kPa"}'
    heard = hear("tele/d/SENSOR", body, decoder="tasmota", values=values)
    assert not heard.readings
    assert "'kPa' in the message" in heard.faults[0]


def test_a_command_to_a_device_is_no_reading() -> None:
    assert hear("zigbee2mqtt/a/set", '{"t": 1}', **ZIGBEE).dropped == "command"
    assert hear("/devices/d/controls/P/on", "1", **WIREN).dropped == "command"


def test_a_gone_wiren_board_device_makes_its_controls_stale() -> None:
    """And what comes before the error is cleared has no number either."""
    reader = convention(**WIREN)
    steps = [("controls/P", b"5"), ("meta/error", b"x"), ("controls/P", b"6"), ("meta/error", b"")]
    heard = [reader.hear(f"/devices/d/{at}", sent, AT_US, retained=False) for at, sent in steps]
    assert [[(r.value, r.quality) for r in each.readings] for each in heard] == [
        [("5", "good")], [("5", "stale")], [("6", "stale")], [],
    ]  # fmt: skip
    assert [news[0] for each in heard for news in each.news] == ["device_offline", "device_online"]


@pytest.mark.parametrize(
    ("sent", "us"),
    [
        ("2026-07-01T12:00:00", 1_782_900_000_000_000),
        ("2026-10-25T02:30:00", None),
        ("2026-03-29T02:30:00", None),
    ],
)
def test_a_local_time_needs_a_zone_and_one_meaning(sent: str, us: int | None) -> None:
    """The hour that summer time repeats or leaves out is unknown."""
    assert device_us(sent, "ms", ZoneInfo("Europe/Berlin")) == us
    assert device_us(sent, "ms") is None


@given(st.binary(), st.booleans())
def test_no_bytes_at_all_break_a_convention(payload: bytes, retained: bool) -> None:
    for topic, mapping in (
        ("tele/d/SENSOR", TASMOTA), ("tele/d/LWT", TASMOTA), ("zigbee2mqtt/d", ZIGBEE),
        ("/devices/d/controls/P", WIREN), ("/devices/d/controls/P/meta", WIREN),
    ):  # fmt: skip
        with contextlib.suppress(BadFrame):
            hear(topic, payload, retained, **mapping)


class Node:
    """A Sparkplug edge node, as its own messages."""

    def __init__(self) -> None:
        self.reader = convention(**SPARKPLUG)
        self.at_us = AT_US

    def say(self, verb: str, seq: int | None, *metrics: dict[str, Any]) -> Heard:
        return self.send(verb, self.payload(seq, *metrics))

    def send(self, verb: str, payload: bytes) -> Heard:
        topic = f"spBv1.0/g/{verb}/e{'/dev' if verb.startswith('D') else ''}"
        return self.reader.hear(topic, payload, self.at_us, retained=False)

    @staticmethod
    def payload(seq: int | None, *metrics: dict[str, Any]) -> bytes:
        body = wire.messages()["Payload"]()
        if seq is not None:
            body.seq = seq
        for sent in metrics:
            fields = dict(sent)
            metric = body.metrics.add()
            if (quality := fields.pop("quality", None)) is not None:
                metric.properties.keys.append("Quality")
                metric.properties.values.add(type=3, int_value=quality)
            for field, value in fields.items():
                setattr(metric, field, value)
        return bytes(body.SerializeToString())

    def born(self, bd_seq: int = 7, datatype: int = 9) -> "Node":
        self.say("NBIRTH", 0, {"name": "bdSeq", "datatype": 8, "long_value": bd_seq})
        told = {"name": "Pressure/Pa", "alias": 3, "datatype": datatype}
        self.say("DBIRTH", 1, {**told, ("float_value" if datatype == 9 else "int_value"): 1})
        return self


def test_the_published_sparkplug_frame_is_read_as_it_says() -> None:
    """Once by the wire's reader, once as data after the births that it needs."""
    frame = bytes.fromhex(
        "08EAF2F5A8A02B121B0A0B50726573737572652F506118EAF2F5A8A02B20096500E0FD441802"
    )
    body = wire.decode(frame)
    assert (body.timestamp_ms, body.seq, body.metrics[0].name) == (1486144502122, 2, "Pressure/Pa")
    assert wire.number(body.metrics[0], 9) == "2031"
    (reading,) = Node().born().reader.hear("spBv1.0/g/DDATA/e/dev", frame, AT_US, retained=False)[0]
    assert (reading.instrument, reading.canonical) == ("g/e/dev", Decimal(2031))


def test_an_alias_is_read_by_its_birth_and_a_hole_asks_for_a_new_one() -> None:
    """The message after the hole is no reading, nor is any until the birth; asked for once."""
    node = Node().born()
    assert [r.value for r in node.say("DDATA", 2, {"alias": 3, "float_value": 0.1}).readings] == [
        "0.1"
    ]
    heard = node.say("DDATA", 4, {"alias": 3, "float_value": 9.0})
    assert not heard.readings
    assert [what for what, _ in heard.news] == ["seq_gap", "rebirth_asked"]
    ((topic, command),) = heard.commands
    assert topic == "spBv1.0/g/NCMD/e"
    (asked,) = wire.decode(command).metrics
    assert (asked.name, dict(asked.fields)) == ("Node Control/Rebirth", {"boolean_value": True})
    again = node.say("DDATA", 5, {"alias": 3, "float_value": 9.0})
    assert (list(again.readings), list(again.commands)) == ([], [])
    node.born()
    assert node.say("DDATA", 2, {"alias": 3, "float_value": 9.0}).readings


def test_the_count_goes_round_after_255() -> None:
    node = Node().born()
    for seq in (*range(2, 256), 0, 1):
        assert node.say("DDATA", seq, {"alias": 3, "float_value": 2.0}).readings


@pytest.mark.parametrize(
    ("more", "quality"),
    [
        ({"quality": 0}, "bad"),
        ({"quality": 192}, "good"),
        ({"quality": 500}, "stale"),
        ({"is_historical": True}, "late"),
        ({"is_null": True}, "bad"),
    ],
)
def test_sparkplugs_qualities(more: dict[str, Any], quality: str) -> None:
    """Only good has a number."""
    metric = {"alias": 3, **more} if "is_null" in more else {"alias": 3, "float_value": 5.0, **more}
    (reading,) = Node().born().say("DDATA", 2, metric).readings
    assert reading.quality == quality
    assert (reading.canonical is not None) == (quality == "good")


@pytest.mark.parametrize(
    "metric",
    [
        {"alias": 4, "float_value": 1.0},
        {"alias": 3, "float_value": 1.0, "quality": 64},
        {"alias": 3, "float_value": float("nan")},
        {"alias": 3, "float_value": float("inf")},
        {"alias": 3, "double_value": 1.0},
        {"alias": 3, "datatype": 10, "double_value": 1.0},
        {"alias": 3},
        {"alias": 3, "float_value": 1.0, "int_value": 1},
        {"alias": 3, "float_value": 1.0, "name": "Another"},
    ],
)
def test_a_metric_that_is_not_as_born_is_refused(metric: dict[str, Any]) -> None:
    heard = Node().born().say("DDATA", 2, metric)
    assert (list(heard.readings), len(heard.faults)) == ([], 1)


def test_only_the_death_of_this_session_makes_everything_stale() -> None:
    node = Node().born()
    assert node.say("NDEATH", None, {"name": "bdSeq", "long_value": 6}).dropped == "old_death"
    assert node.say("DDATA", 2, {"alias": 3, "float_value": 5.0}).readings
    heard = node.say("NDEATH", None, {"name": "bdSeq", "long_value": 7})
    assert [(r.value, r.quality) for r in heard.readings] == [("5", "stale")]
    assert heard.news[0][0] == "device_offline"
    assert not node.say("DDATA", 3, {"alias": 3, "float_value": 5.0}).readings


DEATH = {"name": "bdSeq", "long_value": 7}
PASCAL = {"alias": 3, "float_value": 5.0}


def told(heard: Heard) -> list[tuple[str, str]]:
    return [(reading.value, reading.quality) for reading in heard.readings]


def test_a_death_counts_after_a_hole_and_after_a_lost_connection() -> None:
    """Nothing is read then, but which session it was is still known; the return is told as well."""
    for missed in ("hole", "connection"):
        node = Node().born()
        if missed == "hole":
            assert not node.say("DDATA", 9, PASCAL).readings
        else:
            node.reader.forget()
            assert not node.say("DDATA", 2, PASCAL).readings
        heard = node.say("NDEATH", None, DEATH)
        assert (told(heard), [what for what, _ in heard.news]) == (
            [("1", "stale")], ["device_offline"],
        )  # fmt: skip
        again = node.say("NBIRTH", 0, {"name": "bdSeq", "datatype": 8, "long_value": 8})
        assert again.news == [("device_online", "g/e")]


def test_a_birth_of_another_session_ends_the_one_before_whose_death_was_missed() -> None:
    """Its numbers are stale; those of a birth repeated in the same session are not."""
    node = Node().born()
    assert node.say("DDATA", 2, PASCAL).readings
    assert told(node.say("NBIRTH", 0, {"name": "bdSeq", "long_value": 7})) == []
    heard = node.say("NBIRTH", 0, {"name": "bdSeq", "datatype": 8, "long_value": 8})
    assert told(heard) == [("5", "stale")]
    assert [what for what, _ in heard.news] == ["device_offline", "device_online"]


def test_a_birth_has_number_zero_and_a_session() -> None:
    """Any other is no birth to rely on: it is asked for again, and what follows is not read."""
    for seq, metric in ((5, {"name": "bdSeq", "long_value": 7}), (0, {"name": "other"})):
        node = Node()
        heard = node.say("NBIRTH", seq, {**metric, "datatype": 8})
        assert (list(heard.readings), len(heard.faults), len(heard.commands)) == ([], 1, 1)
        assert not node.say("DBIRTH", seq + 1, {**PASCAL, "name": "Pressure/Pa"}).readings


def test_a_metric_without_a_birth_is_asked_about_once_and_spoils_no_other() -> None:
    node = Node().born()
    heard = node.say("DDATA", 2, {"alias": 9, "float_value": 1.0}, PASCAL)
    assert (told(heard), len(heard.faults), len(heard.commands)) == ([("5", "good")], 1, 1)
    node.at_us += 60_000_000
    later = node.say("DDATA", 3, {"alias": 9, "float_value": 1.0}, PASCAL)
    assert (told(later), len(later.faults), len(later.commands)) == ([("5", "good")], 1, 0)


def test_a_quality_that_is_no_whole_number_spoils_its_own_metric_only() -> None:
    body = wire.messages()["Payload"].FromString(Node.payload(2, {"name": "Other"}, PASCAL))
    body.metrics[0].properties.keys.append("Quality")
    body.metrics[0].properties.values.add(type=12)
    node = Node().born()
    assert told(node.send("DDATA", body.SerializeToString())) == [("5", "good")]
    body.seq = 3
    body.metrics[1].properties.CopyFrom(body.metrics[0].properties)
    heard = node.send("DDATA", body.SerializeToString())
    assert (told(heard), len(heard.faults)) == ([], 2)


def test_a_name_that_is_no_text_is_refused() -> None:
    frame = Node.payload(2, {"name": "AB", "float_value": 5.0}).replace(b"AB", b"\xff\xfe")
    with pytest.raises(BadFrame, match=r"UTF-8|no Sparkplug B payload"):
        wire.decode(frame)


@pytest.mark.parametrize(
    ("datatype", "field", "sent", "read"),
    [
        (1, "int_value", 0xFF, "-1"),
        (1, "int_value", 0xFFFFFFFF, "-1"),
        (1, "int_value", 256, ""),
        (2, "int_value", 65531, "-5"),
        (2, "int_value", 0xFFFFFFFB, "-5"),
        (2, "int_value", 32767, "32767"),
        (2, "int_value", 65536, ""),
        (3, "int_value", 0xFFFFFFFB, "-5"),
        (3, "long_value", 0xFFFFFFFB, "-5"),
        (3, "long_value", 1 << 32, ""),
        (4, "long_value", (1 << 64) - 5, "-5"),
        (4, "int_value", 5, ""),
        (5, "int_value", 255, "255"),
        (5, "int_value", 256, ""),
        (7, "long_value", 0xFFFFFFFF, "4294967295"),
        (8, "long_value", (1 << 64) - 1, "18446744073709551615"),
        (13, "long_value", 5, ""),
    ],
)
def test_whole_numbers_are_as_wide_as_their_type_says(
    datatype: int, field: str, sent: int, read: str
) -> None:
    """A negative one may be filled up to its field or not; what fits neither way is no number."""
    (metric,) = wire.decode(Node.payload(2, {"name": "n", field: sent})).metrics
    if read:
        assert wire.number(metric, datatype) == read
    else:
        with pytest.raises(BadFrame):
            wire.number(metric, datatype)


FUZZ = int(os.environ.get("GASHUB_FUZZ_FRAMES", "100000"))
VERBS = ("NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA")


@pytest.mark.timeout(3600)
def test_bent_and_random_sparkplug_messages_break_nothing_and_make_no_number_unborn() -> None:
    """A payload has no checksum, so a bent number is a number; but only a birth gives it a name.

    Every third message is noise, the others are bent births, data and deaths. A decoder that has
    heard no birth makes no reading of data at all; one that has makes them of its one metric
    only, and after all of it reads on.
    """
    dice = random.Random(30)
    whole = {
        "NBIRTH": Node.payload(0, {"name": "bdSeq", "datatype": 8, "long_value": 7}),
        "DBIRTH": Node.payload(
            1, {"name": "Pressure/Pa", "alias": 3, "datatype": 9, "float_value": 1.0}
        ),
        "DDATA": Node.payload(2, {**PASCAL, "quality": 192, "timestamp": 1_486_144_502_122}),
        "NDATA": Node.payload(2, {"name": "Pressure/Pa", "datatype": 9, "float_value": 5.0}),
        "NDEATH": Node.payload(None, DEATH),
        "DDEATH": Node.payload(2),
    }
    unborn, node, numbers = Node(), Node().born(), 0
    for count in range(FUZZ):
        verb = dice.choice(VERBS)
        frame = dice.randbytes(dice.randrange(60)) if count % 3 == 0 else _bent(dice, whole[verb])
        if verb.endswith("DATA"):
            assert not _heard(unborn, verb, frame).readings
        heard = _heard(node, verb, frame)
        for reading in heard.readings:
            assert (reading.instrument, reading.quantity) in {
                ("g/e/dev", "pressure"), ("g/e", "pressure"),
            }  # fmt: skip
            assert (reading.canonical is not None) == (reading.quality == "good")
            numbers += reading.quality == "good"
        if count % 2:
            node.born()
    print(f"sparkplug: of {FUZZ} bent and random messages {numbers} were read as a number")
    assert numbers > FUZZ / 500, "too few came as far as the decoding of numbers"
    node.at_us += 60_000_000
    assert told(node.born().say("DDATA", 2, PASCAL)) == [("5", "good")]
    assert told(unborn.born().say("DDATA", 2, PASCAL)) == [("5", "good")]


def _heard(node: Node, verb: str, frame: bytes) -> Heard:
    try:
        return node.send(verb, frame)
    except BadFrame:
        return Heard()


def _bent(dice: random.Random, frame: bytes) -> bytes:
    """One or two of: a bit flipped, a byte changed, lost, heard twice, or the rest cut off."""
    bent = bytearray(frame)
    for _ in range(dice.randint(1, 2)):
        at = dice.randrange(len(bent) or 1)
        match dice.randrange(5) if bent else 5:
            case 0:
                bent[at] ^= 1 << dice.randrange(8)
            case 1:
                bent[at] = dice.randrange(256)
            case 2:
                del bent[at]
            case 3:
                bent.insert(at, bent[at])
            case _:
                del bent[at:]
    return bytes(bent)


def test_sparkplug_without_its_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    monkeypatch.setitem(sys.modules, "google.protobuf.descriptor_pb2", None)
    wire.messages.cache_clear()
    with pytest.raises(ConfigError, match=r"protobuf.*-r requirements/sparkplug\.txt"):
        convention(**SPARKPLUG)
    wire.messages.cache_clear()


README = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"```toml\n(.*?)```.*?`([\w/-]+)`[^`]*```(?:json|text)\n(.*?)```\n\n((?:\|[^\n]*\n)+)",
    README,
    re.DOTALL,
)


@pytest.mark.parametrize(
    ("settings", "topic", "payload", "table"),
    EXAMPLES,
    ids=["plain", "numbers", "gateway", "device", "tasmota", "zigbee2mqtt", "wirenboard"],
)
def test_the_worked_examples_of_the_readme_are_true(
    settings: str, topic: str, payload: str, table: str
) -> None:
    """Each message, read by the settings above it, becomes just the readings below it."""
    (link,) = tomllib.loads("[[link]]\n" + settings)["link"]
    (mapping,) = MqttSettings.model_validate({"host": "b", **link}).topics
    decoder = decoder_of(mapping)
    payload = payload.strip()
    if isinstance(decoder, OneByOne):
        readings, faults = decoder.decode(topic, payload.encode(), AT_US)
    else:
        heard = decoder.hear(topic, payload.encode(), AT_US, retained=False)
        readings, faults = list(heard.readings), list(heard.faults)
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
