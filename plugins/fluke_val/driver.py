"""Ask a Fluke 2700G, 3130 or 719Pro, or a relative, for the pressure it shows.

Wire (3130 Users Manual, p. 32; 719Pro Users Manual, pp. 43-44): ASCII. `VAL?` gives a value and a
unit for each display, separated by commas, the value with an exponent that may lack its sign;
`*IDN?` gives maker, model, serial number and firmware. Public 2700G readers send CR, and read one
pair up to CR; a LF behind it is passed over.

There is no checksum. So only a whole line counts (what is left of a number whose beginning is
lost would be one too), the form is strict, the units are a list, and a step is asked for again
before it is believed; so is the serial number.
"""

import re
from typing import Final, NamedTuple

from hub import BadFrame, Clock, Gauge, Intake, LineFramer, Outcome, Port, Site, ask
from plugins.fluke_val.settings import FlukeValSettings

ASK_VALUE: Final = b"VAL?\r"
ASK_IDENTITY: Final = b"*IDN?\r"
LONGEST: Final = 120
UNITS: Final = {"PSI": "psi", "BAR": "bar", "MBAR": "mbar", "KPA": "kPa", "MPA": "MPa"}
"""Spelling on the wire -> the hub's. A spelling that is not here is refused."""

# Nothing that a display shows is as small as E-07, and a zero is E00: a 1 in the exponent's first
# digit where a 0 was sent would turn any pressure into nearly none, and the next look as well.
_NUMBER: Final = (
    rb"[+-]?(?:(?=\d\.\d*[1-9])\d\.\d{1,14}E(?:\+?\d{1,2}|-0?[0-6])"
    rb"|[1-9]\.0{1,14}E(?:\+?\d{1,2}|-0?[0-6])|0\.0{1,14}E[+-]?0{1,2})"
)
_WORD: Final = rb"[+-]?[A-Z]{2,10}|-{2,10}|\*{2,10}"
_PAIR: Final = rb"(?:" + _NUMBER + rb"|" + _WORD + rb"), ?[A-Z][A-Z0-9/]{0,11}"
_VALUES: Final = re.compile(_PAIR + rb"(?:, ?" + _PAIR + rb"){0,2}")
_IDENTITY: Final = re.compile(
    rb"(?P<maker>[A-Za-z][A-Za-z ]{1,19}), ?(?P<model>[A-Za-z0-9][A-Za-z0-9 ./-]{0,19})"
    rb", ?(?P<serial>[A-Za-z0-9][A-Za-z0-9-]{0,19})"
    rb", ?(?P<firmware>[A-Za-z0-9][A-Za-z0-9 ./-]{0,19})"
)


class Display(NamedTuple):
    """What one display shows, as sent. `value` is empty where a `word` stands in its place."""

    value: str
    unit: str
    word: str = ""


class Identity(NamedTuple):
    maker: str
    model: str
    serial: str
    firmware: str


def decode(frame: bytes) -> tuple[Display, ...]:
    """Read one line that answers VAL?: the displays from the first, one to three.

    raises  BadFrame for anything that has not exactly the documented form
    """
    line = _line(frame)
    if not _VALUES.fullmatch(line):
        raise BadFrame(f"expected value,unit for each display, got {frame!r}")
    fields = [field.strip() for field in line.decode().split(",")]
    return tuple(_display(*pair) for pair in zip(fields[::2], fields[1::2], strict=True))


def decode_identity(frame: bytes) -> Identity:
    """Read one line that answers *IDN?.

    raises  BadFrame
    """
    fields = _IDENTITY.fullmatch(_line(frame))
    if fields is None:
        raise BadFrame(f"expected maker,model,serial,firmware, got {frame!r}")
    return Identity(**{name: text.decode() for name, text in fields.groupdict().items()})


def _line(frame: bytes) -> bytes:
    """Without its CR or CR LF, and without the LF that is left of the line before."""
    return frame.removeprefix(b"\n").removesuffix(b"\n").removesuffix(b"\r")


def _display(value: str, unit: str) -> Display:
    if re.fullmatch(_NUMBER.decode(), value):
        return Display(value, unit)
    return Display("", unit, value)


class FlukeVal(Gauge[FlukeValSettings]):
    """One instrument that is asked."""

    def __init__(self, name: str, settings: FlukeValSettings, clock: Clock) -> None:
        super().__init__(name, settings, clock)
        self._framer = LineFramer(b"\r", b"", LONGEST)

    def meet(self, port: Port) -> Intake | None:
        """Learn who it is, which two answers must give alike."""
        if not self.settings.ask_serial:
            return super().meet(port)
        wanted = self.settings.serial
        frame = self._ask(port, ASK_IDENTITY)
        told = decode_identity(frame)
        if told != decode_identity(self._ask(port, ASK_IDENTITY)):
            raise BadFrame(f"{self.name}: two answers to *IDN? differ; check cable and ground")
        if wanted and told.serial != wanted:
            return self.refused(frame, dropped="other_instrument")
        self.serial = told.serial
        return None

    def answer(self, port: Port) -> bytes:
        """Ask for what its displays show."""
        return self._ask(port, ASK_VALUE)

    def outcome(self, frame: bytes) -> Outcome:
        """What the display says that the settings name."""
        displays = decode(frame)
        if len(displays) < self.settings.display:
            why = f"{len(displays)} display(s), and display = {self.settings.display}"
            return Outcome(dead=why)
        shown = displays[self.settings.display - 1]
        unit = UNITS.get(shown.unit)
        if unit is None:
            return Outcome(dead=f"unit {shown.unit!r} is none of {', '.join(UNITS)}")
        return Outcome(shown.value, unit, "bad" if shown.word else "good")

    def _ask(self, port: Port, asked: bytes) -> bytes:
        return ask(self.name, port, asked, self._framer, self.settings.answer_within_s)


def build(name: str, settings: FlukeValSettings, site: Site) -> FlukeVal:
    """Make the driver."""
    return FlukeVal(name, settings, site.clock)
