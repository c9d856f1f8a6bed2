"""An MH-Z9041A as its wiki page describes it: 44 bytes of ASCII, once a second, unasked."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from hub.simulate import Device, Sense

_STRANGER = b"$GFDTA,7.2,98,3.0,5527,2019/01/22 16:04:58,CH4AB-1047,1*4F\r\n"
"""What a GasFinder says, which also speaks unasked."""


@dataclass(frozen=True)
class MhZ9041aFacts:
    """blank_counts: the checksum includes the blank before it; both kinds are on the market."""

    blank_counts: bool = False
    lel_pct_vol: Decimal = Decimal(5)
    ambient_c: Decimal = Decimal("23.7")


class Simulator(Device):
    sense: ClassVar[Sense] = "gas"
    own_faults: ClassVar[tuple[str, ...]] = ("fault", "model")
    every_s = 1.0
    Facts = MhZ9041aFacts
    step = Decimal("0.005")  # 0.1 %LEL
    fitting: ClassVar[Mapping[str, Mapping[str, object]]] = {"": {}, "blank_counts=true": {}}
    odds: ClassVar[float] = 5e-4

    def speak(self, sensed: Decimal, at_us: int) -> bytes:
        if "model" in self.faults:
            return _STRANGER
        pct_lel = sensed * 100 / self.facts.lel_pct_vol
        error = "10" if "fault" in self.faults else "00"
        # The second decimal is always 0: it measures tenths.
        text = f"A{pct_lel:+06.1f}0 {self.facts.ambient_c:+05.1f} 0666.22 +16.1 B+066.0 {error} "
        total = 0
        for character in text if self.facts.blank_counts else text[:-1]:
            total ^= ord(character)
        return f"{text}{total:02X}\r\n".encode("ascii")

    def silence(self) -> None:
        """It never listens."""
