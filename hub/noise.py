"""What an instrument that streams sent and no frame came of it, as a drop."""

from typing import Final

from hub.framing import Framer
from hub.model import Intake

EVERY_US: Final = 1_000_000


class Noise:
    """The noise that *framer* counts, told as the drop "noise".

    At a wrong speed every read brings some: it is told once a second, not once a read.
    """

    def __init__(self, instrument: str, framer: Framer) -> None:
        self._instrument = instrument
        self._framer = framer
        self._told = 0
        self._told_us: int | None = None

    def reset(self) -> None:
        """Another instrument may be on the line: what it brings is told at once."""
        self._told_us = None

    def told(self, at_us: int) -> list[Intake]:
        """The drop, if there is noise to be told at *at_us*."""
        fresh = self._framer.noise > self._told
        if not fresh or (self._told_us is not None and at_us - self._told_us < EVERY_US):
            return []
        self._told, self._told_us = self._framer.noise, at_us
        return [Intake(self._instrument, b"", at_us, dropped="noise")]
