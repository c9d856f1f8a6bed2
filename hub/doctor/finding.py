"""One thing that was looked at: how it is, in a sentence, and what to do about it."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from hub.texts import Language, say

State = Literal["ok", "warning", "broken"]
STATES: tuple[State, ...] = ("ok", "warning", "broken")


class Finding(NamedTuple):
    """`key` names its sentence in `hub.texts`; what is not ok has a remedy under KEY.do too."""

    about: str
    state: State
    key: str
    figures: Mapping[str, Any] = {}

    def sentence(self, lang: Language) -> str:
        return say(lang, f"doctor.{self.key}", **self.figures)

    def remedy(self, lang: Language) -> str:
        return "" if self.state == "ok" else say(lang, f"doctor.{self.key}.do", **self.figures)

    def lines(self, lang: Language) -> list[str]:
        """The finding for people; the remedy on a line of its own."""
        told = [f"{say(lang, f'doctor.state.{self.state}')}  {self.about}: {self.sentence(lang)}"]
        return [*told, f"          {self.remedy(lang)}"] if self.state != "ok" else told

    def as_row(self, lang: Language) -> dict[str, str]:
        return {
            "about": self.about,
            "key": self.key,
            "state": self.state,
            "says": self.sentence(lang),
            "do": self.remedy(lang),
        }


def worst(findings: Iterable[Finding]) -> State:
    """The state of the whole."""
    return STATES[max((STATES.index(finding.state) for finding in findings), default=0)]
