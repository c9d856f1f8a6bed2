"""Any Modbus instrument that a profile describes, shipped or own: it fills the registers.

It is written from the meaning of a profile, and shares no arithmetic with the driver: here
numbers become registers. Its heartbeat goes up with every answer, as a simulator knows no time,
and stands still while the runner has it `frozen`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import ClassVar

from fastcrc import crc16

from hub import ConfigError
from hub.simulate import Device, Sense
from plugins.modbus.encoding import Memory, no_value
from plugins.modbus.loading import Answers, load
from plugins.modbus.profile import Function, Kind, Measurand, Order, Place, Status, UnitRegister

_REQUEST_BYTES = 8
_MOST_REGISTERS = 125
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _ILLEGAL_VALUE, _FAILURE, _BUSY = 1, 2, 3, 4, 6
_STRANGE_CODE = 0xEE
_LEL_PCT_VOL = Decimal("4.4")

_SENSES: Mapping[str, Sense] = {
    "pressure": "pressure",
    "barometer": "pressure",
    "gas": "gas",
    "gas_path": "gas_path",
}
_PASCALS = {
    "Pa": "1", "hPa": "100", "kPa": "1000", "MPa": "1000000", "mbar": "100", "bar": "100000",
    "mmH2O": "9.80665", "mH2O": "9806.65", "inH2O": "249.0889", "mmHg": "133.322387415",
    "kgf/cm2": "98066.5", "psi": "6894.757293168361",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Specimen:
    """One slave. Lists are written with commas, pairs with colons: `mode:111,status:112`.

    unit         it is set to; the profile's first when absent
    unit_codes, type, order, function, numbers   what the profile leaves open
    publish      fields that show what it senses, where two share a register
    has          the fields this model has; the others read their sentinel. Absent: all
    range_least  of what it senses, in Pa, %vol or ppm.m; beyond, it says over or under range
    span_high    of a value that is sent in steps of a span, in its unit
    decimals     digits behind the point, where it tells them
    lel_pct_vol  what it calls 100 %LEL
    """

    address: int = 1
    profile: str = "delta_ohm_hd402st"
    serial: int = 355220
    unit: str = ""
    unit_codes: str = ""
    type: Kind | None = None
    order: Order | None = None
    function: Function | None = None
    numbers: str = ""
    publish: str = ""
    has: str = ""
    range_least: Decimal = Decimal(-1000)
    range_most: Decimal = Decimal(10_000)
    span_low: int = 0
    span_high: int = 1000
    decimals: int = 1
    lel_pct_vol: Decimal = _LEL_PCT_VOL
    temperature_degc: Decimal = Decimal("23.69")

    @property
    def answers(self) -> Answers:
        """These facts as the settings of a driver would give them to the profile."""
        codes = {int(code): unit for code, unit in _pairs(self.unit_codes)}
        numbers = {name: int(number) for name, number in _pairs(self.numbers)}
        return Answers(self.unit, codes, self.type, self.order, self.function, numbers)


def _words(text: str) -> list[str]:
    return text.split(",") if text else []


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (pair.partition(":") for pair in _words(text))]


def _fitting(words: str) -> Mapping[str, object]:
    """The settings with which a driver reads a specimen of these facts."""
    told = dict(word.split("=") for word in words.split())
    settings: dict[str, object] = {
        "lel_basis_pct_vol": str(_LEL_PCT_VOL),
        "answer_within_s": 0.05,
    }
    settings |= {key: told[key] for key in ("profile", "unit", "type") if key in told}
    settings |= {key: dict(_pairs(told[key])) for key in ("numbers", "unit_codes") if key in told}
    return settings


class Simulator(Device):
    """One slave. Raises ValueError for a profile that cannot be used, or not with these facts."""

    sense: ClassVar[Sense] = "pressure"
    own_faults: ClassVar[tuple[str, ...]] = (
        "over_range", "under_range", "warming_up", "fault", "inhibited", "sentinel", "unit",
        "model",
    )  # fmt: skip
    fitting: ClassVar[Mapping[str, Mapping[str, object]]] = {
        words: _fitting(words)
        for words in (
            "",
            "profile=hk_dpt_dual_mod",
            "profile=huba_699m numbers=reliable:0",
            "profile=huba_699m_sensor_1 numbers=reliable:0,pressure_pa:37,reliability:34",
            "profile=sts_dtm unit=mbar",
            "profile=rs485_transmitter_mpa_first unit=kPa decimals=3",
            "profile=rs485_transmitter_kpa_first",
            "profile=honeywell_xnx unit=%LEL",
            "profile=honeywell_sensepoint_xrl unit=%vol",
            "profile=honeywell_searchline_excel_plus unit=LEL.m unit_codes=8:LEL.m",
            "profile=oldham_itrans2 unit=%LEL type=int16 numbers=mode:111,status:112",
        )
    }
    Facts = Specimen
    facts: Specimen

    def __init__(self, facts: Specimen) -> None:
        super().__init__(facts)
        try:
            self._profile = load(facts.profile, facts.answers)
        except ConfigError as wrong:
            raise ValueError(str(wrong)) from None
        self._shown = self._profile.chosen(_words(facts.publish))
        # Of the class these are a pressure transmitter's; a specimen has those of its profile.
        quantity = self._shown[0].quantity
        if quantity not in _SENSES:
            raise ValueError(f"{quantity} cannot be simulated; {', '.join(_SENSES)} can")
        self.__dict__["sense"] = _SENSES[quantity]
        if self._profile.serial:
            self.__dict__["own_faults"] = (*self.own_faults, "identity")
        if hint := self._profile.line:
            self.line = (hint.baud, hint.parity, hint.stop_bits)
        self._exists = _existing(self._places(), self._profile.bridge)
        self._heard = b""
        self._beats = 0
        self._held = Decimal(0)

    def hear(self, received: bytes, sensed: Decimal) -> bytes:
        self._heard += received
        answers = b""
        while len(self._heard) >= _REQUEST_BYTES:
            request = self._heard[:_REQUEST_BYTES]
            if _sealed(request[:-2]) != request:
                self._heard = self._heard[1:]
                continue
            self._heard = self._heard[_REQUEST_BYTES:]
            if request[0] == self.facts.address:
                answers += self._answer(request, sensed)
        return answers

    def silence(self) -> None:
        self._heard = b""

    def _answer(self, request: bytes, sensed: Decimal) -> bytes:
        address, function = request[:2]
        first, count = (int.from_bytes(request[at : at + 2]) for at in (2, 4))
        wanted = [(function, first + at) for at in range(count)]
        if code := self._exception(function, wanted):
            return _sealed(bytes((address, function | 0x80, code)))
        if "frozen" not in self.faults:
            self._beats = (self._beats + 1) & 0xFFFF
        registers = self.registers(sensed)
        data = b"".join(registers.get(place, 0).to_bytes(2) for place in wanted)
        return _sealed(bytes((address, function, len(data))) + data)

    # ------------------------------------------------------------------ registers

    def registers(self, sensed: Decimal) -> Mapping[tuple[int, int], int]:
        """Every register that is not zero by default: (function, address) -> 16 bits."""
        profile, memory = self._profile, Memory()
        shown = min(max(sensed, self.facts.range_least), self.facts.range_most)
        if "inhibited" in self.faults and profile.in_inhibit != "live":
            shown = Decimal(0) if profile.in_inhibit == "zero" else self._held
        else:
            self._held = shown
        for each in sorted(profile.field, key=lambda field: field in self._shown):
            self._put_field(memory, each, shown, sensed)
        for status in profile.status:
            memory.put(status, self._state(status, sensed))
        for ident in profile.id:
            own = ident.values[0] if ident.values else ident.least
            memory.put(ident, 0 if "model" in self.faults else own)
        if profile.heartbeat:
            memory.put(profile.heartbeat, self._beats)
        if profile.serial:
            memory.put(profile.serial, self.facts.serial + ("identity" in self.faults))
        return memory.words

    def _exception(self, function: int, wanted: Sequence[tuple[int, int]]) -> int:
        """Why it refuses, a Modbus code; 0 when it answers. A fault that it has no register for
        is told in this way too.
        """
        if function not in {function for function, _ in self._exists}:
            return _ILLEGAL_FUNCTION
        if not 1 <= len(wanted) <= _MOST_REGISTERS:
            return _ILLEGAL_VALUE
        if not self._exists.issuperset(wanted):
            return _ILLEGAL_ADDRESS
        if "model" in self.faults and not self._profile.id:
            return _ILLEGAL_ADDRESS
        for fault, code in (("fault", _FAILURE), ("warming_up", _BUSY), ("inhibited", _BUSY)):
            if fault in self.faults and not self._tells(fault):
                return code
        return 0

    def _places(self) -> list[Place]:
        profile = self._profile
        single = [place for place in (profile.heartbeat, profile.serial) if place]
        fields = [place for field in profile.field for place in field.places]
        return [*fields, *profile.status, *profile.id, *single]

    def _wrong(self, sensed: Decimal) -> list[str]:
        """What is wrong with it, as qualities; worst last."""
        facts = self.facts
        beyond = {
            "over_range": sensed > facts.range_most,
            "under_range": sensed < facts.range_least,
        }
        words = ("warming_up", "inhibited", "over_range", "under_range", "fault")
        return [word for word in words if word in self.faults or beyond.get(word)]

    def _beyond(self, sensed: Decimal) -> str:
        """Over or under its range, when only the number itself can tell; else ""."""
        words = [w for w in ("over_range", "under_range") if w in self._wrong(sensed)]
        if not words or self._tells(words[0]) or self._tells("fault"):
            return ""
        return words[0]

    def _state(self, status: Status, sensed: Decimal) -> int:
        by_word = {word: 1 << bit for bit, word in reversed(status.bits.items())}
        by_word |= {word: state for state, word in reversed(status.states.items())}
        value = 0
        if status.normal:
            value = status.normal[0]
            by_word.setdefault(status.other_states, max((*status.normal, *status.states)) + 1)
        for word in self._wrong(sensed):
            if word in by_word:
                value = by_word[word]
            elif word in ("over_range", "under_range", "fault") and not self._tells(word):
                value = by_word.get("fault", value)
        return value

    def _tells(self, word: str) -> bool:
        """Whether some register of it has this very word."""
        return any(
            word in (*status.bits.values(), *status.states.values())
            or (status.normal and word == status.other_states)
            for status in self._profile.status
        )

    def _put_field(
        self, memory: Memory, wanted: Measurand, shown: Decimal, sensed: Decimal
    ) -> None:
        facts = self.facts
        unit = facts.unit if facts.unit in wanted.units else next(iter(wanted.units), "")
        if isinstance(wanted.unit, UnitRegister):
            codes = dict(wanted.unit.codes)
            code = next((code for code, name in codes.items() if name == unit), _STRANGE_CODE)
            if "unit" in self.faults:
                others = [each for each in codes if each != code]
                code = others[0] if others else _STRANGE_CODE
                unit = codes.get(code, unit)
            memory.put(wanted.unit, code)
        value = self._in_unit(wanted.quantity, unit, shown)
        beyond = self._beyond(sensed) if wanted.quantity in _SENSES else ""
        if beyond == "over_range" and wanted.most is not None:
            value = wanted.most + 1
        if beyond == "under_range" and wanted.least is not None:
            value = wanted.least - 1
        if wanted.decimals:
            memory.put(wanted.decimals, facts.decimals)
            value *= 10**facts.decimals
        if wanted.divisor:
            memory.put(wanted.divisor, 10**facts.decimals)
            value *= 10**facts.decimals
        if isinstance(wanted.scale, Place):
            memory.put(wanted.scale, 1)
        else:
            value /= wanted.scale
        if wanted.span:
            low, high = facts.span_low, facts.span_high
            if wanted.quantity == "gas_temperature":
                low, high = -10, 50
            memory.put(wanted.span.low, low)
            memory.put(wanted.span.high, high)
            value = (value - low) / (high - low) * wanted.span.steps
        lacking = facts.has and wanted.name not in _words(facts.has)
        saturated = beyond and wanted.most is None
        if lacking or saturated or "sentinel" in self.faults:
            memory.put_raw(wanted, no_value(wanted))
        else:
            memory.put(wanted, value)

    def _in_unit(self, quantity: str, unit: str, shown: Decimal) -> Decimal:
        """What it shows, in *unit*: from Pa, %vol or ppm.m."""
        lel = self.facts.lel_pct_vol
        match quantity, unit:
            case "pressure" | "barometer", _:
                return shown / Decimal(_PASCALS.get(unit, "1"))
            case "gas", "%LEL":
                return shown / lel * 100
            case "gas", "ppm":
                return shown * 10_000
            case "gas_path", "LEL.m":
                return shown / (lel * 10_000)
            case "gas_path", "%vol.m":
                return shown / 10_000
            case "gas_temperature", _:
                return self.facts.temperature_degc
        return shown


def _existing(places: Sequence[Place], bridge: int) -> frozenset[tuple[int, int]]:
    """The registers there are: those of the profile, and those between that can be read across."""
    named = sorted({(p.function, p.first + i) for p in places for i in range(p.count)})
    exists = set(named)
    for (function, at), (next_function, next_at) in pairwise(named):
        if function == next_function and next_at - at - 1 <= bridge:
            exists |= {(function, between) for between in range(at, next_at)}
    return frozenset(exists)


def _sealed(body: bytes) -> bytes:
    return body + crc16.modbus(body).to_bytes(2, "little")
