"""What goes wrong in the demo of the instruments, on purpose, and how the hub must name it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hub.demo.processes import Simulator
from hub.demo.record import Sight


@dataclass(frozen=True, slots=True)
class Mishap:
    """One thing that goes wrong with one instrument.

    plugin, model  of which; any of the plugin when model is empty
    action         of its simulator; `mend` ends it
    sign           a quality, a notice, or the name of a drop that the hub must show for it
    """

    plugin: str
    model: str
    action: str
    sign: str
    mend: str = "clear"

    def finds(self, sights: Iterable[Sight]) -> Sight | None:
        """The instrument that it happens to; None when there is no such one."""
        for sight in sights:
            if sight.specimen.plugin == self.plugin and self.model in ("", sight.specimen.model):
                return sight
        return None


MISHAPS: Final[Sequence[Mishap]] = (
    Mishap("keller", "", "warming_up", "warming_up"),
    Mishap("crystal_xp2i", "", "low_battery", "low_battery"),
    Mishap("mipex", "", "over_range", "over_range"),
    Mishap("winsen_mhz9041a", "", "fault", "fault"),
    Mishap("modbus", "honeywell_xnx", "inhibited", "inhibited"),
    Mishap("modbus", "honeywell_sensepoint_xrl", "unit", "other_unit"),
    Mishap("modbus", "oldham_itrans2", "silence", "instrument_lost"),
    Mishap("boreal", "", "unplug", "port_lost", "plug"),
    Mishap("mqtt", "tasmota", "unplug", "device_offline", "plug"),
)


class Course:
    """The mishaps as they run: begun together, mended together, each looked for. One thread."""

    def __init__(
        self,
        mishaps: Sequence[Mishap],
        sights: Mapping[str, Sight],
        simulators: Mapping[str, Simulator],
    ) -> None:
        self._simulators = simulators
        self._found = [(mishap, mishap.finds(sights.values())) for mishap in mishaps]
        self._begun_us = self._mended_us = 0

    def begin(self, now_us: int) -> None:
        """Let all of them happen. Raises DemoFailed when a simulator refuses."""
        self._begun_us = now_us
        for mishap, sight in self._there():
            self._tell(sight, mishap.action)

    def mend(self, now_us: int) -> None:
        """End all of them."""
        self._mended_us = now_us
        for mishap, sight in self._there():
            self._tell(sight, mishap.mend)

    def planned(self) -> list[tuple[Mishap, str]]:
        """All of them, each with its instrument; "" when there is none."""
        return [(mishap, sight.specimen.name if sight else "") for mishap, sight in self._found]

    def unseen(self) -> list[tuple[Mishap, str]]:
        """Of those planned, what the hub has not named."""
        return [
            (mishap, sight.specimen.name if sight else "")
            for mishap, sight in self._found
            if sight is None or not sight.said(mishap.sign, self._begun_us)
        ]

    def unmended(self) -> list[str]:
        """The instruments that have not given a good reading since."""
        return [s.specimen.name for _, s in self._there() if s.good_us <= self._mended_us]

    def _there(self) -> list[tuple[Mishap, Sight]]:
        return [(mishap, sight) for mishap, sight in self._found if sight is not None]

    def _tell(self, sight: Sight, action: str) -> None:
        there = sight.specimen
        self._simulators[there.where].tell(f"{action} @{there.target}")
