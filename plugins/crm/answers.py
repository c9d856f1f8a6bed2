"""What an answer of the CRM means: taken, refused, still waiting, or no use to go on now.

2xx                        taken; a web page is no receipt, and waits
409 that names our key     taken before
400 404 405 410 413 ...    refused: this event will never be taken
401 403 407                the channel pauses: our credentials are refused
3xx                        the channel pauses: the configured address is not the right one
429, 503 with Retry-After  the channel rests as long as it was asked to
408 409 425 5xx            waits, and is tried again
"""

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NamedTuple

from hub import SinkPaused, SinkUnavailable

RECEIPT_MAX = 200
LONGEST_REST_S = 3600.0

Word = Literal["taken", "refused", "waiting"]


class Meaning(NamedTuple):
    """`text` is the receipt of a taken parcel, the reason of any other."""

    word: Word
    text: str


def meaning(
    status: int, headers: Mapping[str, str], body: bytes, key: str, url: str, now_s: float
) -> Meaning:
    """What this answer to the parcel *key* means.

    now_s   wall clock, for a Retry-After that is a date
    raises  SinkPaused, SinkUnavailable when it speaks of the channel and not of the parcel
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    answer = _object(body)
    if 200 <= status < 300:
        if kind in ("text/html", "application/xhtml+xml"):
            return Meaning("waiting", f"{url} answered {status} with a web page, not a receipt")
        return Meaning("taken", receipt(headers, answer))
    told = f"{url} answered {status}{_code(answer)}"
    if 300 <= status < 400:
        where = printable(headers.get("location", "").partition("?")[0])
        raise SinkPaused(
            f"{told}, a redirect to {where!r}; redirects are not followed: set url to the final "
            "address, restart, then `gashub outbox retry`"
        )
    if status in (401, 403, 407):
        raise SinkPaused(
            f"{told}: it refuses our signature or credentials; check the secrets named in the "
            "config against the CRM's, then `gashub outbox retry`"
        )
    rest_s = retry_after_s(headers.get("retry-after", ""), now_s)
    if status == 429 or (status == 503 and rest_s):
        raise SinkUnavailable(f"{told}: it asks for a rest of {rest_s:.0f} s", rest_s)
    if status == 409:
        if names(key, headers, answer):
            return Meaning("taken", receipt(headers, answer))
        return Meaning("waiting", f"{told} without naming our key; it may still be at work on it")
    if status in (408, 425) or status < 200 or status >= 500:
        return Meaning("waiting", told)
    return Meaning("refused", told)


def receipt(headers: Mapping[str, str], answer: Mapping[str, Any]) -> str:
    """The far side's own name for what it took: `receipt` or `id` in the body, or a header."""
    for given in (answer.get("receipt"), answer.get("id"), headers.get("webhook-receipt")):
        if isinstance(given, str | int) and not isinstance(given, bool):
            return printable(str(given))
    return ""


def names(key: str, headers: Mapping[str, str], answer: Mapping[str, Any]) -> bool:
    """Whether the answer names our idempotency key, in the body or in a header."""
    return key in (headers.get("idempotency-key"), answer.get("key"), answer.get("idempotency_key"))


def retry_after_s(value: str, now_s: float) -> float:
    """Seconds or an HTTP date (RFC 9110, section 10.2.3); 0 when there is none or it is past."""
    if value.strip().isascii() and value.strip().isdecimal():
        return min(LONGEST_REST_S, float(value))
    try:
        at_s = parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError, TypeError):  # a year that no clock has is one of them
        return 0.0
    return min(LONGEST_REST_S, max(0.0, at_s - now_s))


def printable(text: str) -> str:
    """Foreign text, short and on one line."""
    return "".join(c if c.isprintable() else "?" for c in text[:RECEIPT_MAX])


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _code(answer: Mapping[str, Any]) -> str:
    # Only a short machine code of theirs goes into our record: the rest may name a customer.
    for given in (answer.get("code"), answer.get("error"), answer.get("type")):
        if isinstance(given, str | int) and not isinstance(given, bool) and len(str(given)) <= 60:
            return f" ({printable(str(given))})"
    return ""
