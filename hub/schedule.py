"""Whose turn it is on a shared line. Pure: times in, names out.

Each instrument is due at its own period, and the one that has been due longest is asked first.
One that gave no answer last time costs its whole time budget, so it waits for a gap in which
the others do not need the line; after `PATIENCE` misses it is also asked more rarely, so that
all the dead together take at most `DEAD_SHARE` of the line's time. It is asked again and again
all the same, and is back at its own period with its first answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass

PATIENCE = 3
DEAD_SHARE = 0.05


@dataclass(slots=True)
class _Turn:
    """Times in microseconds of hub time."""

    period_us: int
    due_us: int
    every_us: int
    asked_us: int = 0
    cost_us: int = 0
    misses: int = 0


class Schedule:
    """The order of turns. A period of 0 means "always due": an instrument that streams."""

    def __init__(self, periods_s: Mapping[str, float], now_us: int) -> None:
        self._turns = {
            name: _Turn(round(s * 1e6), now_us, round(s * 1e6)) for name, s in periods_s.items()
        }

    def pick(self, now_us: int) -> tuple[str | None, int]:
        """Return the name to ask now, or None and how many microseconds to wait first."""
        alive = [(t.due_us, t.asked_us, name) for name, t in self._turns.items() if not t.misses]
        weak = [(t.due_us, t.asked_us, name) for name, t in self._turns.items() if t.misses]
        gap_us = min(alive)[0] - now_us if alive else None
        for due_us, _, name in sorted(weak):
            turn = self._turns[name]
            fits = gap_us is None or turn.cost_us <= gap_us
            # On a full line no gap ever comes: after one more interval it goes first.
            if due_us <= now_us and (fits or now_us >= due_us + turn.every_us):
                return name, 0
        if gap_us is not None and gap_us <= 0:
            return min(alive)[2], 0
        wakes_us = [self._turns[name].due_us for *_, name in alive + weak]
        wakes_us += [due_us + self._turns[name].every_us for due_us, _, name in weak]
        return None, min(at_us for at_us in wakes_us if at_us > now_us) - now_us

    def answered(self, name: str, now_us: int) -> None:
        """*name* gave an answer: it keeps its phase, and turns it has missed are not made up."""
        turn = self._turns[name]
        turn.misses = 0
        turn.every_us = turn.period_us
        self._next(turn, now_us)

    def missed(self, name: str, now_us: int, cost_us: int) -> None:
        """*name* gave no usable answer, and the line was kept busy for *cost_us*."""
        turn = self._turns[name]
        turn.misses += 1
        turn.cost_us = cost_us
        if turn.misses < PATIENCE:
            self._next(turn, now_us)
            return
        dead = sum(t.misses >= PATIENCE for t in self._turns.values())
        # With nobody left to slow down, a dead line is asked as often as it can be.
        share = DEAD_SHARE if dead < len(self._turns) else 1.0
        turn.every_us = max(turn.period_us, round(cost_us * dead / share))
        turn.asked_us = now_us
        turn.due_us = now_us - cost_us + turn.every_us

    def rest(self, name: str, now_us: int, rest_us: int) -> None:
        """Leave *name* alone for so long at least."""
        turn = self._turns[name]
        turn.asked_us = now_us
        turn.due_us = max(turn.due_us, now_us + rest_us)

    def owed(self, name: str, now_us: int) -> bool:
        """Whether *name* is only waiting for its turn, so that its silence is not its fault."""
        turn = self._turns[name]
        return turn.period_us > 0 and not turn.misses and turn.due_us <= now_us

    def _next(self, turn: _Turn, now_us: int) -> None:
        turn.asked_us = now_us
        if turn.period_us == 0:
            turn.due_us = now_us
        else:
            turn.due_us += turn.period_us * max(1, -(-(now_us - turn.due_us) // turn.period_us))
