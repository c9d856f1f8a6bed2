"""A did-you-mean for error texts."""

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The one of *known* that is spelt most like *word*; "" when none is (*cutoff* 0 to 1)."""
    import difflib  # noqa: PLC0415  for errors only: a running hub does without

    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=cutoff)), "")


def guess(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The end of a sentence that asks whether the nearest of *known* was meant, or nothing."""
    near = nearest(word, known, cutoff)
    return f'; did you mean "{near}"?' if near else ""
