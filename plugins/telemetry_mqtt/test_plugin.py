"""The message of the data platform: exact numbers, sequence kept, whole JSON."""

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from hub import FollowerKind
from plugins.telemetry_mqtt import register_sinks
from plugins.telemetry_mqtt.message import Record, entry, messages
from plugins.telemetry_mqtt.settings import TelemetrySettings

RECORD: Record = {
    "instrument": "pm-1", "serial": "A-1", "quantity": "pressure", "value": "5000.10", "unit": "Pa",
    "canonical": "5000.10", "canonical_unit": "Pa", "at_us": 1_790_000_000_123_456,
    "quality": "good", "seq": "42", "device_time": "2026-09-21T14:13:20Z",
}  # fmt: skip


def published(**more: Any) -> dict[str, Any]:
    """The one reading of a message, numbers as Decimal."""
    record = {key: fact for key, fact in {**RECORD, **more}.items() if fact is not None}
    ((_, payload),) = messages("gw-1", 17, [record], 500)
    (reading,) = json.loads(payload, parse_float=Decimal)["readings"]
    assert isinstance(reading, dict)
    return reading


def test_the_plugin_brings_one_follower() -> None:
    (kind,) = register_sinks()
    assert isinstance(kind, FollowerKind)
    assert (kind.name, kind.settings) == ("telemetry_mqtt", TelemetrySettings)


def test_a_reading_is_published_whole() -> None:
    """Number and sequence as JSON numbers, time as ISO 8601 in UTC."""
    assert published() == {
        "instrument": "pm-1", "serial": "A-1", "quantity": "pressure",
        "value": Decimal("5000.10"), "unit": "Pa", "canonical": "5000.10", "canonical_unit": "Pa",
        "quality": "good", "seq": 42, "device_time": "2026-09-21T14:13:20Z",
        "at": "2026-09-21T14:13:20.123456Z",
    }  # fmt: skip


@pytest.mark.parametrize("sent", ["0.1", "-0.0000001", "1E+3", "+7", "007.50", "9" * 40])
def test_the_number_keeps_every_digit(sent: str) -> None:
    """Also where the instrument writes it as no JSON does."""
    assert published(value=sent, canonical=sent)["value"] == Decimal(sent)


def test_a_reading_without_a_number_says_null_and_what_was_sent() -> None:
    reading = published(value="99999", canonical=None, canonical_unit=None, quality="over_range")
    assert (reading["value"], reading["sent"], reading["quality"]) == (None, "99999", "over_range")


@pytest.mark.parametrize(
    ("seq", "kept"),
    [("0", 0), ("17", 17), ("007", "007"), ("a7", "a7"), ("٣", "٣"), ("1" * 16, "1" * 16)],
)
def test_a_sequence_is_a_number_only_if_it_stays_the_same(seq: str, kept: Any) -> None:
    """What would come back changed stays text."""
    assert entry({**RECORD, "seq": seq})["seq"] == kept


def test_a_reading_without_a_sequence_has_none() -> None:
    assert "seq" not in published(seq=None)


def test_an_entry_is_cut_into_parts_that_know_their_place() -> None:
    """Entry, part and gateway in each; the readings in their order."""
    records = [{**RECORD, "seq": str(n)} for n in range(5)]
    parts = [json.loads(payload) for _, payload in messages("gw-1", 17, records, 2)]

    assert [(part["gateway"], part["entry"], part["part"]) for part in parts] == [
        ("gw-1", 17, 0), ("gw-1", 17, 1), ("gw-1", 17, 2),
    ]  # fmt: skip
    assert [[r["seq"] for r in part["readings"]] for part in parts] == [[0, 1], [2, 3], [4]]


def test_an_entry_without_readings_is_no_message() -> None:
    assert list(messages("gw-1", 17, [], 500)) == []


@pytest.mark.parametrize("topic", ["a/#", "+/a", ""])
def test_a_filter_is_no_topic_to_publish_on(topic: str) -> None:
    with pytest.raises(ValidationError):
        TelemetrySettings(host="broker", topic=topic)
