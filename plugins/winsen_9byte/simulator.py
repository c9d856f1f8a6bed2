"""A sensor of the MH-441D's kind, after its data sheet: nine bytes asked, nine answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from hub.simulate import Device, Sense

_OTHER_MODEL = bytes.fromhex("FF 04 03 01 00 C8 07 D0 59")
"""An upload of a ZE07-CO: as long, as well summed up, and of another gas."""


@dataclass(frozen=True)
class CountFacts:
    """scale is what one count is worth in unit."""

    sensor: int = 1
    unit: Literal["%LEL", "%vol", "ppm"] = "%LEL"
    scale: Decimal = Decimal("0.1")
    lel_pct_vol: Decimal = Decimal(5)


class Simulator(Device):
    sense: ClassVar[Sense] = "gas"
    own_faults: ClassVar[tuple[str, ...]] = ("sentinel", "model")
    Facts = CountFacts
    fitting: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "": {"unit": "%LEL", "scale": "0.1"},
        "unit=%vol scale=0.01": {"unit": "%vol", "scale": "0.01"},
        "unit=ppm scale=50 sensor=3": {"unit": "ppm", "scale": "50", "sensor": 3},
    }
    odds: ClassVar[float] = 5e-3

    def __init__(self, facts: CountFacts) -> None:
        super().__init__(facts)
        self._heard = b""
        pct_vol = {"%LEL": Decimal(facts.lel_pct_vol) / 100, "%vol": Decimal(1)}
        self.step = Decimal(facts.scale) * pct_vol.get(facts.unit, Decimal("0.0001"))

    def hear(self, received: bytes, sensed: Decimal) -> bytes:
        self._heard += received
        answer = b""
        while len(self._heard) >= 9:
            asked = self._heard[:9]
            if asked != _summed(bytes([0xFF, self.facts.sensor, 0x86]) + bytes(5)):
                self._heard = self._heard[1:]
                continue
            self._heard = self._heard[9:]
            answer += self._answer(sensed)
        return answer

    def silence(self) -> None:
        self._heard = b""

    def _answer(self, sensed: Decimal) -> bytes:
        if "model" in self.faults:
            return _OTHER_MODEL
        assert self.step is not None
        count = 0xFFFF if "sentinel" in self.faults else round(sensed / self.step)
        return _summed(b"\xff\x86" + count.to_bytes(2, "big") + b"\x47\0\0\0")


def _summed(body: bytes) -> bytes:
    return body + bytes([(~sum(body[1:]) + 1) & 0xFF])
