"""Sparkplug B's payload: bytes -> plain values, and the one payload that we send.

Source: the message definitions in chapter 6 of the Sparkplug 3.0 specification. The library
protobuf reads the wire format; the layout is described to it here, so there is no generated code.
It is an extra of gashub, `sparkplug`.
"""

import importlib
import math
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from hub import BadFrame, ConfigError, float32_text

OPTIONAL, REPEATED = 1, 3
DOUBLE, FLOAT, UINT64, BOOL, STRING, MESSAGE, UINT32 = 1, 2, 4, 8, 9, 11, 13
_LAYOUT: Final = {
    "Payload": (
        ("timestamp", 1, UINT64, ""), ("metrics", 2, MESSAGE, "Metric"), ("seq", 3, UINT64, ""),
    ),
    "Metric": (
        ("name", 1, STRING, ""), ("alias", 2, UINT64, ""), ("timestamp", 3, UINT64, ""),
        ("datatype", 4, UINT32, ""), ("is_historical", 5, BOOL, ""), ("is_null", 7, BOOL, ""),
        ("properties", 9, MESSAGE, "PropertySet"), ("int_value", 10, UINT32, ""),
        ("long_value", 11, UINT64, ""), ("float_value", 12, FLOAT, ""),
        ("double_value", 13, DOUBLE, ""), ("boolean_value", 14, BOOL, ""),
        ("string_value", 15, STRING, ""),
    ),
    "PropertySet": (("keys", 1, STRING, "*"), ("values", 2, MESSAGE, "PropertyValue")),
    "PropertyValue": (
        ("type", 1, UINT32, ""), ("is_null", 2, BOOL, ""), ("int_value", 3, UINT32, ""),
        ("long_value", 4, UINT64, ""),
    ),
}  # fmt: skip
"""Message -> (field, number, type, message); lists are `metrics`, `values` and what has a star."""

BOOLEAN: Final = 11
_WHOLE: Final = {1: 8, 2: 16, 3: 32, 4: 64, 5: -8, 6: -16, 7: -32, 8: -64}
"""Data type -> bits; negative: no sign."""
QUALITY = "Quality"
QUALITIES: Final = MappingProxyType({0: "bad", 192: "good", 500: "stale"})
UNCLEAR: Final = -1
"""Of a quality that is there and is no whole number: none of the three."""


class Metric(NamedTuple):
    """One metric as sent. `name` is "" and `alias` None where they are absent.

    quality  as sent, UNCLEAR, or None where the metric has none
    fields   those of the value that are set, by name: float_value, int_value and so on
    """

    name: str
    alias: int | None
    timestamp_ms: int | None
    datatype: int | None
    historical: bool
    null: bool
    quality: int | None
    fields: Mapping[str, Any]


class Payload(NamedTuple):
    """One message: times in milliseconds since 1970, None where absent."""

    timestamp_ms: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def decode(frame: bytes) -> Payload:
    """Raises BadFrame for bytes that are no payload, ConfigError where protobuf is missing."""
    message = messages()["Payload"]()
    library = importlib.import_module("google.protobuf.message")
    try:
        message.ParseFromString(frame)
        metrics = tuple(_metric(each) for each in message.metrics)
    except (library.DecodeError, UnicodeDecodeError):
        raise BadFrame("no Sparkplug B payload") from None
    seq = _given(message, "seq")
    if seq is not None and seq > 255:
        raise BadFrame(f"sequence {seq} is above 255")
    return Payload(_given(message, "timestamp"), seq, metrics)


def rebirth(at_us: int) -> bytes:
    """What asks an edge node to say again all its names: the metric Node Control/Rebirth."""
    message = messages()["Payload"]()
    message.timestamp = at_us // 1000
    metric = message.metrics.add()
    metric.name, metric.timestamp = "Node Control/Rebirth", at_us // 1000
    metric.datatype, metric.boolean_value = BOOLEAN, True
    return bytes(message.SerializeToString())


def number(metric: Metric, datatype: int | None) -> str:
    """The decimal text of a metric's number. raises BadFrame where it has none of *datatype*"""
    if len(metric.fields) != 1:
        raise BadFrame("it has no value")
    ((field, sent),) = metric.fields.items()
    if datatype == 9 and field == "float_value":
        return float32_text(sent) if math.isfinite(sent) else repr(sent)  # refused as no number
    if datatype == 10 and field == "double_value":
        return repr(sent)
    bits = _WHOLE.get(datatype or 0)
    if bits is None or field not in {"int_value", "long_value"}:
        raise BadFrame(f"data type {datatype} with {field} is no number")
    whole, field_bits = int(sent), 32 if field == "int_value" else 64
    if bits < 0:
        low, high = 0, (1 << -bits) - 1
    elif bits <= field_bits:
        low, high = -(1 << bits - 1), (1 << bits - 1) - 1
        whole = _signed(whole, bits, field_bits)
    else:
        raise BadFrame(f"data type {datatype} does not fit {field}, so its sign is unknown")
    if not low <= whole <= high:
        raise BadFrame(f"{whole} does not fit its data type {datatype}")
    return str(whole)


def _signed(sent: int, bits: int, field_bits: int) -> int:
    """A two's complement of *bits*, which some write as wide as its field and some no wider.

    The specification does not say which. Neither form of a negative number is a positive one that
    fits, so both can be read; what is in between stays, and does not fit.
    """
    for width in (bits, field_bits):
        if 1 << width - 1 <= sent < 1 << width:
            return sent - (1 << width)
    return sent


def _quality(properties: Any) -> int | None:
    """Raises nothing: a wrong one spoils its own metric, and no other of the message."""
    if len(properties.keys) != len(properties.values):
        return UNCLEAR
    found = [value for key, value in zip(properties.keys, properties.values, strict=True)
             if key == QUALITY]  # fmt: skip
    if not found:
        return None
    (only, *more) = found
    if more or only.is_null or not only.HasField("int_value"):
        return UNCLEAR
    return int(only.int_value)


def _metric(sent: Any) -> Metric:
    """Raises BadFrame for a name that is no text, which the library hands over as bytes."""
    if not isinstance(sent.name, str):
        raise BadFrame("a metric whose name is not UTF-8")
    named = ("int_value", "long_value", "float_value", "double_value", "boolean_value")
    fields = {field: getattr(sent, field) for field in named if sent.HasField(field)}
    return Metric(
        sent.name,
        _given(sent, "alias"),
        _given(sent, "timestamp"),
        _given(sent, "datatype"),
        sent.is_historical,
        sent.is_null,
        _quality(sent.properties),
        fields,
    )


def _given(message: Any, field: str) -> int | None:
    return getattr(message, field) if message.HasField(field) else None


@cache
def messages() -> Mapping[str, Any]:
    """The message classes. raises ConfigError where protobuf is not installed"""
    try:
        described = importlib.import_module("google.protobuf.descriptor_pb2")
        pools = importlib.import_module("google.protobuf.descriptor_pool")
        factory = importlib.import_module("google.protobuf.message_factory")
    except ModuleNotFoundError:
        raise ConfigError(
            "decoder sparkplug_b reads binary messages with the package protobuf, which is not "
            "installed: pip install --require-hashes -r requirements/sparkplug.txt"
        ) from None
    package = "org.eclipse.tahu.protobuf"
    file = described.FileDescriptorProto(
        name="gashub_sparkplug_b.proto", package=package, syntax="proto2"
    )
    for name, fields in _LAYOUT.items():
        message = file.message_type.add(name=name)
        for field, at, kind, of in fields:
            many = kind == MESSAGE and of != "PropertySet"
            message.field.add(
                name=field,
                number=at,
                type=kind,
                label=REPEATED if many or of == "*" else OPTIONAL,
                type_name=f".{package}.{of}" if kind == MESSAGE else None,
            )
    pool = pools.DescriptorPool()
    pool.Add(file)
    return {
        name: factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in _LAYOUT
    }
