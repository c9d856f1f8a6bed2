"""From a file's bytes to readings; pure. A file is read whole or refused whole."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hub import BadFrame, Reading, measure
from plugins.import_file.settings import ColumnSettings, ImportSettings

AHEAD_US = 60_000_000
"""A logger's clock may be so far ahead of the hub's; more is a wrong zone or a wrong clock."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cell(NamedTuple):
    """One value as the file has it; `row` counts from the file's beginning."""

    column: ColumnSettings
    row: int
    time: str
    at_us: int
    value: str
    unit: str
    serial: str
    quality: str = "good"


def decode(data: bytes, settings: ImportSettings, now_us: int) -> tuple[Reading, ...]:
    """The readings of one file, as they stand in it, at the logger's own times.

    `seq` is made of the file's hash and the row, so that a file that comes twice is one.
    raises  BadFrame naming the row, what is wrong and the remedy
    """
    if len(data) > settings.largest_bytes:
        raise BadFrame(f"{len(data)} bytes; largest_bytes is {settings.largest_bytes}")
    mark = sha256(data).hexdigest()
    cells = list(_csv(data, settings) if settings.format == "csv" else _tjf(data, settings))
    if not cells:
        raise BadFrame("no value in any of the columns; is it the right file?")
    oldest_us = now_us - settings.oldest_days * 86_400_000_000
    previous_us = 0
    readings = []
    for cell in cells:
        if cell.at_us < previous_us:
            raise BadFrame(f"row {cell.row}: {cell.time} is before the row above it")
        if cell.at_us > now_us + AHEAD_US:
            raise BadFrame(f"row {cell.row}: {cell.time} is yet to come; look at zone and clock")
        if cell.at_us < oldest_us:
            raise BadFrame(f"row {cell.row}: {cell.time} is older than oldest_days")
        previous_us = cell.at_us
        try:
            reading = measure(
                instrument=cell.column.instrument,
                quantity=cell.column.quantity,
                value=cell.value,
                unit=cell.unit,
                at_us=cell.at_us,
                serial=cell.serial,
                quality=cell.quality,
                seq=f"{mark}:{cell.row}",
                device_time=cell.time,
            )
        except BadFrame as wrong:
            raise BadFrame(f"row {cell.row}: {wrong}") from None
        readings.append(reading)
    return tuple(readings)


def _csv(data: bytes, settings: ImportSettings) -> Iterator[Cell]:
    try:
        text = data.decode("utf-8-sig" if settings.encoding == "utf-8" else settings.encoding)
    except UnicodeDecodeError as wrong:
        raise BadFrame(f"not {settings.encoding}: {wrong}") from None
    if "\0" in text:
        raise BadFrame("a zero byte stands in the text; it is not a whole CSV file")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=settings.delimiter, strict=True)
    try:
        for _ in range(settings.skip_lines):
            next(lines, None)
        header = [name.strip() for name in next(lines, [])]
        at = _places(header, settings)
        for fields in lines:
            if not any(field.strip() for field in fields):
                continue
            row = lines.line_num
            if len(fields) != len(header):
                raise BadFrame(
                    f"row {row}: {len(fields)} columns, not {len(header)}; the file may be cut off"
                )
            yield from _row([field.strip() for field in fields], row, at, settings)
    except csv.Error as wrong:
        raise BadFrame(f"row {lines.line_num}: not CSV: {wrong}") from None
    if not settings.open_end and not text.endswith(("\n", "\r")):
        raise BadFrame(
            "the last line has no end, so its number may be cut off; hand in the whole file, or "
            "set open_end = true for a logger that writes it so"
        )


def _places(header: list[str], settings: ImportSettings) -> Mapping[str, int]:
    wanted = [settings.time_column, *(one.column for one in settings.columns)]
    if settings.date_column:
        wanted.append(settings.date_column)
    for name in wanted:
        if header.count(name) != 1:
            raise BadFrame(
                f"heading {name!r} stands {header.count(name)} times; there are: "
                f"{', '.join(header)[:200]}"
            )
    return {name: header.index(name) for name in wanted}


def _row(
    fields: list[str], row: int, at: Mapping[str, int], settings: ImportSettings
) -> Iterator[Cell]:
    time = fields[at[settings.time_column]]
    if settings.date_column:
        time = f"{fields[at[settings.date_column]]} {time}"
    try:
        local = datetime.strptime(time, settings.time_format)  # noqa: DTZ007
    except ValueError:
        raise BadFrame(f"row {row}: time {time[:40]!r} is not {settings.time_format}") from None
    at_us = _in_zone(local, time, row, settings)
    for column in settings.columns:
        value = fields[at[column.column]]
        if not value:
            continue  # nothing was logged here; the gap is for the procedure to see
        quality = settings.words.get(value, "good")
        if quality == "good" and settings.decimal == ",":
            if "." in value:
                raise BadFrame(f"row {row}: {value[:40]!r} has a point; decimal is a comma")
            value = value.replace(",", ".")
        yield Cell(column, row, time, at_us, value, column.unit, column.serial, quality)


def _in_zone(local: datetime, time: str, row: int, settings: ImportSettings) -> int:
    zone = ZoneInfo(settings.zone)
    first, second = local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=1)
    if first.utcoffset() != second.utcoffset():
        raise BadFrame(f"row {row}: {time} is twice or never in {settings.zone}: summer time")
    return (first - _EPOCH) // timedelta(microseconds=1)


def _tjf(data: bytes, settings: ImportSettings) -> Iterator[Cell]:
    """Schemas 1.0.x: channels of values, each with its own time. Only the device's text tells the
    channels apart, in the language of whoever measured.
    """
    try:
        found = json.loads(data, parse_float=Decimal, parse_int=Decimal, parse_constant=_refused)
        if not str(found["schemaVersion"]).startswith("1.0."):
            raise BadFrame(f"schemaVersion {found['schemaVersion']!r}; only 1.0.x is known")
        devices = found["device"]
        device = devices[0] if isinstance(devices, list) and len(devices) == 1 else devices
        serial = str(device["serial"])
        cells = [
            cell for channel in found["channels"] for cell in _channel(channel, serial, settings)
        ]
    except (ValueError, LookupError, TypeError, RecursionError) as wrong:
        raise BadFrame(f"no TJF record of one device: {type(wrong).__name__}: {wrong}") from None
    yield from sorted(cells, key=lambda cell: cell.at_us)


def _channel(channel: Any, serial: str, settings: ImportSettings) -> Iterator[Cell]:
    for number, value in enumerate(channel["values"], 1):
        texts = [
            more["description"]
            for more in value.get("additionalData", ())
            if more["name"] == "valueType"
        ]
        for column in settings.columns:
            if texts != [column.column]:
                continue
            time, amount, unit = value["timeStamp"], value["value"], channel["unit"]["name"]
            if not isinstance(time, str):
                raise BadFrame("a time is a bare number, and the schema does not say of what")
            if not isinstance(amount, Decimal):
                raise BadFrame(f"the value of {column.column!r} is {amount!r}, no number")
            if column.unit != unit:
                raise BadFrame(f"{column.column!r} is in {unit!r}; the settings say {column.unit}")
            if column.serial not in ("", serial):
                raise BadFrame(f"device {serial}; the settings say {column.serial}")
            local = datetime.strptime(time, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007
            at_us = _in_zone(local, time, number, settings)
            yield Cell(column, number, time, at_us, format(amount, "f"), unit, serial)


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is no number")
