"""Reading again: does a recorded message still mean what the record says that it meant?

The message alone is shown to its driver (`hub.model.ReadsAgain`), and what comes out is held
against the recorded readings. They must be the same, character for character. What a driver knew
only by earlier messages may have taken a number away; it never gives one.
"""

from collections.abc import Sequence

from hub.model import Kept, Reading, ReadsAgain


def difference(driver: ReadsAgain, kept: Kept, recorded: Sequence[Reading], *, whole: bool) -> str:
    """How *driver* reads *kept* otherwise than *recorded*, in a sentence; "" when it does not.

    whole   all that the message says must be among *recorded*; of a message of a broker a part
            may have been a duplicate, and was left out
    raises  NeedsEarlier when the message means nothing alone, BadFrame when it is none
    """
    read = driver.read_again(kept)
    if whole and len(read) != len(recorded):
        return f"{len(read)} reading(s) come out of it, and {len(recorded)} are recorded"
    left = iter(read)
    for then in recorded:
        if not any(_same(now, then, driver.by_memory) for now in left):
            said = "; ".join(_told(one) for one in read) or "nothing"
            return f"{_told(then)} at {then.at_us} is recorded, and the message says {said}"
    return ""


def _same(now: Reading, then: Reading, by_memory: frozenset[str]) -> bool:
    if then.canonical is None and then.quality in by_memory and then.value in ("", now.value):
        now = now._replace(
            value=then.value, quality=then.quality, canonical=None, canonical_unit=""
        )
    return [str(fact) for fact in now] == [str(fact) for fact in then]


def _told(reading: Reading) -> str:
    number = f"{reading.value} {reading.unit}".strip() or "no number"
    return f"{reading.instrument} {reading.quantity} {number} {reading.quality}"
