"""The message of the data platform: one JSON object for the readings of one ledger entry.

    {"gateway": "gw-1", "entry": 17, "part": 0, "readings": [
      {"instrument": "pm-1", "serial": "A1", "quantity": "pressure", "value": 5000.1, "unit": "Pa",
       "canonical": "5000.1", "canonical_unit": "Pa", "quality": "good", "seq": 42,
       "at": "2026-11-23T18:00:00.123456Z", "device_time": "..."}]}

`value` is the decimal number that was sent, or null where the quality carries none; then `sent`
has what stood in its place. `seq` is a number when it was a whole one. `part` counts the messages
of one entry.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from hub import iso

LARGEST_WHOLE = 15
"""Digits; every JSON reader takes a whole number of so many exactly."""

Record = Mapping[str, str | int]


def messages(
    gateway: str, index: int, readings: Sequence[Record], batch_max: int
) -> Iterator[tuple[int, bytes]]:
    """(part, payload) of each message of the ledger entry *index*, in order."""
    for part, start in enumerate(range(0, len(readings), batch_max)):
        body = {
            "gateway": gateway,
            "entry": index,
            "part": part,
            "readings": [entry(record) for record in readings[start : start + batch_max]],
        }
        yield part, orjson.dumps(body)


def entry(record: Record) -> dict[str, Any]:
    """One reading as it is published."""
    out: dict[str, Any] = dict(record)
    sent = str(out.get("value", ""))
    if out.get("canonical") is not None:
        # Plain digits are the same number in JSON; no binary float comes in between.
        out["value"] = orjson.Fragment(format(Decimal(sent), "f").encode())
    else:
        out["value"] = None
        if sent:
            out["sent"] = sent
    seq = out.get("seq")
    if isinstance(seq, str) and len(seq) <= LARGEST_WHOLE and seq.isdecimal() and _canonical(seq):
        out["seq"] = int(seq)
    out["at"] = iso(int(out.pop("at_us")))
    return out


def _canonical(digits: str) -> bool:
    return digits.isascii() and (digits == "0" or digits[0] != "0")
