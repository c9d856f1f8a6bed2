"""Codes that are on every filing. Pure.

Sources: GB 32100-2015 annex A (credit code), GB 11643 and the numbering of mobile phones (what a
free text must not hold).
"""

import re
import unicodedata
from typing import Final

CREDIT_CODE: Final = r"^[0-9A-HJ-NPQRTUWXY]{18}$"
DIVISION_CODE: Final = r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$"
_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
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
_CARD: Final = _GAP.join(("[0-9]{6}", "[0-9]{4}", "[0-9]{2}", "[0-9]{2}", "[0-9]{3}[0-9Xx]"))
_IDENTITY: Final = re.compile(
    rf"(?<![0-9])(?:(?:(?:\+|00)?86{_GAP})?(?:{_PHONE})|{_LANDLINE}|{_CARD})(?![0-9])"
)
_FORMAT: Final = "Cf"
"""Unicode's category of characters that nobody sees."""


def check_digit_fits(credit_code: str) -> bool:
    """Whether the last character is the one that GB 32100 computes from the 17 before.

    Real companies have codes whose check fails, so this is a reason to warn and none to refuse.
    source  GB 32100-2015, annex A
    """
    total = sum(
        _ALPHABET.index(c) * weight for c, weight in zip(credit_code[:17], _WEIGHTS, strict=True)
    )
    return credit_code[17] == _ALPHABET[-total % 31]


def names_somebody(text: str) -> bool:
    """Whether a free text holds what looks like a phone number or an identity card's."""
    shown = unicodedata.normalize("NFKC", text)
    shown = "".join(c for c in shown if unicodedata.category(c) != _FORMAT)
    return _IDENTITY.search(shown) is not None
