"""Orders out of JSON: one order, or a list of them."""

from collections.abc import Mapping

from hub.inbox.row import Row, Unreadable
from hub.order_file import UnusableInput, strict_json


def rows(data: bytes) -> list[Row]:
    """Raises Unreadable"""
    try:
        given = strict_json(data.decode("utf-8-sig"), "the file")
    except UnicodeDecodeError as wrong:
        raise Unreadable(f"not UTF-8 at byte {wrong.start}; save it as UTF-8") from None
    except UnusableInput as wrong:
        raise Unreadable(str(wrong)) from None
    listed = given if isinstance(given, list) else [given]
    return [
        Row(f"order {at}", one)
        if isinstance(one, Mapping)
        else Row(f"order {at}", None, "it is no table of keys; see docs/judge.md and docs/jobs.md")
        for at, one in enumerate(listed, 1)
    ]
