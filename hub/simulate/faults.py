"""What can go wrong with a simulated instrument: on its wire, or by its own words.

Faults of the wire are done to the bytes, and every instrument has them. What is flipped, cut and
strewn in is drawn from the number of the message, so that a run can be repeated.
"""

import random
from collections.abc import Collection, Iterator, Mapping

from hub.simulate.script import Action

WIRE_FAULTS: Mapping[str, str] = {
    "silence": "no byte comes",
    "garbage": "one bit of each message is flipped, another one each time",
    "truncate": "each message breaks off before its end",
    "double": "each message comes twice",
    "noise": "stray bytes before each message",
    "echo": "what the hub sends comes back, before the answer",
    "split": "byte by byte, with pauses between them",
    "frozen": "goes on with what it measured when the fault began",
}
_MOST_STRAY_BYTES = 12


class Faults:
    """Which of the *known* faults there are now. `clear` mends them all.

    active  the set to keep; a device's own, so that it sees its faults
    """

    def __init__(self, known: Collection[str], active: set[str] | None = None) -> None:
        self.known = tuple(known)
        self._active = set() if active is None else active

    def __contains__(self, fault: object) -> bool:
        return fault in self._active

    def __iter__(self) -> Iterator[str]:
        return iter(self._active)

    def take(self, action: Action) -> bool:
        """Apply a fault's action (number 0 mends that one); False if it is not one."""
        if action.verb == "clear":
            self._active.clear()
        elif action.verb not in self.known:
            return False
        elif action.number == 0:
            self._active.discard(action.verb)
        else:
            self._active.add(action.verb)
        return True


def spoilt(message: bytes, faults: Collection[str] | Faults, number: int) -> bytes:
    """The *number*-th message as the wire delivers it under *faults*."""
    if not message or "silence" in faults:
        return b""
    dice = random.Random(number)
    if "truncate" in faults:
        message = message[: dice.randrange(1, len(message))] if len(message) > 1 else b""
    if "double" in faults:
        message += message
    if "garbage" in faults and message:
        bent = bytearray(message)
        bent[dice.randrange(len(bent))] ^= 1 << dice.randrange(8)
        message = bytes(bent)
    if "noise" in faults:
        message = dice.randbytes(dice.randint(1, _MOST_STRAY_BYTES)) + message
    return message
