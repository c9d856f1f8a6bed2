"""Why something is refused, in words: what failed, why, by which clause, and what to do next."""

from collections.abc import Mapping, Sequence

from hub.jobs.case import Refusal
from hub.texts import Language, say


def said(lang: Language, refusal: Refusal) -> str:
    """The sentence of a refusal. A recorded one, back from JSON, is said the same."""
    figures = {name: _word(lang, value) for name, value in refusal.figures.items()}
    if counts := figures.pop("counts", ""):
        figures["length"] = say(lang, f"job.length.{counts}", length=figures["length"])
    return say(lang, f"job.refused.{refusal.key}", clause=refusal.clause, **figures)


def _word(lang: Language, value: object) -> str:
    """One figure: a text in both languages, a list, or a plain value."""
    if isinstance(value, Mapping):
        return str(value[lang])
    if isinstance(value, Sequence) and not isinstance(value, str):
        words = [_word(lang, one) for one in value]
        return say(lang, "judge.list").join(words) or say(lang, "job.none")
    return str(value)
