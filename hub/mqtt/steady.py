"""Whether connections last: how long to wait before the next one, and when to suspect a rival.

A broker gives a session to whoever connects last under its client id. Two clients with the same
id therefore throw each other out for ever, and each of them sees connections that succeed and do
not last. MQTT 5 says why (reason 0x8E); MQTT 3.1.1 just closes. So success alone does not shorten
the pause, and does not count as the return of a lost link: a connection first has to last.
"""

import random

FIRST_PAUSE_S = 0.25
LASTS_AFTER_S = 10.0
"""Age from which a connection counts as good: the next pause is a short one again."""
UNSTEADY_AFTER = 2
"""Connections in a row that did not last, after which the next one is no return yet."""
SUSPECT_AFTER = 3
"""Connections in a row that did not last, after which the likely cause is named."""
JITTER = (0.7, 1.0)
"""Share of a pause that is waited, so that two rivals do not keep in step."""


class Steadiness:
    """The connections of one link, one after the other. Ages in seconds.

    longest_pause_s  the pause doubles up to it
    """

    def __init__(self, longest_pause_s: float) -> None:
        self._longest_pause_s = longest_pause_s
        self._pause_s = FIRST_PAUSE_S
        # A rival that pauses as long as we do is back within its longest pause.
        self._peace_s = max(LASTS_AFTER_S, 2 * longest_pause_s)
        self.short = 0
        """Connections in a row that did not last."""
        self.taken = 0
        """Times the broker said that another client took our session, since there was peace."""
        self.unsteady = False
        """Whether the last connections came and went, and no long one has ended that yet."""

    def lasted(self, age_s: float) -> bool:
        """The connection stands, and is so old. True once it counts as the link's return."""
        if age_s >= (self._peace_s if self.taken else LASTS_AFTER_S):
            self._pause_s, self.short = FIRST_PAUSE_S, 0
        if age_s >= self._peace_s:
            self.taken, self.unsteady = 0, False
        return not self.unsteady

    def ended(self, age_s: float, *, taken_over: bool) -> None:
        """The connection is gone. taken_over: the broker gave our session to another client."""
        self.lasted(age_s)
        self.taken += taken_over
        if taken_over or age_s < LASTS_AFTER_S:
            self.short += 1
        self.unsteady = self.unsteady or taken_over or self.short >= UNSTEADY_AFTER

    def pause_s(self) -> float:
        """How long to wait now; the next wait is up to twice as long."""
        pause_s = self._pause_s
        self._pause_s = min(self._longest_pause_s, pause_s * 2)
        return random.uniform(*JITTER) * pause_s
