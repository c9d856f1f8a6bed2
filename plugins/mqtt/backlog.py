"""Whether what arrives now may have waited in the broker's session while we were away.

MQTT does not say where the queue of a resumed session ends. While it lasts, the broker fills our
window again as fast as we acknowledge; once it is over, messages come at the instruments' own
pace and the window stays mostly empty. So the backlog counts as over after a few looks, some
time apart, at which the socket had been emptied and hardly a message was unacknowledged.
"""

LEAST_S = 1.0
"""Never over sooner than this after the session was taken up."""
CALM_LOOKS = 3
LOOK_EVERY_S = 0.2
CALM_SHARE = 4
"""Calm: at most a fourth of the most that was ever unacknowledged on this connection."""


class Backlog:
    """The state of one connection. `waiting` is True until the queue is known to be empty."""

    def __init__(self) -> None:
        self.waiting = True
        self._unacked = 0
        self._peak = 0
        self._calm = 0
        self._looked_s = 0.0

    def begin(self) -> None:
        """A session begins, or the connection is gone: everything may be old."""
        self.waiting = True
        self._unacked = self._peak = self._calm = 0
        self._looked_s = 0.0

    def acknowledged(self, count: int) -> None:
        self._unacked -= count

    def arrived(self, count: int) -> None:
        """Messages that want an acknowledgement."""
        self._unacked += count
        self._peak = max(self._peak, self._unacked)

    def look(self, emptied: bool, connected_for_s: float) -> None:
        """After a turn. *emptied*: nothing more was waiting on the socket."""
        if not self.waiting or connected_for_s < LEAST_S:
            return
        if connected_for_s - self._looked_s < LOOK_EVERY_S:
            return
        if emptied and self._unacked * CALM_SHARE <= self._peak:
            self._looked_s = connected_for_s
            self._calm += 1
            self.waiting = self._calm < CALM_LOOKS
