"""Orders out of JSON: one order, or a list of them."""

from collections.abc import Mapping
from typing import Final

from hub.inbox.row import MOST_ROWS, Row, Unreadable
from hub.order_file import UnusableInput, strict_json

MOST_COMMAS: Final = 500_000
"""One stands between each two values: a small file of many is large once it is read."""


def rows(data: bytes) -> list[Row]:
    """Raises Unreadable"""
    if data.count(b",") > MOST_COMMAS:
        raise Unreadable(f"more than {MOST_COMMAS} values; send several files")
    try:
        given = strict_json(data.decode("utf-8-sig"), "the file")
    except UnicodeDecodeError as wrong:
        raise Unreadable(f"not UTF-8 at byte {wrong.start}; save it as UTF-8") from None
    except UnusableInput as wrong:
        raise Unreadable(str(wrong)) from None
    listed = given if isinstance(given, list) else [given]
    if len(listed) > MOST_ROWS:
        raise Unreadable(f"more than {MOST_ROWS} orders; send several files")
    return [
        Row(f"order {at}", one)
        if isinstance(one, Mapping)
        else Row(f"order {at}", None, "it is no table of keys; see docs/judge.md and docs/jobs.md")
        for at, one in enumerate(listed, 1)
    ]
