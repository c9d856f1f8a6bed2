"""Silver, for instruments: the driver against its simulator on a real pty, whole and at fault.

Before each fault another value is sensed, so that an old one sent again shows; only while bits
are flipped it stays, so that every step is a false one. A good reading that is wrong is what must
never come; no reading, a quality or a drop is always right. Then the fault is mended and the
driver must find its way back by itself.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from hub.conformance.hearing import Hearing
from hub.conformance.subject import Subject, Unmet
from hub.errors import PortGone
from hub.simulate.faults import WIRE_FAULTS

NUMBERLESS = frozenset(
    {
        "over_range", "under_range", "warming_up", "fault", "inhibited", "low_battery", "sentinel",
        "model",
    }
)  # fmt: skip
"""Own faults under which no number is good, whatever it is."""
_SOME, _MANY = 6, 40
"""Messages under a fault; many where only a few of them can mislead."""
_MEETINGS = 3
"""A driver may go on without a serial when its question got no answer, as on a loaded machine."""
_SWAPS = frozenset({"identity", "model"})  # somebody pulls one instrument and plugs in another


def agrees(subject: Subject) -> None:
    """The reading says what is sensed, within the device's resolution."""

    def compare(hearing: Hearing) -> None:
        for value in hearing.truth.points:
            hearing.settles_on(value, "with nothing wrong")

    _each_specimen(subject, compare)


def wire_faults(subject: Subject) -> None:
    """Silence, garbage, cut, doubled, echoed and split messages, noise, and a pulled cable."""

    def try_all(hearing: Hearing) -> None:
        for fault in WIRE_FAULTS:
            _under(hearing, fault)
        _pulled(hearing)

    _each_specimen(subject, try_all)


def own_faults(subject: Subject) -> None:
    """What the device says of itself is believed, and who it is."""

    def try_all(hearing: Hearing) -> None:
        for fault in hearing.truth.device.own_faults:
            _under(hearing, fault)

    _each_specimen(subject, try_all)
    for facts, settings in subject.simulator.fitting.items():
        _other_specimen(subject, facts, settings)


def _each_specimen(subject: Subject, look: Callable[[Hearing], None]) -> None:
    for facts, settings in subject.simulator.fitting.items():
        with Hearing(subject, facts, settings) as hearing:
            look(hearing)


def _under(hearing: Hearing, fault: str) -> None:
    before, meanwhile, *_ = hearing.truth.points[1:]
    first = hearing.settles_on(before, f"before {fault}")
    hearing.strange.clear()
    true = before if fault in ("frozen", "garbage") else meanwhile
    now = before if fault == "garbage" else meanwhile
    if fault in _SWAPS:
        hearing.replug(fault, f"set {now}")
    else:
        hearing.wire.do(fault, f"set {now}")
        hearing.port.discard()
    leeway = hearing.unconfirmed if fault == "garbage" else Decimal(0)
    came = list(hearing.good(_MANY if fault == "garbage" else _SOME))
    for reading in came:
        if fault in NUMBERLESS:
            raise Unmet(f"under {fault} {reading.value} {reading.unit} is good")
        if error := hearing.truth.error(reading, true, leeway):
            raise Unmet(f"under {fault} {error}")
        if fault == "identity" and reading.serial == first.serial:
            raise Unmet(f"another specimen still reads as serial {first.serial!r}")
    if fault in NUMBERLESS and not hearing.strange:
        raise Unmet(f"under {fault} nothing is said at all: no quality, no drop, no fault")
    if fault in _SWAPS:
        hearing.replug("clear")
    hearing.in_time(f"under {fault}")
    hearing.wire.do("clear")
    hearing.settles_on(before, f"after {fault}")


def _pulled(hearing: Hearing) -> None:
    before, later, *_ = hearing.truth.points[1:]
    hearing.settles_on(before, "before the cable is pulled")
    hearing.wire.do("unplug")
    try:
        for reading in hearing.good(_SOME):
            if error := hearing.truth.error(reading, before):
                raise Unmet(f"with the cable pulled {error}")
    except (PortGone, OSError):
        pass
    else:
        raise Unmet("a pulled cable goes unnoticed: the driver must let PortGone pass")
    hearing.replug(f"set {later}")
    hearing.settles_on(later, "after the cable was plugged in again", after_replug=True)


def _other_specimen(subject: Subject, facts: str, settings: Mapping[str, object]) -> None:
    """With the serial of one in the settings, another one gives nothing."""
    if "serial" not in subject.kind.settings.model_fields:
        return
    with Hearing(subject, facts, settings) as hearing:
        device, value = hearing.truth.device, hearing.truth.points[1]
        if "identity" not in device.own_faults:
            return
        serial = ""
        for _ in range(_MEETINGS):
            if serial := hearing.settles_on(value, "before another specimen").serial:
                break
            hearing.replug()
    if not serial:
        raise Unmet("the device can tell who it is, and its readings do not bear a serial")
    with Hearing(subject, facts, {**settings, "serial": serial}) as strict:
        strict.settles_on(value, f"with serial = {serial!r}")
        strict.replug("identity")
        for reading in strict.good(_SOME):
            raise Unmet(f"serial = {serial!r} is set, and {reading.serial!r} is read all the same")
