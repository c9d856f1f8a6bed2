"""An instrument as it is seen from the wire: what a plugin's `simulator.py` provides.

A device only turns what it senses into bytes. Time, the pty, the quantity it senses and all
faults of the wire (silence, noise, broken and doubled messages, echo, unplugging) are the
runner's, so that every simulator has them.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, Literal

Sense = Literal["pressure", "gas", "gas_path"]
"""What a device stands in: a pipe (Pa, gauge), air with gas in it (%vol), a beam (ppm.m)."""

OWN_FAULTS: Mapping[str, str] = {
    "over_range": "it says that it is above its range",
    "under_range": "it says that it is below its range",
    "warming_up": "it was just powered up: it answers, and has no value yet",
    "fault": "it says that it is broken",
    "inhibited": "it is in calibration or inhibit, whatever number it shows",
    "low_battery": "it says that its battery is low",
    "sentinel": "it sends its documented number or word for no value",
    "unit": "somebody changed the unit at its keys",
    "identity": "another specimen of the same model was plugged in",
    "model": "another model answers",
    "restart": "it lost power for a moment and has forgotten its set-up",
}
"""Faults that a device can show by its own words. Each device lists those it has."""


class Device(ABC):
    """One instrument on a serial line. `Facts` is a frozen dataclass with a default for each field.

    sense       what the runner lets it sense; `sensed` below is in that unit, exact
    own_faults  those of OWN_FAULTS it can show; `self.faults` holds those it has now, and the
                wire's beside them; it may take one out that is over by itself (a restart)
    every_s     seconds between messages it sends unasked; None for one that only answers

    Where a plugin reads many models, a specimen may have a `sense` and `own_faults` of its own.

    line        baud, parity and stop bits it is delivered with, where a plugin reads many models;
                else they are those of the plugin's first probe

    What `gashub conformance` needs to know beyond that, where the default does not fit:

    points      values to sense, within its range, in the unit of `sense`
    step        its resolution in that unit; absent: one of the last digit that it sent
    fitting     facts, as words -> the settings, beside those of the sample, that a driver needs
                to read such a specimen; each is tried
    odds        share of bent messages that become false readings, no less than what `gashub
                conformance --fuzz` counts; absent: that of a CRC of 16 bits
    """

    sense: ClassVar[Sense]
    own_faults: ClassVar[tuple[str, ...]] = ()
    every_s: float | None = None
    line: tuple[int, str, int] | None = None
    Facts: ClassVar[type[Any]]
    points: ClassVar[tuple[Decimal, ...]] = ()
    step: Decimal | None = None
    fitting: ClassVar[Mapping[str, Mapping[str, object]]] = {"": {}}
    odds: ClassVar[float] = 2.0**-16

    def __init__(self, facts: Any) -> None:
        self.facts = facts
        self.faults: set[str] = set()

    def hear(self, received: bytes, sensed: Decimal) -> bytes:
        """Take bytes from the hub, in pieces of any size; return the answer, if one is due.

        Requests for another address or in another protocol get no answer. Several devices may
        stand on one line and hear the same bytes.
        """
        return b""

    def speak(self, sensed: Decimal, at_us: int) -> bytes:
        """The message that is due at *at_us*."""
        return b""

    @abstractmethod
    def silence(self) -> None:
        """The line fell silent, or was unplugged: a request heard by half will not go on."""
