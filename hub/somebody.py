"""Numbers of persons in free text, which goes into entries that are not erased. Pure.

Sources: GB 11643 (identity cards), and the numbering of telephones in China.
"""

import re
import unicodedata
from functools import cache
from typing import Final

from hub.errors import CommandRefused

_GAP: Final = r"[ \t.()\u2010-\u2015-]{0,3}"
"""What people put between the groups of a number."""
_PHONE: Final = "|".join(
    _GAP.join(groups)
    for groups in (
        ("1[3-9][0-9]", "[0-9]{4}", "[0-9]{4}"),
        ("1[3-9][0-9]{2}", "[0-9]{3}", "[0-9]{4}"),
        ("1[3-9][0-9]", "[0-9]{3}", "[0-9]{5}"),
        ("1[3-9][0-9]{3}", "[0-9]{6}"),
        ("1 [3-9](?: [0-9]){9}",),
    )
)
_LANDLINE: Final = _GAP.join(("0(?:10|2[0-9]|[3-9][0-9]{2})", "[2-8][0-9]{2,3}", "[0-9]{4}"))
_BIRTH: Final = ("(?:19[0-9]|20[01])[0-9]", "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])")
"""Of a grown person: the number of a document is often a district's code and the day of today."""
_CARD: Final = _GAP.join(("[0-9]{6}", *_BIRTH, "[0-9]{3}[0-9Xx]"))
_FORMAT: Final = "Cf"
"""Unicode's category of characters that nobody sees."""


@cache
def _identity() -> re.Pattern[str]:
    """Made when it is first asked for: a gateway without free texts saves 0.3 MB."""
    return re.compile(
        rf"(?<![0-9])(?:(?:(?:\+|00)?86{_GAP})?(?:{_PHONE})|{_LANDLINE}|{_CARD})(?![0-9])"
    )


def names_somebody(text: str) -> bool:
    """Whether a free text holds what looks like a phone number or an identity card's."""
    shown = unicodedata.normalize("NFKC", text)
    shown = "".join(c for c in shown if unicodedata.category(c) != _FORMAT)
    return _identity().search(shown) is not None


def refuse_somebody(text: str, key: str) -> None:
    """Raises CommandRefused for a *text* that names somebody; it is not repeated."""
    if names_somebody(text):
        raise CommandRefused(
            f'"{key}" holds what looks like a phone or identity number, and would keep it for '
            "good: leave it out; of a customer it belongs into `customer` of the job's order. "
            "Part a document's number that looks like one by a slash"
        )
