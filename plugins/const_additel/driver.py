"""Ask a ConST or Additel gauge for the pressure it shows.

Wire (ADT681 user manual, appendix I, pp. 38-39): request "address:R:command:parameters" and an
end; answer "address:F:command:data", or "address:E:command:code" for an error, and NUL. The
address is one byte or three digits; 255 is any. Public readers send `255:R:MRMD:1` with CR LF, or
`255:R:MRMD` with NUL, and see answers that end in CR LF, with blanks after a colon. `OTYPE` is
the number of the instrument (public DPS-EX driver).

There is no checksum. So the form is strict, the units are a list, and a step is asked for again
before it is believed; so is the serial number.
"""

import re
from typing import Final, NamedTuple

from hub import BadFrame, Clock, Gauge, Intake, LengthFramer, Outcome, Port, Site, ask
from plugins.const_additel.settings import ConstAdditelSettings

ANY_ADDRESS: Final = 255
LONGEST: Final = 64
CANNOT_TELL: Final = ("1001", "1018")
"""Errors of a gauge that does not know or not allow OTYPE."""
REQUEST_FORMS: Final = {"1_crlf": ":1\r\n", "nul": "\0", "colon_nul": ":\0"}
UNITS: Final = {
    **dict.fromkeys(("Pa", "PA"), "Pa"),
    **dict.fromkeys(("hPa", "HPA"), "hPa"),
    **dict.fromkeys(("kPa", "KPa", "KPA"), "kPa"),
    **dict.fromkeys(("MPa", "MPA"), "MPa"),
    **dict.fromkeys(("bar", "Bar", "BAR"), "bar"),
    **dict.fromkeys(("mbar", "mBar", "MBAR"), "mbar"),
    **dict.fromkeys(("psi", "Psi", "PSI"), "psi"),
}
WATER_UNITS: Final = {
    **dict.fromkeys(("mmH2O", "MMH2O"), "mmH2O"),
    **dict.fromkeys(("inH2O", "INH2O"), "inH2O"),
}
"""Spelling on the wire -> the hub's. A spelling that is in neither is refused."""

_END: Final = re.compile(rb"[\0\r\n]")
_ANSWER: Final = re.compile(
    # One byte that is neither an end nor the colon, or digits. One digit is read as a digit.
    rb"(?P<address>\d{1,3}|[\x01-\x09\x0b\x0c\x0e-\x39\x3b-\x70]):"
    rb"(?:F:MRMD: {0,8}(?P<value>[+-]?\d{1,7}(?:\.\d{1,7})?)"
    rb": {0,8}(?P<unit>[A-Za-z][A-Za-z0-9]{0,9})"
    rb"|F:OTYPE: {0,8}(?P<serial>[A-Za-z0-9][A-Za-z0-9._/-]{0,19})"
    rb"|E:(?P<failed>[A-Z][A-Z0-9]{1,7}): {0,8}(?P<error>\d{4}))"
    rb" {0,8}(?:\0|\r\n?|\n)"
)


class Answer(NamedTuple):
    """One answer. `address` is as sent, a byte or digits; what it does not carry is empty.

    value, unit  what MRMD gave, as sent
    serial       what OTYPE gave
    error        code of four digits
    """

    address: bytes
    value: str = ""
    unit: str = ""
    serial: str = ""
    error: str = ""


def decode(frame: bytes) -> Answer:
    """Read one answer, its end included.

    raises  BadFrame for anything that has not exactly the documented form
    """
    fields = _ANSWER.fullmatch(frame)
    if fields is None:
        raise BadFrame(f"expected an answer to MRMD or OTYPE, got {frame[:LONGEST]!r}")
    said = {name: (fields[name] or b"").decode() for name in ("value", "unit", "serial", "error")}
    return Answer(fields["address"], **said)


def request(address: int, command: str, form: str) -> bytes:
    """Ask *address* for *command*; the hub sends nothing else to a gauge."""
    return f"{address:03d}:R:{command}{REQUEST_FORMS[form]}".encode()


def is_from(address: int, answer: Answer) -> bool:
    """Whether *answer* may come from *address*: in digits, or as one byte that is no digit."""
    if address == ANY_ADDRESS:
        return True
    sent = answer.address
    return int(sent) == address if sent.isdigit() else sent[0] == address


def _unknown(unit: str) -> str:
    if unit in WATER_UNITS:
        return f"unit {unit!r}: water of which temperature? water_at_4_degc = true vouches for 4 °C"
    return f"unit {unit!r} is none of {', '.join(UNITS)}"


def _length(head: bytes) -> int | None:
    end = _END.search(head)
    return end.end() if end else None


class ConstAdditel(Gauge[ConstAdditelSettings]):
    """One gauge that is asked."""

    def __init__(self, name: str, settings: ConstAdditelSettings, clock: Clock) -> None:
        super().__init__(name, settings, clock)
        self._units = {**UNITS, **(WATER_UNITS if settings.water_at_4_degc else {})}
        self._framer = LengthFramer(
            _length, longest=LONGEST, check=lambda frame: _ANSWER.fullmatch(frame) is not None
        )

    @property
    def answers_as(self) -> frozenset[str]:
        """By its address; not with 255, which takes an answer from any."""
        address = self.settings.address
        return frozenset([f"ConST {address}"] if address != ANY_ADDRESS else [])

    def meet(self, port: Port) -> Intake | None:
        """Learn the serial number, which two answers must give alike."""
        if not self.settings.ask_serial:
            return super().meet(port)
        wanted = self.settings.serial
        frame = self._ask(port, "OTYPE")
        if frame != self._ask(port, "OTYPE"):
            raise BadFrame(f"{self.name}: two answers to OTYPE differ; check cable and ground")
        answer = decode(frame)
        if not is_from(self.settings.address, answer):
            return self.refused(frame, dropped="other_address")
        if answer.error not in ("", *CANNOT_TELL):
            return self.refused(frame, dropped=f"error_{answer.error}")
        if not (answer.serial or answer.error):
            raise BadFrame(f"{self.name}: asked for OTYPE, answered {frame!r}")
        if answer.serial and wanted and answer.serial != wanted:
            return self.refused(frame, dropped="other_instrument")
        self.told(answer.serial)
        return None

    def answer(self, port: Port) -> bytes:
        """Ask for the pressure with its unit."""
        return self._ask(port, "MRMD")

    def outcome(self, frame: bytes) -> Outcome:
        """What an answer to MRMD comes to."""
        answer = decode(frame)
        if not is_from(self.settings.address, answer):
            return Outcome(dropped="other_address")
        if answer.error:
            return Outcome(dropped=f"error_{answer.error}")
        if not answer.unit:
            raise BadFrame(f"{self.name}: asked for MRMD, answered {frame!r}")
        unit = self._units.get(answer.unit)
        if unit is None:
            return Outcome(dead=_unknown(answer.unit))
        return Outcome(answer.value, unit)

    def _ask(self, port: Port, command: str) -> bytes:
        settings = self.settings
        asked = request(settings.address, command, settings.request_form)
        return ask(self.name, port, asked, self._framer, settings.answer_within_s)


def build(name: str, settings: ConstAdditelSettings, site: Site) -> ConstAdditel:
    """Make the driver."""
    return ConstAdditel(name, settings, site.clock)
