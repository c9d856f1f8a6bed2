"""Every documented frame of every protocol that is spoken here, by its id and byte for byte.

`golden_frames.json` lists them: id, plugin, who sends it (host or device), the frame, whether a
correct parser takes it, what it says, and its source. Each is read by the public decode of its
plugin; and each stands in the plugin's golden.json under the same id, so that the whole driver is
tried with it. Where a driver refuses by default what the document calls right, the settings of
that golden case open it.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub import BadFrame, Reading
from hub.golden import golden_cases, replay_golden
from hub.registry import Registry
from plugins.axetris_lgd import packet as lgd
from plugins.boreal import driver as boreal
from plugins.const_additel import driver as const
from plugins.crystal_xp2i import driver as crystal
from plugins.fluke_val import driver as fluke
from plugins.hesai_dm100 import driver as hesai
from plugins.keller import driver as keller
from plugins.mipex import wire as mipex
from plugins.modbus import wire as modbus
from plugins.mqtt import sparkplug_wire
from plugins.mqtt.routes import decoder_of
from plugins.mqtt.settings import MqttSettings
from plugins.winsen_9byte import driver as winsen
from plugins.winsen_mhz9041a import driver as mhz
from plugins.winsen_mhz9041a import register as mhz_register

PLUGINS = Path(__file__).parent.parent / "plugins"
FRAMES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("golden_frames.json").read_text(encoding="utf-8")
)
NOT_SENT = {
    "keller-f73-req4": "asks for a temperature",
    "keller-f73-req5": "asks for a temperature",
    "spb-ddata": "no reading without the birth before it; plugins/mqtt/test_plugin.py has both",
}
"""Ids that no golden case can have, and why."""

Said = Mapping[str, Any]


def raw(frame: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(frame["hex"]) if "hex" in frame else frame["text"].encode("latin-1")


def case_of(frame: Mapping[str, Any]) -> Mapping[str, Any]:
    (case,) = (c for c in golden_cases(PLUGINS / frame["plugin"]) if c["id"] == frame["id"])
    return case


def first_reading(frame: Mapping[str, Any]) -> Reading:
    """Of the golden case of that id, through the whole driver."""
    kind: Any = Registry([frame["plugin"]]).drivers[frame["plugin"]]
    intakes = replay_golden(kind, case_of(frame))
    return next(reading for intake in intakes for reading in intake.readings)


# ------------------------------------------------------- what each plugin's decode says


def of_boreal(frame: Said) -> Said:
    scan = boreal.decode(raw(frame))
    assert scan is not None
    return {
        "concentration": float(scan.ppm_m),
        "unit": first_reading(frame).unit,
        "r2": scan.r2,
        "distance_m": float(scan.distance_m),
        "light": scan.light,
        "timestamp": scan.device_time.replace("/", "-").replace(" ", "T"),
        "serial": scan.serial,
        "status": scan.status,
        "channel": scan.channel,
    }


def of_mhz(frame: Said) -> Said:
    if frame["from"] == "host":
        asked = mhz_register.decode_request(raw(frame))
        return {"op": asked.op, "register": asked.register}
    sample = mhz.decode(raw(frame))
    return {
        "ch4_pct_lel": float(sample.gas_pct_lel),
        "temperature_c": float(sample.ambient_c),
        "reserved1": float(sample.sensor_c),
        "reserved2": float(sample.signal),
        "reserved_b": float(sample.fit),
        "error_code": int(sample.error, 16),
        "good": first_reading(frame).quality == "good",
    }


def of_hesai(frame: Said) -> Said:
    scan = hesai.decode(raw(frame))
    told = {"methane_ppm_m": int(scan.ppm_m), "error_code": scan.error_code}
    return {**told, "version": scan.version}


def of_axetris(frame: Said) -> Said:
    packet = lgd.decode(raw(frame))
    carries = packet.kind == "M" and packet.size > lgd.SHORTEST
    measured = lgd.measured(packet) if carries else None
    return {
        "packet": packet.kind,
        "error_flags": packet.flags,
        "error_code": packet.code,
        "ext": packet.flags,
        "length": packet.size,
        "error": bool(packet.flags & 0x80),
        "warning": bool(packet.flags & 0x40),
        "gas1": measured.gases[0] if measured else None,
    }


def of_winsen(frame: Said) -> Said:
    if frame["from"] == "host":
        asked = winsen.decode_request(raw(frame))
        return {"command": asked.command, "sensor": asked.sensor}
    answer = winsen.decode(raw(frame))
    return {"command": winsen.READ, "raw": answer.raw, "byte4": answer.rest[0]}


def of_mipex(frame: Said) -> Said:
    answer = mipex.decode(raw(frame))
    return {"ch4_pct_vol": float(answer.pct_vol or "nan"), "quality": answer.quality}


def of_keller(frame: Said) -> Said:
    sent = raw(frame)
    if frame["from"] == "host":
        assert keller.request(sent[0], sent[1], sent[2:-2]) == sent
        return {"address": sent[0], "function": sent[1], "channel": sent[2]}
    answer = keller.decode(sent)
    told = {"address": answer.address, "function": answer.function, "exception": answer.exception}
    if answer.exception:
        return told
    unit = first_reading(frame).unit
    return {**told, "value": float(answer.value or "nan"), "unit": unit, "stat": answer.status}


def of_modbus(frame: Said) -> Said:
    sent, expect = raw(frame), frame["expect"]
    if frame["from"] == "host" and "count" in expect:
        start, count = int.from_bytes(sent[2:4]), int.from_bytes(sent[4:6])
        assert modbus.Request(sent[0], sent[1], start, count).frame == sent
        return {"unit": sent[0], "fc": sent[1], "start": start, "count": count}
    asked = modbus.Request(sent[0], sent[1] & 0x7F, 0, max(sent[2] // 2, 1))
    if frame["from"] == "host":  # a write: whole, and refused as no answer to a read
        with pytest.raises(BadFrame, match=f"answered with function {sent[1]:02}"):
            modbus.decode(sent, modbus.Request(sent[0], 3, 0, 1))
        return {"unit": sent[0], "fc": sent[1]}
    told: dict[str, Any] = {"unit": asked.address, "fc": asked.function}
    try:
        data = modbus.decode(sent, asked)
    except modbus.Refused as refused:
        return {**told, "exception": refused.code}
    words = [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]
    told["registers"] = words
    reading = first_reading(frame)
    number = float(reading.value)
    serial = int(reading.serial) if reading.serial else None
    return {
        **told, "float": number, "scaled": number, "pressure_pa": number,
        "int32_low_word_first": serial,
    }  # fmt: skip


def of_crystal(frame: Said) -> Said:
    answer = crystal.decode(raw(frame))
    if answer.status:
        return {"ack": answer.status[0], "reception": int(answer.status[2])}
    pascals = first_reading(frame).canonical
    return {"value": float(answer.value), "unit": answer.unit, "pressure_pa": float(pascals or 0)}


def of_fluke(frame: Said) -> Said:
    if frame["id"] == "fluke-idn":
        told = fluke.decode_identity(raw(frame))
        named = {"vendor": told.maker, "model": told.model, "serial": told.serial}
        return {**named, "version": told.firmware}
    shown = [[float(each.value), each.unit] for each in fluke.decode(raw(frame))]
    return {"readings": shown, "pressure_pa": float(first_reading(frame).canonical or 0)}


def of_const(frame: Said) -> Said:
    if frame["from"] == "host":
        assert const.request(255, "MRMD", "1_crlf") == raw(frame)
        return {"address": 255, "op": "R", "command": "MRMD"}
    answer = const.decode(raw(frame))
    return {
        "address": int(answer.address),
        "command": "MRMD" if answer.value else "",
        "value": float(answer.value),
        "unit": answer.unit,
        "pressure_pa": float(first_reading(frame).canonical or 0),
    }


def of_mqtt(frame: Said) -> Said:
    """The values that its golden case maps, by instrument and place in the message."""
    if frame["id"] == "spb-ddata":
        return of_sparkplug(frame)
    case = case_of(frame)
    (item,) = case["exchange"]
    assert item["payload_text"].encode() == raw(frame)
    settings = MqttSettings.model_validate({"host": "x", **case["settings"]})
    decoder: Any = decoder_of(settings.topics[0])
    if hasattr(decoder, "hear"):
        readings = decoder.hear(item["topic"], raw(frame), 0, retained=False).readings
    else:
        readings, faults = decoder.decode(item["topic"], raw(frame), 0)
        assert not faults
    by_quantity = {reading.quantity: reading for reading in reversed(readings)}
    temperature = by_quantity.get("gas_temperature")
    barometer = by_quantity.get("barometer")
    return {
        "instrument": readings[0].instrument,
        "count": len(readings),
        "first": readings[0].value,
        "temperature": float(temperature.value) if temperature else None,
        "pressure_pa": float(barometer.canonical or 0) if barometer else None,
        "local_time": readings[0].device_time,
    }


def of_sparkplug(frame: Said) -> Said:
    told = sparkplug_wire.decode(raw(frame))
    (metric,) = told.metrics
    value = float(sparkplug_wire.number(metric, metric.datatype))
    named = {"metric": metric.name, "datatype": metric.datatype, "value": value}
    return {**named, "timestamp": told.timestamp_ms, "seq": told.seq}


DECODED: Mapping[str, Callable[[Said], Said]] = {
    "boreal": of_boreal, "winsen_mhz9041a": of_mhz, "hesai_dm100": of_hesai,
    "axetris_lgd": of_axetris, "winsen_9byte": of_winsen, "mipex": of_mipex, "keller": of_keller,
    "modbus": of_modbus, "crystal_xp2i": of_crystal, "fluke_val": of_fluke,
    "const_additel": of_const, "mqtt": of_mqtt,
}  # fmt: skip


# ---------------------------------------------------------------------- the tests


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame["id"])
def test_a_documented_frame_reads_as_documented_or_is_refused(frame: dict[str, Any]) -> None:
    """By the public decode of its plugin; printed numbers have the digits that were printed."""
    decoded = DECODED[frame["plugin"]]
    if not frame["accept"]:
        with pytest.raises((BadFrame, AssertionError)) as refused:
            decoded(frame)
        assert "CRC" in str(refused.value) or "checksum" in str(refused.value)
        return
    said = decoded(frame)
    for key, expected in frame["expect"].items():
        if isinstance(expected, float):
            expected = pytest.approx(expected, rel=3e-7)  # noqa: PLW2901 - float32, printed
        assert said[key] == expected, key


@pytest.mark.parametrize(
    "frame", [f for f in FRAMES if f["id"] not in NOT_SENT], ids=lambda frame: frame["id"]
)
def test_it_is_a_golden_case_of_its_driver_with_the_same_bytes(frame: dict[str, Any]) -> None:
    case = case_of(frame)
    parts = [
        text.encode("latin-1") if key.endswith("_text") else bytes.fromhex(text)
        for item in case["exchange"]
        for key, text in item.items()
        if key not in ("at_s", "topic")
    ]
    assert raw(frame) in parts
    if not frame["accept"]:
        assert "refused" in case["expect"]


def test_no_frame_is_lost_and_each_has_its_source() -> None:
    """61 frames of 12 plugins, each id once; three of them are to be refused."""
    assert len({frame["id"] for frame in FRAMES}) == len(FRAMES) == 61
    assert {frame["plugin"] for frame in FRAMES} == set(DECODED)
    assert sorted(f["id"] for f in FRAMES if not f["accept"]) == [
        "boreal-bad-sum", "hesai-dm100-printed", "vaisala-crc-swapped",
    ]  # fmt: skip
    assert all(frame["source"] for frame in FRAMES)
    assert NOT_SENT.keys() <= {frame["id"] for frame in FRAMES}


def test_exact_decimals_stay_exact_in_pascals() -> None:
    """1.23456 kPa and 58.3 psi, by the definitions of the units."""
    by_id = {frame["id"]: frame for frame in FRAMES}
    assert first_reading(by_id["const-resp"]).canonical == Decimal("1234.56")
    assert first_reading(by_id["fluke-val"]).canonical == pytest.approx(Decimal("401964.35"), abs=1)


def test_a_case_in_which_nothing_would_be_played_is_no_pass() -> None:
    """Silence must not pass for a refusal: who is asked needs a question in the exchange."""
    kind: Any = Registry(["keller"]).drivers["keller"]
    case = dict(case_of({"plugin": "keller", "id": "keller-other-address"}))
    answers = [item for item in case["exchange"] if "device" in item]
    with pytest.raises(AssertionError, match='write what it sends \\("hub"\\) before'):
        replay_golden(kind, {**case, "exchange": answers})
    noisy = {**case, "exchange": [{"device": "00 FF"}, *case["exchange"]]}
    assert not [reading for intake in replay_golden(kind, noisy) for reading in intake.readings]
