"""What has come before: redelivered readings are recognised, holes in the numbering reported.

A duplicate is the same instrument, quantity, sequence, value, unit, quality and device time.
The number alone would not do: a device that starts again counts from the beginning, and may
well show the same value. So one of these must say so too: the broker's DUP flag, the device's
own time, or the first one having come less than a minute ago.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from hub import Reading

RESENT_WITHIN_US: Final = 60_000_000
GAPS_IN_A_ROW: Final = 5
"""So many gaps without one step between them: the numbers are not this instrument's own count."""
INSTRUMENTS_MOST: Final = 10_000

Key = tuple[str, ...]


class Recent:
    """Remembers at least the last *remember* readings, and at most twice as many."""

    def __init__(self, remember: int) -> None:
        self._remember = remember
        self._young: dict[Key, int] = {}
        self._old: dict[Key, int] = {}

    def seen(self, reading: Reading, redelivered: bool) -> bool:
        """Whether this very reading has come before; if not, it is remembered."""
        seq, device_time = reading[9], reading[10]
        if not seq and not device_time:
            return False
        key = _key(reading)
        first_us = self._young.get(key)
        if first_us is None:
            first_us = self._old.get(key)
        if first_us is not None and (
            redelivered or (seq and (device_time or reading[7] - first_us <= RESENT_WITHIN_US))
        ):
            return True
        self._note(key, reading[7])
        return False

    def seen_bare(self, packet: int, topic: str, payload: bytes, redelivered: bool) -> bool:
        """The same for a message that carries neither number nor time: only the broker can tell.

        A broker sends a message again under the packet id it had, with DUP set.
        """
        key = (str(packet), topic, blake2b(payload, digest_size=16).hexdigest())
        if redelivered and (key in self._young or key in self._old):
            return True
        self._note(key, 0)
        return False

    def prime(self, reading: Reading) -> None:
        """Remember a reading that is in the record already."""
        if reading.seq or reading.device_time:
            self._note(_key(reading), reading.at_us)

    def _note(self, key: Key, at_us: int) -> None:
        young = self._young
        young[key] = at_us
        if len(young) >= self._remember:
            self._old = young
            self._young = {}


class Numbering:
    """Follows each instrument's sequence numbers and says where they do not go on."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._gaps: dict[str, int] = {}

    def prime(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            if reading.seq.isdecimal():
                self._last[reading.instrument] = int(reading.seq)

    def check(self, instrument: str, seq: str, step: int) -> tuple[str, str] | None:
        """(what, detail) of a notice when *seq* does not follow, else None."""
        if not seq.isdecimal():
            return None
        number = int(seq)
        last = self._last.get(instrument)
        if last is None and len(self._last) >= INSTRUMENTS_MOST:
            return None
        self._last[instrument] = number
        if last is None or number == last:
            return None
        if number == last + step:
            self._gaps.pop(instrument, None)
            return None
        gaps = self._gaps[instrument] = self._gaps.get(instrument, 0) + 1
        if gaps > GAPS_IN_A_ROW:
            return None
        if gaps == GAPS_IN_A_ROW:
            detail = (
                f"{instrument}: {last} -> {number}, jump {gaps} in a row; no more are reported "
                f"until it counts by {step} again; if it never does, set seq_step"
            )
            return "seq_irregular", detail
        return ("seq_gap" if number > last else "seq_back", f"{instrument}: {last} -> {number}")


def _key(reading: Reading) -> Key:
    # A reading is late because of when it came, not of what it says.
    quality = reading[8]
    return (
        reading[0], reading[9], reading[3], reading[10], reading[2], reading[4],
        "good" if quality == "late" else quality,
    )  # fmt: skip
