"""A second look at the steps of a swept laser, that can hide no plume.

A beam that sweeps crosses a thin plume in one scan. To drop a peak because the next scan does not
repeat it would turn gas into clean air; to believe it would let two flipped bits decide. So a
step waits for the next message: when that shares it both go out, and when not, the peak goes out
as `over_range` without a number. What was swept then is unknown, and the sweep is done again.
"""

from decimal import Decimal
from typing import Final, NamedTuple

from hub.model import Intake


class Held(NamedTuple):
    """A step that waits; `value` is that of its reading."""

    intake: Intake
    value: Decimal


class Peaks:
    """One series of path readings, in ppm·m. Gives back each intake once, in order.

    over  a step of more than this waits
    """

    BY_MEMORY: Final = frozenset({"over_range", "bad"})
    """What it may put in place of a number (`hub.model.ReadsAgain`)."""

    def __init__(self, over: Decimal) -> None:
        self._over = over
        self._last: Decimal | None = None
        self._held: Held | None = None
        self._serial = ""

    def take(self, intake: Intake) -> list[Intake]:
        """What goes out now that *intake*, which has one reading, has come: none, one or two."""
        reading = intake.readings[0]
        if reading.serial != self._serial:  # of another laser nothing is known
            out, self._serial, self._last = self.flush(), reading.serial, reading.canonical
            return [*out, intake]
        value = reading.canonical
        if value is None:
            return [*self.flush(), intake]
        if self._held and self._shares(value, self._held.value):
            out = [self._held.intake]
        else:
            out = self.flush()
            if self._last is not None and abs(value - self._last) > self._over:
                self._held = Held(intake, value)
                return out
        self._held, self._last = None, value
        return [*out, intake]

    def flush(self, before_us: int | None = None) -> list[Intake]:
        """The held intake without its number, as nothing came that shares it.

        before_us  only one that came before this
        """
        held = self._held
        if held is None or (before_us is not None and held.intake.at_us >= before_us):
            return []
        self._held = None
        rose = self._last is not None and held.value > self._last
        lone = held.intake.readings[0]._replace(
            value="", canonical=None, canonical_unit="", quality="over_range" if rose else "bad"
        )
        return [held.intake._replace(readings=(lone,))]

    def _shares(self, value: Decimal, step: Decimal) -> bool:
        """True if *value* lies nearer to *step* than to the last one, or is as far off itself."""
        if self._last is None:
            return False
        away = value - self._last
        beyond = abs(away) > self._over and (away > 0) == (step > self._last)
        return beyond or abs(value - step) < abs(away)
