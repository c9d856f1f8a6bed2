"""What happens to bytes on the way from an instrument, and a port on which it does.

    random    bytes that mean nothing, in place of the message
    rewritten all behind the first two bytes is random, so that a start mark is still there
    flipped   one to four bits
    swapped   one to four characters become others of their sort: a digit another digit, and so on
    shifted   bytes are lost or come twice
    cut       the message ends early, and the next one follows at once
    burst     a stretch of up to sixteen bits is disturbed

A swapped digit is what a check by XOR is worst at: all digits share their upper four bits.
"""

import random
import string
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

from hub.port import Port, PortSettings
from hub.simulate.device import Device

_WHOLE = 0.3
"""Share of messages left as they are, so that there is something to be misled from."""
_SORTS = (string.digits, string.ascii_uppercase, string.ascii_lowercase)
_SORT_OF = {ord(sign): sort.encode() for sort in _SORTS for sign in sort}

Dice = random.Random


def _random(dice: Dice, _sent: bytes) -> bytes:
    return dice.randbytes(dice.randint(1, 100))


def _rewritten(dice: Dice, sent: bytes) -> bytes:
    return sent[:2] + dice.randbytes(len(sent) - 2) if len(sent) > 2 else dice.randbytes(len(sent))


def _flipped(dice: Dice, sent: bytes) -> bytes:
    bent = bytearray(sent)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(8 * len(bent))
        bent[at // 8] ^= 1 << at % 8
    return bytes(bent)


def _swapped(dice: Dice, sent: bytes) -> bytes:
    bent = bytearray(sent)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(bent))
        sort = _SORT_OF.get(bent[at])
        bent[at] = dice.choice(sort) if sort else dice.randrange(256)
    return bytes(bent)


def _shifted(dice: Dice, sent: bytes) -> bytes:
    bent = bytearray(sent)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(bent))
        if len(bent) > 1 and dice.random() < 1 / 2:
            del bent[at]
        else:
            bent.insert(at, bent[at])
    return bytes(bent)


def _cut(dice: Dice, sent: bytes) -> bytes:
    return sent[: dice.randrange(len(sent))]


def _burst(dice: Dice, sent: bytes) -> bytes:
    at = dice.randrange(8 * len(sent))
    noise = dice.randrange(1, 1 << 16) << at
    # A UART sends the low bit first, so that this is the order in which a stretch is one.
    whole = int.from_bytes(sent, "little") ^ noise & ((1 << 8 * len(sent)) - 1)
    return whole.to_bytes(len(sent), "little")


WAYS: dict[str, Callable[[Dice, bytes], bytes]] = {
    "random": _random, "rewritten": _rewritten, "flipped": _flipped, "swapped": _swapped,
    "shifted": _shifted, "cut": _cut, "burst": _burst,
}  # fmt: skip


class BentPort(Port):
    """A port whose *device* senses `sensed`, and whose messages are bent on the way.

    fits    the protocol's checksum, written independently of its driver; None where it has none
    bent    bytes and messages that were
    owed    how many messages of each way are other bytes now and still fit the checksum
    """

    def __init__(self, device: Device, fits: Callable[[bytes], bool] | None, seed: int) -> None:
        super().__init__(PortSettings(port="bent"))
        self._device = device
        self._fits = fits
        self._dice = random.Random(seed)
        self._coming = b""
        self._at_us = 0
        self.sensed = Decimal(0)
        self.whole_only = False
        self.bytes = 0
        self.tried: Counter[str] = Counter()
        self.owed: Counter[str] = Counter()

    def open(self) -> None:
        return

    def close(self) -> None:
        return

    def forget(self) -> None:
        """Nothing of an old value stays on the way."""
        self._coming = b""
        self._device.silence()

    def write(self, sent: bytes) -> None:
        self._coming += self._bend(self._device.hear(sent, self.sensed))

    def read(self, within_s: float, at_most: int = 4096) -> bytes:
        every_s = self._device.every_s
        if not self._coming and every_s is not None:
            self._at_us += round(every_s * 1e6)
            self._coming = self._bend(self._device.speak(self.sensed, self._at_us))
        part, self._coming = self._coming[:at_most], self._coming[at_most:]
        return part

    def discard(self) -> int:
        count, self._coming = len(self._coming), b""
        return count

    def _bend(self, sent: bytes) -> bytes:
        dice = self._dice
        if not sent or self.whole_only or dice.random() < _WHOLE:
            return sent
        name = dice.choice(tuple(WAYS))
        bent = WAYS[name](dice, sent)
        if bent == sent:
            return sent
        self.tried[name] += 1
        self.bytes += len(bent)
        if self._fits is not None and self._fits(bent):
            self.owed[name] += 1
        return bent
