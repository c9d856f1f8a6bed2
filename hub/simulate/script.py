"""What is done to a simulated instrument, and when: one small language for scripts and stdin.

An action is `VERB [NUMBER] [@TARGET]`: `pump 5200 @1`, `vent`, `unplug`, `settle 0.2`. In a
script each line begins with hub seconds since the start: `30 unplug`, or `30:unplug` on the
command line. No target means every target. `#` begins a comment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    verb: str
    number: float | None = None
    target: str = ""

    def __str__(self) -> str:
        number = "" if self.number is None else f" {self.number:g}"
        return self.verb + number + (f" @{self.target}" if self.target else "")


@dataclass(frozen=True, slots=True)
class Cue:
    """An action at an instant, in hub seconds since the simulator began."""

    at_s: float
    action: Action


def parse_action(text: str) -> Action:
    """Read one action. Raises ValueError that shows the text and the form expected."""
    verb, number, target = "", None, ""
    for word in text.split():
        if word.startswith("@"):
            target = word[1:]
        elif not verb:
            verb = word.replace("-", "_")
        elif number is None:
            try:
                number = float(word)
            except ValueError:
                raise ValueError(f"{text!r}: {word!r} is not a number") from None
        else:
            raise ValueError(f"{text!r}: one number at most; write VERB [NUMBER] [@TARGET]")
    if not verb:
        raise ValueError(f"{text!r}: no action; write VERB [NUMBER] [@TARGET]")
    return Action(verb, number, target)


def parse_cue(text: str) -> Cue:
    """Read `SECONDS:ACTION` or `SECONDS ACTION`."""
    at, _, rest = text.strip().replace(":", " ", 1).partition(" ")
    try:
        at_s = float(at)
    except ValueError:
        raise ValueError(f"{text!r}: begins with {at!r}; write SECONDS:ACTION") from None
    return Cue(at_s, parse_action(rest))


def parse_script(lines: Iterable[str]) -> list[Cue]:
    """Read a script, in time order whatever the order of its lines."""
    plain = (line.partition("#")[0].strip() for line in lines)
    return sorted((parse_cue(line) for line in plain if line), key=lambda cue: cue.at_s)


class Timeline:
    """Hands out the cues that have come due, once each, in order."""

    def __init__(self, cues: Sequence[Cue], start_us: int) -> None:
        self._left = sorted(cues, key=lambda cue: cue.at_s)
        self._start_us = start_us

    def due(self, now_us: int) -> list[tuple[int, Action]]:
        """(instant it was meant for, action) for every cue due by *now_us*."""
        ready = []
        while self._left and self._at_us(self._left[0]) <= now_us:
            cue = self._left.pop(0)
            ready.append((self._at_us(cue), cue.action))
        return ready

    def next_us(self) -> int | None:
        """When the next cue is due, None when no more are left."""
        return self._at_us(self._left[0]) if self._left else None

    def _at_us(self, cue: Cue) -> int:
        return self._start_us + round(cue.at_s * 1e6)
