"""A second look at a value that jumps, for protocols whose check is weak or missing.

A digit that became another digit on the way still has the form of a number. What gives it away
is that the next message does not say the same.
"""

from decimal import Decimal

MOVING = 4


class Confirm:
    """Judges the values of one series, in its canonical unit.

    A value is believed when it is within *over* of the last one believed, or when it repeats the
    one doubted just before it. Repeats: within *over* too, or within a quarter of the jump, since
    a pressure that is being pumped up moves on between the two looks.

    first  whether even the first value needs a second look: where a message has no check at all,
           nothing vouches for it

    An instrument that is asked is asked again at once after a doubt; one that streams has its
    next message as the second look. The doubted message becomes the drop "unconfirmed". For a
    stream choose *over* above what really happens between two messages, or a steady rise stays
    in doubt.
    """

    def __init__(self, over: Decimal, *, first: bool = False) -> None:
        self._over = over
        self._first = first
        self._last: Decimal | None = None
        self._doubted: Decimal | None = None

    def reset(self) -> None:
        """Forget both values: the instrument may be another one."""
        self._last = self._doubted = None

    def believes(self, value: Decimal | None) -> bool:
        """Whether *value* may be used; if not, the next one that repeats it may.

        None, the value of a reading without a number, has nothing to doubt.
        """
        if value is None:
            return True
        if not (self._expected(value) or self._repeated(value)):
            self._doubted = value
            return False
        self._last, self._doubted = value, None
        return True

    def _expected(self, value: Decimal) -> bool:
        if self._last is None:
            return not self._first
        return abs(value - self._last) <= self._over

    def _repeated(self, value: Decimal) -> bool:
        if self._doubted is None:
            return False
        jump = Decimal(0) if self._last is None else abs(self._doubted - self._last)
        return abs(value - self._doubted) <= max(self._over, jump / MOVING)
