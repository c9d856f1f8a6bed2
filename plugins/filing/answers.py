"""What an answer of an authority means. Pure.

Only a word of the profile in an answer that names our filing says anything. A status code is never
an acceptance, a web page never a "not found".
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from hub import AnswersOf, Said, SinkPaused, SinkUnavailable

_LONGEST: Final = 300
_MOST_REASONS: Final = 20
_LONGEST_REST_S: Final = 3600.0


class Heard(NamedTuple):
    """said: what it says of the filing; absent: the authority has no such filing; nothing: it says
    nothing that we know, and `why` tells what came.
    """

    kind: Literal["said", "absent", "nothing"]
    said: Said | None = None
    why: str = ""


def heard(
    transport: AnswersOf, filing: str, status: int, headers: Mapping[str, str], body: bytes
) -> Heard:
    """What this answer says of *filing*.

    raises  SinkPaused, SinkUnavailable when it speaks of the channel and not of the filing
    """
    answer = _object(body)
    word = answer.get(transport.status_key)
    means = transport.words.get(word) if isinstance(word, str) else None
    if means is None or answer.get(transport.filing_key) != filing:
        _of_channel(status, headers)
        return Heard("nothing", why=f"status {status}, and no word of the profile about the filing")
    if means == "absent":
        return Heard("absent")
    said = Said(means, receipt=_text(answer.get(transport.receipt_key)))
    if means == "accepted" and not said.receipt:
        return Heard("nothing", why="accepted without a receipt is no acceptance")
    if means == "rejected":
        given = answer.get(transport.reasons_key, [])
        listed = given if isinstance(given, list) else [given]
        reasons = tuple(text for one in listed[:_MOST_REASONS] if (text := _text(one)))
        said = said._replace(reasons=reasons or ("no reason was given",))
    if means == "duplicate":
        of = _text(answer.get(transport.duplicate_key))
        if not of:
            return Heard("nothing", why="duplicate without saying of what")
        # Our own filing, which it has already: that is what we wanted to know.
        said = Said("submitted") if of == filing else said._replace(of=of)
    return Heard("said", said)


def of_original(found: Heard, other: Heard) -> Heard:
    """A duplicate with what the authority says of the filing that it is a duplicate of.

    Its receipt is the one that these records have. While that filing is being looked at, so is
    ours; a filing that the authority does not know, or has rejected, has no receipt to give.
    """
    assert found.said is not None, "a duplicate was said"
    of = found.said.of
    if other.kind == "nothing":
        return Heard("nothing", why=f"a duplicate of {of}, of which {other.why}")
    if other.said is None:
        return found
    if other.said.step == "submitted":
        return Heard("said", Said("submitted", proof=found.said.proof))
    if other.said.step != "accepted":
        return found
    proof = f"{found.said.proof}\n{other.said.proof}"
    return Heard("said", found.said._replace(receipt=other.said.receipt, proof=proof))


def is_duplicate(found: Heard) -> bool:
    """Whether it is a duplicate whose receipt is still to be asked for."""
    return found.said is not None and found.said.step == "duplicate" and not found.said.receipt


def _of_channel(status: int, headers: Mapping[str, str]) -> None:
    if 300 <= status < 400 or status in (401, 403, 407):
        raise SinkPaused(
            f"the authority answered {status}: a redirect, or it refuses our key or address; look "
            "at url, key_id and signing_key, then `gashub outbox retry`"
        )
    if status in (429, 503):
        asked = headers.get("retry-after", "")
        rest_s = float(asked) if asked.isascii() and asked.isdecimal() else 0.0
        raise SinkUnavailable(
            f"the authority answered {status}: it asks for a rest", min(rest_s, _LONGEST_REST_S)
        )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _text(given: object) -> str:
    """Foreign text, short and on one line."""
    if not isinstance(given, str | int) or isinstance(given, bool):
        return ""
    return "".join(c if c.isprintable() else "?" for c in str(given)[:_LONGEST])
