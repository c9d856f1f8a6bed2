"""Codes that are on every filing. Pure.

Source: GB 32100-2015 annex A (credit code).
"""

from typing import Final

CREDIT_CODE: Final = r"^[0-9A-HJ-NPQRTUWXY]{18}$"
DIVISION_CODE: Final = r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$"
_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def check_digit_fits(credit_code: str) -> bool:
    """Whether the last character is the one that GB 32100 computes from the 17 before.

    Real companies have codes whose check fails, so this is a reason to warn and none to refuse.
    source  GB 32100-2015, annex A
    """
    total = sum(
        _ALPHABET.index(c) * weight for c, weight in zip(credit_code[:17], _WEIGHTS, strict=True)
    )
    return credit_code[17] == _ALPHABET[-total % 31]
