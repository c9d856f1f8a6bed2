"""Ask a Crystal XP2i for the pressure it shows.

Wire (XP2i Programming Instruction Manual, pp. 2, 7, 9, 10): ASCII, commands in capitals and CR.
`?P,U` gives two lines of ten characters, right-justified, each with CR LF: the value, always with
a decimal point, and the unit. `BATT` in place of the value is a low battery, `ERR 1` damaged data.
Anything else is answered with a letter and a digit: A is done, N not understood, X no effect. A
line of nineteen characters between two "=", and CR, is the boot signature: the gauge was reset or
its battery changed, and its zero is gone. 50 ms shall pass between an answer and a command.

There is no checksum. So the form is strict, the units are a list, and a step is asked for again
before it is believed. Nothing that begins with "!" is ever sent.
"""

import re
from typing import Final, NamedTuple

from hub import BadFrame, Clock, Gauge, Intake, LengthFramer, Outcome, Port, Site, ask
from plugins.crystal_xp2i.settings import CrystalXp2iSettings

ASK_PRESSURE: Final = b"?P,U\r"
ASK_SERIAL: Final = b"?SN#\r"
PAUSE_S: Final = 0.05
LONGEST: Final = 24
BOOTED: Final = b"=\r"
"""How a boot signature ends, and nothing else; its first characters may be lost in noise."""
UNITS: Final = {
    **dict.fromkeys(("psi", "PSI"), "psi"),
    **dict.fromkeys(("bar", "BAR"), "bar"),
    **dict.fromkeys(("mbar", "MBAR"), "mbar"),
    **dict.fromkeys(("kPa", "KPA"), "kPa"),
    **dict.fromkeys(("MPa", "MPA"), "MPa"),
}
WATER_UNITS: Final = {"inH2O": "inH2O", "mmH2O": "mmH2O"}
"""Spelling on the wire -> the hub's. A spelling that is in neither is refused."""
RESTARTED: Final = "restarted"
STATUS: Final = {"A": "ack", "N": "nak", "X": "no_effect"}
CANNOT_TELL: Final = ("N,0", "X,0")

_PRESSURE: Final = re.compile(
    rb"(?=.{10}\r\n.{10}\r\n)"
    rb" *(?:(?P<value>[+-]?(?:\d+\.\d*|\.\d+))|(?P<word>BATT|ERR \d))\r\n"
    rb" *(?P<unit>[A-Za-z][A-Za-z0-9/ ]*)\r\n"
)
_STATUS: Final = re.compile(rb"(?P<status>[ANX],\d)\r\n")
_SERIAL: Final = re.compile(rb" *(?P<serial>(?=[A-Za-z-]*\d)[A-Za-z0-9][A-Za-z0-9-]{0,19})\r\n")
_BOOT: Final = re.compile(rb"(?P<boot>=[^=\r\n]{17}=)\r")


class Answer(NamedTuple):
    """One answer; what it does not carry is empty.

    value   as sent, unpadded; `word` is BATT or ERR and a digit in its place
    status  letter, comma, digit
    boot    a boot signature; what is in it varies
    """

    value: str = ""
    word: str = ""
    unit: str = ""
    status: str = ""
    serial: str = ""
    boot: str = ""


def decode(frame: bytes) -> Answer:
    """Read one answer, its CR LF included, or a boot signature.

    raises  BadFrame for anything that has not exactly the documented form
    """
    for form in (_PRESSURE, _STATUS, _BOOT, _SERIAL):
        if fields := form.fullmatch(frame):
            return Answer(
                **{name: (text or b"").decode() for name, text in fields.groupdict().items()}
            )
    raise BadFrame(f"expected two lines of ten characters, got {frame!r}")


def _pressure_length(head: bytes) -> int:
    """A status has five bytes, a boot signature twenty, a pressure 24; by the first of them."""
    first = head[:1]
    if first in b" +-.0123456789BE":
        return LONGEST
    return {b"=": 20, b"A": 5, b"N": 5, b"X": 5}.get(first, 0)


def _answers_pressure(frame: bytes) -> bool:
    return any(form.fullmatch(frame) for form in (_PRESSURE, _STATUS, _BOOT))


def _serial_length(head: bytes) -> int | None:
    """The whole line: a part of a serial number looks like one. An echo or a boot ends in CR."""
    if head.startswith((ASK_SERIAL, b"=")):
        return head.find(b"\r") + 1 or None
    return head.find(b"\n") + 1 or None


class CrystalXp2i(Gauge[CrystalXp2iSettings]):
    """One gauge that is asked."""

    def __init__(self, name: str, settings: CrystalXp2iSettings, clock: Clock) -> None:
        super().__init__(name, settings, clock)
        self._units = {**UNITS, **(WATER_UNITS if settings.water_at_4_degc else {})}
        self._framers = {
            ASK_PRESSURE: LengthFramer(_pressure_length, longest=LONGEST, check=_answers_pressure),
            ASK_SERIAL: LengthFramer(_serial_length, longest=LONGEST),
        }

    def meet(self, port: Port) -> Intake | None:
        """Learn the serial number, which two answers must give alike."""
        if not self.settings.ask_serial:
            return super().meet(port)
        wanted = self.settings.serial
        frame = self._ask(port, ASK_SERIAL)
        answer = _heard(frame)
        if answer.boot or (answer.status and answer.status not in CANNOT_TELL):
            if answer.boot:
                self.reset()  # it has lost its zero
            return self.refused(frame, dropped=_not_now(answer))
        again = self._ask(port, ASK_SERIAL)
        if frame != again:
            raise BadFrame(f"{self.name}: two answers to ?SN# differ: {frame!r}, {again!r}")
        if answer.serial and wanted and answer.serial != wanted:
            return self.refused(frame, dropped="other_instrument")
        self.told(answer.serial)
        return None

    def look(self, port: Port) -> Intake:
        """As any gauge; one that was switched on anew has lost its zero, and may be another."""
        intake = super().look(port)
        if intake.dropped == RESTARTED:
            self.reset()
        return intake

    def answer(self, port: Port) -> bytes:
        """Ask for the pressure with its unit."""
        return self._ask(port, ASK_PRESSURE)

    def outcome(self, frame: bytes) -> Outcome:
        """What an answer to ?P,U comes to."""
        answer = _heard(frame)
        if answer.boot or answer.status:
            return Outcome(dropped=_not_now(answer))
        unit = self._units.get(answer.unit, "")
        if not (unit or answer.word):
            return Outcome(dead=_unknown(answer.unit))
        quality = {"": "good", "BATT": "low_battery"}.get(answer.word, "fault")
        return Outcome(answer.value, unit, quality)

    def _ask(self, port: Port, asked: bytes) -> bytes:
        """One question, after the pause the gauge needs; a boot signature may stand in it."""
        heard = port.read(PAUSE_S)
        if BOOTED in heard:
            return heard
        return ask(self.name, port, asked, self._framers[asked], self.settings.answer_within_s)


def _heard(frame: bytes) -> Answer:
    """An answer; noise that ends in a boot signature is one too. Raises BadFrame."""
    return Answer(boot="=") if BOOTED in frame else decode(frame)


def _not_now(answer: Answer) -> str:
    """Name of the drop that a boot signature or a status is."""
    if answer.boot:
        return RESTARTED
    letter, _, digit = answer.status.partition(",")
    return f"{STATUS[letter]}_{digit}"


def _unknown(unit: str) -> str:
    if unit in WATER_UNITS:
        return f"unit {unit!r}: water of which temperature? water_at_4_degc = true vouches for 4 °C"
    return f"unit {unit!r} is none of {', '.join(UNITS)}"


def build(name: str, settings: CrystalXp2iSettings, site: Site) -> CrystalXp2i:
    """Make the driver."""
    return CrystalXp2i(name, settings, site.clock)
