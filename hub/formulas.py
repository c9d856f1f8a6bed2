"""Text that no spreadsheet program takes for a formula. Pure."""

from typing import Final

_COULD_RUN: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Full-width signs too: a spreadsheet program set to Chinese may take them for the narrow ones."""


def guarded(text: str) -> str:
    """The text; with an apostrophe before one that could be a formula, also after a way through
    CSV, where blanks before it do not help.
    """
    return f"'{text}" if text.lstrip(" ").startswith(_COULD_RUN) else text
