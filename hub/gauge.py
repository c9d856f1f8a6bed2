"""A gauge that is asked over a protocol without a check, or with one that is weak.

Nothing on the wire says for sure that a digit is still the one that was sent. So a step is asked
for again before it is believed, and who the gauge is, before anything else of it is.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Generic, Literal, NamedTuple, Self, TypeVar

from pydantic import Field, model_validator

from hub.clock import Clock
from hub.confirming import Confirm
from hub.errors import BadFrame, InstrumentSilent
from hub.measuring import measure
from hub.model import Intake, Kept, Reading
from hub.port import Port
from hub.presence import Presence
from hub.settings import PolledSettings


class GaugeSettings(PolledSettings):
    """What every such gauge may set."""

    poll_every_s: float = Field(default=1.0, ge=0.1, le=3600, description="Time between polls.")
    answer_within_s: float = Field(
        default=0.5, gt=0, le=5, description="Longest wait for an answer."
    )
    quantity: Literal["pressure", "barometer"] = Field(
        description="What it measures: pressure is gauge or differential, barometer is absolute; "
        "its answers do not say which.",
    )
    serial: str = Field(
        default="",
        max_length=64,
        description="Serial number on its plate: a gauge that tells another is refused, one that "
        "tells none goes by this; absent takes what it tells.",
    )
    confirm_over: Decimal = Field(
        default=Decimal(50),
        ge=0,
        description="A step of more Pa than this is asked for again at once, and goes out only if "
        "the two agree.",
    )
    least_pa: Decimal = Field(
        default=Decimal(-110_000), description="Lower end of its range; less is under range."
    )
    most_pa: Decimal = Field(
        default=Decimal(10_000_000), description="Upper end of its range; more is over range."
    )

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.least_pa >= self.most_pa:
            raise ValueError(f"least_pa is {self.least_pa}, not below most_pa ({self.most_pa})")
        return self


class Outcome(NamedTuple):
    """What an answer comes to: a value with its unit, or why it is no reading.

    value    decimal text as sent; it counts only where quality is good
    dead     why it is a dead letter; `dropped` is the name of a drop
    """

    value: str = ""
    unit: str = ""
    quality: str = "good"
    dead: str = ""
    dropped: str = ""


S = TypeVar("S", bound=GaugeSettings)


class Gauge(ABC, Generic[S]):
    """One gauge. Who it is, is asked at first contact, after every silence, and when no good
    answer has come for so long that it could have been exchanged (`hub.presence`).

    A subclass says how to `meet` it, how to get an `answer`, and the `outcome` of one; `settings`
    and `serial` (None until it was met) are there for it.
    """

    by_memory: frozenset[str] = frozenset()

    def __init__(self, name: str, settings: S, clock: Clock) -> None:
        self.name = name
        self.settings = settings
        self.serial: str | None = None
        self._clock = clock
        self._confirm = Confirm(settings.confirm_over, first=True)
        self._plate = settings.serial
        self._presence = Presence(clock)

    def meet(self, port: Port) -> Intake | None:
        """Set `serial`; an intake instead when the gauge is not the one it should be.

        One that cannot be asked leaves this as it is: then its plate speaks for it.
        """
        self.serial = self.settings.serial
        return None

    @abstractmethod
    def answer(self, port: Port) -> bytes:
        """Ask once for what it shows. Raises InstrumentSilent, BadFrame."""

    @abstractmethod
    def outcome(self, frame: bytes) -> Outcome:
        """What an answer comes to, by these bytes and the settings alone. Raises BadFrame."""

    def look(self, port: Port) -> Intake:
        """Ask once, and make of the answer what it is."""
        frame = self.answer(port)
        found, at_us = self.outcome(frame), self._clock.now_us()
        if found.dead or found.dropped:
            return self.refused(frame, dead=found.dead, dropped=found.dropped)
        reading = self._measured(found, at_us, self.serial or "")
        if not self._confirm.believes(reading.canonical):
            return self.refused(frame, dropped="unconfirmed")
        return Intake(self.name, frame, at_us, (self._ranged(reading),))

    def read_again(self, kept: Kept) -> Sequence[Reading]:
        """See `hub.model.ReadsAgain`."""
        found = self.outcome(kept.frame)
        if found.dead or found.dropped:
            return ()
        return (self._ranged(self._measured(found, kept.at_us, kept.serial)),)

    @property
    def poll_every_s(self) -> float | None:
        return self.settings.poll_every_s

    @property
    def stale_after_s(self) -> float:
        return self.settings.lost_after_s

    def reset(self) -> None:
        """Another gauge may be on the line, or this one was switched off between."""
        self.serial = None
        self._confirm.reset()

    def read(self, port: Port) -> Sequence[Intake]:
        """One poll: an intake with a reading, or with what became of the answer.

        A doubtful step is two intakes, the drop and what the second look gave.
        raises  InstrumentSilent, BadFrame
        """
        try:
            unknown = self.serial is None or self._presence.lapsed
            if unknown and (stranger := self._met(port)):
                return [stranger]
            intakes = [self.look(port)]
            self._presence.seen()
        except InstrumentSilent:
            self.reset()  # who answers next may be another gauge
            raise
        if intakes[0].dropped == "unconfirmed":
            # Should the second look fail, the drop stands, and the next poll says what is wrong.
            with suppress(BadFrame, InstrumentSilent):
                intakes.append(self.look(port))
        return intakes

    def told(self, serial: str) -> None:
        """It has told *serial*; with "" it cannot, and its plate must do.

        Once it has told one, its plate no longer speaks for it: who cannot tell now is another.
        """
        if serial:
            self._plate = ""
        self.serial = serial or self._plate

    def _met(self, port: Port) -> Intake | None:
        before, self.serial = self.serial, None
        stranger = self.meet(port)
        if self.serial != before:
            self._confirm.reset()  # another gauge's values say nothing about this one's
        self._presence.seen()
        return stranger

    def refused(self, frame: bytes, *, dead: str = "", dropped: str = "") -> Intake:
        """An answer that is no reading: a dead letter, or the name of a drop."""
        return Intake(self.name, frame, self._clock.now_us(), dead=dead, dropped=dropped)

    def _measured(self, found: Outcome, at_us: int, serial: str) -> Reading:
        return measure(
            instrument=self.name,
            serial=serial,
            quantity=self.settings.quantity,
            value=found.value,
            unit=found.unit,
            at_us=at_us,
            quality=found.quality,
        )

    def _ranged(self, reading: Reading) -> Reading:
        """Without its number where that is beyond the gauge's range."""
        pascal, settings = reading.canonical, self.settings
        if pascal is None or settings.least_pa <= pascal <= settings.most_pa:
            return reading
        beyond = "over_range" if pascal > settings.most_pa else "under_range"
        return reading._replace(value="", canonical=None, canonical_unit="", quality=beyond)
